//! The tables `dkim_keys` and `configured_dkim_keys`: the keys that sign mail, those of the desk and the public halves of
//! those of the configuration.

use super::{Db, Result, Tx, on};
use crate::model::{ConfiguredDkimKey, DkimAlgorithm, DkimKeyId, DkimKeyState, StoredDkimKey, Timestamp};

/// A key as it is made.
pub struct NewDkimKey<'a> {
    pub domain: &'a str,
    pub selector: &'a str,
    pub algorithm: DkimAlgorithm,
    pub record: &'a str,
    pub sealed_key: &'a [u8],
}

/// A duplicate error means that the domain has a key of this selector.
pub async fn insert(tx: &mut Tx, new: &NewDkimKey<'_>, now: Timestamp) -> Result<StoredDkimKey> {
    const SQL: &str =
        "INSERT INTO dkim_keys (domain, selector, algorithm, record, sealed_key, state, state_at, created_at)
        VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(new.domain)
        .bind(new.selector)
        .bind(new.algorithm)
        .bind(new.record)
        .bind(new.sealed_key)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// By domain, the newest first.
pub async fn all(db: Db<'_>) -> Result<Vec<StoredDkimKey>> {
    const SQL: &str = "SELECT * FROM dkim_keys ORDER BY domain, id DESC";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

pub async fn by_id(db: Db<'_>, id: DkimKeyId) -> Result<Option<StoredDkimKey>> {
    const SQL: &str = "SELECT * FROM dkim_keys WHERE id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

/// Whether it was in the state of before.
pub async fn set_state(
    tx: &mut Tx,
    id: DkimKeyId,
    before: DkimKeyState,
    state: DkimKeyState,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE dkim_keys SET state = $3, state_at = $4 WHERE id = $1 AND state = $2";
    Ok(on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(before)
        .bind(state)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected())
        == 1)
}

/// Retires the key of a kind that signs for a domain, if there is one: another takes its place.
pub async fn retire_signing(
    tx: &mut Tx,
    domain: &str,
    algorithm: DkimAlgorithm,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE dkim_keys SET state = 'retired', state_at = $3
        WHERE domain = $1 AND algorithm = $2 AND state = 'signing'";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(domain)
        .bind(algorithm)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn set_seen(tx: &mut Tx, id: DkimKeyId, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE dkim_keys SET seen_at = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes a key that does not sign; whether it was there.
pub async fn delete(tx: &mut Tx, id: DkimKeyId) -> Result<bool> {
    const SQL: &str = "DELETE FROM dkim_keys WHERE id = $1 AND state <> 'signing'";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected()) == 1)
}

/// The public halves of the keys of the configuration.
pub async fn configured(db: Db<'_>) -> Result<Vec<ConfiguredDkimKey>> {
    const SQL: &str = "SELECT * FROM configured_dkim_keys ORDER BY domain, selector";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

/// Says what keys the configuration has, in the place of what was said before.
pub async fn set_configured(tx: &mut Tx, keys: &[ConfiguredDkimKey]) -> Result<()> {
    const DELETE: &str = "DELETE FROM configured_dkim_keys";
    const INSERT: &str = "INSERT INTO configured_dkim_keys (domain, selector, algorithm, record)
        VALUES ($1, $2, $3, $4) ON CONFLICT (domain, selector) DO NOTHING";
    on!(tx.db(), |c| sqlx::query(DELETE).execute(c).await?.rows_affected());
    for key in keys {
        on!(tx.db(), |c| sqlx::query(INSERT)
            .bind(&key.domain)
            .bind(&key.selector)
            .bind(key.algorithm)
            .bind(&key.record)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}

/// The domains that have a key, and whether it signs yet: those of the configuration do, retired ones count for nothing.
pub async fn domains(db: Db<'_>) -> Result<Vec<(String, DkimKeyState)>> {
    const SQL: &str = "SELECT domain, 'signing' AS state FROM configured_dkim_keys
        UNION SELECT domain, state FROM dkim_keys WHERE state <> 'retired'";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}
