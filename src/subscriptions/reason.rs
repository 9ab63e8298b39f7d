//! Why someone left: said on the goodbye page, if at all. Said twice, the last word holds, and counts once.

use super::unsubscribe::{self, Departure, lock};
use crate::clock::Clock;
use crate::keys::{Keys, Purpose};
use crate::model::{DepartureReason, SubscriptionStatus};
use crate::store::{Store, StoreError, departures};

/// Most characters of a remark.
pub const REMARK_MAX_CHARS: usize = 1_000;

/// What cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ReasonError {
    #[error("no reason was chosen")]
    None,
    #[error("the remark has {chars} characters; at most {REMARK_MAX_CHARS} fit")]
    TooLong { chars: usize },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps why the owner of an unsubscribe link has left. Of somebody who has not left, or who never confirmed, nothing
/// is kept.
///
/// # Errors
/// No reason, or a remark that is too long; a database that does not answer.
pub async fn say_why(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    reason: Option<DepartureReason>,
    remark: &str,
) -> Result<Departure, ReasonError> {
    let Some(id) = keys.open_link(Purpose::Unsubscribe, link) else { return Ok(Departure::Unknown) };
    let remark = clean(remark);
    let chars = remark.chars().count();
    if chars > REMARK_MAX_CHARS {
        return Err(ReasonError::TooLong { chars });
    }
    let reason =
        reason.or((!remark.is_empty()).then_some(DepartureReason::Other)).ok_or(ReasonError::None)?;
    let mut tx = store.begin().await?;
    let Some((subscription, _)) = lock(&mut tx, id).await? else { return Ok(Departure::Gone) };
    if subscription.status == SubscriptionStatus::Unsubscribed && subscription.confirmed_at.is_some() {
        departures::keep(&mut tx, id, reason, &remark, clock.now()).await?;
    }
    tx.commit().await?;
    Ok(unsubscribe::look(store, keys, link).await?)
}

/// Without control characters, but with its lines.
fn clean(remark: &str) -> String {
    let text = remark.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect::<String>().trim().to_owned()
}
