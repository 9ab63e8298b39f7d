//! The table `sessions`: logins, by the SHA-256 of their token.

use super::{Db, Result, Tx, on};
use crate::model::{Timestamp, User, UserId};

pub async fn insert(
    tx: &mut Tx,
    token_hash: &[u8],
    user: UserId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO sessions (token_hash, user_id, created_at, last_seen_at, expires_at)
        VALUES ($1, $2, $3, $3, $4)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(token_hash)
        .bind(user)
        .bind(now)
        .bind(expires_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// A session that is valid, with its user.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LiveSession {
    pub last_seen_at: Timestamp,
    #[sqlx(flatten)]
    pub user: User,
}

/// The session of a token, if it has neither expired nor been idle since `idle_since`, and its user is
/// not disabled.
pub async fn find(
    db: Db<'_>,
    token_hash: &[u8],
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Option<LiveSession>> {
    const SQL: &str =
        "SELECT s.last_seen_at, u.id, u.address, u.name, u.language, u.password_hash, u.created_at,
            u.disabled_at, u.joined_at
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND u.disabled_at IS NULL";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(token_hash).bind(now).bind(idle_since).fetch_optional(c).await?))
}

pub async fn touch(tx: &mut Tx, token_hash: &[u8], now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE sessions SET last_seen_at = $2 WHERE token_hash = $1 AND last_seen_at < $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(token_hash).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

pub async fn delete(tx: &mut Tx, token_hash: &[u8]) -> Result<()> {
    on!(tx.db(), |c| sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
        .bind(token_hash)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Ends every session of a user: a changed password leaves no old login behind.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<u64> {
    Ok(on!(tx.db(), |c| sqlx::query("DELETE FROM sessions WHERE user_id = $1")
        .bind(user)
        .execute(c)
        .await?
        .rows_affected()))
}

pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    Ok(on!(tx.db(), |c| sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
        .bind(now)
        .execute(c)
        .await?
        .rows_affected()))
}
