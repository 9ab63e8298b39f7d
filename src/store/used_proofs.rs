//! The table `used_proofs`: proofs of work that were handed in, until their challenges end.

use super::bulk::{self, Column};
use super::{Result, Tx, on};
use crate::model::Timestamp;

/// Remembers a proof; `false` when it was handed in before.
pub async fn insert(tx: &mut Tx, hash: &[u8], expires_at: Timestamp) -> Result<bool> {
    Ok(!insert_all(tx, &[(hash, expires_at)]).await?.is_empty())
}

/// Remembers several different proofs, and answers those that were not handed in before.
pub async fn insert_all(tx: &mut Tx, proofs: &[(&[u8], Timestamp)]) -> Result<Vec<Vec<u8>>> {
    const SQL: &str = "INSERT INTO used_proofs (hash, expires_at)
            SELECT v.hash, v.expires_at FROM v WHERE v.hash IS NOT NULL ORDER BY v.hash
        ON CONFLICT (hash) DO NOTHING RETURNING hash";
    let columns = [
        Column::Octets("hash", proofs.iter().map(|(hash, _)| *hash).collect()),
        Column::Numbers("expires_at", proofs.iter().map(|(_, at)| Some(at.as_millis())).collect()),
    ];
    let new: Vec<(Vec<u8>,)> = bulk::fetch_all(tx.db(), &columns, SQL, &[]).await?;
    Ok(new.into_iter().map(|(hash,)| hash).collect())
}

/// Forgets some of those that nobody can hand in any more.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM used_proofs WHERE hash IN
        (SELECT hash FROM used_proofs WHERE expires_at <= $1 LIMIT $2)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(now).bind(limit).execute(c).await?.rows_affected()))
}
