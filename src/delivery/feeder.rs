//! Claims deliveries for the senders: small batches, and only as fast as they are taken.
//!
//! One transaction makes sure that nobody declares this worker dead meanwhile, locks the mailing, claims those that wait
//! at destinations with room and are due, and then the next behind the cursor, and moves the cursor. Someone whose
//! destination has no room gets a row that waits there: the cursor never stands still for a slow provider. Only what is
//! committed goes on. Several mailings take turns, one batch each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::composer::Letter;
use super::patience::Patience;
use super::shift::{Claim, Shift};
use crate::model::{Mailing, MailingId, Timestamp, WarmUp};
use crate::store::deliveries::{self, Birth, Newborn, Recipient, Retry};
use crate::store::{StoreError, Tx, mailings, warmup, workers};

/// Most deliveries claimed in one transaction.
pub const BATCH: usize = 200;
/// Most deliveries in hand: one batch is sent while the next is claimed.
pub const IN_HAND_MAX: usize = 2 * BATCH;
/// A mailing that cannot be made into mails is looked at again, and complained of, this often.
const UNREADABLE_EVERY: Duration = Duration::from_secs(60);
/// A change of the newsletter (its rate, its relay, its policy) counts within this.
const LETTER_KEPT: Duration = Duration::from_secs(10);
/// Where all that waits of a mailing cannot be sent now, it is not looked at for so many batches of new readers, and no longer
/// than [`FRUITLESS_FOR`]: with a provider that hangs, the looks would cost the others more than its readers do.
const FRUITLESS_BATCHES: u32 = 8;
const FRUITLESS_FOR: Duration = Duration::from_millis(50);

/// Why the feeder ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The engine stops.
    Stopped,
    /// The database broke off during a commit: there may be claims that nobody has in hand. The worker must
    /// give back all it has, and begin again.
    ClaimsUnknown,
    /// Others have declared this worker dead.
    Buried,
}

/// Why nothing was claimed.
#[derive(Debug)]
pub enum Failure {
    Nothing(StoreError),
    Commit(StoreError),
    /// Others have declared this worker dead: what it claimed now nobody would recover.
    Buried,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Nothing(error)
    }
}

/// What one transaction claimed of one mailing.
#[derive(Debug, Default)]
struct Batch {
    retries: Vec<(Arc<str>, Retry)>,
    fresh: Vec<(Arc<str>, Recipient)>,
    /// The cursor moved, or the mailing ended.
    moved: bool,
    /// When what waits is due, if nothing else happens before.
    next_due: Option<Timestamp>,
}

/// Runs until the engine stops.
pub async fn run(shift: &Shift) -> Ended {
    let mut feeder = Feeder {
        shift,
        letters: HashMap::new(),
        unreadable: HashMap::new(),
        fruitless: HashMap::new(),
        last: MailingId(0),
    };
    let mut work = shift.signals.work.subscribe();
    let mut patience = Patience::new("claim deliveries");
    while shift.unless_stopped(shift.lanes.feeder_room()).await.is_some() {
        work.mark_unchanged();
        let room = shift.lanes.denied_has_room();
        tokio::pin!(room);
        room.as_mut().enable();
        match feeder.round().await {
            Ok(Round::Claimed(claims)) => {
                patience.over();
                shift.lanes.push(claims);
            }
            Ok(Round::Idle(next_due)) => {
                patience.over();
                tokio::select! {
                    () = shift.idle(&mut work, next_due) => {}
                    () = room => {}
                }
            }
            Err(Failure::Nothing(error)) => {
                shift.unless_stopped(patience.wait(&error)).await;
            }
            Err(Failure::Commit(error)) => {
                tracing::warn!(%error, "the database broke off while claiming; all claims are given back");
                return Ended::ClaimsUnknown;
            }
            Err(Failure::Buried) => return Ended::Buried,
        }
    }
    Ended::Stopped
}

/// What one look at the mailings brought.
enum Round {
    /// May be empty when only a cursor moved.
    Claimed(Vec<Claim>),
    /// Nothing to do before this moment.
    Idle(Option<Timestamp>),
}

/// A compiled mailing, and when it was made, on [`crate::clock::Clock::elapsed`].
struct Kept {
    letter: Arc<Letter>,
    at: Duration,
}

/// A look at what waits of a mailing that brought nothing.
#[derive(Debug, Clone, Copy)]
struct Fruitless {
    /// On [`crate::clock::Clock::elapsed`].
    at: Duration,
    /// Batches of new readers since.
    batches: u32,
}

struct Feeder<'a> {
    shift: &'a Shift,
    letters: HashMap<MailingId, Kept>,
    /// When to look again at mailings that cannot be made into mails.
    unreadable: HashMap<MailingId, Duration>,
    fruitless: HashMap<MailingId, Fruitless>,
    /// The mailing that was served last.
    last: MailingId,
}

impl Feeder<'_> {
    async fn round(&mut self) -> Result<Round, Failure> {
        let mut sending = mailings::sending(self.shift.store.read().await?.db()).await?;
        self.letters.retain(|id, _| sending.iter().any(|mailing| mailing.id == *id));
        self.unreadable.retain(|id, _| sending.iter().any(|mailing| mailing.id == *id));
        self.fruitless.retain(|id, _| sending.iter().any(|mailing| mailing.id == *id));
        sending.sort_by_key(|mailing| mailing.id);
        let turn = sending.partition_point(|mailing| mailing.id <= self.last);
        sending.rotate_left(turn);
        let mut next_due: Option<Timestamp> = None;
        for mailing in sending {
            let Some(letter) = self.letter(&mailing).await? else { continue };
            self.shift.lanes.set_rate(letter.newsletter, letter.mails_per_hour);
            let claimed_at = self.shift.clock.elapsed();
            let batch = self.claim(&mailing).await?;
            if batch.moved || !batch.retries.is_empty() || !batch.fresh.is_empty() {
                self.last = mailing.id;
                return Ok(Round::Claimed(in_hand(&letter, batch, claimed_at)));
            }
            next_due = earlier(next_due, batch.next_due);
        }
        Ok(Round::Idle(next_due))
    }

    /// Whether what waits of a mailing is passed over this time.
    fn passes_over(&mut self, mailing: &Mailing) -> bool {
        let now = self.shift.clock.elapsed();
        let Some(last) = self.fruitless.get_mut(&mailing.id) else { return false };
        last.batches += 1;
        mailing.cursor < mailing.audience_end
            && last.batches <= FRUITLESS_BATCHES
            && now.saturating_sub(last.at) < FRUITLESS_FOR
    }

    async fn claim(&mut self, seen: &Mailing) -> Result<Batch, Failure> {
        let room = self.shift.lanes.room(seen.newsletter_id).min(BATCH);
        if room == 0 {
            return Ok(Batch::default());
        }
        let passes_over = self.passes_over(seen);
        // Only what waits can be claimed anew.
        let known = if seen.account.deferred > 0 && !passes_over {
            let outcomes = self.shift.unless_stopped(self.shift.outcomes.lock()).await;
            let Some(known) = outcomes else { return Ok(Batch::default()) };
            Some(known)
        } else {
            None
        };
        let mut tx = self.shift.store.begin().await?;
        if !workers::hold(&mut tx, self.shift.worker).await? {
            return Err(Failure::Buried);
        }
        let Some(mailing) = mailings::lock_sending(&mut tx, seen.id).await? else {
            return Ok(Batch::default());
        };
        // The letter was made of the mailing as it was seen; in between a trial may have got its winner.
        if mailing.trial != seen.trial {
            return Ok(Batch { moved: true, ..Batch::default() });
        }
        let now = self.shift.clock.now();
        let mut batch = Batch::default();
        if mailing.account.deferred > 0 && known.is_none() {
            // Since it was seen, or passed over: the next round looks, unless there are new readers still.
            batch.moved = true;
        } else if mailing.account.deferred > 0 {
            self.claim_waiting(&mut tx, &mailing, room, now, &mut batch).await?;
            if batch.retries.is_empty() {
                let at = self.shift.clock.elapsed();
                self.fruitless.insert(mailing.id, Fruitless { at, batches: 0 });
            } else {
                self.fruitless.remove(&mailing.id);
            }
        }
        let rest = room - batch.retries.len();
        if rest > 0 && mailing.cursor < mailing.audience_end {
            self.claim_fresh(&mut tx, &mailing, rest, now, &mut batch).await?;
            batch.moved = true;
        }
        let ended = if batch.retries.is_empty() && !batch.moved {
            mailings::finish(&mut tx, mailing.id, now).await?
        } else {
            None
        };
        batch.moved |= ended.is_some();
        tx.commit().await.map_err(Failure::Commit)?;
        if let Some(ended) = ended {
            let (counted, found) = (mailing.account.audience, ended.account.audience);
            if found > counted {
                tracing::warn!(mailing = %ended.id, counted, found, "more had a mail than were counted at the start");
            }
            super::recorder::announce_end(self.shift, &ended);
        }
        Ok(batch)
    }

    /// What waits and is due, at destinations that have room.
    async fn claim_waiting(
        &self,
        tx: &mut Tx,
        mailing: &Mailing,
        room: usize,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        for waiting in deliveries::waiting(tx.db(), mailing.id).await? {
            let destination: Arc<str> = Arc::from(waiting.destination.as_str());
            if waiting.due_at > now {
                batch.next_due = earlier(batch.next_due, Some(waiting.due_at));
                continue;
            }
            let room = self.shift.lanes.room_at(&destination, room - batch.retries.len());
            if room == 0 {
                let blocked = self.shift.lanes.blocked_for(&destination);
                batch.next_due = earlier(batch.next_due, blocked.map(|rest| now.plus(rest)));
                continue;
            }
            let limit = self.allowed_today(tx, &destination, count(room), now).await?;
            let worker = self.shift.worker;
            let due = deliveries::claim_due(tx, mailing.id, &destination, worker, limit, now).await?;
            self.count_today(tx, &destination, count(due.len()), now).await?;
            batch.retries.extend(due.into_iter().map(|retry| (Arc::clone(&destination), retry)));
        }
        Ok(())
    }

    /// The next behind the cursor: those whose destination has room are claimed, the others wait there.
    async fn claim_fresh(
        &self,
        tx: &mut Tx,
        mailing: &Mailing,
        limit: usize,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        let limit = count(limit);
        let found = deliveries::candidates(tx.db(), mailing, limit).await?;
        let is_full = count(found.len()) >= limit;
        let end = found.last().filter(|_| is_full).map_or(mailing.audience_end, |last| last.subscription_id);
        let mut found: Vec<_> = found
            .into_iter()
            .map(|recipient| (self.shift.lanes.destination(&recipient.address), recipient))
            .collect();
        let births = self.births(tx, &found, now).await?;
        let newborns: Vec<_> = found
            .iter()
            .zip(&births)
            .map(|((destination, recipient), birth)| Newborn {
                subscriber_id: recipient.subscriber_id,
                destination,
                birth: *birth,
            })
            .collect();
        let inserted = deliveries::insert(tx, mailing.id, self.shift.worker, &newborns, now).await?;
        mailings::advance(tx, mailing.id, end).await?;
        let mut births = births.into_iter();
        found.retain(|(_, recipient)| {
            births.next() == Some(Birth::Claimed) && inserted.contains(&recipient.subscriber_id)
        });
        batch.fresh = found;
        Ok(())
    }

    async fn births(
        &self,
        tx: &mut Tx,
        found: &[(Arc<str>, Recipient)],
        now: Timestamp,
    ) -> Result<Vec<Birth>, StoreError> {
        let mut wanted = BTreeMap::<&Arc<str>, usize>::new();
        for (destination, _) in found {
            *wanted.entry(destination).or_default() += 1;
        }
        for (destination, room) in &mut wanted {
            let most = count(self.shift.lanes.room_at(destination, *room));
            let most = self.allowed_today(tx, destination, most, now).await?;
            self.count_today(tx, destination, most, now).await?;
            *room = usize::try_from(most).unwrap_or(0);
        }
        Ok(found
            .iter()
            .map(|(destination, _)| match wanted.get_mut(destination) {
                Some(room) if *room > 0 => {
                    *room -= 1;
                    Birth::Claimed
                }
                _ => Birth::Waiting,
            })
            .collect())
    }

    /// How many of so many mails a destination may have today, if it is warmed up.
    async fn allowed_today(
        &self,
        tx: &mut Tx,
        destination: &Arc<str>,
        wanted: i64,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let plan = self.shift.lanes.warm_up(destination);
        let Some((day, most)) = plan.and_then(|plan| plan.limit(now)) else { return Ok(wanted) };
        let rest = (most - warmup::lock(tx, destination, day).await?).max(0);
        if rest < wanted {
            self.shift.lanes.fill(destination, WarmUp::next_day(now).since(now));
        }
        Ok(wanted.min(rest))
    }

    async fn count_today(
        &self,
        tx: &mut Tx,
        destination: &Arc<str>,
        mails: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let plan = self.shift.lanes.warm_up(destination);
        match plan.and_then(|plan| plan.limit(now)) {
            Some((day, _)) if mails > 0 => warmup::add(tx, destination, day, mails).await,
            _ => Ok(()),
        }
    }

    /// The mailing as a compiled mail; `None` when that cannot be done now.
    async fn letter(&mut self, mailing: &Mailing) -> Result<Option<Arc<Letter>>, StoreError> {
        let now = self.shift.clock.elapsed();
        if let Some(kept) = self.letters.get(&mailing.id)
            && now.saturating_sub(kept.at) < LETTER_KEPT
            && Some(kept.letter.retry_from) == mailing.retry_from
        {
            return Ok(Some(Arc::clone(&kept.letter)));
        }
        if self.unreadable.get(&mailing.id).is_some_and(|again_at| now < *again_at) {
            return Ok(None);
        }
        match self.shift.composer.letter(&self.shift.store, mailing).await? {
            Ok(letter) => {
                let letter = Arc::new(letter);
                self.letters.insert(mailing.id, Kept { letter: Arc::clone(&letter), at: now });
                Ok(Some(letter))
            }
            Err(error) => {
                tracing::error!(mailing = %mailing.id, %error, "a mailing cannot be made into mails; it waits");
                self.unreadable.insert(mailing.id, now + UNREADABLE_EVERY);
                Ok(None)
            }
        }
    }
}

fn count(claims: usize) -> i64 {
    i64::try_from(claims).unwrap_or(i64::MAX)
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

fn in_hand(letter: &Arc<Letter>, batch: Batch, claimed_at: Duration) -> Vec<Claim> {
    let retries = batch.retries.into_iter().map(|(destination, retry)| Claim {
        letter: Arc::clone(letter),
        subscriber_id: retry.subscriber_id,
        destination,
        recipient: None,
        attempts: retry.attempts,
        doubts: retry.doubts,
        claimed_at,
    });
    let fresh = batch.fresh.into_iter().map(|(destination, recipient)| Claim {
        letter: Arc::clone(letter),
        subscriber_id: recipient.subscriber_id,
        destination,
        recipient: Some(recipient),
        attempts: 0,
        doubts: 0,
        claimed_at,
    });
    retries.chain(fresh).collect()
}
