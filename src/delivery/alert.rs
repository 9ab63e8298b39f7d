//! Mails to those who work with the desk: something needs them.

use uuid::Uuid;

use crate::mail::render::{AlertView, render_alert};
use crate::model::{Mailing, OutboxKind, Permission, Timestamp};
use crate::store::outbox::{self, NewMail};
use crate::store::outbox_contents::{self, WrittenMail};
use crate::store::{Result, Tx, issues, newsletters, users};

/// Tells everybody who may send it that a mailing was paused, in the transaction of the pause.
pub async fn mailing_paused(tx: &mut Tx, public_url: &str, mailing: &Mailing, now: Timestamp) -> Result<()> {
    let newsletter = newsletters::by_id(tx.db(), mailing.newsletter_id).await?;
    let issue = issues::by_id(tx.db(), mailing.issue_id).await?;
    let (Some(newsletter), Some(issue)) = (newsletter, issue) else { return Ok(()) };
    let url = format!("{}/admin/mailings/{}", public_url.trim_end_matches('/'), mailing.id);
    for user in users::who_may(tx.db(), Permission::SendIssues, Some(newsletter.id)).await? {
        let view = AlertView {
            newsletter: &newsletter,
            language: user.language,
            issue: &issue.subject,
            reason: mailing.pause_reason,
            account: &mailing.account,
            url: &url,
        };
        let rendered = match render_alert(&view) {
            Ok(rendered) => rendered,
            Err(error) => {
                // The pause matters more than the words about it.
                tracing::error!(%error, "an alert could not be written");
                continue;
            }
        };
        let mail = NewMail {
            kind: OutboxKind::Alert,
            newsletter_id: newsletter.id,
            subscription_id: None,
            to_address: Some(user.address),
            issue_id: Some(issue.id),
            welcome_step_id: None,
            language: user.language,
            nonce: Vec::new(),
            message_uuid: Uuid::now_v7(),
        };
        let id = outbox::insert(tx, &mail, now).await?;
        let content = WrittenMail { subject: rendered.subject, html: rendered.html, text: rendered.text };
        outbox_contents::insert(tx, id, &content).await?;
    }
    Ok(())
}
