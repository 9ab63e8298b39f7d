//! Mails to those who work with the desk.

use uuid::Uuid;

use crate::mail::render::RenderedMail;
use crate::model::{IssueId, NewsletterId, OutboxKind, Timestamp, User};
use crate::store::outbox::{self, NewMail};
use crate::store::outbox_contents::{self, WrittenMail};
use crate::store::{StoreError, Tx};

/// Puts a mail to a colleague into the outbox. `nonce`: of the token that stands in its links; empty where there is none.
pub(super) async fn write_to(
    tx: &mut Tx,
    user: User,
    (newsletter_id, issue_id): (NewsletterId, Option<IssueId>),
    rendered: RenderedMail,
    nonce: Vec<u8>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mail = NewMail {
        kind: OutboxKind::Alert,
        newsletter_id,
        subscription_id: None,
        to_address: Some(user.address),
        issue_id,
        welcome_step_id: None,
        language: user.language,
        nonce,
        message_uuid: Uuid::now_v7(),
    };
    let id = outbox::insert(tx, &mail, now).await?;
    let content = WrittenMail { subject: rendered.subject, html: rendered.html, text: rendered.text };
    outbox_contents::insert(tx, id, &content).await
}
