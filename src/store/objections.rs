//! The table `objections`: keyed hashes of addresses that no import brings to a newsletter. Only imports ask it.

use super::bulk::{self, Column, Same};
use super::{Db, Result, Tx, on};
use crate::model::{NewsletterId, Timestamp};

/// Remembers that an import must not bring this address to a newsletter.
pub async fn insert(
    tx: &mut Tx,
    newsletter: NewsletterId,
    address_hash: &[u8],
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO objections (address_hash, newsletter_id, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (address_hash, newsletter_id) DO NOTHING";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(address_hash)
        .bind(newsletter)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Whoever has this address is subscribed to the newsletter after all.
pub async fn delete(tx: &mut Tx, newsletter: NewsletterId, address_hash: &[u8]) -> Result<()> {
    const SQL: &str = "DELETE FROM objections WHERE address_hash = $1 AND newsletter_id = $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(address_hash).bind(newsletter).execute(c).await?.rows_affected());
    Ok(())
}

/// The same for every newsletter.
pub async fn delete_of_address(tx: &mut Tx, address_hash: &[u8]) -> Result<()> {
    const SQL: &str = "DELETE FROM objections WHERE address_hash = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(address_hash).execute(c).await?.rows_affected());
    Ok(())
}

/// Those of several hashes that are there.
pub async fn among(db: Db<'_>, newsletter: NewsletterId, address_hashes: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
    const SQL: &str =
        "SELECT address_hash FROM objections WHERE address_hash IN (SELECT h FROM v) AND newsletter_id = ?";
    let columns = [Column::Octets("h", address_hashes.to_vec())];
    let found: Vec<(Vec<u8>,)> = bulk::fetch_all(db, &columns, SQL, &[Same::Number(newsletter.0)]).await?;
    Ok(found.into_iter().map(|(hash,)| hash).collect())
}
