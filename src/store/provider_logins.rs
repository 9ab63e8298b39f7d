//! The table `provider_logins`: who was sent to the provider, by the SHA-256 of a cookie.

use super::{Result, Tx, on};
use crate::model::{ProviderAim, Timestamp};

/// Why somebody went.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ProviderLogin {
    pub aim: ProviderAim,
    /// The session, or the invitation, for which it counts; empty for a login.
    pub bound_to: Vec<u8>,
}

pub async fn insert(
    tx: &mut Tx,
    hash: &[u8],
    aim: ProviderAim,
    bound_to: &[u8],
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO provider_logins (hash, aim, bound_to, expires_at) VALUES ($1, $2, $3, $4)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(hash)
        .bind(aim)
        .bind(bound_to)
        .bind(expires_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Uses one up: of two who come back at once, one finds it. `None` also when its time is over.
pub async fn take(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<ProviderLogin>> {
    const SQL: &str =
        "DELETE FROM provider_logins WHERE hash = $1 AND expires_at > $2 RETURNING aim, bound_to";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(hash).bind(now).fetch_optional(c).await?))
}

pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM provider_logins WHERE expires_at <= $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(now).execute(c).await?.rows_affected()))
}
