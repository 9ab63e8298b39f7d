//! Writes outcomes, in batches. Its queue is small: a database that is slow slows sending, and one that
//! does not answer stops it, instead of losing outcomes.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;

use super::breaker::{AGAIN_AFTER, Breaker};
use super::journal::Place;
use super::patience::Patience;
use super::shift::{Settled, Shift};
use crate::model::{Mailing, MailingId};
use crate::store::deliveries::{self, RECORD_ROWS_MAX, Record};
use crate::store::{Result, mailings};

/// Outcomes that may wait for the recorder: as many as it takes at once. The places of the journal bound them too.
pub const QUEUE: usize = RECORD_ROWS_MAX;
/// How long a batch is gathered, unless the places in the journal get few: a commit costs as much
/// for one outcome as for twenty, and no sender should have to wait for a place.
const GATHER: Duration = Duration::from_millis(20);

/// Runs until every sender is gone and everything is written.
pub async fn run(shift: &Shift, mut outcomes: mpsc::Receiver<Settled>) {
    let mut patience = Patience::new("record what became of mails; sending waits");
    let mut breaker = Breaker::default();
    loop {
        let first = match breaker.has_unseen() {
            false => outcomes.recv().await,
            true => match tokio::time::timeout(AGAIN_AFTER, outcomes.recv()).await {
                Ok(first) => first,
                Err(_) => {
                    breaker.look_again(shift).await;
                    continue;
                }
            },
        };
        let Some(first) = first else { return };
        let mut batch = BTreeMap::<MailingId, Vec<Record>>::new();
        let mut places = Vec::<Place>::new();
        for settled in gather(shift, first, &mut outcomes).await {
            breaker.note(&settled);
            batch.entry(settled.mailing).or_default().push(settled.record);
            places.extend(settled.place);
        }
        let known = shift.outcomes.lock().await;
        loop {
            match write(shift, &batch).await {
                Ok(ended) => {
                    patience.over();
                    ended.iter().for_each(|mailing| announce_end(shift, mailing));
                    break;
                }
                Err(error) => patience.wait(&error).await,
            }
        }
        places.into_iter().for_each(Place::free);
        drop(known);
        for (mailing, records) in &batch {
            breaker.look(shift, *mailing, records).await;
        }
        wake_for_retries(shift, &batch);
        shift.signals.did();
    }
}

/// The first outcome and those that come soon after. Nobody looks at the queue meanwhile: to be woken for each of
/// them would cost more than they do.
async fn gather(shift: &Shift, first: Settled, outcomes: &mut mpsc::Receiver<Settled>) -> Vec<Settled> {
    let mut batch = vec![first];
    tokio::select! {
        () = tokio::time::sleep(GATHER) => {}
        () = shift.journal.filling() => {}
    }
    while batch.len() < RECORD_ROWS_MAX
        && let Ok(settled) = outcomes.try_recv()
    {
        batch.push(settled);
    }
    batch
}

/// One transaction for the batch, the mailings in the order of their ids. Answers which of them ended.
async fn write(shift: &Shift, batch: &BTreeMap<MailingId, Vec<Record>>) -> Result<Vec<Mailing>> {
    let now = shift.clock.now();
    let mut ended = Vec::new();
    let mut lost = 0;
    let mut tx = shift.store.begin().await?;
    for (mailing, records) in batch {
        let recorded = deliveries::record(&mut tx, *mailing, shift.worker, records, now).await?;
        lost += records.len() - recorded.rows;
        if recorded.may_end {
            ended.extend(mailings::finish(&mut tx, *mailing, now).await?);
        }
    }
    tx.commit().await?;
    if lost > 0 {
        // Also after a commit of which the answer was lost: then they are recorded already.
        tracing::warn!(
            outcomes = lost,
            "outcomes of claims that this worker no longer holds were not recorded"
        );
    }
    Ok(ended)
}

/// The feeder sleeps until the next retry that it knows of; these may be earlier.
fn wake_for_retries(shift: &Shift, batch: &BTreeMap<MailingId, Vec<Record>>) {
    if batch.values().flatten().any(|record| record.due_at.is_some()) {
        shift.signals.wake();
    }
}

/// Says that a mailing is Sent, and whether its account balances.
pub fn announce_end(shift: &Shift, mailing: &Mailing) {
    let account = mailing.account;
    if account.balances() {
        tracing::info!(mailing = %mailing.id, sent = account.sent, bounced = account.bounced, "a mailing is sent");
    } else {
        tracing::error!(mailing = %mailing.id, ?account, "a mailing ended and its account does not balance");
    }
    shift.signals.did();
}
