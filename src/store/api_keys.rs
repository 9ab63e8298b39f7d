//! The table `api_keys`: by the SHA-256 of the key.

use super::{Db, Result, Tx, on};
use crate::model::{ApiKey, ApiKeyId, Timestamp, UserId};

pub async fn insert(
    tx: &mut Tx,
    user: UserId,
    name: &str,
    hash: &[u8],
    permissions: &str,
    now: Timestamp,
    expires_at: Option<Timestamp>,
) -> Result<ApiKey> {
    const SQL: &str = "INSERT INTO api_keys (user_id, name, token_hash, permissions, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(user)
        .bind(name)
        .bind(hash)
        .bind(permissions)
        .bind(now)
        .bind(expires_at)
        .fetch_one(c)
        .await?))
}

/// A key that somebody came with.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FoundKey {
    #[sqlx(flatten)]
    pub key: ApiKey,
    /// Everybody needs a second factor, and its owner has none.
    pub lacks_factor: bool,
}

pub async fn by_hash(db: Db<'_>, hash: &[u8]) -> Result<Option<FoundKey>> {
    const SQL: &str = "SELECT k.*, (r.second_factor AND NOT EXISTS (SELECT 1 FROM authenticators a
                WHERE a.user_id = k.user_id AND a.active_at IS NOT NULL)) AS lacks_factor
        FROM api_keys k JOIN desk_rules r ON r.id = 1 WHERE k.token_hash = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(hash).fetch_optional(c).await?))
}

pub async fn by_id(db: Db<'_>, id: ApiKeyId) -> Result<Option<ApiKey>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM api_keys WHERE id = $1").bind(id).fetch_optional(c).await?))
}

/// Those of a person, the newest first.
pub async fn of_user(db: Db<'_>, user: UserId) -> Result<Vec<ApiKey>> {
    const SQL: &str = "SELECT * FROM api_keys WHERE user_id = $1 ORDER BY id DESC";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(user).fetch_all(c).await?))
}

/// All of them, those of one person together.
pub async fn all(db: Db<'_>) -> Result<Vec<ApiKey>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM api_keys ORDER BY user_id, id").fetch_all(c).await?))
}

pub async fn set_used(tx: &mut Tx, id: ApiKeyId, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE api_keys SET last_used_at = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

pub async fn delete(tx: &mut Tx, id: ApiKeyId) -> Result<bool> {
    let rows = on!(tx.db(), |c| sqlx::query("DELETE FROM api_keys WHERE id = $1")
        .bind(id)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Answers how many there were.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<u64> {
    Ok(on!(tx.db(), |c| sqlx::query("DELETE FROM api_keys WHERE user_id = $1")
        .bind(user)
        .execute(c)
        .await?
        .rows_affected()))
}
