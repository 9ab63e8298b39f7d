//! What people do with a mailing, and what they see of it.

use std::time::Duration;

use crate::clock::Clock;
use crate::model::{Account, Mailing, MailingId, MailingStatus, Timestamp};
use crate::store::{Result, Store, mailings};

/// How far a mailing is.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Progress {
    pub status: MailingStatus,
    pub account: Account,
    /// Deliveries settled per second since the start.
    pub per_second: f64,
    /// When it will be done at this rate; only while it is Sending and something was settled.
    pub eta: Option<Timestamp>,
}

/// Reads how far a mailing is; `None` when there is none of this id.
///
/// # Errors
/// Only of the database.
pub async fn progress(store: &Store, clock: &Clock, id: MailingId) -> Result<Option<Progress>> {
    let mailing = mailings::by_id(store.read().await?.db(), id).await?;
    Ok(mailing.map(|mailing| progress_of(&mailing, clock.now())))
}

/// The same from a row that was read already.
#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
pub fn progress_of(mailing: &Mailing, now: Timestamp) -> Progress {
    let account = mailing.account;
    let spent = mailing
        .started_at
        .map_or(Duration::ZERO, |started| mailing.finished_at.unwrap_or(now).since(started));
    let settled = account.settled() as f64;
    let per_second = if spent.is_zero() { 0.0 } else { settled / spent.as_secs_f64() };
    let rest = (account.audience - account.settled()).max(0) as f64;
    let eta = (mailing.status == MailingStatus::Sending && per_second > 0.0)
        .then(|| Duration::try_from_secs_f64(rest / per_second).ok())
        .flatten()
        .map(|rest| now.plus(rest));
    Progress { status: mailing.status, account, per_second, eta }
}
