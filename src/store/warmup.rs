//! The table `warmup_days`: how many mails of a day were claimed for a destination that is warmed up.

use super::{Result, Tx, on};

/// How many were claimed on a day; the row is this transaction's until it ends.
pub async fn lock(tx: &mut Tx, destination: &str, day: i64) -> Result<i64> {
    const SQL: &str = "INSERT INTO warmup_days (destination, day, mails) VALUES ($1, $2, 0)
        ON CONFLICT (destination, day) DO UPDATE SET mails = warmup_days.mails RETURNING mails";
    Ok(on!(tx.db(), |c| sqlx::query_scalar(SQL).bind(destination).bind(day).fetch_one(c).await?))
}

/// Counts more of them.
pub async fn add(tx: &mut Tx, destination: &str, day: i64, mails: i64) -> Result<()> {
    const SQL: &str = "UPDATE warmup_days SET mails = mails + $3 WHERE destination = $1 AND day = $2";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(destination)
        .bind(day)
        .bind(mails)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Forgets days before one.
pub async fn delete_before(tx: &mut Tx, day: i64) -> Result<()> {
    on!(tx.db(), |c| sqlx::query("DELETE FROM warmup_days WHERE day < $1")
        .bind(day)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}
