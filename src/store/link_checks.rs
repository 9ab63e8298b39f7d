//! The table `link_checks`: what web addresses answered.

use super::{Db, Result, Tx, on};
use crate::model::{LinkCheck, Timestamp};

/// What one answered when it was last asked.
pub async fn last(db: Db<'_>, url: &str) -> Result<Option<LinkCheck>> {
    const SQL: &str = "SELECT * FROM link_checks WHERE url = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(url).fetch_optional(c).await?))
}

/// Keeps an answer in place of the one before.
pub async fn set(tx: &mut Tx, check: &LinkCheck) -> Result<()> {
    const SQL: &str =
        "INSERT INTO link_checks (url, verdict, status, octets, checked_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (url) DO UPDATE SET verdict = $2, status = $3, octets = $4, checked_at = $5";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(&check.url)
        .bind(check.verdict)
        .bind(check.status)
        .bind(check.octets)
        .bind(check.checked_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Forgets answers of before.
pub async fn delete_before(tx: &mut Tx, checked_before: Timestamp) -> Result<()> {
    const SQL: &str = "DELETE FROM link_checks WHERE checked_at < $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(checked_before).execute(c).await?.rows_affected());
    Ok(())
}
