//! The table `mailing_overrides`: errors in spite of which a mailing was scheduled.

use super::{Db, Result, Tx, on};
use crate::model::{MailingId, Timestamp, UserId};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Override {
    /// The key of the finding.
    pub finding: String,
    /// As it was shown.
    pub words: String,
    pub reason: String,
    /// Of whoever decided; `None`: on the command line, or somebody who is gone.
    pub user_name: Option<String>,
    pub created_at: Timestamp,
}

/// Keeps the findings, each with its key and its words, and why they were overridden.
pub async fn insert(
    tx: &mut Tx,
    mailing: MailingId,
    findings: &[(&str, String)],
    reason: &str,
    user: Option<UserId>,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO mailing_overrides
            (mailing_id, position, finding, words, reason, user_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    for (position, (finding, words)) in (1_i64..).zip(findings) {
        on!(tx.db(), |c| sqlx::query(SQL)
            .bind(mailing)
            .bind(position)
            .bind(*finding)
            .bind(words)
            .bind(reason)
            .bind(user)
            .bind(now)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}

pub async fn of_mailing(db: Db<'_>, mailing: MailingId) -> Result<Vec<Override>> {
    const SQL: &str = "SELECT o.finding, o.words, o.reason, u.name AS user_name, o.created_at
        FROM mailing_overrides o LEFT JOIN users u ON u.id = o.user_id
        WHERE o.mailing_id = $1 ORDER BY o.position";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(mailing).fetch_all(c).await?))
}
