//! The table `outbox_contents`: what a test or an alert holds, written when it was asked for.

use super::{Db, Result, Tx, on};
use crate::model::OutboxId;

/// The parts of a mail that is written already.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct WrittenMail {
    pub subject: String,
    pub html: String,
    pub text: String,
}

pub async fn insert(tx: &mut Tx, outbox: OutboxId, content: &WrittenMail) -> Result<()> {
    const SQL: &str = "INSERT INTO outbox_contents (outbox_id, subject, html, text) VALUES ($1, $2, $3, $4)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(outbox)
        .bind(&content.subject)
        .bind(&content.html)
        .bind(&content.text)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn of_outbox(db: Db<'_>, outbox: OutboxId) -> Result<Option<WrittenMail>> {
    const SQL: &str = "SELECT subject, html, text FROM outbox_contents WHERE outbox_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(outbox).fetch_optional(c).await?))
}
