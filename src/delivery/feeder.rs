//! Claims deliveries for the senders: small batches, and only as fast as they are taken.
//!
//! One transaction locks the mailing, claims those whose retry is due and then the next behind the cursor,
//! and moves the cursor. Only what is committed goes on. Several mailings take turns, one batch each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::composer::Letter;
use super::patience::Patience;
use super::shift::{Claim, Shift};
use crate::model::{Mailing, MailingId, Timestamp};
use crate::store::deliveries::{self, Recipient, Retry};
use crate::store::{StoreError, mailings};

/// Deliveries claimed in one transaction: what ten connections send in a few hundredths of a second.
pub const BATCH: usize = 100;
/// Most deliveries in hand: one batch is sent while the next is claimed.
pub const IN_HAND_MAX: usize = 2 * BATCH;
/// A mailing that cannot be made into mails is looked at again, and complained of, this often.
const UNREADABLE_EVERY: Duration = Duration::from_secs(60);

/// Why the feeder ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The engine stops.
    Stopped,
    /// The database broke off during a commit: there may be claims that nobody has in hand. The worker must
    /// give back all it has, and begin again.
    ClaimsUnknown,
}

#[derive(Debug)]
enum Failure {
    Nothing(StoreError),
    Commit(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Nothing(error)
    }
}

/// What one transaction claimed of one mailing.
#[derive(Debug, Default)]
struct Batch {
    retries: Vec<Retry>,
    fresh: Vec<Recipient>,
    /// The cursor moved, or the mailing ended.
    moved: bool,
}

/// Runs until the engine stops or the senders are gone.
pub async fn run(shift: &Shift, claims: mpsc::Sender<Claim>) -> Ended {
    let mut feeder =
        Feeder { shift, letters: HashMap::new(), unreadable: HashMap::new(), last: MailingId(0) };
    let mut work = shift.signals.work.subscribe();
    let mut patience = Patience::new("claim deliveries");
    while let Some(Ok(room)) = shift.unless_stopped(claims.reserve_many(BATCH)).await {
        work.mark_unchanged();
        match feeder.round().await {
            Ok(Round::Claimed(batch)) => {
                patience.over();
                for (place, claim) in room.zip(batch) {
                    place.send(claim);
                }
            }
            Ok(Round::Idle(next_due)) => {
                patience.over();
                drop(room);
                shift.idle(&mut work, next_due).await;
            }
            Err(Failure::Nothing(error)) => {
                drop(room);
                shift.unless_stopped(patience.wait(&error)).await;
            }
            Err(Failure::Commit(error)) => {
                tracing::warn!(%error, "the database broke off while claiming; all claims are given back");
                return Ended::ClaimsUnknown;
            }
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

struct Feeder<'a> {
    shift: &'a Shift,
    letters: HashMap<MailingId, Arc<Letter>>,
    /// When to look again at mailings that cannot be made into mails, on [`crate::clock::Clock::elapsed`].
    unreadable: HashMap<MailingId, Duration>,
    /// The mailing that was served last.
    last: MailingId,
}

impl Feeder<'_> {
    async fn round(&mut self) -> Result<Round, Failure> {
        let mut sending = mailings::sending(self.shift.store.read().await?.db()).await?;
        self.letters.retain(|id, _| sending.iter().any(|mailing| mailing.id == *id));
        self.unreadable.retain(|id, _| sending.iter().any(|mailing| mailing.id == *id));
        sending.sort_by_key(|mailing| mailing.id);
        let turn = sending.partition_point(|mailing| mailing.id <= self.last);
        sending.rotate_left(turn);
        for mailing in sending {
            let Some(letter) = self.letter(&mailing).await? else { continue };
            let claimed_at = self.shift.clock.elapsed();
            let batch = self.claim(mailing.id).await?;
            if batch.moved || !batch.retries.is_empty() || !batch.fresh.is_empty() {
                self.last = mailing.id;
                return Ok(Round::Claimed(in_hand(&letter, batch, claimed_at)));
            }
        }
        Ok(Round::Idle(deliveries::next_due(self.shift.store.read().await?.db()).await?))
    }

    async fn claim(&self, id: MailingId) -> Result<Batch, Failure> {
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let mut tx = self.shift.store.begin().await?;
        let Some(mailing) = mailings::lock_sending(&mut tx, id).await? else { return Ok(Batch::default()) };
        let now = self.shift.clock.now();
        let worker = self.shift.worker;
        let retries = deliveries::claim_due(&mut tx, id, worker, limit, now).await?;
        let rest = limit - i64::try_from(retries.len()).unwrap_or(limit);
        let mut batch = Batch { retries, ..Batch::default() };
        if rest > 0 && mailing.cursor < mailing.audience_end {
            batch.fresh = deliveries::claim_next(&mut tx, &mailing, worker, rest, now).await?;
            batch.moved = true;
        }
        let ended = if batch.retries.is_empty() && batch.fresh.is_empty() {
            mailings::finish(&mut tx, id, now).await?
        } else {
            None
        };
        batch.moved |= ended.is_some();
        tx.commit().await.map_err(Failure::Commit)?;
        if let Some(mailing) = ended {
            super::recorder::announce_end(self.shift, &mailing);
        }
        Ok(batch)
    }

    /// The mailing as a compiled mail; `None` when that cannot be done now.
    async fn letter(&mut self, mailing: &Mailing) -> Result<Option<Arc<Letter>>, StoreError> {
        if let Some(letter) = self.letters.get(&mailing.id) {
            return Ok(Some(Arc::clone(letter)));
        }
        let now = self.shift.clock.elapsed();
        if self.unreadable.get(&mailing.id).is_some_and(|again_at| now < *again_at) {
            return Ok(None);
        }
        match self.shift.composer.letter(&self.shift.store, mailing).await? {
            Ok(letter) => {
                let letter = Arc::new(letter);
                self.letters.insert(mailing.id, Arc::clone(&letter));
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

fn in_hand(letter: &Arc<Letter>, batch: Batch, claimed_at: Duration) -> Vec<Claim> {
    let retries = batch.retries.into_iter().map(|retry| Claim {
        letter: Arc::clone(letter),
        subscriber_id: retry.subscriber_id,
        recipient: None,
        attempts: retry.attempts,
        doubts: retry.doubts,
        claimed_at,
    });
    let fresh = batch.fresh.into_iter().map(|recipient| Claim {
        letter: Arc::clone(letter),
        subscriber_id: recipient.subscriber_id,
        recipient: Some(recipient),
        attempts: 0,
        doubts: 0,
        claimed_at,
    });
    retries.chain(fresh).collect()
}
