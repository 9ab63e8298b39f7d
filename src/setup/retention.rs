//! For how long what is kept, set at the desk. What is set there wins over the configuration, and counts from the next
//! run of the sender on, which comes once an hour.

use std::time::Duration;

use crate::i18n::{FieldErrors, Message};
use crate::model::{
    Act, Permission, RETENTION_DAYS_MAX, Retention, RetentionPeriod, RetentionRun, Timestamp,
};
use crate::store::{self, Db, Store, StoreError};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A period as it is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub period: RetentionPeriod,
    pub days: i64,
    /// What the configuration of this process says.
    pub configured_days: i64,
    /// Whether the desk has set it.
    pub is_set: bool,
    /// When it was last looked at, and what went; `None`: not yet.
    pub run: Option<RetentionRun>,
}

impl Kept {
    /// What is older than this goes at the next run.
    pub fn before(&self, now: Timestamp) -> Timestamp {
        now.minus(DAY * u32::try_from(self.days).unwrap_or(u32::MAX))
    }
}

/// Every period.
///
/// # Errors
/// Of the database.
pub async fn all(mut db: Db<'_>, configured: Retention) -> Result<Vec<Kept>, StoreError> {
    let set = store::retention::periods(db.again()).await?;
    let runs = store::retention::runs(db).await?;
    let in_force = configured.with(&set);
    let kept = |period: &RetentionPeriod| Kept {
        period: *period,
        days: in_force.days(*period),
        configured_days: configured.days(*period),
        is_set: set.iter().any(|(one, _)| one == period),
        run: runs.iter().find(|run| run.period == *period).copied(),
    };
    Ok(RetentionPeriod::ALL.iter().map(kept).collect())
}

#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// Fields: `days` and `sure`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets a period, in whole days. A shorter one than is in force takes what cannot be had back, and so needs somebody who
/// is sure.
///
/// # Errors
/// [`RetentionError::Invalid`].
pub async fn set(
    store: &Store,
    configured: Retention,
    period: RetentionPeriod,
    days: &str,
    is_sure: bool,
) -> Result<i64, RetentionError> {
    store.permit(Permission::SetRetention, None)?;
    let (least, most) = (period.days_min(), RETENTION_DAYS_MAX);
    let parsed = days.trim().parse().ok().filter(|days| (least..=most).contains(days));
    let Some(days) = parsed else {
        let message = Message::new("error-number").number("least", least).number("most", most);
        return Err(FieldErrors::of("days", message).into());
    };
    let mut tx = store.begin().await?;
    let set = store::retention::periods(tx.db()).await?;
    let before = configured.with(&set).days(period);
    sure(before, days, is_sure)?;
    store::retention::set_period(&mut tx, period, days).await?;
    tx.note_detail(Act::RetentionChanged, None, None, &format!("{period} {days}")).await?;
    tx.commit().await?;
    Ok(days)
}

/// Lets the configuration say it again.
///
/// # Errors
/// [`RetentionError::Invalid`] when that is shorter, and nobody is sure.
pub async fn put_back(
    store: &Store,
    configured: Retention,
    period: RetentionPeriod,
    is_sure: bool,
) -> Result<(), RetentionError> {
    store.permit(Permission::SetRetention, None)?;
    let mut tx = store.begin().await?;
    let set = store::retention::periods(tx.db()).await?;
    sure(configured.with(&set).days(period), configured.days(period), is_sure)?;
    if store::retention::unset_period(&mut tx, period).await? {
        tx.note_detail(Act::RetentionChanged, None, None, &format!("{period} configuration")).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn sure(before: i64, after: i64, is_sure: bool) -> Result<(), FieldErrors> {
    if after < before && !is_sure {
        let message = Message::new("error-retention-sure").number("before", before).number("after", after);
        return Err(FieldErrors::of("sure", message));
    }
    Ok(())
}

/// The periods in force, for who runs the service.
///
/// # Errors
/// Of the database.
pub async fn in_force(store: &Store, configured: Retention) -> Result<Retention, StoreError> {
    Ok(configured.with(&store::retention::periods(store.read().await?.db()).await?))
}
