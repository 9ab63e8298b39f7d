//! The table `test_groups`.

use super::{Db, Result, Tx, on};
use crate::model::{NewsletterId, TestGroup, TestGroupId, Timestamp};

/// Makes a group, or gives the one of that name other addresses.
pub async fn set(
    tx: &mut Tx,
    newsletter: NewsletterId,
    name: &str,
    addresses: &str,
    now: Timestamp,
) -> Result<TestGroup> {
    const SQL: &str =
        "INSERT INTO test_groups (newsletter_id, name, addresses, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (newsletter_id, name) DO UPDATE SET addresses = $3 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(name)
        .bind(addresses)
        .bind(now)
        .fetch_one(c)
        .await?))
}

pub async fn of_newsletter(db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<TestGroup>> {
    const SQL: &str = "SELECT * FROM test_groups WHERE newsletter_id = $1 ORDER BY name, id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}

/// Removes a group of a newsletter; answers whether there was one.
pub async fn delete(tx: &mut Tx, newsletter: NewsletterId, id: TestGroupId) -> Result<bool> {
    const SQL: &str = "DELETE FROM test_groups WHERE id = $1 AND newsletter_id = $2";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(newsletter).execute(c).await?.rows_affected());
    Ok(rows == 1)
}
