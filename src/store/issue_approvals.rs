//! The table `issue_approvals`: who approved an issue, as it was then.

use super::{Db, Result, Tx, on};
use crate::model::{IssueId, Timestamp, UserId};

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Approval {
    pub user_id: UserId,
    pub user_name: String,
    /// SHA-256 of what was approved, in hexadecimal.
    pub content: String,
    pub created_at: Timestamp,
}

/// Somebody approves an issue, in place of an earlier version of it.
pub async fn set(tx: &mut Tx, issue: IssueId, user: UserId, content: &str, now: Timestamp) -> Result<()> {
    const SQL: &str =
        "INSERT INTO issue_approvals (issue_id, user_id, content, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (issue_id, user_id) DO UPDATE SET content = $3, created_at = $4";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(issue)
        .bind(user)
        .bind(content)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Who approved an issue, the last first; some of them perhaps an earlier version.
pub async fn of_issue(db: Db<'_>, issue: IssueId) -> Result<Vec<Approval>> {
    const SQL: &str = "SELECT a.user_id, u.name AS user_name, a.content, a.created_at
        FROM issue_approvals a JOIN users u ON u.id = a.user_id
        WHERE a.issue_id = $1 AND u.disabled_at IS NULL ORDER BY a.created_at DESC, a.user_id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(issue).fetch_all(c).await?))
}
