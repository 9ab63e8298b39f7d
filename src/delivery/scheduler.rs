//! Begins mailings when they are due, exactly once whatever the number of processes, and winds up those that
//! were cancelled on the way: who was not reached is Skipped, so that their account is whole too.

use super::patience::Patience;
use super::pauses;
use super::shift::Shift;
use super::trials;
use crate::model::{MailingId, Timestamp};
use crate::store::deliveries::{self, Birth, Newborn};
use crate::store::{Result, mailing_audience, mailings};

/// Rows made in one transaction for those whom a cancelled mailing did not reach.
const WIND_UP_ROWS: i64 = 500;

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let mut work = shift.signals.work.subscribe();
    let mut patience = Patience::new("look for mailings that are due");
    while !*shift.signals.stop.borrow() {
        work.mark_unchanged();
        match begin_due(shift).await {
            Ok(next_due) => {
                patience.over();
                shift.idle(&mut work, next_due).await;
            }
            Err(error) => {
                shift.unless_stopped(patience.wait(&error)).await;
            }
        }
    }
}

/// Begins every mailing that is due; also those that became due while no process ran. Answers when the
/// next one will be.
async fn begin_due(shift: &Shift) -> Result<Option<Timestamp>> {
    let due = mailings::due(shift.store.read().await?.db(), shift.clock.now()).await?;
    wind_up(shift).await?;
    if !due.is_empty() {
        // Whose pause ends before a mailing begins is in its audience.
        pauses::end_all(shift).await?;
    }
    for id in due {
        let mut tx = shift.store.begin().await?;
        let started = mailings::start(&mut tx, id, shift.clock.now()).await?;
        tx.commit().await?;
        if let Some(mailing) = started {
            tracing::info!(mailing = %mailing.id, audience = mailing.account.audience, "a mailing begins");
            shift.signals.wake();
            shift.signals.did();
        }
    }
    let next_trial = trials::decide_due(shift).await?;
    let next_due = mailings::next_due(shift.store.read().await?.db()).await?;
    Ok(next_due.into_iter().chain(next_trial).min())
}

async fn wind_up(shift: &Shift) -> Result<()> {
    let cancelled = mailings::to_wind_up(shift.store.read().await?.db()).await?;
    for id in cancelled {
        while !*shift.signals.stop.borrow() && skip_some(shift, id).await? {}
        shift.signals.did();
    }
    Ok(())
}

/// Skips the next of the audience of a cancelled mailing; `false` when nobody is left.
async fn skip_some(shift: &Shift, id: MailingId) -> Result<bool> {
    let now = shift.clock.now();
    let mut tx = shift.store.begin().await?;
    let Some(mailing) = mailings::lock_cancelled(&mut tx, id).await? else { return Ok(false) };
    deliveries::skip_waiting(&mut tx, id, now).await?;
    let found = deliveries::candidates(tx.db(), &mailing, WIND_UP_ROWS).await?;
    let newborns: Vec<_> = found
        .iter()
        .map(|recipient| Newborn {
            subscriber_id: recipient.subscriber_id,
            destination: "",
            birth: Birth::Skipped,
        })
        .collect();
    deliveries::insert(&mut tx, id, shift.worker, &newborns, now).await?;
    let is_full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= WIND_UP_ROWS;
    let end = found.last().filter(|_| is_full).map_or(mailing.audience_end, |last| last.subscription_id);
    mailings::advance(&mut tx, id, end).await?;
    if !is_full && mailing.segment_filter.is_some() {
        mailing_audience::empty(&mut tx, id).await?;
    }
    tx.commit().await?;
    Ok(is_full)
}
