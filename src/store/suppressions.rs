//! The table `suppressions`: keyed hashes of addresses that are never mailed again.

use super::bulk::{self, Column};
use super::{Db, Result, Tx, on};
use crate::model::Timestamp;

/// Remembers that this address was erased.
pub async fn insert(tx: &mut Tx, address_hash: &[u8], now: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO suppressions (address_hash, reason, created_at) VALUES ($1, 'erased', $2)
        ON CONFLICT (address_hash) DO NOTHING";
    on!(tx.db(), |c| sqlx::query(SQL).bind(address_hash).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Whoever erases somebody waits until the end of this transaction, which brings people in whose erasure it would not
/// see. On SQLite one transaction writes at a time.
pub async fn hold(tx: &mut Tx) -> Result<()> {
    if let Db::Postgres(c) = tx.db() {
        sqlx::query("LOCK TABLE suppressions IN SHARE MODE").execute(c).await?;
    }
    Ok(())
}

pub async fn contains(db: Db<'_>, address_hash: &[u8]) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM suppressions WHERE address_hash = $1)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(address_hash).fetch_one(c).await?))
}

/// Those of several hashes that are there.
pub async fn among(db: Db<'_>, address_hashes: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
    const SQL: &str = "SELECT address_hash FROM suppressions WHERE address_hash IN (SELECT h FROM v)";
    let columns = [Column::Octets("h", address_hashes.to_vec())];
    let found: Vec<(Vec<u8>,)> = bulk::fetch_all(db, &columns, SQL, &[]).await?;
    Ok(found.into_iter().map(|(hash,)| hash).collect())
}
