//! Takes claims one by one and puts them on the wire. There are as many senders as connections.
//!
//! Before a mail is made: a place for the outcome (what could not be stored is not sent), a relay that answers, a lease
//! that holds and, unless the claim is fresh, another look at the database. Then a connection is waited for, perhaps for
//! minutes; so right before its first octet [`Look`] asks the last two again, and notes in the journal that it goes.
//!
//! Where no sender is idle, and the relay answers quickly, the next claim is taken with this one: MAIL, RCPT and DATA of its
//! mail go out behind this one's final dot, so that a mail costs one round trip (`docs/decisions/0034-announced.md`). All that
//! is said above happens again before its own octets. If the answer to this mail is late the next one goes to another
//! sender: it waits for nobody longer than [`ANNOUNCED_WAIT`].

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use super::journal::Place;
use super::lanes::{Change, Turn, Weather};
use super::outcome::{self, Context};
use super::patience::Patience;
use super::retry;
use super::shift::{Claim, Settled, Shift};
use super::wire::{Attempt, Held, LastLook, Obstacle, SendingAnnouncing, Sent, Unreachable, WireMail};
use crate::mail::reply::Verdict;
use crate::model::{EmailAddress, Refusal};
use crate::store::deliveries::{self, Recipient, Record};

/// A claim older than this is looked at again before the wire: somebody may have left, paused or cancelled.
/// At full speed claims are younger; this is how long a mail may still begin after someone left.
pub const CLAIM_FRESH: Duration = Duration::from_millis(100);
/// A mail that broke after so long hung: its destination is to blame, if others were answered meanwhile.
const HUNG: Duration = Duration::from_secs(20);
/// How long the mail that is announced behind another one waits for the answer to that: then it goes another way.
const ANNOUNCED_WAIT: Duration = Duration::from_secs(2);
/// Where the last answer took longer than this none is announced.
const ANSWER_QUICK: Duration = Duration::from_millis(500);

/// Runs until the engine stops.
pub async fn run(shift: &Shift, outcomes: mpsc::Sender<Settled>) {
    let held = Mutex::new(Held::default());
    // Of ten senders that wait for the same moment one has the turn, and the others go on waiting.
    let turn_in = |claim: &Claim| match shift.wire.take_turn(&claim.letter.relay) {
        Ok(turn) => {
            *held.lock().unwrap_or_else(PoisonError::into_inner) = turn;
            Duration::ZERO
        }
        Err(wait) => wait,
    };
    let mut sender = Sender { shift, outcomes, last_answer: Duration::ZERO };
    let mut following = None;
    loop {
        let task = match following.take() {
            Some(task) => task,
            None => match shift.unless_stopped(shift.lanes.next(turn_in)).await {
                Some(turn) => {
                    let held = std::mem::take(&mut *held.lock().unwrap_or_else(PoisonError::into_inner));
                    Task { turn, made: None, held }
                }
                None => return,
            },
        };
        following = match sender.deliver(task).await {
            Some(following) => following,
            None => return,
        };
    }
}

/// A claim, and what is done of it.
#[derive(Debug)]
struct Task<'a> {
    turn: Turn<'a>,
    made: Option<Made>,
    /// Where its mail is announced, or its turn.
    held: Held,
}

/// A mail as it goes out.
#[derive(Debug)]
struct Made {
    recipient: Recipient,
    mail: WireMail,
}

impl<'a> Task<'a> {
    /// When the one before it ends.
    fn following(turn: Option<Turn<'a>>, made: Option<Made>, held: Held) -> Option<Self> {
        let mut turn = turn?;
        turn.begin();
        Some(Self { turn, made, held })
    }
}

/// To another sender.
fn leave(turn: Option<Turn<'_>>) {
    if let Some(turn) = turn {
        turn.leave();
    }
}

async fn make(shift: &Shift, claim: &Claim, recipient: &Recipient) -> WireMail {
    shift.composer.signed(claim.letter.mail_for(recipient), claim.letter.date).await
}

struct Sender<'a> {
    shift: &'a Shift,
    outcomes: mpsc::Sender<Settled>,
    last_answer: Duration,
}

impl<'a> Sender<'a> {
    /// Brings one claim to its outcome, and answers what was begun of the next; `None` when the engine stops before it
    /// went out: then it is given back with all others.
    async fn deliver(&mut self, task: Task<'a>) -> Option<Option<Task<'a>>> {
        let shift = self.shift;
        let place = shift.unless_stopped(shift.journal.place()).await??;
        let mailing = task.turn.claim.letter.mailing;
        let retry_from = task.turn.claim.letter.retry_from;
        let (record, following) = match task.turn.wait {
            // Back to where it waits in the database.
            Some(rest) => {
                let due_at = shift.clock.now().plus(rest);
                (outcome::give_back(task.turn.claim.subscriber_id, due_at), None)
            }
            None => match self.send(task, &place).await? {
                Some(sent) => sent,
                None => {
                    place.free();
                    return Some(None);
                }
            },
        };
        // The recorder ends after the last sender.
        self.outcomes.send(Settled { mailing, record, retry_from, place: Some(place) }).await.ok()?;
        Some(following)
    }

    /// Inside: `None` where it went back to its lane, because it is not its turn at the relays.
    async fn send(&mut self, task: Task<'a>, place: &Place) -> Option<Option<(Record, Option<Task<'a>>)>> {
        let shift = self.shift;
        let Task { turn, mut made, mut held } = task;
        let claim = &turn.claim;
        let mailing = claim.letter.mailing;
        let mut patience = Patience::new("note in the journal what is on the wire");
        loop {
            let pass = shift.unless_stopped(shift.gate.pass()).await?;
            let (mut following, next) = self.following(&turn).await.unzip();
            let next: Option<Made> = next.flatten();
            let (recipient, seen_at) = match ready(shift, claim).await? {
                Ok(seen) => seen,
                Err(record) => {
                    return Some(Some((record, Task::following(following, next, Held::default()))));
                }
            };
            let mail = match made.take().filter(|made| made.recipient == recipient) {
                Some(made) => made.mail,
                None => {
                    held = held.for_another();
                    make(shift, claim, &recipient).await
                }
            };
            let look = Look { shift, claim, recipient: &recipient, seen_at, place, state: Mutex::default() };
            let sent = {
                let next = next.as_ref().map(|made| &made.mail);
                let sending = shift.wire.send_announcing(&mail, std::mem::take(&mut held), next, &look);
                send_or_leave(shift, sending, &look, &mut following).await?
            };
            let before = look.before();
            self.last_answer = shift.clock.elapsed().saturating_sub(before.began);
            match sent {
                Ok((sent, held)) => {
                    let record = settle(shift, claim, &sent.attempt, &sent.relay);
                    place.end(mailing, &record);
                    learn(shift, &turn, &recipient.address, &sent, &record, before);
                    return Some(Some((record, Task::following(following, next, held))));
                }
                Err(Unreachable { obstacle, why, wait }) => {
                    leave(following);
                    place.forget();
                    match obstacle {
                        Obstacle::Busy => {
                            drop(pass);
                            turn.leave();
                            return Some(None);
                        }
                        Obstacle::Down => {
                            let wait = shift.gate.failed(&why, wait);
                            drop(pass);
                            shift.unless_stopped(shift.clock.sleep(wait)).await?;
                        }
                        // What changed is seen by the next round.
                        Obstacle::Withdrawn => {
                            drop(pass);
                            if let Some(error) = look.failure() {
                                shift.unless_stopped(patience.wait(&error)).await?;
                            }
                        }
                    }
                }
            }
        }
    }

    /// The claim after this one, so that it can be announced behind it; and its mail, unless it must be looked at again.
    async fn following(&self, turn: &Turn<'a>) -> Option<(Turn<'a>, Option<Made>)> {
        let shift = self.shift;
        let is_calm = self.last_answer <= ANSWER_QUICK && shift.gate.is_open() && shift.lease.is_good();
        if !is_calm || !shift.wire.announces() {
            return None;
        }
        let mut turn = shift.lanes.following(turn, |claim| shift.wire.wait(&claim.letter.relay))?;
        let is_fresh = turn.wait.is_none() && freshen(shift, &mut turn.claim).await;
        let made = match &turn.claim.recipient {
            Some(recipient) if is_fresh => {
                Some(Made { recipient: recipient.clone(), mail: make(shift, &turn.claim, recipient).await })
            }
            _ => None,
        };
        Some((turn, made))
    }
}

/// Waits until a mail is answered. A mail that is late gives the one `following` it to another sender; one that has not begun
/// when the engine stops is given up, and `None`.
async fn send_or_leave(
    shift: &Shift,
    mut sending: SendingAnnouncing<'_>,
    look: &Look<'_>,
    following: &mut Option<Turn<'_>>,
) -> Option<Result<(Sent, Held), Unreachable>> {
    let late = shift.clock.sleep(ANNOUNCED_WAIT);
    let stopped = shift.stopped_before(|| look.has_begun());
    tokio::pin!(late, stopped);
    loop {
        tokio::select! {
            biased;
            sent = &mut sending => return Some(sent),
            () = &mut late, if following.is_some() => leave(following.take()),
            () = &mut stopped => return None,
        }
    }
}

/// How things stood when a mail began.
#[derive(Debug, Clone, Copy)]
struct Before {
    /// On [`crate::clock::Clock::elapsed`].
    began: Duration,
    /// Of the relay.
    answers: u64,
}

/// The last look at a claim, right before its mail goes on the wire.
#[derive(Debug)]
struct Look<'l> {
    shift: &'l Shift,
    claim: &'l Claim,
    recipient: &'l Recipient,
    /// When that was known, on [`crate::clock::Clock::elapsed`].
    seen_at: Duration,
    place: &'l Place,
    state: Mutex<Looked>,
}

#[derive(Debug, Default)]
enum Looked {
    #[default]
    NotYet,
    Begun(Before),
    /// It could not be noted, so it did not begin.
    Failed(std::io::Error),
}

impl LastLook for Look<'_> {
    fn may_go(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async {
            let may_go = !*self.shift.signals.stop.borrow() && self.is_still_due().await;
            may_go && self.begin()
        })
    }
}

impl Look<'_> {
    async fn is_still_due(&self) -> bool {
        let Self { shift, claim, recipient, .. } = self;
        if shift.clock.elapsed().saturating_sub(self.seen_at) > CLAIM_FRESH {
            let found = look_again(shift, claim).await;
            if !matches!(found, Ok(Ok(again)) if again == **recipient) {
                return false;
            }
        }
        shift.lease.is_good()
    }

    fn begin(&self) -> bool {
        let Self { shift, claim, .. } = self;
        let doubt = Attempt::Uncertain { reason: "stopped before the relay answered".into() };
        let noted = self.place.begin(claim.letter.mailing, settle(shift, claim, &doubt, ""));
        let may_go = noted.is_ok();
        *self.state() = match noted {
            Ok(()) => Looked::Begun(Before::now(shift)),
            Err(error) => Looked::Failed(error),
        };
        may_go
    }

    fn has_begun(&self) -> bool {
        matches!(*self.state(), Looked::Begun(_))
    }

    /// How things stood when it began, or else stand now.
    fn before(&self) -> Before {
        match *self.state() {
            Looked::Begun(before) => before,
            Looked::NotYet | Looked::Failed(_) => Before::now(self.shift),
        }
    }

    fn failure(self) -> Option<std::io::Error> {
        match self.state.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Looked::Failed(error) => Some(error),
            Looked::NotYet | Looked::Begun(_) => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, Looked> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Before {
    fn now(shift: &Shift) -> Self {
        Self { began: shift.clock.elapsed(), answers: shift.gate.answers() }
    }
}

/// What an attempt says about the relay and about the destination.
fn learn(shift: &Shift, turn: &Turn<'_>, to: &EmailAddress, sent: &Sent, record: &Record, before: Before) {
    if sent.attempt.is_sent_away() {
        return;
    }
    let weather = match &sent.attempt {
        Attempt::Accepted { .. } => Weather::Fair,
        Attempt::Refused { reply, .. } if record.refusal == Refusal::Policy => match reply.classify() {
            Verdict::Bounced => Weather::Blocked,
            _ => Weather::TooFast,
        },
        Attempt::Refused { .. } => Weather::Fair,
        Attempt::Lost { reason } | Attempt::Uncertain { reason } => {
            // Where nobody else was answered meanwhile it was the relay.
            if shift.gate.answers() == before.answers {
                shift.gate.failed(reason, Duration::ZERO);
                return;
            }
            if shift.clock.elapsed().saturating_sub(before.began) < HUNG {
                return;
            }
            Weather::Broken
        }
    };
    if weather != Weather::Broken {
        shift.gate.answered();
    }
    let destination = turn.destination();
    match turn.report(to, weather) {
        Change::None => {}
        Change::Slowed => {
            tracing::warn!(destination, "a destination says that mails come too fast; it is slowed down");
        }
        Change::Blocked => {
            tracing::warn!(destination, "a destination refuses our mail; it is left alone for a while");
        }
    }
}

/// Waits until this worker may send, and looks whether the recipient still is one; as of when. `Err` is what is to be
/// recorded instead of sending.
async fn ready(shift: &Shift, claim: &Claim) -> Option<Result<(Recipient, Duration), Record>> {
    let mut patience = Patience::new("look at a claim again");
    loop {
        shift.unless_stopped(shift.lease.good()).await?;
        if let Some(recipient) = fresh(shift, claim) {
            return Some(Ok((recipient.clone(), claim.claimed_at)));
        }
        let seen_at = shift.clock.elapsed();
        match look_again(shift, claim).await {
            // Looking may have taken longer than the lease.
            Ok(_) if !shift.lease.is_good() => {}
            Ok(found) => return Some(found.map(|recipient| (recipient, seen_at))),
            Err(error) => {
                shift.unless_stopped(patience.wait(&error)).await?;
            }
        }
    }
}

/// Looks at a claim again if it must be, where nothing forbids that it is sent; what does is found when its turn comes.
async fn freshen(shift: &Shift, claim: &mut Claim) -> bool {
    if fresh(shift, claim).is_some() {
        return true;
    }
    let now = shift.clock.elapsed();
    if let Ok(Ok(recipient)) = look_again(shift, claim).await {
        claim.recipient = Some(recipient);
        claim.claimed_at = now;
        return true;
    }
    false
}

/// The recipient of a claim that need not be looked at again.
fn fresh<'c>(shift: &Shift, claim: &'c Claim) -> Option<&'c Recipient> {
    let age = shift.clock.elapsed().saturating_sub(claim.claimed_at);
    claim.recipient.as_ref().filter(|_| age <= CLAIM_FRESH)
}

async fn look_again(shift: &Shift, claim: &Claim) -> crate::store::Result<Result<Recipient, Record>> {
    let (letter, subscriber) = (&claim.letter, claim.subscriber_id);
    let mut reader = shift.store.read().await?;
    if !deliveries::still_claimed(reader.db(), letter.mailing, subscriber, shift.worker).await? {
        // Paused: back to the queue. Recovered by others: the recorder will not find the claim.
        return Ok(Err(outcome::give_back(subscriber, shift.clock.now())));
    }
    Ok(match deliveries::recipient(reader.db(), letter.mailing, subscriber).await? {
        Some((recipient, true)) => Ok(recipient),
        _ => Err(outcome::skip(subscriber)),
    })
}

fn settle(shift: &Shift, claim: &Claim, attempt: &Attempt, relay: &str) -> Record {
    outcome::settle(
        attempt,
        relay,
        &Context {
            subscriber_id: claim.subscriber_id,
            attempts: claim.attempts,
            doubts: claim.doubts,
            policy: claim.letter.policy,
            retry_from: claim.letter.retry_from,
            plan: retry::mailing_plan(shift.settings.retry_for),
            now: shift.clock.now(),
        },
    )
}
