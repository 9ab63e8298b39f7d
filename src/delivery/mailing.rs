//! The verbs of a mailing once it is scheduled, and its progress.

use std::time::Duration;

use crate::clock::Clock;
use crate::model::{Mailing, MailingId, MailingStatus};
use crate::store::{Result, Store, mailings};

/// Cancels a mailing that has not begun. `false` when it is too late, or done already.
///
/// # Errors
/// Only of the database.
pub async fn cancel(store: &Store, clock: &Clock, id: MailingId) -> Result<bool> {
    let mut tx = store.begin().await?;
    let is_cancelled = mailings::cancel(&mut tx, id, clock.now()).await?;
    tx.commit().await?;
    Ok(is_cancelled)
}

/// How far a mailing is.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Progress {
    pub mailing: Mailing,
    /// Outcomes that stand, of a hundred.
    pub percent: i64,
    /// Outcomes per second since the start.
    pub per_second: f64,
    /// How long the rest takes at that rate; `None` while nobody can know.
    pub seconds_left: Option<u64>,
}

/// # Errors
/// Only of the database.
pub async fn progress(store: &Store, clock: &Clock, id: MailingId) -> Result<Option<Progress>> {
    let mut reader = store.read().await?;
    let mailing = mailings::by_id(reader.db(), id).await?;
    Ok(mailing.map(|mailing| of(mailing, clock)))
}

fn of(mailing: Mailing, clock: &Clock) -> Progress {
    let account = mailing.account;
    let until = mailing.finished_at.unwrap_or_else(|| clock.now());
    let elapsed = mailing.started_at.map_or(Duration::ZERO, |started| until.since(started));
    let percent = match (mailing.status, account.audience) {
        (MailingStatus::Sent, _) => 100,
        (_, 0) => 0,
        (_, audience) => account.settled() * 100 / audience,
    };
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to look at")]
    let per_second = if elapsed.is_zero() { 0.0 } else { account.settled() as f64 / elapsed.as_secs_f64() };
    let open = account.open();
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people to look at")]
    let seconds = open as f64 / per_second;
    let is_known = mailing.status == MailingStatus::Sending && per_second > 0.0 && open > 0;
    let seconds_left =
        is_known.then(|| Duration::try_from_secs_f64(seconds).map_or(0, |left| left.as_secs()));
    Progress { mailing, percent, per_second, seconds_left }
}
