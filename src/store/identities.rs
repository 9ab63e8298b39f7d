//! The table `identities`: accounts at a provider, and whose they are here.

use super::{Db, Result, Tx, on};
use crate::model::{IdentityId, Timestamp, User, UserId};

/// An account at a provider.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Identity {
    pub id: IdentityId,
    pub issuer: String,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
}

/// Whose an account is, disabled or not.
pub async fn user_of(db: Db<'_>, issuer: &str, subject: &str) -> Result<Option<User>> {
    const SQL: &str =
        "SELECT u.id, u.address, u.name, u.language, u.password_hash, u.created_at, u.disabled_at,
            u.joined_at
        FROM identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(issuer).bind(subject).fetch_optional(c).await?))
}

/// Links an account to somebody; `false` when it is linked already, or they have another there.
pub async fn insert(tx: &mut Tx, user: UserId, issuer: &str, subject: &str, now: Timestamp) -> Result<bool> {
    const SQL: &str = "INSERT INTO identities (user_id, issuer, subject, created_at, last_used_at)
        VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(user)
        .bind(issuer)
        .bind(subject)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

pub async fn touch(tx: &mut Tx, issuer: &str, subject: &str, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE identities SET last_used_at = $3 WHERE issuer = $1 AND subject = $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(issuer).bind(subject).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// The accounts of somebody, the first linked first.
pub async fn of_user(db: Db<'_>, user: UserId) -> Result<Vec<Identity>> {
    const SQL: &str =
        "SELECT id, issuer, created_at, last_used_at FROM identities WHERE user_id = $1 ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(user).fetch_all(c).await?))
}

/// Cuts a link of somebody; `false` when it is not theirs.
pub async fn delete(tx: &mut Tx, user: UserId, id: IdentityId) -> Result<bool> {
    const SQL: &str = "DELETE FROM identities WHERE id = $1 AND user_id = $2";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(user).execute(c).await?.rows_affected());
    Ok(rows == 1)
}
