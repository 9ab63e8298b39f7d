//! The table `relays`: those that are set at the desk.

use super::{Db, Result, Tx, on};
use crate::model::{AuthMethod, RelayId, StoredRelay, Timestamp, TlsMode};

/// A relay as it is written.
#[derive(Clone)]
pub struct RelayRow {
    pub host: String,
    pub port: i64,
    pub tls: TlsMode,
    pub auth: AuthMethod,
    pub username: String,
    pub sealed_password: Vec<u8>,
    pub connections: i64,
    pub mails_per_hour: Option<i64>,
    pub weight: i64,
}

/// A duplicate error means that the name is taken.
pub async fn insert(tx: &mut Tx, name: &str, row: &RelayRow, now: Timestamp) -> Result<StoredRelay> {
    const SQL: &str =
        "INSERT INTO relays (name, host, port, tls, auth, username, sealed_password, connections,
            mails_per_hour, weight, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(name)
        .bind(&row.host)
        .bind(row.port)
        .bind(row.tls)
        .bind(row.auth)
        .bind(&row.username)
        .bind(&row.sealed_password)
        .bind(row.connections)
        .bind(row.mails_per_hour)
        .bind(row.weight)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// In the order of their names.
pub async fn all(db: Db<'_>) -> Result<Vec<StoredRelay>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM relays ORDER BY name").fetch_all(c).await?))
}

pub async fn by_id(db: Db<'_>, id: RelayId) -> Result<Option<StoredRelay>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM relays WHERE id = $1").bind(id).fetch_optional(c).await?))
}

pub async fn by_name(db: Db<'_>, name: &str) -> Result<Option<StoredRelay>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM relays WHERE name = $1")
        .bind(name)
        .fetch_optional(c)
        .await?))
}

/// `None` when it is not of this version any more.
pub async fn update(
    tx: &mut Tx,
    id: RelayId,
    version: i64,
    row: &RelayRow,
    now: Timestamp,
) -> Result<Option<StoredRelay>> {
    const SQL: &str =
        "UPDATE relays SET host = $3, port = $4, tls = $5, auth = $6, username = $7, sealed_password = $8,
            connections = $9, mails_per_hour = $10, weight = $11, version = version + 1, updated_at = $12
        WHERE id = $1 AND version = $2 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(version)
        .bind(&row.host)
        .bind(row.port)
        .bind(row.tls)
        .bind(row.auth)
        .bind(&row.username)
        .bind(&row.sealed_password)
        .bind(row.connections)
        .bind(row.mails_per_hour)
        .bind(row.weight)
        .bind(now)
        .fetch_optional(c)
        .await?))
}

/// The relay that was removed, if it was there.
pub async fn delete(tx: &mut Tx, id: RelayId) -> Result<Option<StoredRelay>> {
    const SQL: &str = "DELETE FROM relays WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}
