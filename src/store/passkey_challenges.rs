//! The table `passkey_challenges`: what waits for the signature of a passkey, by the SHA-256 of a cookie.

use super::{Result, Tx, on};
use crate::model::Timestamp;

/// For what a challenge was made.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Challenge {
    /// The session that adds a passkey; empty for a login.
    pub bound_to: Vec<u8>,
    /// How the passkey is to be called.
    pub name: String,
}

pub async fn insert(
    tx: &mut Tx,
    hash: &[u8],
    bound_to: &[u8],
    name: &str,
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "INSERT INTO passkey_challenges (hash, bound_to, name, expires_at) VALUES ($1, $2, $3, $4)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(hash)
        .bind(bound_to)
        .bind(name)
        .bind(expires_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Uses one up, whatever comes of it. `None` also when its time is over.
pub async fn take(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Challenge>> {
    const SQL: &str =
        "DELETE FROM passkey_challenges WHERE hash = $1 AND expires_at > $2 RETURNING bound_to, name";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(hash).bind(now).fetch_optional(c).await?))
}

pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM passkey_challenges WHERE expires_at <= $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(now).execute(c).await?.rows_affected()))
}
