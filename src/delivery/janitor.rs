//! Forgets what has had its time: once an hour.

use std::time::Duration;

use super::patience::Patience;
use super::shift::Shift;
use crate::model::Timestamp;
use crate::store::subscriptions::UNCONFIRMED_ROWS;
use crate::store::{
    Result, account_links, deliveries, known_browsers, login_steps, passkey_challenges, provider_logins,
    rate_limits, sessions, subscriptions, tokens, warmup,
};

const EVERY: Duration = Duration::from_secs(3600);
/// A link to confirm works for 7 days; who has not used it is erased within 24 hours after (L6).
const UNCONFIRMED_KEPT: Duration = Duration::from_secs(8 * 24 * 3600 - 3600);
/// So long a link that has expired still says so, instead of being unknown.
const EXPIRED_TOKENS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most tokens that one transaction forgets.
const TOKEN_ROWS: i64 = 5_000;
/// Most windows that one transaction forgets.
const COUNT_ROWS: i64 = 5_000;
/// An invitation that has expired still says until when it worked.
const EXPIRED_LINKS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// As long as a browser keeps the cookie by which it is known again.
const BROWSERS_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);
/// A month of what was sent while a destination was warmed up, to look at.
const WARM_UP_KEPT: Duration = Duration::from_secs(31 * 24 * 3600);
const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// No plan waits for so long: such a wait is of a clock that was ahead when it was made.
const WAIT_MAX: Duration = Duration::from_secs(25 * 3600);

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let mut patience = Patience::new("forget what has expired");
    loop {
        let rest = match clean(shift).await {
            Ok(()) => {
                patience.over();
                shift.unless_stopped(shift.clock.sleep(EVERY)).await
            }
            Err(error) => shift.unless_stopped(patience.wait(&error)).await,
        };
        if rest.is_none() {
            return;
        }
    }
}

/// In small transactions: after an import that asked, there are as many as it asked.
async fn erase_unconfirmed(shift: &Shift, before: Timestamp) -> Result<usize> {
    let mut erased = 0;
    while !*shift.signals.stop.borrow() {
        let mut tx = shift.store.begin().await?;
        let some = subscriptions::delete_unconfirmed(&mut tx, before).await?;
        tx.commit().await?;
        erased += some;
        if some < UNCONFIRMED_ROWS {
            break;
        }
    }
    Ok(erased)
}

/// In small transactions as well: what an import asked expires in one moment.
async fn forget_tokens(shift: &Shift, before: Timestamp) -> Result<()> {
    while !*shift.signals.stop.borrow() {
        let mut tx = shift.store.begin().await?;
        let gone = tokens::delete_expired(&mut tx, before, TOKEN_ROWS).await?;
        tx.commit().await?;
        if gone < TOKEN_ROWS.unsigned_abs() {
            break;
        }
    }
    Ok(())
}

/// The same for what was counted: after an attack there is much of it.
async fn forget_counts(shift: &Shift, now: Timestamp) -> Result<()> {
    while !*shift.signals.stop.borrow() {
        let mut tx = shift.store.begin().await?;
        let gone = rate_limits::delete_ended(&mut tx, now, COUNT_ROWS).await?;
        tx.commit().await?;
        if gone < COUNT_ROWS.unsigned_abs() {
            break;
        }
    }
    Ok(())
}

async fn clean(shift: &Shift) -> Result<()> {
    let now = shift.clock.now();
    let unconfirmed = erase_unconfirmed(shift, now.minus(UNCONFIRMED_KEPT)).await?;
    forget_tokens(shift, now.minus(EXPIRED_TOKENS_KEPT)).await?;
    forget_counts(shift, now).await?;
    let mut tx = shift.store.begin().await?;
    sessions::delete_expired(&mut tx, now).await?;
    login_steps::delete_expired(&mut tx, now).await?;
    provider_logins::delete_expired(&mut tx, now).await?;
    passkey_challenges::delete_expired(&mut tx, now).await?;
    account_links::delete_expired(&mut tx, now.minus(EXPIRED_LINKS_KEPT)).await?;
    known_browsers::delete_before(&mut tx, now.minus(BROWSERS_KEPT)).await?;
    warmup::delete_before(&mut tx, now.minus(WARM_UP_KEPT).as_millis() / DAY_MILLIS).await?;
    let mended = deliveries::mend_due(&mut tx, now.plus(WAIT_MAX), now).await?;
    tx.commit().await?;
    if mended > 0 {
        tracing::warn!(
            deliveries = mended,
            "the clock was ahead when these were put off; they are tried again now"
        );
        shift.signals.wake();
    }
    if unconfirmed > 0 {
        shift.store.forget_deleted().await?;
        tracing::info!(subscriptions = unconfirmed, "sign-ups that nobody confirmed were erased");
    }
    shift.signals.did();
    Ok(())
}
