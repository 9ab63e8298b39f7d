//! What a worker that died had claimed: its journal says which of it may be with the relay.
//!
//! Burying the worker and recovering its claims is one transaction, so that it happens once.

use std::collections::BTreeMap;
use std::path::Path;

use super::journal::{self, Note, Remains};
use super::outbox;
use crate::clock::Clock;
use crate::model::{MailingId, Outcome, Timestamp, UncertainPolicy, WorkerId};
use crate::store::deliveries::Record;
use crate::store::{self, Result, Store, Tx, deliveries, workers};

/// Signs a new worker on, after those were buried that are known to be dead: by their journals in this folder;
/// and on SQLite, where one process holds the lock file, all others.
pub async fn sign_on(store: &Store, clock: &Clock, journals: Option<&Path>) -> Result<(WorkerId, Timestamp)> {
    for remains in journals.map(journal::remains).unwrap_or_default() {
        bury_remains(store, clock, &remains).await?;
        remains.delete();
    }
    if !store.is_shared() {
        let past = workers::all(store.read().await?.db()).await?;
        for (worker, last_beat) in past {
            bury(store, clock, worker, last_beat, None).await?;
        }
    }
    let now = clock.now();
    let mut tx = store.begin().await?;
    let worker = workers::insert(&mut tx, now).await?;
    tx.commit().await?;
    Ok((worker, now))
}

/// Buries the worker of a journal, if it is one of this database and others have not done so.
async fn bury_remains(store: &Store, clock: &Clock, remains: &Remains) -> Result<()> {
    let row = workers::by_id(store.read().await?.db(), remains.worker).await?;
    if let Some((started_at, last_beat)) = row
        && started_at == remains.started_at
    {
        bury(store, clock, remains.worker, last_beat, Some(remains)).await?;
    }
    Ok(())
}

/// Buries a worker whose heart has not beaten since, and recovers what it held; `false` when it lives, or
/// others were first. Its journal says what was on the wire; without one everything is in doubt.
pub async fn bury(
    store: &Store,
    clock: &Clock,
    worker: WorkerId,
    last_beat: Timestamp,
    remains: Option<&Remains>,
) -> Result<bool> {
    let mut tx = store.begin().await?;
    if !workers::bury(&mut tx, worker, last_beat).await? {
        return Ok(false);
    }
    let now = clock.now();
    let mut doubts = 0;
    if let Some(remains) = remains {
        doubts += record_notes(&mut tx, worker, &remains.notes, now).await?;
        if remains.is_whole {
            deliveries::release(&mut tx, worker, now).await?;
        }
    }
    for policy in UncertainPolicy::ALL {
        doubts += deliveries::recover(&mut tx, worker, *policy, now).await?;
    }
    doubts += store::outbox::recover(&mut tx, worker, outbox::DOUBTS_MAX, now).await?;
    tx.commit().await?;
    tracing::warn!(%worker, mails_in_doubt = doubts, "a sender ended without signing off; what it held was recovered");
    Ok(true)
}

/// Writes what a dead worker had noted; answers how many doubts were among it.
async fn record_notes(tx: &mut Tx, worker: WorkerId, notes: &[Note], now: Timestamp) -> Result<u64> {
    let mut by_mailing = BTreeMap::<MailingId, Vec<Record>>::new();
    for note in notes {
        let mut record = note.record.clone();
        // The wait before another try was for the relay, and that has passed.
        if note.is_on_wire && record.outcome == Outcome::Deferred {
            record.due_at = Some(now);
        }
        by_mailing.entry(note.mailing).or_default().push(record);
    }
    for (mailing, records) in &by_mailing {
        deliveries::record(tx, *mailing, worker, records, now).await?;
    }
    Ok(notes.iter().filter(|note| note.is_on_wire).count() as u64)
}

/// Buries a worker of this process of which a task failed: by its journal, as if the process had died. Without one
/// everything that it held is in doubt.
pub async fn bury_own(
    store: &Store,
    clock: &Clock,
    worker: WorkerId,
    remains: Option<&Remains>,
) -> Result<()> {
    let row = workers::by_id(store.read().await?.db(), worker).await?;
    if let Some((started_at, last_beat)) = row {
        let remains = remains.filter(|remains| remains.started_at == started_at);
        bury(store, clock, worker, last_beat, remains).await?;
    }
    Ok(())
}

/// Signs off a worker that stops in good order: no delivery that it still holds was on the wire. A single
/// mail may have been, if `outbox_in_doubt`.
pub async fn sign_off(store: &Store, clock: &Clock, worker: WorkerId, outbox_in_doubt: bool) -> Result<()> {
    let mut tx = store.begin().await?;
    // First, in the order of those who claim: one of its own that was broken off may still be under way.
    workers::delete(&mut tx, worker).await?;
    deliveries::release(&mut tx, worker, clock.now()).await?;
    if outbox_in_doubt {
        store::outbox::recover(&mut tx, worker, outbox::DOUBTS_MAX, clock.now()).await?;
    } else {
        store::outbox::release(&mut tx, worker).await?;
    }
    tx.commit().await
}
