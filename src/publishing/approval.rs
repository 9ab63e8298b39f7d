//! Four eyes: where a newsletter asks for it, an issue goes out only when somebody has approved it who did not write
//! it. What is approved is exactly what it was: any change of its words, its articles or their order asks anew.

use super::compose::{Composed, compose};
use crate::clock::Clock;
use crate::i18n::Message;
use crate::keys::sha256_hex;
use crate::model::{Act, IssueId, Permission, UserId};
use crate::store::issue_approvals::{self, Approval};
use crate::store::{Db, Result as StoreResult, Store, StoreError, mailings};

#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    #[error("{}", self.message())]
    NotFound,
    /// Who saved an issue last cannot approve it.
    #[error("{}", self.message())]
    Own,
    /// It must be mended first.
    #[error("{}", self.message())]
    Blocked,
    #[error("{}", self.message())]
    Scheduled,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApproveError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::NotFound => Message::new("error-issue-not-found"),
            Self::Own => Message::new("error-approval-own"),
            Self::Blocked => Message::new("schedule-blocked"),
            Self::Scheduled => Message::new("error-issue-scheduled"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }
}

/// What an issue is made of, as one number: SHA-256 in hexadecimal. Each part is preceded by its length, so that no two
/// issues are the same text.
pub fn content_of(composed: &Composed) -> String {
    let (issue, newsletter) = (&composed.issue, &composed.newsletter);
    let theme = issue.theme.unwrap_or(newsletter.theme);
    let topic = issue.topic_id.map(|topic| topic.to_string()).unwrap_or_default();
    let mut parts: Vec<String> = [&issue.subject, &issue.preheader, &issue.intro, &issue.outro, &topic]
        .into_iter()
        .cloned()
        .chain([theme.to_string()])
        .collect();
    for row in &composed.articles {
        let article = &row.article;
        // The version counts saves, not whether it is published.
        parts.extend([article.id.to_string(), article.version.to_string()]);
        parts.extend([row.display.to_string(), row.heading.clone()]);
    }
    let whole: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    sha256_hex(whole.as_bytes())
}

/// Who approved an issue as it is now: nobody who saved it last.
///
/// # Errors
/// Of the database.
pub async fn approved_by(db: Db<'_>, composed: &Composed) -> StoreResult<Option<Approval>> {
    let content = content_of(composed);
    let approvals = issue_approvals::of_issue(db, composed.issue.id).await?;
    let editor = composed.issue.edited_by;
    Ok(approvals.into_iter().find(|approval| approval.content == content && Some(approval.user_id) != editor))
}

/// Approves an issue as it is now. Doing so twice is fine.
///
/// # Errors
/// [`ApproveError`].
pub async fn approve(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    id: IssueId,
    user: UserId,
) -> Result<(), ApproveError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let issue = crate::store::issues::lock(&mut tx, id).await?.ok_or(ApproveError::NotFound)?;
    tx.permit(Permission::ApproveIssues, Some(issue.newsletter_id))?;
    if mailings::of_issue(tx.db(), id).await?.is_some() {
        return Err(ApproveError::Scheduled);
    }
    if issue.edited_by == Some(user) {
        return Err(ApproveError::Own);
    }
    let composed = compose(tx.db(), id, now, public_url).await?.ok_or(ApproveError::NotFound)?;
    if !composed.can_be_overridden() {
        return Err(ApproveError::Blocked);
    }
    issue_approvals::set(&mut tx, id, user, &content_of(&composed), now).await?;
    tx.note(Act::IssueApproved, Some(issue.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(())
}
