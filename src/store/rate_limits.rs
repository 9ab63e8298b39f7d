//! The table `rate_limits`: counters that all processes share and that survive a restart.

use std::time::Duration;

use super::bulk::{self, Column, Same};
use super::{Db, Result, Tx, on, sql};
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

/// What stands under one key.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    pub key: [u8; 32],
    pub hits: i64,
    pub window_ends_at: Timestamp,
}

/// Until the end of the transaction nobody else reads counts to write them anew. On SQLite one transaction writes at a
/// time.
///
/// One lock for all keys: every sign-up counts under a key that all have in common, so they take turns even so, and to
/// lock a row costs PostgreSQL what writing it does.
pub async fn hold(tx: &mut Tx) -> Result<()> {
    /// Of no other lock.
    const COUNTERS: i64 = 0x0072_6174_655f_6c69;
    if let Db::Postgres(c) = tx.db() {
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(COUNTERS).execute(c).await?;
    }
    Ok(())
}

/// Hits of several keys in their present windows, with the ends of these; keys without any are left out. Who means to
/// write them anew has called [`hold`].
pub async fn read_all(
    db: Db<'_>,
    keys: &[[u8; 32]],
    now: Timestamp,
) -> Result<Vec<(Vec<u8>, i64, Timestamp)>> {
    // Each key looked up: PostgreSQL would rather read the whole table.
    let sql = sql!(
        db,
        "SELECT r.key, r.hits, r.window_ends_at FROM v CROSS JOIN ",
        sqlite: "rate_limits r WHERE r.key = v.key AND r.window_ends_at > ?",
        postgres: "LATERAL (SELECT * FROM rate_limits l WHERE l.key = v.key AND l.window_ends_at > ? OFFSET 0) r",
        ""
    );
    let columns = [Column::Octets("key", keys.iter().map(<[u8; 32]>::as_slice).collect())];
    bulk::fetch_all(db, &columns, sql, &[Same::Number(now.as_millis())]).await
}

/// Writes what stands under several different keys from now on.
pub async fn write_all(tx: &mut Tx, counts: &[Count]) -> Result<()> {
    // In the order of the keys: others may write single ones of them.
    const SQL: &str = "INSERT INTO rate_limits (key, window_ends_at, hits)
            SELECT v.key, v.ends_at, v.hits FROM v WHERE v.key IS NOT NULL ORDER BY v.key
        ON CONFLICT (key) DO UPDATE SET hits = excluded.hits, window_ends_at = excluded.window_ends_at";
    let columns = [
        Column::Octets("key", counts.iter().map(|count| count.key.as_slice()).collect()),
        Column::Numbers(
            "ends_at",
            counts.iter().map(|count| Some(count.window_ends_at.as_millis())).collect(),
        ),
        Column::Numbers("hits", counts.iter().map(|count| Some(count.hits)).collect()),
    ];
    bulk::execute(tx, &columns, SQL, &[]).await?;
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

/// Forgets some of the windows that are over. It waits for nobody: on PostgreSQL, who counts in another order would wait for it
/// as it for them.
pub async fn delete_ended(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    let sql = sql!(
        tx.db(),
        "DELETE FROM rate_limits WHERE key IN
            (SELECT key FROM rate_limits WHERE window_ends_at <= $1 LIMIT $2",
        sqlite: "",
        postgres: " FOR UPDATE SKIP LOCKED",
        ")"
    );
    Ok(on!(tx.db(), |c| sqlx::query(sql).bind(now).bind(limit).execute(c).await?.rows_affected()))
}
