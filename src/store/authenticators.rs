//! The tables `authenticators` and `recovery_codes`: second factors.

use super::{Db, Result, Tx, on};
use crate::model::{Timestamp, UserId};

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Authenticator {
    pub sealed_secret: Vec<u8>,
    /// When it was turned on; `None`: it waits for its first code.
    pub active_at: Option<Timestamp>,
    /// The period of the last code that was used.
    pub last_period: i64,
}

pub async fn of_user(db: Db<'_>, user: UserId) -> Result<Option<Authenticator>> {
    const SQL: &str = "SELECT sealed_secret, active_at, last_period FROM authenticators WHERE user_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(user).fetch_optional(c).await?))
}

/// Whether somebody is asked for a second factor.
pub async fn is_active(db: Db<'_>, user: UserId) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM authenticators WHERE user_id = $1 AND active_at IS NOT NULL";
    let count: i64 = on!(db, |c| sqlx::query_scalar(SQL).bind(user).fetch_one(c).await?);
    Ok(count == 1)
}

/// Who has a second factor.
pub async fn users(db: Db<'_>) -> Result<Vec<UserId>> {
    const SQL: &str = "SELECT user_id FROM authenticators WHERE active_at IS NOT NULL ORDER BY user_id";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_all(c).await?))
}

/// A secret that waits for its first code, in place of another that waits; one that is active stays.
pub async fn begin(tx: &mut Tx, user: UserId, sealed_secret: &[u8], now: Timestamp) -> Result<bool> {
    const SQL: &str =
        "INSERT INTO authenticators (user_id, sealed_secret, created_at, last_period) VALUES ($1, $2, $3, 0)
        ON CONFLICT (user_id) DO UPDATE SET sealed_secret = $2, created_at = $3, last_period = 0
            WHERE authenticators.active_at IS NULL";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(user)
        .bind(sealed_secret)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

pub async fn activate(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE authenticators SET active_at = $2 WHERE user_id = $1 AND active_at IS NULL";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(user).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Uses up the code of a period; `false` when it, or a later one, was used already.
pub async fn use_period(tx: &mut Tx, user: UserId, period: i64) -> Result<bool> {
    const SQL: &str = "UPDATE authenticators SET last_period = $2 WHERE user_id = $1 AND last_period < $2";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(user).bind(period).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// No second factor any more, and no codes for its loss.
pub async fn delete(tx: &mut Tx, user: UserId) -> Result<bool> {
    const CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";
    const SQL: &str = "DELETE FROM authenticators WHERE user_id = $1";
    on!(tx.db(), |c| sqlx::query(CODES).bind(user).execute(c).await?.rows_affected());
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(user).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Puts these codes in place of all others.
pub async fn set_codes(tx: &mut Tx, user: UserId, hashes: &[Vec<u8>]) -> Result<()> {
    const CLEAR: &str = "DELETE FROM recovery_codes WHERE user_id = $1";
    const ADD: &str = "INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)";
    on!(tx.db(), |c| sqlx::query(CLEAR).bind(user).execute(c).await?.rows_affected());
    for hash in hashes {
        on!(tx.db(), |c| sqlx::query(ADD).bind(user).bind(hash).execute(c).await?.rows_affected());
    }
    Ok(())
}

/// Uses a code up; `false` when it is none, or was used.
pub async fn use_code(tx: &mut Tx, user: UserId, hash: &[u8], now: Timestamp) -> Result<bool> {
    const SQL: &str =
        "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at IS NULL";
    let rows =
        on!(tx.db(), |c| sqlx::query(SQL).bind(user).bind(hash).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// How many codes are left.
pub async fn codes_left(db: Db<'_>, user: UserId) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(user).fetch_one(c).await?))
}
