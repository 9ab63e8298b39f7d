//! Takes claims one by one and puts them on the wire. There are as many senders as connections.
//!
//! Before MAIL, in this order: a place for the outcome (what could not be stored is not sent), a relay that
//! answers, a lease that holds, unless the claim is fresh another look at the database, and a note in the
//! journal.

use std::time::Duration;

use tokio::sync::mpsc;

use super::journal::Place;
use super::lanes::{Change, Turn, Weather};
use super::outcome::{self, Context};
use super::patience::Patience;
use super::retry;
use super::shift::{Claim, Settled, Shift};
use super::wire::{Attempt, Sent, Unreachable};
use crate::mail::reply::Verdict;
use crate::model::{EmailAddress, Refusal};
use crate::store::deliveries::{self, Recipient, Record};

/// A claim older than this is looked at again before the wire: somebody may have left, paused or cancelled.
/// At full speed claims are younger; this is how long a mail may still begin after someone left.
pub const CLAIM_FRESH: Duration = Duration::from_millis(100);
/// A mail that broke after so long hung: its destination is to blame, if others were answered meanwhile.
const HUNG: Duration = Duration::from_secs(20);

/// Runs until the engine stops.
pub async fn run(shift: &Shift, outcomes: mpsc::Sender<Settled>) {
    let wait = |claim: &Claim| shift.wire.wait(&claim.letter.relay);
    while let Some(turn) = shift.unless_stopped(shift.lanes.next(wait)).await {
        if deliver(shift, &outcomes, &turn).await.is_none() {
            return;
        }
    }
}

/// Brings one claim to its outcome; `None` when the engine stops before it went out: then it is given back
/// with all others.
async fn deliver(shift: &Shift, outcomes: &mpsc::Sender<Settled>, turn: &Turn<'_>) -> Option<()> {
    let claim = &turn.claim;
    let mailing = claim.letter.mailing;
    let place = shift.unless_stopped(shift.journal.place()).await??;
    let record = match turn.wait {
        // Back to where it waits in the database.
        Some(rest) => outcome::give_back(claim.subscriber_id, shift.clock.now().plus(rest)),
        None => send(shift, turn, &place).await?,
    };
    // The recorder ends after the last sender.
    let retry_from = claim.letter.retry_from;
    outcomes.send(Settled { mailing, record, retry_from, place: Some(place) }).await.ok()
}

async fn send(shift: &Shift, turn: &Turn<'_>, place: &Place) -> Option<Record> {
    let claim = &turn.claim;
    let mailing = claim.letter.mailing;
    let mut patience = Patience::new("note in the journal what is on the wire");
    loop {
        let pass = shift.unless_stopped(shift.gate.pass()).await?;
        let recipient = match ready(shift, claim).await? {
            Ok(recipient) => recipient,
            Err(record) => return Some(record),
        };
        let mail = shift.composer.signed(claim.letter.mail_for(&recipient), claim.letter.date).await;
        let doubt = Attempt::Uncertain { reason: "stopped before the relay answered".into() };
        if let Err(error) = place.begin(mailing, settle(shift, claim, &doubt, "")) {
            drop(pass);
            shift.unless_stopped(patience.wait(&error)).await?;
            continue;
        }
        let before = Before { began: shift.clock.elapsed(), answers: shift.gate.answers() };
        match shift.wire.send(&mail).await {
            Ok(sent) => {
                let record = settle(shift, claim, &sent.attempt, &sent.relay);
                place.end(mailing, &record);
                learn(shift, turn, &recipient.address, &sent, &record, before);
                return Some(record);
            }
            Err(Unreachable { why, wait }) => {
                place.forget();
                let wait = shift.gate.failed(&why, wait);
                drop(pass);
                shift.unless_stopped(shift.clock.sleep(wait)).await?;
            }
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

/// What an attempt says about the relay and about the destination.
fn learn(shift: &Shift, turn: &Turn<'_>, to: &EmailAddress, sent: &Sent, record: &Record, before: Before) {
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

/// Waits until this worker may send, and looks whether the recipient still is one. `Err` is what is to be
/// recorded instead of sending.
async fn ready(shift: &Shift, claim: &Claim) -> Option<Result<Recipient, Record>> {
    let mut patience = Patience::new("look at a claim again");
    loop {
        shift.unless_stopped(shift.lease.good()).await?;
        let age = shift.clock.elapsed().saturating_sub(claim.claimed_at);
        if let Some(recipient) = claim.recipient.as_ref().filter(|_| age <= CLAIM_FRESH) {
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
