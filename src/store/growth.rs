//! The table `newsletter_hours`: who came to a newsletter and who left it, hour by hour.

use super::{Db, Result, Tx, on};
use crate::model::calendar::{Span, hour_of};
use crate::model::{NewsletterId, SubscriptionId, Timestamp};

/// What became of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Confirmed,
    Departed,
    /// Leaving was undone: it counts as if it had not been.
    Restored,
}

/// Who came and who left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Growth {
    pub confirmed: i64,
    pub departed: i64,
}

/// Counts a change of a subscription, in the transaction of that change.
pub async fn add(tx: &mut Tx, subscription: SubscriptionId, now: Timestamp, change: Change) -> Result<()> {
    const SQL: &str = "INSERT INTO newsletter_hours (newsletter_id, hour, confirmed, departed)
        SELECT newsletter_id, $2, $3, $4 FROM subscriptions WHERE id = $1
        ON CONFLICT (newsletter_id, hour) DO UPDATE SET confirmed = newsletter_hours.confirmed + excluded.confirmed,
            departed = newsletter_hours.departed + excluded.departed";
    let (confirmed, departed): (i64, i64) = match change {
        Change::Confirmed => (1, 0),
        Change::Departed => (0, 1),
        Change::Restored => (0, -1),
    };
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(subscription)
        .bind(hour_of(now))
        .bind(confirmed)
        .bind(departed)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Counts many who came at once, as an import brings them.
pub async fn add_confirmed(tx: &mut Tx, newsletter: NewsletterId, count: i64, now: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO newsletter_hours (newsletter_id, hour, confirmed, departed) VALUES ($1, $2, $3, 0)
        ON CONFLICT (newsletter_id, hour) DO UPDATE SET confirmed = newsletter_hours.confirmed + excluded.confirmed";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(newsletter)
        .bind(hour_of(now))
        .bind(count)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Who came and who left in a period. An hour belongs to the period in which it begins, so that where clocks differ from
/// UTC by half an hour the ends of a period are half an hour early.
pub async fn between(db: Db<'_>, newsletter: NewsletterId, span: &Span) -> Result<Growth> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(confirmed), 0) AS BIGINT) AS confirmed,
            CAST(COALESCE(SUM(departed), 0) AS BIGINT) AS departed
        FROM newsletter_hours WHERE newsletter_id = $1 AND hour >= $2 AND hour < $3";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(hour_of(span.from))
        .bind(hour_of(span.until))
        .fetch_one(c)
        .await?))
}
