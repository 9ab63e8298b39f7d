//! The table `departures`: why someone left, if they said so. One row a subscription, so that nobody counts twice.

use super::{Db, Result, Tx, on};
use crate::model::{DepartureReason, SubscriptionId, Timestamp};

/// What someone said on leaving.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Said {
    pub reason: DepartureReason,
    pub remark: String,
    pub at: Timestamp,
}

/// Keeps the reason, or changes the one that was given before.
pub async fn keep(
    tx: &mut Tx,
    subscription: SubscriptionId,
    reason: DepartureReason,
    remark: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO departures (subscription_id, reason, remark, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (subscription_id) DO UPDATE
            SET reason = excluded.reason, remark = excluded.remark, at = excluded.at";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(subscription)
        .bind(reason)
        .bind(remark)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn of_subscription(db: Db<'_>, subscription: SubscriptionId) -> Result<Option<Said>> {
    const SQL: &str = "SELECT reason, remark, at FROM departures WHERE subscription_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscription).fetch_optional(c).await?))
}

/// Forgets the reason of someone who has come back.
pub async fn delete(tx: &mut Tx, subscription: SubscriptionId) -> Result<()> {
    const SQL: &str = "DELETE FROM departures WHERE subscription_id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(subscription).execute(c).await?.rows_affected());
    Ok(())
}
