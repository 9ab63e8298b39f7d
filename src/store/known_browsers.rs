//! The table `known_browsers`: from which somebody signed in before, by the SHA-256 of a cookie.

use super::{Db, Result, Tx, on};
use crate::model::{Timestamp, UserId};

/// Whether somebody has signed in from any browser that we know, and whether this is one of them.
pub async fn look(db: Db<'_>, user: UserId, hash: Option<&[u8]>) -> Result<(bool, bool)> {
    const SQL: &str = "SELECT hash FROM known_browsers WHERE user_id = $1";
    let known: Vec<Vec<u8>> = on!(db, |c| sqlx::query_scalar(SQL).bind(user).fetch_all(c).await?);
    Ok((!known.is_empty(), known.iter().any(|one| Some(one.as_slice()) == hash)))
}

/// Whether somebody with this key of an address signed in from a browser before.
pub async fn is_of_address(db: Db<'_>, address_key: &str, hash: &[u8]) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM users u JOIN known_browsers b ON b.user_id = u.id
        WHERE u.address_key = $1 AND b.hash = $2)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(address_key).bind(hash).fetch_one(c).await?))
}

/// Notes that somebody signed in from a browser, and keeps the latest `most` of them.
pub async fn set(tx: &mut Tx, user: UserId, hash: &[u8], now: Timestamp, most: i64) -> Result<()> {
    const SQL: &str = "INSERT INTO known_browsers (user_id, hash, last_seen_at) VALUES ($1, $2, $3)
        ON CONFLICT (user_id, hash) DO UPDATE SET last_seen_at = $3";
    const PRUNE: &str = "DELETE FROM known_browsers WHERE user_id = $1 AND hash NOT IN
        (SELECT hash FROM known_browsers WHERE user_id = $1 ORDER BY last_seen_at DESC, hash LIMIT $2)";
    on!(tx.db(), |c| sqlx::query(SQL).bind(user).bind(hash).bind(now).execute(c).await?.rows_affected());
    on!(tx.db(), |c| sqlx::query(PRUNE).bind(user).bind(most).execute(c).await?.rows_affected());
    Ok(())
}

pub async fn delete_before(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM known_browsers WHERE last_seen_at < $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(before).execute(c).await?.rows_affected()))
}
