//! The table `signup_counts`: how many sign-ups a form took and refused, hour by hour.

use super::{Db, Result, Tx, on};
use crate::model::{FormId, Timestamp};

const HOUR_MILLIS: i64 = 3600 * 1000;

/// Sign-ups of a form in one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    pub accepted: i64,
    pub refused: i64,
}

impl Counts {
    pub const fn total(self) -> i64 {
        self.accepted + self.refused
    }
}

/// The number of a moment's hour since 1970-01-01 UTC.
pub const fn hour_of(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(HOUR_MILLIS)
}

/// Adds to an hour, and answers what there is of it now.
pub async fn add(tx: &mut Tx, form: FormId, hour: i64, more: Counts) -> Result<Counts> {
    const SQL: &str = "INSERT INTO signup_counts (form_id, hour, accepted, refused) VALUES ($1, $2, $3, $4)
        ON CONFLICT (form_id, hour) DO UPDATE SET accepted = signup_counts.accepted + excluded.accepted,
            refused = signup_counts.refused + excluded.refused
        RETURNING accepted, refused";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(form)
        .bind(hour)
        .bind(more.accepted)
        .bind(more.refused)
        .fetch_one(c)
        .await?))
}

/// The totals of the hours of a form in which there was any, from an hour up to and without another, the
/// smallest first.
pub async fn totals(db: Db<'_>, form: FormId, from: i64, before: i64) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT accepted + refused AS total FROM signup_counts
        WHERE form_id = $1 AND hour >= $2 AND hour < $3 ORDER BY total";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(form).bind(from).bind(before).fetch_all(c).await?))
}

/// Forgets some of the hours before one.
pub async fn delete_before(tx: &mut Tx, hour: i64, limit: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM signup_counts WHERE (form_id, hour) IN
        (SELECT form_id, hour FROM signup_counts WHERE hour < $1 LIMIT $2)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(hour).bind(limit).execute(c).await?.rows_affected()))
}
