//! Takes claims from the queue, and puts them on the wire.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc, watch};

use super::campaign::Campaign;
use super::engine::Shared;
use super::recorder::Recorded;
use super::retry;
use crate::mail::reply::{Reply, Verdict};
use crate::mail::smtp::{Attempt, Outgoing};
use crate::model::{Outcome, SubscriberId, SubscriptionStatus, UncertainPolicy};
use crate::store::deliveries::{Recipient, Record};
use crate::store::{Result, deliveries};

/// A claim older than this is looked at again before the wire: its reader may have left, or the mailing may
/// have been stopped.
const CLAIM_FRESH: Duration = Duration::from_millis(500);
/// Wait before the database is asked again, or the lease looked at again.
const WAIT: Duration = Duration::from_millis(200);

/// A delivery that this worker has claimed.
#[derive(Debug)]
pub struct Claim {
    campaign: Arc<Campaign>,
    /// `Err` for somebody who has left or was erased since the first try.
    recipient: std::result::Result<Recipient, SubscriberId>,
    attempts: i64,
    looked_at: Instant,
}

impl Claim {
    pub fn new(
        campaign: &Arc<Campaign>,
        recipient: std::result::Result<Recipient, SubscriberId>,
        attempts: i64,
    ) -> Self {
        Self { campaign: Arc::clone(campaign), recipient, attempts, looked_at: Instant::now() }
    }
}

pub type Queue = Arc<Mutex<mpsc::Receiver<Claim>>>;

/// Sends until the queue ends, or the stop. A claim that was not sent stays claimed: the engine gives it back.
pub async fn run(
    shared: Arc<Shared>,
    queue: Queue,
    outcomes: mpsc::Sender<Recorded>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let claim = tokio::select! {
            claim = async { queue.lock().await.recv().await } => claim,
            _ = stop.wait_for(|stop| *stop) => None,
        };
        let Some(claim) = claim else { return };
        let mailing = claim.campaign.mailing;
        if let Some(record) = deliver(&shared, claim, &mut stop).await
            && outcomes.send(Recorded { mailing, record }).await.is_err()
        {
            return;
        }
    }
}

/// One claim, until it has an outcome. `None` when it has none of ours: the claim is no longer ours, or we stop.
async fn deliver(shared: &Shared, mut claim: Claim, stop: &mut watch::Receiver<bool>) -> Option<Record> {
    let recipient = match claim.recipient {
        Ok(ref recipient) => recipient.clone(),
        Err(subscriber) => return Some(record(subscriber, Outcome::Skipped)),
    };
    let message = claim.campaign.message(&shared.keys, &shared.settings, &recipient);
    let envelope_from =
        shared.settings.bounce_address.as_ref().unwrap_or(&claim.campaign.newsletter.sender_address);
    let mail = Outgoing { envelope_from: Some(envelope_from), to: &recipient.address, bytes: &message };
    loop {
        tokio::select! {
            () = shared.relay.wait_until_usable() => {}
            _ = stop.wait_for(|stop| *stop) => return None,
        }
        if !shared.lease.is_valid() {
            pause(stop).await?;
            continue;
        }
        if claim.looked_at.elapsed() > CLAIM_FRESH {
            match look_again(shared, &claim.campaign, &recipient).await {
                Ok(Look::Send) => claim.looked_at = Instant::now(),
                Ok(Look::Record(record)) => return Some(record),
                Ok(Look::NotOurs) => return None,
                Err(error) => {
                    tracing::warn!(cause = %error, "a sender found no database; trying again");
                    pause(stop).await?;
                    continue;
                }
            }
        }
        match shared.relay.send(&mail).await {
            Ok(attempt) => return Some(outcome(shared, &claim, &recipient, attempt)),
            // No recipient's fault: the same claim is tried when the relay can be used again.
            Err(unreachable) => shared.warn_unreachable(&unreachable),
        }
    }
}

/// Waits a little; `None` when the stop came.
async fn pause(stop: &mut watch::Receiver<bool>) -> Option<()> {
    tokio::select! {
        () = tokio::time::sleep(WAIT) => Some(()),
        _ = stop.wait_for(|stop| *stop) => None,
    }
}

enum Look {
    Send,
    Record(Record),
    NotOurs,
}

async fn look_again(shared: &Shared, campaign: &Campaign, recipient: &Recipient) -> Result<Look> {
    let mut reader = shared.store.read().await?;
    let subscriber = recipient.subscriber_id;
    let found = deliveries::recipient(reader.db(), campaign.newsletter.id, subscriber).await?;
    if !found.is_some_and(|(_, status)| status == SubscriptionStatus::Confirmed) {
        return Ok(Look::Record(record(subscriber, Outcome::Skipped)));
    }
    if deliveries::still_claimed(reader.db(), campaign.mailing, subscriber, shared.worker).await? {
        return Ok(Look::Send);
    }
    // The claim may still be ours while the mailing was paused: given back, it waits for the mailing.
    if deliveries::is_claimed_by(reader.db(), campaign.mailing, subscriber, shared.worker).await? {
        let due_at = Some(shared.clock.now());
        return Ok(Look::Record(Record { due_at, ..record(subscriber, Outcome::Deferred) }));
    }
    Ok(Look::NotOurs)
}

/// An outcome that never was on the wire.
const fn record(subscriber_id: SubscriberId, outcome: Outcome) -> Record {
    Record { subscriber_id, outcome, attempts: 0, doubts: 0, due_at: None, reply: String::new() }
}

fn outcome(shared: &Shared, claim: &Claim, recipient: &Recipient, attempt: Attempt) -> Record {
    let one_try =
        |outcome, reply: String| Record { attempts: 1, reply, ..record(recipient.subscriber_id, outcome) };
    match attempt {
        Attempt::Accepted(reply) => one_try(Outcome::Sent, reply.to_string()),
        Attempt::Refused { reply, .. } if reply.classify() == Verdict::Bounced => {
            one_try(Outcome::Bounced, reply.to_string())
        }
        Attempt::Refused { reply, .. } => later(shared, claim, recipient, reply.to_string(), 0),
        Attempt::Lost { reason, .. } => later(shared, claim, recipient, without_address(&reason), 0),
        Attempt::Uncertain(reason) => match claim.campaign.newsletter.on_uncertain {
            UncertainPolicy::Resend => later(shared, claim, recipient, without_address(&reason), 1),
            UncertainPolicy::Hold => {
                Record { doubts: 1, ..one_try(Outcome::Uncertain, without_address(&reason)) }
            }
        },
    }
}

/// Our own words about a broken session, in the form of a reply.
fn without_address(reason: &str) -> String {
    Reply::new(451, None, reason).to_string()
}

/// Tried again by the plan, or expired.
fn later(shared: &Shared, claim: &Claim, recipient: &Recipient, reply: String, doubts: i64) -> Record {
    let now = shared.clock.now();
    let spread = u64::try_from(recipient.subscriber_id.0).unwrap_or(0).wrapping_mul(7);
    let plan = retry::mailing(shared.settings.retry);
    let due_at = plan.next(claim.attempts + 1, claim.campaign.started_at, now, spread);
    let outcome = if due_at.is_some() { Outcome::Deferred } else { Outcome::Expired };
    Record { attempts: 1, doubts, due_at, reply, ..record(recipient.subscriber_id, outcome) }
}
