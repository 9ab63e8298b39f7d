//! Four eyes: where a newsletter asks for it, an issue goes out only when each part of it, its own words and every article
//! in it, was approved by somebody who did not write that part. What is approved is exactly what it was: any change of its
//! words, its articles or their order asks anew.

use std::collections::BTreeSet;

use super::compose::{Composed, compose};
use crate::clock::Clock;
use crate::i18n::{Message, Texts};
use crate::keys::sha256_hex;
use crate::mail::note::{NoteView, render_note};
use crate::mail::render::{RenderError, RenderedMail};
use crate::mail::slot::line_for_anyone;
use crate::model::{Act, Issue, IssueArticle, IssueId, Permission, Theme, Timestamp, User, UserId};
use crate::store::issue_approvals::{self, Approval};
use crate::store::outbox_contents::{ToUser, WrittenMail, write_to_user};
use crate::store::{
    Db, Result as StoreResult, Store, StoreError, Tx, article_versions, issues, mailings, users,
};

#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    #[error("{}", self.message())]
    NotFound,
    /// Who saved an issue last cannot approve it, where nobody else wrote any of it.
    #[error("{}", self.message())]
    Own,
    /// Neither can who wrote the articles in it.
    #[error("{}", self.message())]
    OwnArticle,
    /// It is no longer what somebody looked at.
    #[error("{}", self.message())]
    Changed,
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
            Self::OwnArticle => Message::new("error-approval-own-article"),
            Self::Changed => Message::new("error-issue-changed"),
            Self::Blocked => Message::new("schedule-blocked"),
            Self::Scheduled => Message::new("error-issue-scheduled"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }
}

/// What an issue is made of, as one number: SHA-256 in hexadecimal. Each part is preceded by its length, so that no two
/// issues are the same text.
pub fn content_of(composed: &Composed) -> String {
    let mut parts = words_of(&composed.issue, composed.newsletter.theme);
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

/// What of an issue is its own, beside its articles: its words, its look, its topic and its trial.
fn words_of(issue: &Issue, theme: Theme) -> Vec<String> {
    let theme = issue.theme.unwrap_or(theme);
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
    parts
}

fn parts_of(articles: &[IssueArticle]) -> impl Iterator<Item = String> {
    articles.iter().flat_map(|row| {
        let article = &row.article;
        // The version counts saves, not whether it is published.
        let which = [article.id.to_string(), article.version.to_string()];
        which.into_iter().chain([row.display.to_string(), row.heading.clone()])
    })
}

/// Who wrote what an issue is made of, and who approved it as it is.
#[derive(Debug)]
pub struct FourEyes {
    /// Who changed it last.
    editor: Option<UserId>,
    /// Who wrote an article in it, in the words that it has there.
    authors: BTreeSet<UserId>,
    /// The last first.
    pub approvals: Vec<Approval>,
}

impl FourEyes {
    /// # Errors
    /// Of the database.
    pub async fn of(mut db: Db<'_>, composed: &Composed) -> StoreResult<Self> {
        let id = composed.issue.id;
        let content = content_of(composed);
        let shown: BTreeSet<_> =
            composed.views().flat_map(|view| view.articles).map(|row| row.article.id).collect();
        let authors = article_versions::authors_in(db.again(), id).await?;
        let mut approvals = issue_approvals::of_issue(db, id).await?;
        approvals.retain(|approval| approval.content == content);
        Ok(Self {
            editor: composed.issue.edited_by,
            authors: authors.into_iter().filter(|(at, _)| shown.contains(at)).map(|(_, by)| by).collect(),
            approvals,
        })
    }

    fn writers(&self) -> impl Iterator<Item = UserId> {
        self.editor.into_iter().chain(self.authors.iter().copied())
    }

    /// Whether somebody wrote any of it.
    pub fn has_written(&self, user: UserId) -> bool {
        self.writers().any(|writer| writer == user)
    }

    pub fn has_approved(&self, user: UserId) -> bool {
        self.approvals.iter().any(|approval| approval.user_id == user)
    }

    /// Whether each part was approved by somebody who did not write that part: by one who wrote none of it, or by two, of
    /// whom each read what the other wrote.
    pub fn is_approved(&self) -> bool {
        !self.approvals.is_empty()
            && self.writers().all(|writer| self.approvals.iter().any(|one| one.user_id != writer))
    }

    /// Whether the approval of somebody counts for anything: not of whoever alone wrote it.
    ///
    /// # Errors
    /// [`ApproveError::Own`] or [`ApproveError::OwnArticle`].
    pub fn ask_of(&self, user: UserId) -> Result<(), ApproveError> {
        if !self.has_written(user) || self.writers().any(|writer| writer != user) {
            Ok(())
        } else if self.editor == Some(user) {
            Err(ApproveError::Own)
        } else {
            Err(ApproveError::OwnArticle)
        }
    }

    /// Whether what somebody could say is still missing.
    fn misses(&self, user: UserId) -> bool {
        self.ask_of(user).is_ok() && !self.has_approved(user)
    }
}

/// Those whose approval an issue still waits for: one of them, or two where each wrote some of it.
///
/// # Errors
/// Of the database.
pub async fn colleagues(db: Db<'_>, composed: &Composed, eyes: &FourEyes) -> StoreResult<Vec<User>> {
    let mut users = users::who_may(db, Permission::ApproveIssues, Some(composed.newsletter.id)).await?;
    users.retain(|user| eyes.misses(user.id));
    users.truncate(COLLEAGUES_MAX);
    Ok(users)
}

/// Asks everybody by mail to approve an issue whose approval it waits for. For an issue as it is they are asked once;
/// answers how many were.
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
    let eyes = FourEyes::of(tx.db(), &composed).await?;
    let colleagues = colleagues(tx.db(), &composed, &eyes).await?;
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

/// Approves an issue as it is now. Doing so twice is fine. `seen` is the [`content_of`] what the page showed; `None`: there
/// is no page. Answers whether that is enough: what somebody wrote of it, another must approve too.
///
/// # Errors
/// [`ApproveError`].
pub async fn approve(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    id: IssueId,
    user: UserId,
    seen: Option<&str>,
) -> Result<bool, ApproveError> {
    let mut tx = store.begin().await?;
    let (_, is_enough) = approve_in(&mut tx, clock.now(), public_url, id, user, seen).await?;
    tx.commit().await?;
    Ok(is_enough)
}

/// The same in a transaction of the caller; answers what was approved, too.
///
/// # Errors
/// As [`approve`].
pub(super) async fn approve_in(
    tx: &mut Tx,
    now: Timestamp,
    public_url: &str,
    id: IssueId,
    user: UserId,
    seen: Option<&str>,
) -> Result<(String, bool), ApproveError> {
    let issue = crate::store::issues::lock(tx, id).await?.ok_or(ApproveError::NotFound)?;
    tx.permit(Permission::ApproveIssues, Some(issue.newsletter_id))?;
    if mailings::of_issue(tx.db(), id).await?.is_some() {
        return Err(ApproveError::Scheduled);
    }
    let composed = compose(tx.db(), id, now, public_url).await?.ok_or(ApproveError::NotFound)?;
    FourEyes::of(tx.db(), &composed).await?.ask_of(user)?;
    if !composed.can_be_overridden() {
        return Err(ApproveError::Blocked);
    }
    let content = content_of(&composed);
    if seen.is_some_and(|seen| seen != content) {
        return Err(ApproveError::Changed);
    }
    issue_approvals::set(tx, id, user, &content, now).await?;
    tx.note(Act::IssueApproved, Some(issue.newsletter_id), id.0).await?;
    let is_enough = FourEyes::of(tx.db(), &composed).await?.is_approved();
    Ok((content, is_enough))
}
