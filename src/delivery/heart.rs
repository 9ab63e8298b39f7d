//! The heartbeat of a worker, and the look at the hearts of others.

use std::time::Instant;

use tokio::sync::watch;

use super::engine::Shared;
use super::lease::BEAT_EVERY;
use super::recovery::recover_silent;
use crate::store::{Result, workers};

/// Beats until the stop. Returns early when others have declared this worker dead: then its generation must
/// end without touching anything.
pub async fn run(shared: &Shared, mut stop: watch::Receiver<bool>) {
    loop {
        match beat(shared).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::error!(worker = %shared.worker, "this sender was silent for too long and has been replaced");
                return;
            }
            // The lease runs out by itself if this goes on.
            Err(error) => tracing::warn!(cause = %error, "a heartbeat did not reach the database"),
        }
        if shared.store.is_shared()
            && let Err(error) = recover_silent(&shared.store, &shared.clock).await
        {
            tracing::warn!(cause = %error, "could not look for senders that died");
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn beat(shared: &Shared) -> Result<bool> {
    let began = Instant::now();
    let mut tx = shared.store.begin().await?;
    let is_alive = workers::beat(&mut tx, shared.worker, shared.clock.now()).await?;
    tx.commit().await?;
    if is_alive {
        shared.lease.renew(began);
    }
    Ok(is_alive)
}
