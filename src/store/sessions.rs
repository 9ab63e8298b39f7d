//! The table `sessions`: logins, by the SHA-256 of their token.

use super::{Db, Result, Tx, on};
use crate::model::{Timestamp, User, UserId};

pub async fn insert(
    tx: &mut Tx,
    token_hash: &[u8],
    user: UserId,
    user_agent: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "INSERT INTO sessions (token_hash, user_id, created_at, last_seen_at, expires_at, user_agent)
        VALUES ($1, $2, $3, $3, $4, $5)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(token_hash)
        .bind(user)
        .bind(now)
        .bind(expires_at)
        .bind(user_agent)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// A session that is valid, with its user.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LiveSession {
    pub last_seen_at: Timestamp,
    /// Everybody needs a second factor, and this user has none.
    pub lacks_factor: bool,
    #[sqlx(flatten)]
    pub user: User,
}

/// A session that is open, for its owner.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OpenSession {
    pub token_hash: Vec<u8>,
    pub user_agent: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
}

impl OpenSession {
    /// By which a form names it: it opens nothing.
    pub fn key(&self) -> String {
        let mut key = crate::keys::sha256_hex(&self.token_hash);
        key.truncate(KEY_DIGITS);
        key
    }
}

/// Digits of [`OpenSession::key`]: two of one person are never the same.
const KEY_DIGITS: usize = 20;

/// The session of a token, if it has neither expired nor been idle since `idle_since`, and its user is
/// not disabled.
pub async fn find(
    db: Db<'_>,
    token_hash: &[u8],
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Option<LiveSession>> {
    const SQL: &str =
        "SELECT s.last_seen_at, (r.second_factor AND NOT EXISTS (SELECT 1 FROM authenticators a
                WHERE a.user_id = u.id AND a.active_at IS NOT NULL)) AS lacks_factor, u.id, u.address, u.name, u.language, u.password_hash, u.created_at,
            u.disabled_at, u.joined_at
        FROM sessions s JOIN users u ON u.id = s.user_id JOIN desk_rules r ON r.id = 1
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

/// When a session began that is open.
pub async fn began_at(db: Db<'_>, token_hash: &[u8]) -> Result<Option<Timestamp>> {
    const SQL: &str = "SELECT created_at FROM sessions WHERE token_hash = $1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(token_hash).fetch_optional(c).await?))
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

/// Ends the sessions of a user but this one.
pub async fn delete_others(tx: &mut Tx, user: UserId, this: &[u8]) -> Result<u64> {
    const SQL: &str = "DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(user).bind(this).execute(c).await?.rows_affected()))
}

/// The sessions of a user that have neither expired nor been idle, the one used last first.
pub async fn of_user(
    db: Db<'_>,
    user: UserId,
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Vec<OpenSession>> {
    const SQL: &str = "SELECT token_hash, user_agent, created_at, last_seen_at FROM sessions
        WHERE user_id = $1 AND expires_at > $2 AND last_seen_at > $3 ORDER BY last_seen_at DESC, created_at DESC";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(user).bind(now).bind(idle_since).fetch_all(c).await?))
}
