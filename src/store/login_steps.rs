//! The table `login_steps`: logins that wait for their second factor, by the SHA-256 of their token.

use super::{Db, Result, Tx, on};
use crate::model::{Timestamp, User, UserId};

pub async fn insert(
    tx: &mut Tx,
    hash: &[u8],
    user: UserId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "INSERT INTO login_steps (hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(hash)
        .bind(user)
        .bind(now)
        .bind(expires_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Who waits behind a token.
pub async fn find(db: Db<'_>, hash: &[u8], now: Timestamp) -> Result<Option<User>> {
    const SQL: &str =
        "SELECT u.id, u.address, u.name, u.language, u.password_hash, u.created_at, u.disabled_at,
            u.joined_at
        FROM login_steps s JOIN users u ON u.id = s.user_id
        WHERE s.hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(hash).bind(now).fetch_optional(c).await?))
}

/// Whoever has signed in, or has another password, waits nowhere any more.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<()> {
    const SQL: &str = "DELETE FROM login_steps WHERE user_id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(user).execute(c).await?.rows_affected());
    Ok(())
}

pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM login_steps WHERE expires_at <= $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(now).execute(c).await?.rows_affected()))
}
