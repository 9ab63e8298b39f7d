//! The table `account_links`: invitations and forgotten passwords, by the SHA-256 of their token.

use super::{Db, Result, Tx, on};
use crate::model::{LinkPurpose, Timestamp, User, UserId};

/// A link, and whose it is.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AccountLink {
    pub purpose: LinkPurpose,
    pub expires_at: Timestamp,
    #[sqlx(flatten)]
    pub user: User,
}

/// A link in place of the one of its kind that the person had.
pub async fn set(
    tx: &mut Tx,
    user: UserId,
    purpose: LinkPurpose,
    hash: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "INSERT INTO account_links (hash, user_id, purpose, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (user_id, purpose) DO UPDATE SET hash = $1, created_at = $4, expires_at = $5";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(hash)
        .bind(user)
        .bind(purpose)
        .bind(now)
        .bind(expires_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// A link that works, of somebody who is not disabled.
pub async fn find(db: Db<'_>, hash: &[u8], now: Timestamp) -> Result<Option<AccountLink>> {
    const SQL: &str = "SELECT l.purpose, l.expires_at, u.id, u.address, u.name, u.language, u.password_hash,
            u.created_at, u.disabled_at, u.joined_at
        FROM account_links l JOIN users u ON u.id = l.user_id
        WHERE l.hash = $1 AND l.expires_at > $2 AND u.disabled_at IS NULL";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(hash).bind(now).fetch_optional(c).await?))
}

/// When the link of a kind expires that somebody has.
pub async fn expires_at(db: Db<'_>, user: UserId, purpose: LinkPurpose) -> Result<Option<Timestamp>> {
    const SQL: &str = "SELECT expires_at FROM account_links WHERE user_id = $1 AND purpose = $2";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(user).bind(purpose).fetch_optional(c).await?))
}

/// Uses a link up; `false` when somebody was faster: of two who come at once, one finds it.
pub async fn take(tx: &mut Tx, hash: &[u8]) -> Result<bool> {
    let rows = on!(tx.db(), |c| sqlx::query("DELETE FROM account_links WHERE hash = $1")
        .bind(hash)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// All links of somebody are worth nothing any more.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<()> {
    const SQL: &str = "DELETE FROM account_links WHERE user_id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(user).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets links that expired before a moment.
pub async fn delete_expired(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM account_links WHERE expires_at < $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(before).execute(c).await?.rows_affected()))
}
