//! What a worker that died had claimed: nobody knows which of it the relay took.
//!
//! Burying the worker and recovering its claims is one transaction, so that it happens once.

use super::outbox;
use crate::clock::Clock;
use crate::model::{Timestamp, UncertainPolicy, WorkerId};
use crate::store::{self, Result, Store, deliveries, workers};

/// Signs a new worker on. On SQLite one process holds the lock file: every other worker is from the past,
/// and is buried first.
pub async fn sign_on(store: &Store, clock: &Clock) -> Result<WorkerId> {
    if !store.is_shared() {
        let past = workers::all(store.read().await?.db()).await?;
        for (worker, last_beat) in past {
            bury(store, clock, worker, last_beat).await?;
        }
    }
    let mut tx = store.begin().await?;
    let worker = workers::insert(&mut tx, clock.now()).await?;
    tx.commit().await?;
    Ok(worker)
}

/// Buries a worker whose heart has not beaten since, and recovers what it held; `false` when it lives, or
/// others were first.
pub async fn bury(store: &Store, clock: &Clock, worker: WorkerId, last_beat: Timestamp) -> Result<bool> {
    let mut tx = store.begin().await?;
    if !workers::bury(&mut tx, worker, last_beat).await? {
        return Ok(false);
    }
    let now = clock.now();
    let mut mails = 0;
    for policy in UncertainPolicy::ALL {
        mails += deliveries::recover(&mut tx, worker, *policy, now).await?;
    }
    mails += store::outbox::recover(&mut tx, worker, outbox::DOUBTS_MAX, now).await?;
    tx.commit().await?;
    if mails > 0 {
        tracing::warn!(%worker, mails, "a sender ended without signing off; its mails in doubt were recovered");
    }
    Ok(true)
}

/// Buries a worker of this process of which a task failed.
pub async fn bury_own(store: &Store, clock: &Clock, worker: WorkerId) -> Result<()> {
    let all = workers::all(store.read().await?.db()).await?;
    if let Some((worker, last_beat)) = all.into_iter().find(|(id, _)| *id == worker) {
        bury(store, clock, worker, last_beat).await?;
    }
    Ok(())
}

/// Signs off a worker that stops in good order: no delivery that it still holds was on the wire. A single
/// mail may have been, if `outbox_in_doubt`.
pub async fn sign_off(store: &Store, clock: &Clock, worker: WorkerId, outbox_in_doubt: bool) -> Result<()> {
    let mut tx = store.begin().await?;
    deliveries::release(&mut tx, worker, clock.now()).await?;
    if outbox_in_doubt {
        store::outbox::recover(&mut tx, worker, outbox::DOUBTS_MAX, clock.now()).await?;
    } else {
        store::outbox::release(&mut tx, worker).await?;
    }
    workers::delete(&mut tx, worker).await?;
    tx.commit().await
}
