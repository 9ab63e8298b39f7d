//! Sends single mails: confirmations, answers, tests. The same relay as mailings; few at a time.
//!
//! [`claim_all`] keeps a hand of claimed mails filled, and [`send_all`] sends what is in it. A mail that hangs keeps its
//! own place and nobody else's; what hangs at one destination never takes all places on the wire ([`Rooms`]).

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::composer::Moot;
use super::feeder::{self, Failure};
use super::outcome;
use super::patience::Patience;
use super::retry::OUTBOX_PLAN;
use super::sender::CLAIM_FRESH;
use super::shift::Shift;
use super::wire::{Attempt, Held, LastLook, Obstacle, Unreachable, WireMail};
use crate::clock::Clock;
use crate::mail::reply::Verdict;
use crate::model::destination::OTHER;
use crate::model::{EmailAddress, OutboxId, OutboxKind, OutboxMail, OutboxStatus, Refusal, Timestamp};
use crate::store::outbox::{self, AnotherTry};
use crate::store::{Result, Tx, welcome, workers};

/// Mails that are claimed at once: those on the wire, and those that wait for room there.
const HAND_MAX: usize = 20;
/// Of these, mails that come by the thousand: whoever waits for one need not wait for all of them.
const HAND_BULK: usize = HAND_MAX / 2;
/// Mails on the wire or waiting to be recorded at once, of all connections of the relay: so many a crash may send again.
const AT_ONCE: usize = 8;
/// Of these, mails to one destination: it may hang.
const AT_ONCE_THERE: usize = AT_ONCE / 2;
/// Of these, mails that come by the thousand.
const AT_ONCE_BULK: usize = AT_ONCE - 2;
/// Where all mails to a destination have been on the wire for so long, it hangs.
const HUNG: Duration = Duration::from_secs(20);
/// So long others are left alone for whom there is no room at a destination that hangs.
const HUNG_PAUSE: Duration = Duration::from_secs(30);
/// Shortest wait for a relay that has had its hour's share.
const BUSY_WAIT: Duration = Duration::from_secs(1);
/// So often a confirmation is sent again after nobody knew whether it had arrived.
pub const DOUBTS_MAX: i64 = 2;

/// A claimed mail, and its places in the hand.
#[derive(Debug)]
pub struct InHand {
    mail: OutboxMail,
    places: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

/// The places of a hand.
#[derive(Debug)]
struct Places {
    all: Arc<Semaphore>,
    bulk: Arc<Semaphore>,
}

impl Places {
    /// Takes the places of a mail, which are free.
    async fn take(&self, mail: OutboxMail) -> Option<InHand> {
        let place = Arc::clone(&self.all).acquire_owned().await.ok()?;
        let bulk = if mail.is_bulk { Some(Arc::clone(&self.bulk).acquire_owned().await.ok()?) } else { None };
        Some(InHand { mail, places: (place, bulk) })
    }

    /// How many mails may be claimed, and of these how many that come by the thousand.
    fn free(&self) -> (i64, i64) {
        let free = |places: &Semaphore| i64::try_from(places.available_permits()).unwrap_or(i64::MAX);
        (free(&self.all), free(&self.bulk))
    }
}

/// The hand that [`claim_all`] fills and [`send_all`] empties.
pub fn hand() -> (mpsc::Sender<InHand>, mpsc::Receiver<InHand>) {
    mpsc::channel(HAND_MAX)
}

/// Claims mails that are due whenever there is a place in the hand. Runs until the engine stops.
pub async fn claim_all(shift: &Shift, hand: mpsc::Sender<InHand>) -> feeder::Ended {
    let places =
        Places { all: Arc::new(Semaphore::new(HAND_MAX)), bulk: Arc::new(Semaphore::new(HAND_BULK)) };
    let mut work = shift.signals.work.subscribe();
    let mut patience = Patience::new("look for single mails to send");
    while !*shift.signals.stop.borrow() {
        // Nobody else takes any: what is free stays so.
        if shift.unless_stopped(places.all.acquire()).await.is_none() {
            break;
        }
        work.mark_unchanged();
        let free = places.free();
        match claim(shift, free).await {
            Ok(mails) if mails.is_empty() => match next_due(shift, free).await {
                Ok(due) => {
                    patience.over();
                    tokio::select! {
                        () = shift.idle(&mut work, due) => {}
                        _ = places.bulk.acquire(), if free.1 == 0 => {}
                    }
                }
                Err(error) => {
                    shift.unless_stopped(patience.wait(&error)).await;
                }
            },
            Ok(mails) => {
                patience.over();
                for mail in mails {
                    let Some(in_hand) = places.take(mail).await else { break };
                    // The other side is there as long as this one.
                    let _ = hand.send(in_hand).await;
                }
            }
            Err(Failure::Commit(error)) => {
                tracing::warn!(%error, "the database broke off while claiming; all claims are given back");
                return feeder::Ended::ClaimsUnknown;
            }
            Err(Failure::Buried) => return feeder::Ended::Buried,
            Err(Failure::Nothing(error)) => {
                shift.unless_stopped(patience.wait(&error)).await;
            }
        }
    }
    feeder::Ended::Stopped
}

async fn claim(shift: &Shift, free: (i64, i64)) -> Result<Vec<OutboxMail>, Failure> {
    let now = shift.clock.now();
    if next_due(shift, free).await?.is_none_or(|due| due > now) {
        return Ok(Vec::new());
    }
    // Only what is known to be recorded can be claimed anew.
    let Some(_known) = shift.unless_stopped(shift.single_outcomes.lock()).await else {
        return Ok(Vec::new());
    };
    let mut tx = shift.store.begin().await?;
    if !workers::hold(&mut tx, shift.worker).await? {
        return Err(Failure::Buried);
    }
    let mails = outbox::claim_few_bulk(&mut tx, shift.worker, free.0, free.1, now).await?;
    tx.commit().await.map_err(Failure::Commit)?;
    Ok(mails)
}

/// When the next mail is due for which there is a place.
async fn next_due(shift: &Shift, free: (i64, i64)) -> Result<Option<Timestamp>> {
    let mut reader = shift.store.read().await?;
    if free.1 > 0 { outbox::next_due(reader.db()).await } else { outbox::next_due_of_few(reader.db()).await }
}

/// What is written after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Conclusion {
    Ended(OutboxStatus),
    /// Expired, and surely never with the relay: a step of the welcome series has its turn again.
    Unsent,
    Again {
        attempts: i64,
        doubts: i64,
        due_at: Timestamp,
    },
}

impl Conclusion {
    /// It never reached the wire.
    const fn later(due_at: Timestamp) -> Self {
        Self::Again { attempts: 0, doubts: 0, due_at }
    }
}

/// Sends the mails of the hand and records what came of each; what ends in the same moment is recorded together. Both
/// go on side by side: a mail that is read from the database meanwhile must not hold the connection that recording needs.
/// Ends when nobody fills the hand any more and it is empty.
pub async fn send_all(shift: &Shift, mut hand: mpsc::Receiver<InHand>) -> feeder::Ended {
    let (sender, mut ended) = mpsc::channel::<(Ended, oneshot::Sender<()>)>(AT_ONCE);
    let rooms = Rooms::new(shift.clock.clone());
    let rooms = &rooms;
    let sending = async move {
        let each = |InHand { mail, places }| {
            let sender = sender.clone();
            async move {
                let mut room = None;
                let Some(ended) = deliver(shift, rooms, &mut room, mail).await else { return };
                let (recorded, is_recorded) = oneshot::channel();
                // The other side is there until this one ends, and answers each.
                if sender.send((ended, recorded)).await.is_ok() {
                    let _ = is_recorded.await;
                }
                drop((room, places));
            }
        };
        stream::poll_fn(|context| hand.poll_recv(context)).for_each_concurrent(HAND_MAX, each).await;
    };
    let recording = async {
        let mut together = Vec::with_capacity(AT_ONCE);
        while ended.recv_many(&mut together, AT_ONCE).await > 0 {
            let (all, waiting): (Vec<_>, Vec<_>) = together.drain(..).unzip();
            record(shift, &all).await;
            for one in waiting {
                // Nobody waits where sending was given up.
                let _ = one.send(());
            }
        }
    };
    tokio::join!(sending, recording);
    let is_stopped = *shift.signals.stop.borrow();
    // Who fills the hand ends before the engine stops only where it knows no more what it claimed.
    if is_stopped { feeder::Ended::Stopped } else { feeder::Ended::ClaimsUnknown }
}

/// Who is on the wire, or next there: at most [`AT_ONCE`], [`AT_ONCE_THERE`] of one destination, and [`AT_ONCE_BULK`] of those
/// that come by the thousand.
#[derive(Debug)]
struct Rooms {
    clock: Clock,
    taken: Mutex<Vec<Taken>>,
    /// One was left.
    left: Notify,
}

#[derive(Debug)]
struct Taken {
    mail: OutboxId,
    is_bulk: bool,
    destination: Arc<str>,
    /// When its mail went on the wire, on [`Clock::elapsed`].
    began: Option<Duration>,
}

/// Dropping it leaves it to the next.
#[derive(Debug)]
struct Room<'r> {
    rooms: &'r Rooms,
    mail: OutboxId,
}

impl Rooms {
    fn new(clock: Clock) -> Self {
        Self { clock, taken: Mutex::default(), left: Notify::new() }
    }

    /// Waits for room; `None` where the destination hangs.
    async fn enter(&self, mail: &OutboxMail, destination: &Arc<str>) -> Option<Room<'_>> {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            let wait = match self.try_enter(mail.id, mail.is_bulk, destination) {
                Ok(room) => return Some(room),
                Err(wait) if wait.is_zero() => return None,
                Err(wait) => wait,
            };
            tokio::select! {
                () = left => {}
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    /// `Err` tells how long until the destination is thought to hang; zero: it does.
    fn try_enter(&self, mail: OutboxId, is_bulk: bool, destination: &Arc<str>) -> Result<Room<'_>, Duration> {
        let now = self.clock.elapsed();
        let mut taken = self.lock();
        let there: Vec<_> = taken.iter().filter(|one| one.destination == *destination).collect();
        if there.len() >= AT_ONCE_THERE {
            // As long as one of them moves it is only slow.
            let last = there.iter().map(|one| one.began).max_by_key(|began| began.unwrap_or(Duration::MAX));
            let age = last.flatten().map_or(Duration::ZERO, |began| now.saturating_sub(began));
            return Err(HUNG.saturating_sub(age));
        }
        let bulk = taken.iter().filter(|one| one.is_bulk).count();
        if taken.len() >= AT_ONCE || (is_bulk && bulk >= AT_ONCE_BULK) {
            return Err(HUNG);
        }
        taken.push(Taken { mail, is_bulk, destination: Arc::clone(destination), began: None });
        Ok(Room { rooms: self, mail })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room<'_> {
    /// Its mail goes on the wire now.
    fn begin(&self) {
        let now = self.rooms.clock.elapsed();
        if let Some(taken) = self.rooms.lock().iter_mut().find(|taken| taken.mail == self.mail) {
            taken.began = Some(now);
        }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.rooms.lock().retain(|taken| taken.mail != self.mail);
        self.rooms.left.notify_waiters();
    }
}

/// Where a mail may hang: its provider, or else its domain.
fn destination(shift: &Shift, to: &EmailAddress) -> Arc<str> {
    let destination = shift.lanes.destination(to);
    if &*destination == OTHER { Arc::from(to.ascii_domain()) } else { destination }
}

/// A mail, and what came of it.
#[derive(Debug)]
struct Ended {
    mail: OutboxMail,
    conclusion: Conclusion,
    reply: String,
}

impl Ended {
    /// Without a try.
    fn unsent(mail: OutboxMail, moot: &Moot) -> Self {
        let conclusion = match moot {
            Moot::NotNeeded => Conclusion::Unsent,
            Moot::Render(_) | Moot::Welcome(_) | Moot::Template(_) => {
                Conclusion::Ended(OutboxStatus::Expired)
            }
        };
        Self { mail, conclusion, reply: moot.to_string() }
    }

    /// The same, to come back.
    fn later(mail: OutboxMail, due_at: Timestamp, reply: &str) -> Self {
        Self { mail, conclusion: Conclusion::later(due_at), reply: reply.to_owned() }
    }
}

/// Brings a claimed mail to its conclusion, in a `room` on the wire that it keeps until that is recorded. When the engine
/// stops before it went out, it is given back with all others.
async fn deliver<'r>(
    shift: &Shift,
    rooms: &'r Rooms,
    room: &mut Option<Room<'r>>,
    mail: OutboxMail,
) -> Option<Ended> {
    let written_at = shift.clock.elapsed();
    let wire_mail = match write_out(shift, &mail).await? {
        Ok(wire_mail) => wire_mail,
        Err(moot) => return Some(Ended::unsent(mail, &moot)),
    };
    let destination = destination(shift, &wire_mail.to);
    // Before there is room: whoever waits for a mail must not wait until these have their turns.
    let bulk_turn = if mail.is_bulk { Some(turn(shift, &wire_mail.relay, true).await?) } else { None };
    let Some(own) = shift.unless_stopped(rooms.enter(&mail, &destination)).await? else {
        let due_at = shift.clock.now().plus(HUNG_PAUSE);
        return Some(Ended::later(mail, due_at, "waits until others are answered there"));
    };
    let own = room.insert(own);
    let held = match bulk_turn {
        Some(held) => held,
        None => turn(shift, &wire_mail.relay, false).await?,
    };
    let pass = shift.unless_stopped(shift.gate.pass()).await?;
    let now = shift.clock.elapsed();
    let is_fresh = now.saturating_sub(written_at) <= CLAIM_FRESH;
    let written_at = if is_fresh { written_at } else { now };
    let wire_mail = match if is_fresh { Ok(wire_mail) } else { write_out(shift, &mail).await? } {
        Ok(again) if destination == self::destination(shift, &again.to) => again,
        // Another address meanwhile.
        Ok(_) => return Some(Ended::later(mail, shift.clock.now(), "")),
        Err(moot) => return Some(Ended::unsent(mail, &moot)),
    };
    let wire_mail = shift.composer.signed(wire_mail, mail.created_at).await;
    // Writing and waiting may have taken longer than the lease.
    shift.unless_stopped(shift.lease.good()).await?;
    let look = Look { shift, mail: &mail, to: &wire_mail.to, written_at, room: own, begun: OnceLock::new() };
    let sent = tokio::select! {
        biased;
        sent = shift.wire.send_announcing(&wire_mail, held, None, &look) => sent,
        () = shift.stopped_before(|| look.begun.get().is_some()) => return None,
    };
    let answers = look.begun.get().copied().unwrap_or_else(|| shift.gate.answers());
    let (conclusion, reply) = match sent {
        Ok((sent, _)) => {
            match &sent.attempt {
                attempt if attempt.is_sent_away() => {}
                Attempt::Accepted { .. } | Attempt::Refused { .. } => shift.gate.answered(),
                // Where others were answered meanwhile it was not the relay.
                Attempt::Lost { .. } | Attempt::Uncertain { .. } if shift.gate.answers() != answers => {}
                Attempt::Lost { reason } | Attempt::Uncertain { reason } => {
                    shift.gate.failed(reason, Duration::ZERO);
                }
            }
            conclude(&mail, &sent.attempt, shift.clock.now())
        }
        Err(Unreachable { obstacle, why, wait }) => {
            let wait = match obstacle {
                Obstacle::Busy => wait.max(BUSY_WAIT),
                // However long that lasts: what is moot by then is not written any more.
                Obstacle::Down => shift.gate.failed(&why, wait),
                // Written anew.
                Obstacle::Withdrawn => Duration::ZERO,
            };
            (Conclusion::later(shift.clock.now().plus(wait)), why)
        }
    };
    drop(pass);
    Some(Ended { mail, conclusion, reply })
}

/// The last look at a single mail, right before it goes on the wire.
#[derive(Debug)]
struct Look<'l> {
    shift: &'l Shift,
    mail: &'l OutboxMail,
    to: &'l EmailAddress,
    /// On [`Clock::elapsed`].
    written_at: Duration,
    room: &'l Room<'l>,
    /// When it began: how many mails the relay had answered by then.
    begun: OnceLock<u64>,
}

impl LastLook for Look<'_> {
    fn may_go(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async {
            let may_go = !*self.shift.signals.stop.borrow() && self.is_still_due().await;
            if may_go {
                self.room.begin();
                self.begun.get_or_init(|| self.shift.gate.answers());
            }
            may_go
        })
    }
}

impl Look<'_> {
    async fn is_still_due(&self) -> bool {
        let Self { shift, mail, to, .. } = self;
        if shift.clock.elapsed().saturating_sub(self.written_at) > CLAIM_FRESH {
            let again = shift.composer.single(&shift.store, mail, shift.clock.now()).await;
            if !matches!(again, Ok(Ok(again)) if again.to == **to) {
                return false;
            }
        }
        shift.lease.is_good()
    }
}

/// Waits for the turn of a mail at the rates of the relays. Somebody waits for it, so it has the next one; those that come
/// by the thousand wait like a mailing's.
async fn turn(shift: &Shift, relay: &str, is_bulk: bool) -> Option<Held> {
    if !is_bulk {
        let (held, wait) = shift.wire.take_next_turn(relay);
        shift.unless_stopped(shift.clock.sleep(wait)).await?;
        return Some(held);
    }
    loop {
        match shift.wire.take_turn(relay) {
            Ok(held) => return Some(held),
            Err(wait) => shift.unless_stopped(shift.clock.sleep(wait)).await?,
        }
    }
}

/// Writes a mail, as it is now; `None` when the engine stops.
async fn write_out(shift: &Shift, mail: &OutboxMail) -> Option<Result<WireMail, Moot>> {
    let mut patience = Patience::new("write a single mail");
    loop {
        match shift.composer.single(&shift.store, mail, shift.clock.now()).await {
            Ok(composed) => return Some(composed),
            Err(error) => shift.unless_stopped(patience.wait(&error)).await?,
        }
    }
}

/// What an attempt means for a single mail. Pure.
fn conclude(mail: &OutboxMail, attempt: &Attempt, now: Timestamp) -> (Conclusion, String) {
    let dice = mail.id.0.unsigned_abs();
    let tries = mail.attempts + 1;
    let again = |due: Option<Timestamp>, doubts, otherwise| match due {
        Some(due_at) => Conclusion::Again { attempts: 1, doubts, due_at },
        None => Conclusion::Ended(otherwise),
    };
    match attempt {
        Attempt::Accepted { reply } => (Conclusion::Ended(OutboxStatus::Sent), reply.to_string()),
        // A relay that does not take the sender will take it once someone has set that right.
        Attempt::Refused { stage, reply }
            if reply.classify() == Verdict::Bounced
                && outcome::refusal_of(*stage, reply) != Refusal::Sender =>
        {
            (Conclusion::Ended(OutboxStatus::Bounced), reply.to_string())
        }
        Attempt::Refused { reply, .. } => {
            let due = OUTBOX_PLAN.next(tries, mail.created_at, now, dice);
            (again(due, 0, OutboxStatus::Expired), reply.to_string())
        }
        Attempt::Lost { reason: reply } => {
            let due = OUTBOX_PLAN.next_after_loss(tries, mail.created_at, now, dice);
            (again(due, 0, OutboxStatus::Expired), reply.clone())
        }
        Attempt::Uncertain { reason: reply } => {
            let may_resend =
                !matches!(mail.kind, OutboxKind::Test | OutboxKind::Welcome) && mail.doubts < DOUBTS_MAX;
            let due = OUTBOX_PLAN.next_after_loss(tries, mail.created_at, now, dice).filter(|_| may_resend);
            (again(due, 1, OutboxStatus::Uncertain), reply.clone())
        }
    }
}

/// Writes what became of mails, in one transaction.
async fn record(shift: &Shift, ended: &[Ended]) {
    let mut patience = Patience::new("record what became of single mails");
    let _known = shift.single_outcomes.lock().await;
    while let Err(error) = write_all(shift, ended).await {
        patience.wait(&error).await;
    }
    for _ in ended {
        shift.signals.did();
    }
}

async fn write_all(shift: &Shift, ended: &[Ended]) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let mut tx = shift.store.begin().await?;
    for one in ended {
        write(shift, &mut tx, one).await?;
    }
    tx.commit().await
}

async fn write(shift: &Shift, tx: &mut Tx, Ended { mail, conclusion, reply }: &Ended) -> Result<()> {
    /// Characters of a reply that are kept.
    const REPLY_MAX: usize = 300;
    let reply: String = reply.chars().filter(|c| !c.is_control()).take(REPLY_MAX).collect();
    let now = shift.clock.now();
    match *conclusion {
        Conclusion::Ended(status) => outbox::finish(tx, mail.id, shift.worker, status, &reply, now).await?,
        Conclusion::Unsent => {
            let step = mail.subscription_id.zip(mail.welcome_step_id).filter(|_| mail.doubts == 0);
            let is_mine =
                outbox::finish(tx, mail.id, shift.worker, OutboxStatus::Expired, &reply, now).await?;
            if let Some((subscription, step)) = step.filter(|_| is_mine) {
                welcome::unmark(tx, subscription, step).await?;
            }
            is_mine
        }
        Conclusion::Again { attempts, doubts, due_at } => {
            let another = AnotherTry { attempts, doubts, due_at };
            outbox::put_back(tx, mail.id, shift.worker, another, &reply).await?
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::relay::Stage;
    use crate::mail::reply::Reply;
    use crate::model::{Language, NewsletterId, OutboxId};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn mail(kind: OutboxKind, doubts: i64) -> OutboxMail {
        OutboxMail {
            id: OutboxId(1),
            kind,
            status: OutboxStatus::Claimed,
            newsletter_id: NewsletterId(1),
            subscription_id: None,
            to_address: None,
            issue_id: None,
            welcome_step_id: None,
            language: Language::Dutch,
            nonce: Vec::new(),
            message_uuid: uuid::Uuid::nil(),
            attempts: doubts,
            doubts,
            due_at: NOW,
            created_at: NOW,
            is_bulk: false,
        }
    }

    fn enter<'r>(rooms: &'r Rooms, mail: i64, destination: &str) -> Result<Room<'r>, Duration> {
        rooms.try_enter(OutboxId(mail), mail < 0, &Arc::from(destination))
    }

    #[test]
    fn one_destination_has_half_of_the_rooms_and_hangs_when_none_of_its_mails_moves() {
        let clock = Clock::test(NOW);
        let rooms = Rooms::new(clock.clone());
        let mut there: Vec<_> = (0..4).map(|mail| enter(&rooms, mail, "one.example").unwrap()).collect();
        assert_eq!(enter(&rooms, 4, "one.example").err(), Some(HUNG), "none is on the wire yet");
        let others: Vec<_> = (5..9).map(|mail| enter(&rooms, mail, "two.example").unwrap()).collect();
        assert_eq!(enter(&rooms, 9, "three.example").err(), Some(HUNG), "all are taken");
        there.iter().for_each(Room::begin);
        clock.advance(HUNG / 2);
        there.truncate(3);
        there.push(enter(&rooms, 10, "one.example").unwrap());
        there[3].begin();
        clock.advance(HUNG / 2);
        assert_eq!(enter(&rooms, 11, "one.example").err(), Some(HUNG / 2), "one of them moved");
        clock.advance(HUNG / 2);
        assert_eq!(enter(&rooms, 11, "one.example").err(), Some(Duration::ZERO));
        drop(others);
        let bulk = (1..=3).map(|mail| enter(&rooms, -mail, "three.example").unwrap());
        let bulk: Vec<_> = bulk.chain([enter(&rooms, -4, "four.example").unwrap()]).collect();
        drop(there);
        let more = [enter(&rooms, -5, "four.example"), enter(&rooms, -6, "four.example")];
        assert!(more.iter().all(Result::is_ok));
        assert_eq!(enter(&rooms, -7, "five.example").err(), Some(HUNG), "the others are kept for who waits");
        assert!(enter(&rooms, 13, "five.example").is_ok());
        drop((bulk, more));
        assert!(enter(&rooms, 12, "three.example").is_ok());
    }

    fn after_doubt(kind: OutboxKind, doubts: i64) -> Conclusion {
        conclude(&mail(kind, doubts), &Attempt::Uncertain { reason: String::new() }, NOW).0
    }

    #[test]
    fn a_confirmation_in_doubt_is_sent_again_twice_at_most() {
        for doubts in [0, 1] {
            assert!(matches!(after_doubt(OutboxKind::Confirm, doubts), Conclusion::Again { doubts: 1, .. }));
        }
        assert_eq!(after_doubt(OutboxKind::Confirm, 2), Conclusion::Ended(OutboxStatus::Uncertain));
    }

    #[test]
    fn a_test_mail_in_doubt_is_not_sent_again() {
        assert_eq!(after_doubt(OutboxKind::Test, 0), Conclusion::Ended(OutboxStatus::Uncertain));
    }

    #[test]
    fn a_refusal_for_a_day_is_the_end() {
        let refused = Attempt::Refused { stage: Stage::Recipient, reply: Reply::new(451, None, "") };
        let (first, _) = conclude(&mail(OutboxKind::Confirm, 0), &refused, NOW);
        assert!(matches!(first, Conclusion::Again { attempts: 1, doubts: 0, .. }));
        let late = NOW.plus(Duration::from_secs(24 * 3600));
        let often = OutboxMail { attempts: 12, ..mail(OutboxKind::Confirm, 0) };
        assert_eq!(conclude(&often, &refused, late).0, Conclusion::Ended(OutboxStatus::Expired));
        // Hardly tried: the clock jumped, or no relay was there.
        assert!(matches!(
            conclude(&mail(OutboxKind::Confirm, 0), &refused, late).0,
            Conclusion::Again { .. }
        ));
    }
}
