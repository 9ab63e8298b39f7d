//! Four eyes: where a newsletter asks for it, an issue goes out only when somebody has approved it who did not write
//! it. What is approved is exactly what it was: any change of its words, its articles or their order asks anew.

use super::compose::{Composed, compose};
use crate::clock::Clock;
use crate::i18n::{Message, Texts};
use crate::keys::sha256_hex;
use crate::mail::note::{NoteView, render_note};
use crate::mail::render::{RenderError, RenderedMail};
use crate::mail::slot::line_for_anyone;
use crate::model::{Act, IssueArticle, IssueId, Permission, Timestamp, User, UserId};
use crate::store::issue_approvals::{self, Approval};
use crate::store::outbox_contents::{ToUser, WrittenMail, write_to_user};
use crate::store::{Db, Result as StoreResult, Store, StoreError, Tx, issues, mailings, users};

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
    if issue.has_trial() {
        let plan = issue.trial;
        parts.extend([issue.second_subject.clone(), plan.share.to_string()]);
        parts.extend([plan.by.to_string(), plan.hours.to_string()]);
    }
    parts.extend(parts_of(&composed.articles));
    for translated in &composed.translations {
        let issue = &translated.issue;
        let words = [&issue.subject, &issue.second_subject, &issue.preheader, &issue.intro, &issue.outro];
        parts.push(translated.language.to_string());
        parts.extend(words.into_iter().cloned());
        parts.extend(parts_of(&translated.articles));
    }
    let whole: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    sha256_hex(whole.as_bytes())
}

fn parts_of(articles: &[IssueArticle]) -> impl Iterator<Item = String> {
    articles.iter().flat_map(|row| {
        let article = &row.article;
        // The version counts saves, not whether it is published.
        let which = [article.id.to_string(), article.version.to_string()];
        which.into_iter().chain([row.display.to_string(), row.heading.clone()])
    })
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

/// Asks everybody by mail to approve an issue who may, but for whoever saved it last. For an issue as it is they are asked
/// once; answers how many were.
///
/// # Errors
/// [`ApproveError::Blocked`] for one that must be mended first: nobody should read what will change.
pub async fn ask(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    id: IssueId,
    by: &str,
) -> Result<usize, ApproveError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let issue = crate::store::issues::lock(&mut tx, id).await?.ok_or(ApproveError::NotFound)?;
    tx.permit(Permission::DraftIssues, Some(issue.newsletter_id))?;
    if mailings::of_issue(tx.db(), id).await?.is_some() {
        return Err(ApproveError::Scheduled);
    }
    let composed = compose(tx.db(), id, now, public_url).await?.ok_or(ApproveError::NotFound)?;
    if !composed.is_ready() && !composed.can_be_overridden() {
        return Err(ApproveError::Blocked);
    }
    if !issues::ask_approval(&mut tx, id, &content_of(&composed)).await? {
        return Ok(0);
    }
    let newsletter = &composed.newsletter;
    let mut colleagues = users::who_may(tx.db(), Permission::ApproveIssues, Some(newsletter.id)).await?;
    colleagues.retain(|user| Some(user.id) != issue.edited_by);
    colleagues.truncate(COLLEAGUES_MAX);
    let count = colleagues.len();
    for user in colleagues {
        match question(public_url, &composed, &user, by) {
            Ok(RenderedMail { subject, html, text }) => {
                let to = ToUser { user: &user, newsletter: newsletter.id, issue: Some(id), nonce: &[] };
                write_to_user(&mut tx, to, &WrittenMail { subject, html, text }, now).await?;
            }
            Err(error) => tracing::error!(%error, "a question to approve an issue could not be written"),
        }
    }
    tx.note(Act::IssueApprovalAsked, Some(newsletter.id), id.0).await?;
    tx.commit().await?;
    Ok(count)
}

/// Most colleagues who are asked.
const COLLEAGUES_MAX: usize = 100;

fn question(
    public_url: &str,
    composed: &Composed,
    user: &User,
    by: &str,
) -> Result<RenderedMail, RenderError> {
    let t = Texts::new(user.language);
    let (newsletter, number) = (&composed.newsletter, composed.issue.number.to_string());
    let name = t.with2("desk-issue-name", "number", number, "newsletter", newsletter.name.clone());
    let title = t.with("approval-mail-title", "issue", name);
    let subject = line_for_anyone(&composed.issue.subject, &newsletter.name);
    render_note(&NoteView {
        newsletter,
        language: user.language,
        subject: &title,
        title: &title,
        lines: &[
            t.with2("approval-mail-words", "name", by.to_owned(), "subject", subject),
            t.text("approval-mail-how"),
        ],
        button: &t.text("approval-mail-read"),
        url: &format!("{public_url}/admin/issues/{}/schedule", composed.issue.id),
    })
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
    let mut tx = store.begin().await?;
    approve_in(&mut tx, clock.now(), public_url, id, user).await?;
    tx.commit().await?;
    Ok(())
}

/// The same in a transaction of the caller; answers what was approved.
///
/// # Errors
/// As [`approve`].
pub(super) async fn approve_in(
    tx: &mut Tx,
    now: Timestamp,
    public_url: &str,
    id: IssueId,
    user: UserId,
) -> Result<String, ApproveError> {
    let issue = crate::store::issues::lock(tx, id).await?.ok_or(ApproveError::NotFound)?;
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
    let content = content_of(&composed);
    issue_approvals::set(tx, id, user, &content, now).await?;
    tx.note(Act::IssueApproved, Some(issue.newsletter_id), id.0).await?;
    Ok(content)
}
