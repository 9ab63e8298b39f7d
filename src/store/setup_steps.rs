//! The table `setup_steps`: how far the first run has come.

use super::{Db, Result, Tx, on};
use crate::model::{SetupStep, Timestamp};

/// A step that somebody has been at.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SetupStepRow {
    pub step: SetupStep,
    /// A form as it was posted, without passwords; empty: none.
    pub draft: String,
    pub passed_at: Option<Timestamp>,
}

pub async fn all(db: Db<'_>) -> Result<Vec<SetupStepRow>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT step, draft, passed_at FROM setup_steps").fetch_all(c).await?))
}

/// Keeps what was typed; whether the step was passed stays.
pub async fn set_draft(tx: &mut Tx, step: SetupStep, draft: &str) -> Result<()> {
    const SQL: &str = "INSERT INTO setup_steps (step, draft, passed_at) VALUES ($1, $2, NULL)
        ON CONFLICT (step) DO UPDATE SET draft = excluded.draft";
    on!(tx.db(), |c| sqlx::query(SQL).bind(step).bind(draft).execute(c).await?.rows_affected());
    Ok(())
}

/// Notes that a step was passed, and drops its draft.
pub async fn pass(tx: &mut Tx, step: SetupStep, now: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO setup_steps (step, draft, passed_at) VALUES ($1, '', $2)
        ON CONFLICT (step) DO UPDATE SET draft = '', passed_at = excluded.passed_at";
    on!(tx.db(), |c| sqlx::query(SQL).bind(step).bind(now).execute(c).await?.rows_affected());
    Ok(())
}
