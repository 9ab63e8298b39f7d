//! The table `segments`.

use super::{Db, Result, Tx, on};
use crate::model::{NewsletterId, Segment, SegmentId, Timestamp};

/// A duplicate error means that the newsletter has one of that name.
pub async fn insert(
    tx: &mut Tx,
    newsletter: NewsletterId,
    name: &str,
    filter: &str,
    now: Timestamp,
) -> Result<Segment> {
    const SQL: &str = "INSERT INTO segments (newsletter_id, name, filter, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $4) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(name)
        .bind(filter)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// `false` when it is no longer as it was `before`, or gone; a duplicate error as [`insert`].
pub async fn update(tx: &mut Tx, before: &Segment, name: &str, filter: &str, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE segments SET name = $2, filter = $3, updated_at = $4
        WHERE id = $1 AND name = $5 AND filter = $6";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(before.id)
        .bind(name)
        .bind(filter)
        .bind(now)
        .bind(&before.name)
        .bind(&before.filter)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Deletes it unless a mailing is scheduled to it; `false` when one is, or it is gone.
pub async fn delete(tx: &mut Tx, id: SegmentId) -> Result<bool> {
    const SQL: &str = "DELETE FROM segments WHERE id = $1
        AND NOT EXISTS (SELECT 1 FROM mailings m WHERE m.segment_id = $1 AND m.status = 'scheduled')";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

pub async fn by_id(db: Db<'_>, id: SegmentId) -> Result<Option<Segment>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM segments WHERE id = $1").bind(id).fetch_optional(c).await?))
}

/// Of one newsletter, or of all.
pub async fn list(db: Db<'_>, newsletter: Option<NewsletterId>) -> Result<Vec<Segment>> {
    const SQL: &str = "SELECT * FROM segments WHERE (CAST($1 AS BIGINT) IS NULL OR newsletter_id = $1)
        ORDER BY newsletter_id, name, id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}

/// How many a newsletter has.
pub async fn count(db: Db<'_>, newsletter: NewsletterId) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM segments WHERE newsletter_id = $1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(newsletter).fetch_one(c).await?))
}
