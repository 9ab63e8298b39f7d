//! Begins mailings when they are due, exactly once whatever the number of processes, and winds up those that
//! have ended, a batch at a time: who was not reached by one that was cancelled is Skipped, so that its account is whole too,
//! and audiences that were written down are forgotten. What becomes due meanwhile begins between two batches.

use super::patience::Patience;
use super::pauses;
use super::shift::Shift;
use super::trials;
use crate::model::{MailingId, Timestamp};
use crate::store::deliveries::{self, Birth, Newborn};
use crate::store::{Result, mailing_audience, mailings};

/// Rows made or changed in one transaction for those whom a cancelled mailing did not reach.
const WIND_UP_ROWS: i64 = 500;
/// Rows of an audience forgotten in one transaction: they stand together.
const EMPTY_ROWS: u32 = 2_000;

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let mut work = shift.signals.work.subscribe();
    let mut patience = Patience::new("look for mailings that are due");
    while !*shift.signals.stop.borrow() {
        work.mark_unchanged();
        match look(shift).await {
            Ok(Look::Again) => patience.over(),
            Ok(Look::Until(next_due)) => {
                patience.over();
                shift.idle(&mut work, next_due).await;
            }
            Err(error) => {
                shift.unless_stopped(patience.wait(&error)).await;
            }
        }
    }
}

/// When there is something to do again.
enum Look {
    Again,
    Until(Option<Timestamp>),
}

async fn look(shift: &Shift) -> Result<Look> {
    let next_due = begin_due(shift).await?;
    Ok(if wind_up_some(shift).await? { Look::Again } else { Look::Until(next_due) })
}

/// Begins every mailing that is due; also those that became due while no process ran. Answers when the
/// next one will be.
async fn begin_due(shift: &Shift) -> Result<Option<Timestamp>> {
    let due = mailings::due(shift.store.read().await?.db(), shift.clock.now()).await?;
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

/// A batch of each mailing that has ended; `false` when nothing is left.
async fn wind_up_some(shift: &Shift) -> Result<bool> {
    let mut reader = shift.store.read().await?;
    let cancelled = mailings::to_wind_up(reader.db()).await?;
    let with_audience = mailing_audience::of_ended(reader.db()).await?;
    drop(reader);
    let mut has_more = false;
    for id in cancelled {
        has_more |= skip_some(shift, id).await?;
        shift.signals.did();
    }
    for id in with_audience {
        let mut tx = shift.store.begin().await?;
        let rows = mailing_audience::empty(&mut tx, id, EMPTY_ROWS.into()).await?;
        tx.commit().await?;
        has_more |= rows >= EMPTY_ROWS.into();
    }
    Ok(has_more)
}

/// Skips the next of the audience of a cancelled mailing; `false` when nobody is left.
async fn skip_some(shift: &Shift, id: MailingId) -> Result<bool> {
    let now = shift.clock.now();
    let mut tx = shift.store.begin().await?;
    let Some(mailing) = mailings::lock_cancelled(&mut tx, id).await? else { return Ok(false) };
    if deliveries::skip_waiting(&mut tx, id, WIND_UP_ROWS, now).await? >= WIND_UP_ROWS {
        tx.commit().await?;
        return Ok(true);
    }
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
    tx.commit().await?;
    Ok(is_full)
}
