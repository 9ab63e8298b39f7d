//! The table `setup_tokens`: links to the first run, by the SHA-256 of their token.

use super::{Db, Result, Tx, on};
use crate::model::Timestamp;

pub async fn insert(tx: &mut Tx, hash: &[u8], now: Timestamp, expires_at: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO setup_tokens (hash, created_at, expires_at) VALUES ($1, $2, $3)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(hash)
        .bind(now)
        .bind(expires_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Removes those that have expired, and of the others all but the newest.
pub async fn prune(tx: &mut Tx, now: Timestamp, keep: i64) -> Result<()> {
    const SQL: &str = "DELETE FROM setup_tokens WHERE expires_at <= $1
        OR hash NOT IN (SELECT hash FROM setup_tokens ORDER BY created_at DESC, hash LIMIT $2)";
    on!(tx.db(), |c| sqlx::query(SQL).bind(now).bind(keep).execute(c).await?.rows_affected());
    Ok(())
}

pub async fn is_live(db: Db<'_>, hash: &[u8], now: Timestamp) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM setup_tokens WHERE hash = $1 AND expires_at > $2";
    let count: i64 = on!(db, |c| sqlx::query_scalar(SQL).bind(hash).bind(now).fetch_one(c).await?);
    Ok(count > 0)
}

/// Removes all of them, and says whether this one was live: two who come at once cannot both find theirs.
pub async fn take_all(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<bool> {
    const SQL: &str = "DELETE FROM setup_tokens RETURNING hash, expires_at";
    let taken: Vec<(Vec<u8>, Timestamp)> = on!(tx.db(), |c| sqlx::query_as(SQL).fetch_all(c).await?);
    Ok(taken.iter().any(|(known, expires_at)| known == hash && *expires_at > now))
}
