//! Takes claims one by one and puts them on the wire. There are as many senders as connections.
//!
//! Before MAIL, in this order: a place for the outcome (what could not be stored is not sent), a relay that
//! answers, a lease that holds, and, unless the claim is fresh, another look at the database.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

use super::outcome::{self, Context};
use super::patience::Patience;
use super::retry;
use super::shift::{Claim, Settled, Shift};
use super::wire::Attempt;
use crate::model::SubscriptionStatus;
use crate::store::deliveries::{self, Recipient, Record};

/// A claim older than this is looked at again before the wire: somebody may have left, paused or cancelled.
pub const CLAIM_FRESH_MS: u64 = 500;

/// Runs until there are no more claims, or the engine stops.
pub async fn run(shift: &Shift, claims: Arc<Mutex<mpsc::Receiver<Claim>>>, outcomes: mpsc::Sender<Settled>) {
    let next = || async { claims.lock().await.recv().await };
    while let Some(Some(claim)) = shift.unless_stopped(next()).await {
        if deliver(shift, &outcomes, &claim).await.is_none() {
            return;
        }
    }
}

/// Brings one claim to its outcome; `None` when the engine stops before it went out: then it is given back
/// with all others.
async fn deliver(shift: &Shift, outcomes: &mpsc::Sender<Settled>, claim: &Claim) -> Option<()> {
    let mailing = claim.letter.mailing;
    let place = shift.unless_stopped(outcomes.reserve()).await?.ok()?;
    loop {
        let pass = shift.unless_stopped(shift.gate.pass()).await?;
        let recipient = match ready(shift, claim).await? {
            Ok(recipient) => recipient,
            Err(record) => {
                place.send(Settled { mailing, record });
                return Some(());
            }
        };
        let mail = claim.letter.mail_for(&recipient);
        let doubt = Attempt::Uncertain { reason: "stopped before the relay answered".into() };
        shift.on_wire.begin(mailing, settle(shift, claim, doubt));
        match shift.wire.send(&mail).await {
            Ok(sent) => {
                match &sent.attempt {
                    Attempt::Accepted { .. } | Attempt::Refused { .. } => shift.gate.answered(),
                    Attempt::Lost { reason } | Attempt::Uncertain { reason } => {
                        shift.gate.failed(reason, Duration::ZERO);
                    }
                }
                place.send(Settled { mailing, record: settle(shift, claim, sent.attempt) });
                shift.on_wire.end(mailing, claim.subscriber_id);
                return Some(());
            }
            Err(unreachable) => {
                shift.on_wire.end(mailing, claim.subscriber_id);
                let wait = shift.gate.failed(&unreachable.why, unreachable.wait);
                drop(pass);
                shift.unless_stopped(shift.clock.sleep(wait)).await?;
            }
        }
    }
}

/// Waits until this worker may send, and looks whether the recipient still is one. `Err` is what is to be
/// recorded instead of sending.
async fn ready(shift: &Shift, claim: &Claim) -> Option<Result<Recipient, Record>> {
    let mut patience = Patience::new("look at a claim again");
    loop {
        shift.unless_stopped(shift.lease.good()).await?;
        let age = shift.clock.elapsed().saturating_sub(claim.claimed_at);
        if let Some(recipient) = &claim.recipient
            && age <= Duration::from_millis(CLAIM_FRESH_MS)
        {
            return Some(Ok(recipient.clone()));
        }
        match look_again(shift, claim).await {
            // Looking may have taken longer than the lease.
            Ok(_) if !shift.lease.is_good() => {}
            Ok(found) => return Some(found),
            Err(error) => {
                shift.unless_stopped(patience.wait(&error)).await?;
            }
        }
    }
}

async fn look_again(shift: &Shift, claim: &Claim) -> crate::store::Result<Result<Recipient, Record>> {
    let (letter, subscriber) = (&claim.letter, claim.subscriber_id);
    let mut reader = shift.store.read().await?;
    if !deliveries::still_claimed(reader.db(), letter.mailing, subscriber, shift.worker).await? {
        // Paused: back to the queue. Recovered by others: the recorder will not find the claim.
        return Ok(Err(outcome::give_back(subscriber, shift.clock.now())));
    }
    Ok(match deliveries::recipient(reader.db(), letter.newsletter, subscriber).await? {
        Some((recipient, SubscriptionStatus::Confirmed)) => Ok(recipient),
        _ => Err(outcome::skip(subscriber)),
    })
}

fn settle(shift: &Shift, claim: &Claim, attempt: Attempt) -> Record {
    outcome::settle(
        attempt,
        &Context {
            subscriber_id: claim.subscriber_id,
            attempts: claim.attempts,
            doubts: claim.doubts,
            policy: claim.letter.policy,
            began: claim.letter.began,
            plan: retry::mailing_plan(shift.settings.retry_for),
            now: shift.clock.now(),
        },
    )
}
