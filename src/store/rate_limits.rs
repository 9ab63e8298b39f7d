//! The table `rate_limits`: counters that all processes share and that survive a restart.

use std::time::Duration;

use super::bulk::{self, Column, Same};
use super::{Db, Result, Tx, on};
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
    /// Whether the window begins anew with each hit: then no stretch of its length holds more than its limit, also around
    /// the end of a window. Only where what is refused is not counted: else who keeps asking waits for ever.
    pub is_rolling: bool,
}

/// How many there are of several keys in their present windows, keys without any left out. Until the end of the
/// transaction nobody else counts under them.
pub async fn lock_all(tx: &mut Tx, keys: &[[u8; 32]], now: Timestamp) -> Result<Vec<(Vec<u8>, i64)>> {
    let sql = match tx.db() {
        // Nobody else writes.
        Db::Sqlite(_) => {
            "SELECT r.key, r.hits FROM v CROSS JOIN rate_limits r
            WHERE r.key = v.key AND r.window_ends_at > ? AND r.window_ends_at > ?"
        }
        // The update that changes nothing locks the row, and one that was not there. In the order of the keys, so
        // that two who count under some of the same wait for each other, and not both for ever.
        Db::Postgres(_) => {
            "INSERT INTO rate_limits (key, window_ends_at, hits)
                SELECT v.key, CAST(? AS BIGINT), 0 FROM v ORDER BY v.key
            ON CONFLICT (key) DO UPDATE SET hits = rate_limits.hits
            RETURNING key, CASE WHEN window_ends_at <= ? THEN 0 ELSE hits END"
        }
    };
    let columns = [Column::Octets("key", keys.iter().map(<[u8; 32]>::as_slice).collect())];
    let now = Same::Number(now.as_millis());
    bulk::fetch_all(tx.db(), &columns, sql, &[now, now]).await
}

/// Counts under several different keys, in one statement for each kind of window. Who only asks begins no window.
pub async fn hit_all(tx: &mut Tx, hits: &[Hit], now: Timestamp) -> Result<()> {
    const FIXED: &str = "INSERT INTO rate_limits (key, window_ends_at, hits)
            SELECT v.key, v.ends_at, v.more FROM v WHERE v.key IS NOT NULL ORDER BY v.key
        ON CONFLICT (key) DO UPDATE SET
            hits = CASE WHEN rate_limits.window_ends_at <= ?
                THEN excluded.hits ELSE rate_limits.hits + excluded.hits END,
            window_ends_at = CASE WHEN rate_limits.window_ends_at <= ?
                THEN excluded.window_ends_at ELSE rate_limits.window_ends_at END";
    const ROLLING: &str = "INSERT INTO rate_limits (key, window_ends_at, hits)
            SELECT v.key, v.ends_at, v.more FROM v WHERE v.key IS NOT NULL ORDER BY v.key
        ON CONFLICT (key) DO UPDATE SET
            hits = CASE WHEN rate_limits.window_ends_at <= ?
                THEN excluded.hits ELSE rate_limits.hits + excluded.hits END,
            window_ends_at = CASE WHEN excluded.hits > 0 OR rate_limits.window_ends_at <= ?
                THEN excluded.window_ends_at ELSE rate_limits.window_ends_at END";
    let (rolling, fixed): (Vec<Hit>, Vec<Hit>) = hits.iter().partition(|hit| hit.is_rolling);
    write_all(tx, &fixed, FIXED, now).await?;
    write_all(tx, &rolling, ROLLING, now).await
}

async fn write_all(tx: &mut Tx, hits: &[Hit], sql: &'static str, now: Timestamp) -> Result<()> {
    let ends_at = |hit: &Hit| if hit.more == 0 { now } else { now.plus(hit.window) };
    let columns = [
        Column::Octets("key", hits.iter().map(|hit| hit.key.as_slice()).collect()),
        Column::Numbers("ends_at", hits.iter().map(|hit| Some(ends_at(hit).as_millis())).collect()),
        Column::Numbers("more", hits.iter().map(|hit| Some(hit.more)).collect()),
    ];
    let now = Same::Number(now.as_millis());
    bulk::execute(tx, &columns, sql, &[now, now]).await?;
    Ok(())
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
