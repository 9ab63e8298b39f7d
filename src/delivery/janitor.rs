//! What is forgotten in time: pending sign-ups that nobody confirmed, expired tokens, sessions and counters.

use std::time::Duration;

use tokio::sync::watch;

use super::engine::Shared;
use crate::store::{Result, rate_limits, sessions, subscriptions, tokens};

const EVERY: Duration = Duration::from_secs(3600);
/// A confirmation link works for seven days; a day later the sign-up is erased (L6).
const UNCONFIRMED_KEPT: Duration = Duration::from_secs(8 * 24 * 3600 - 3600);
/// An expired link is still recognised for so long, and offered a new one.
const TOKEN_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

pub async fn run(shared: &Shared, mut stop: watch::Receiver<bool>) {
    loop {
        match clean(shared).await {
            Ok(0) => {}
            Ok(erased) => tracing::info!(erased, "erased sign-ups that nobody confirmed"),
            Err(error) => tracing::warn!(cause = %error, "could not clean up; trying again in an hour"),
        }
        tokio::select! {
            () = shared.clock.sleep_until(shared.clock.now().plus(EVERY)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn clean(shared: &Shared) -> Result<u64> {
    let now = shared.clock.now();
    let mut tx = shared.store.begin().await?;
    tokens::delete_expired(&mut tx, now.minus(TOKEN_KEPT)).await?;
    rate_limits::delete_ended(&mut tx, now).await?;
    sessions::delete_expired(&mut tx, now).await?;
    let erased = subscriptions::delete_unconfirmed(&mut tx, now.minus(UNCONFIRMED_KEPT)).await?;
    tx.commit().await?;
    Ok(erased)
}
