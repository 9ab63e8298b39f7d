//! The table `used_proofs`: proofs of work that were handed in, until their challenges end.

use super::{Result, Tx, on};
use crate::model::Timestamp;

/// Remembers a proof; `false` when it was handed in before.
pub async fn insert(tx: &mut Tx, hash: &[u8], expires_at: Timestamp) -> Result<bool> {
    const SQL: &str =
        "INSERT INTO used_proofs (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    let rows =
        on!(tx.db(), |c| sqlx::query(SQL).bind(hash).bind(expires_at).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Forgets some of those that nobody can hand in any more.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM used_proofs WHERE hash IN
        (SELECT hash FROM used_proofs WHERE expires_at <= $1 LIMIT $2)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(now).bind(limit).execute(c).await?.rows_affected()))
}
