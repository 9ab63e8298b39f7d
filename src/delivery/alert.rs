//! Mails to those who work with the desk: something needs them.

use crate::mail::render::{AlertView, RenderedMail, render_alert};
use crate::model::{Mailing, Permission, Timestamp};
use crate::store::outbox_contents::{ToUser, WrittenMail, write_to_user};
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
        let RenderedMail { subject, html, text } = rendered;
        let to = ToUser { user: &user, newsletter: newsletter.id, issue: Some(issue.id), nonce: &[] };
        write_to_user(tx, to, &WrittenMail { subject, html, text }, now).await?;
    }
    Ok(())
}
