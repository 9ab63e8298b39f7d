//! The table `subscription_changes`: what readers chose anew, and when. Gone with the subscription.

use super::{Db, Result, Tx, on};
use crate::model::{SubscriptionChange, SubscriptionId, Timestamp};

pub async fn insert(
    tx: &mut Tx,
    subscription: SubscriptionId,
    what: SubscriptionChange,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO subscription_changes (subscription_id, what, at) VALUES ($1, $2, $3)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(subscription)
        .bind(what)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

#[derive(Debug, Clone, Copy, sqlx::FromRow, serde::Serialize)]
pub struct Change {
    pub what: SubscriptionChange,
    pub at: Timestamp,
}

/// The oldest first.
pub async fn of_subscription(db: Db<'_>, subscription: SubscriptionId) -> Result<Vec<Change>> {
    const SQL: &str = "SELECT what, at FROM subscription_changes WHERE subscription_id = $1 ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscription).fetch_all(c).await?))
}
