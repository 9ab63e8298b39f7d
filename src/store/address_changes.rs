//! The table `address_changes`: new addresses that wait for the press of a button in the mail to them. The token
//! is stored as its SHA-256 only.

use super::{Db, Result, Tx, on};
use crate::model::{EmailAddress, SubscriberId, Timestamp};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct AddressChange {
    pub subscriber_id: SubscriberId,
    pub new_address: EmailAddress,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

pub async fn insert(tx: &mut Tx, hash: &[u8], change: &AddressChange) -> Result<()> {
    const SQL: &str =
        "INSERT INTO address_changes (hash, subscriber_id, new_address, created_at, expires_at, used_at,
            new_address_key)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(hash)
        .bind(change.subscriber_id)
        .bind(&change.new_address)
        .bind(change.created_at)
        .bind(change.expires_at)
        .bind(change.used_at)
        .bind(change.new_address.key())
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// The change of a token, whether or not it has expired or was used: the page says which.
pub async fn find(db: Db<'_>, hash: &[u8]) -> Result<Option<AddressChange>> {
    const SQL: &str =
        "SELECT subscriber_id, new_address, created_at, expires_at, used_at FROM address_changes
        WHERE hash = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(hash).fetch_optional(c).await?))
}

/// Where a person wants to move, or has moved a short time ago; the oldest wish first.
pub async fn of_subscriber(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<AddressChange>> {
    const SQL: &str =
        "SELECT subscriber_id, new_address, created_at, expires_at, used_at FROM address_changes
        WHERE subscriber_id = $1 ORDER BY created_at";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}

pub async fn mark_used(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE address_changes SET used_at = $2 WHERE hash = $1 AND used_at IS NULL";
    on!(tx.db(), |c| sqlx::query(SQL).bind(hash).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Withdraws what a person asked for before: the newest wish counts.
pub async fn delete_open_of(tx: &mut Tx, subscriber: SubscriberId) -> Result<()> {
    const SQL: &str = "DELETE FROM address_changes WHERE subscriber_id = $1 AND used_at IS NULL";
    on!(tx.db(), |c| sqlx::query(SQL).bind(subscriber).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets some of the addresses that nobody confirmed, or that were moved to long ago.
pub async fn delete_expired(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM address_changes WHERE hash IN
        (SELECT hash FROM address_changes WHERE expires_at < $1 LIMIT $2)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(before).bind(limit).execute(c).await?.rows_affected()))
}

/// Those to an address, and those of before, which have no key until they expire.
pub const TO: &str = "SELECT hash, new_address FROM address_changes
    WHERE new_address_key = $1 OR new_address_key IS NULL";

/// Forgets that others want to move to the address of a person who is erased, however it was written.
pub async fn delete_to(tx: &mut Tx, address: &EmailAddress) -> Result<()> {
    let key = address.key();
    let found: Vec<(Vec<u8>, EmailAddress)> =
        on!(tx.db(), |c| sqlx::query_as(TO).bind(&key).fetch_all(c).await?);
    for (hash, _) in found.iter().filter(|(_, to)| to.key() == key) {
        on!(tx.db(), |c| sqlx::query("DELETE FROM address_changes WHERE hash = $1")
            .bind(hash.as_slice())
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}
