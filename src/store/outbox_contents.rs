//! The table `outbox_contents`: what a test or an alert holds, written when it was asked for.

use uuid::Uuid;

use super::outbox::{self, NewMail};
use super::{Db, Result, Tx, on};
use crate::model::{IssueId, NewsletterId, OutboxId, OutboxKind, Timestamp, User};

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

/// A mail to somebody who works with the desk.
#[derive(Debug, Clone, Copy)]
pub struct ToUser<'a> {
    pub user: &'a User,
    /// In whose name it is sent.
    pub newsletter: NewsletterId,
    /// What it is about, if that is one.
    pub issue: Option<IssueId>,
    /// Of the token that stands in its links; empty: there is none.
    pub nonce: &'a [u8],
}

/// Puts a mail that is written already into the outbox.
pub async fn write_to_user(tx: &mut Tx, to: ToUser<'_>, mail: &WrittenMail, now: Timestamp) -> Result<()> {
    let new = NewMail {
        kind: OutboxKind::Alert,
        newsletter_id: to.newsletter,
        subscription_id: None,
        to_address: Some(to.user.address.clone()),
        issue_id: to.issue,
        welcome_step_id: None,
        language: to.user.language,
        nonce: to.nonce.to_vec(),
        message_uuid: Uuid::now_v7(),
    };
    let id = outbox::insert(tx, &new, now).await?;
    insert(tx, id, mail).await
}

pub async fn of_outbox(db: Db<'_>, outbox: OutboxId) -> Result<Option<WrittenMail>> {
    const SQL: &str = "SELECT subject, html, text FROM outbox_contents WHERE outbox_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(outbox).fetch_optional(c).await?))
}
