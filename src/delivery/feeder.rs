//! Starts mailings that are due, and claims recipients as fast as the senders take them.
//!
//! A batch is claimed only when the queue has room for all of it, so that few rows are claimed at any moment:
//! these are the ones in doubt when the process dies.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::campaign::Campaign;
use super::engine::Shared;
use super::sender::Claim;
use crate::model::{Mailing, MailingId, SubscriptionStatus, Timestamp};
use crate::store::{Result, deliveries, mailings};

/// Recipients claimed in one transaction.
pub const BATCH: usize = 100;
/// Claims that wait for a sender, at most.
pub const QUEUE: usize = 2 * BATCH;
/// Longest wait on SQLite: the command line may have written something.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// Wait after the database did not answer.
const WAIT_AFTER_ERROR: Duration = Duration::from_secs(1);

pub async fn run(shared: Arc<Shared>, queue: mpsc::Sender<Claim>, mut stop: watch::Receiver<bool>) {
    let mut campaigns = HashMap::new();
    while !*stop.borrow() {
        let wait = match round(&shared, &queue, &mut campaigns, &stop).await {
            Ok(true) => continue,
            Ok(false) => until_next(&shared).await.unwrap_or(WAIT_AFTER_ERROR),
            Err(error) => {
                tracing::warn!(cause = %error, "the feeder found no database; trying again");
                WAIT_AFTER_ERROR
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.wake_feeder.notified() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Looks at every mailing once, in turn. `true` when something was claimed.
async fn round(
    shared: &Shared,
    queue: &mpsc::Sender<Claim>,
    campaigns: &mut HashMap<MailingId, Arc<Campaign>>,
    stop: &watch::Receiver<bool>,
) -> Result<bool> {
    start_due(shared).await?;
    let mut reader = shared.store.read().await?;
    let sending = mailings::sending(reader.db()).await?;
    drop(reader);
    campaigns.retain(|id, _| sending.iter().any(|mailing| mailing.id == *id));
    let mut has_claimed = false;
    for mailing in &sending {
        if *stop.borrow() {
            break;
        }
        let campaign = match campaigns.get(&mailing.id) {
            Some(campaign) => Arc::clone(campaign),
            None => match Campaign::load(&shared.store, mailing).await {
                Ok(campaign) => Arc::clone(campaigns.entry(mailing.id).or_insert(Arc::new(campaign))),
                Err(error) => {
                    tracing::error!(mailing = %mailing.id, cause = %error, "a mailing cannot be sent");
                    continue;
                }
            },
        };
        has_claimed |= feed(shared, queue, mailing, &campaign).await?;
    }
    Ok(has_claimed)
}

async fn start_due(shared: &Shared) -> Result<()> {
    let now = shared.clock.now();
    let mut reader = shared.store.read().await?;
    let due = mailings::due(reader.db(), now).await?;
    drop(reader);
    for id in due {
        let mut tx = shared.store.begin().await?;
        let started = mailings::start(&mut tx, id, now).await?;
        tx.commit().await?;
        if let Some(mailing) = started {
            tracing::info!(mailing = %id, audience = mailing.account.audience, "a mailing begins");
        }
    }
    Ok(())
}

/// Claims one batch of a mailing: first those that are due again, then the next of the audience. Where there is
/// nobody left, the mailing may be at its end.
async fn feed(
    shared: &Shared,
    queue: &mpsc::Sender<Claim>,
    mailing: &Mailing,
    campaign: &Arc<Campaign>,
) -> Result<bool> {
    // Room first: the senders may be waiting for a relay, and a claim should not wait with them.
    let Ok(mut room) = queue.reserve_many(BATCH).await else { return Ok(false) };
    let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let now = shared.clock.now();
    let mut tx = shared.store.begin().await?;
    let Some(locked) = mailings::lock_sending(&mut tx, mailing.id).await? else { return Ok(false) };
    let mut claims = Vec::new();
    if locked.account.deferred > 0 {
        for retry in deliveries::claim_due(&mut tx, locked.id, shared.worker, limit, now).await? {
            let found = deliveries::recipient(tx.db(), locked.newsletter_id, retry.subscriber_id).await?;
            let recipient = match found {
                Some((recipient, SubscriptionStatus::Confirmed)) => Ok(recipient),
                _ => Err(retry.subscriber_id),
            };
            claims.push(Claim::new(campaign, recipient, retry.attempts));
        }
    }
    if claims.is_empty() {
        let next = deliveries::claim_next(&mut tx, &locked, shared.worker, limit, now).await?;
        claims.extend(next.into_iter().map(|recipient| Claim::new(campaign, Ok(recipient), 0)));
    }
    let is_over = claims.is_empty() && mailings::finish(&mut tx, locked.id, now).await?.is_some();
    tx.commit().await?;
    if is_over {
        super::recorder::log_end(shared, locked.id).await;
    }
    let has_more = !claims.is_empty() || locked.cursor < locked.audience_end;
    for claim in claims {
        if let Some(place) = room.next() {
            place.send(claim);
        }
    }
    Ok(has_more && !is_over)
}

/// How long until something is due.
async fn until_next(shared: &Shared) -> Result<Duration> {
    let mut reader = shared.store.read().await?;
    let mailing = mailings::next_due(reader.db()).await?;
    let delivery = deliveries::next_due(reader.db()).await?;
    let next = [mailing, delivery].into_iter().flatten().min();
    Ok(wait_until(next, shared.clock.now()))
}

fn wait_until(next: Option<Timestamp>, now: Timestamp) -> Duration {
    /// Even when something is overdue that this process cannot take, it does not spin.
    const WAIT_MIN: Duration = Duration::from_millis(20);
    next.map_or(WAIT_MAX, |next| next.since(now)).clamp(WAIT_MIN, WAIT_MAX)
}
