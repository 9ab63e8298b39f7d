//! The table `passkeys`.

use super::{Db, Result, Tx, on};
use crate::model::{PasskeyId, Timestamp, UserId};

/// A passkey of somebody.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Passkey {
    pub id: PasskeyId,
    pub user_id: UserId,
    pub credential_id: Vec<u8>,
    /// COSE, as the authenticator gave it.
    pub public_key: Vec<u8>,
    pub counter: i64,
    /// Whether it can be copied to other devices.
    pub can_sync: bool,
    pub is_synced: bool,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// A passkey that was just made.
#[derive(Debug, Clone, Copy)]
pub struct NewPasskey<'a> {
    pub credential_id: &'a [u8],
    pub public_key: &'a [u8],
    pub counter: i64,
    pub can_sync: bool,
    pub is_synced: bool,
    pub name: &'a str,
}

/// Adds a passkey; `false` when there is one of that id, whosever it is.
pub async fn insert(tx: &mut Tx, user: UserId, new: NewPasskey<'_>, now: Timestamp) -> Result<bool> {
    const SQL: &str = "INSERT INTO passkeys (user_id, credential_id, public_key, counter, can_sync, is_synced, name, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (credential_id) DO NOTHING";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(user)
        .bind(new.credential_id)
        .bind(new.public_key)
        .bind(new.counter)
        .bind(new.can_sync)
        .bind(new.is_synced)
        .bind(new.name)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

pub async fn by_credential(db: Db<'_>, credential_id: &[u8]) -> Result<Option<Passkey>> {
    const SQL: &str = "SELECT id, user_id, credential_id, public_key, counter, can_sync, is_synced, name,
            created_at, last_used_at
        FROM passkeys WHERE credential_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(credential_id).fetch_optional(c).await?))
}

/// The passkeys of somebody, the first made first.
pub async fn of_user(db: Db<'_>, user: UserId) -> Result<Vec<Passkey>> {
    const SQL: &str = "SELECT id, user_id, credential_id, public_key, counter, can_sync, is_synced, name,
            created_at, last_used_at
        FROM passkeys WHERE user_id = $1 ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(user).fetch_all(c).await?))
}

/// Notes a signature, whose count must be beyond the last one, unless the authenticator does not count; `false` when it
/// is not: there may be two of it.
pub async fn use_counter(
    tx: &mut Tx,
    id: PasskeyId,
    counter: i64,
    is_synced: bool,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE passkeys SET counter = $2, is_synced = $3, last_used_at = $4
        WHERE id = $1 AND (counter < $2 OR (counter = 0 AND $2 = 0))";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(counter)
        .bind(is_synced)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Removes a passkey of somebody; `None` when it is not theirs. Answers what it was called.
pub async fn delete(tx: &mut Tx, user: UserId, id: PasskeyId) -> Result<Option<String>> {
    const SQL: &str = "DELETE FROM passkeys WHERE id = $1 AND user_id = $2 RETURNING name";
    Ok(on!(tx.db(), |c| sqlx::query_scalar(SQL).bind(id).bind(user).fetch_optional(c).await?))
}
