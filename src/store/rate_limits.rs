//! The table `rate_limits`: counters that all processes share and that survive a restart.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::{Result, Tx, on};
use crate::model::Timestamp;

/// Counts one more under a key and answers how many there were in the present window, this one included.
/// A window starts with its first hit.
pub async fn hit(tx: &mut Tx, key: &[u8], window: Duration, now: Timestamp) -> Result<i64> {
    const SQL: &str = "INSERT INTO rate_limits (key, window_ends_at, hits) VALUES ($1, $2, 1)
        ON CONFLICT (key) DO UPDATE SET
            hits = CASE WHEN rate_limits.window_ends_at <= $3 THEN 1 ELSE rate_limits.hits + 1 END,
            window_ends_at = CASE WHEN rate_limits.window_ends_at <= $3
                THEN excluded.window_ends_at ELSE rate_limits.window_ends_at END
        RETURNING hits";
    Ok(on!(tx.db(), |c| sqlx::query_scalar(SQL)
        .bind(key)
        .bind(now.plus(window))
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// What is counted under one key.
#[derive(Debug, Clone, Copy)]
pub struct Hit {
    pub key: [u8; 32],
    pub window: Duration,
    /// 0 asks only, and is the same work.
    pub more: i64,
}

/// Counts under several different keys in one statement, and answers how many there are of each now, in the
/// same order.
pub async fn hit_all(tx: &mut Tx, hits: &[Hit], now: Timestamp) -> Result<Vec<i64>> {
    let mut sql = String::from("INSERT INTO rate_limits (key, window_ends_at, hits) VALUES ");
    for row in 0..hits.len() {
        let comma = if row == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}(${}, ${}, ${})", 3 * row + 2, 3 * row + 3, 3 * row + 4);
    }
    sql.push_str(
        " ON CONFLICT (key) DO UPDATE SET
            hits = CASE WHEN rate_limits.window_ends_at <= $1
                THEN excluded.hits ELSE rate_limits.hits + excluded.hits END,
            window_ends_at = CASE WHEN rate_limits.window_ends_at <= $1
                THEN excluded.window_ends_at ELSE rate_limits.window_ends_at END
        RETURNING key, hits",
    );
    let counted: Vec<(Vec<u8>, i64)> = on!(tx.db(), |c| {
        // The text is made of numbers only.
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(now);
        for hit in hits {
            // Who only asks begins no window.
            let window = if hit.more == 0 { Duration::ZERO } else { hit.window };
            query = query.bind(hit.key.to_vec()).bind(now.plus(window)).bind(hit.more);
        }
        query.fetch_all(c).await?
    });
    let counted: HashMap<Vec<u8>, i64> = counted.into_iter().collect();
    Ok(hits.iter().map(|hit| counted.get(hit.key.as_slice()).copied().unwrap_or_default()).collect())
}

/// How many there were under a key in the present window, without counting.
pub async fn peek(db: super::Db<'_>, key: &[u8], now: Timestamp) -> Result<i64> {
    const SQL: &str = "SELECT hits FROM rate_limits WHERE key = $1 AND window_ends_at > $2";
    let hits: Option<i64> =
        on!(db, |c| sqlx::query_scalar(SQL).bind(key).bind(now).fetch_optional(c).await?);
    Ok(hits.unwrap_or(0))
}

/// When the present window of a key ends.
pub async fn ends_at(db: super::Db<'_>, key: &[u8], now: Timestamp) -> Result<Option<Timestamp>> {
    const SQL: &str = "SELECT window_ends_at FROM rate_limits WHERE key = $1 AND window_ends_at > $2";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(key).bind(now).fetch_optional(c).await?))
}

/// Takes back one hit: what was counted turned out to be innocent.
pub async fn take_back(tx: &mut Tx, key: &[u8]) -> Result<()> {
    on!(tx.db(), |c| sqlx::query("UPDATE rate_limits SET hits = hits - 1 WHERE key = $1 AND hits > 0")
        .bind(key)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Starts a key again from zero: after a login that succeeded.
pub async fn clear(tx: &mut Tx, key: &[u8]) -> Result<()> {
    on!(tx.db(), |c| sqlx::query("DELETE FROM rate_limits WHERE key = $1")
        .bind(key)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Forgets windows that are over.
pub async fn delete_ended(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM rate_limits WHERE window_ends_at <= $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(now).execute(c).await?.rows_affected()))
}
