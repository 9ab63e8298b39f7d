//! Taking over what a dead worker had claimed.

use crate::clock::Clock;
use crate::model::{Timestamp, UncertainPolicy, WorkerId};
use crate::store::{Result, Store, Tx, deliveries, outbox, workers};

use super::lease::SILENCE_MAX;

/// At the start of the only sending process of a SQLite file: every worker in the table is from the past.
///
/// # Errors
/// Only of the database.
pub async fn recover_all(store: &Store, clock: &Clock) -> Result<()> {
    let mut tx = store.begin().await?;
    for worker in workers::all(tx.db()).await? {
        take_over(&mut tx, worker, clock.now()).await?;
        workers::delete(&mut tx, worker).await?;
    }
    tx.commit().await
}

/// On a shared database: takes over from workers whose heart stopped. Each is buried by one process only.
///
/// # Errors
/// Only of the database.
pub async fn recover_silent(store: &Store, clock: &Clock) -> Result<()> {
    let silent_since = clock.now().minus(SILENCE_MAX);
    let mut reader = store.read().await?;
    let silent = workers::silent_since(reader.db(), silent_since).await?;
    drop(reader);
    for worker in silent {
        let mut tx = store.begin().await?;
        if workers::bury(&mut tx, worker, silent_since).await? {
            take_over(&mut tx, worker, clock.now()).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Nobody knows which of the claims the relay took: each is a doubt.
pub(super) async fn take_over(tx: &mut Tx, worker: WorkerId, now: Timestamp) -> Result<()> {
    let resent = deliveries::recover(tx, worker, UncertainPolicy::Resend, now).await?;
    let held = deliveries::recover(tx, worker, UncertainPolicy::Hold, now).await?;
    let mails = outbox::put_back_all(tx, worker).await?;
    if resent + held + mails > 0 {
        tracing::warn!(%worker, resent, held, mails, "recovered what a sender that died had claimed");
    }
    Ok(())
}
