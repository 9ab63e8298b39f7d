//! An issue as it will arrive, to a colleague.

use uuid::Uuid;

use super::check::Finding;
use super::compose::compose;
use super::test_groups::addresses;
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::keys::{self, NoRandomness};
use crate::model::{Act, IssueId, Language, OutboxId, OutboxKind, Permission};
use crate::store::outbox::{self, NewMail};
use crate::store::outbox_contents::{self, WrittenMail};
use crate::store::{Store, StoreError};

/// Octets of a nonce; a test mail derives nothing from it.
const NONCE_OCTETS: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum TestMailError {
    /// Field: `to`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    NotFound,
    /// It cannot be rendered: these must be mended first.
    #[error("{}", self.message())]
    Blocked(Vec<Finding>),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TestMailError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(errors) => errors
                .iter()
                .next()
                .map_or_else(|| Message::new("error-marked-fields"), |error| error.message.clone()),
            Self::NotFound => Message::new("error-issue-not-found"),
            Self::Blocked(_) => Message::new("test-mail-blocked"),
            Self::Randomness(_) | Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// Stands before the subject, so that nobody takes a test for the issue itself.
const PREFIX: &str = "[Test] ";

/// Puts test mails of an issue, as it is now, into the outbox: one for each of the addresses `to` as typed, see
/// [`addresses`], and two where two subjects are tried. An unfinished issue may be tested, as long as it has a subject and can be rendered.
///
/// # Errors
/// [`TestMailError`].
pub async fn send_test(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    id: IssueId,
    to: &str,
) -> Result<Vec<OutboxId>, TestMailError> {
    send_test_in(store, clock, public_url, id, None, to).await
}

/// The same in one of the issue's languages.
///
/// # Errors
/// [`TestMailError`].
pub async fn send_test_in(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    id: IssueId,
    language: Option<Language>,
    to: &str,
) -> Result<Vec<OutboxId>, TestMailError> {
    let to = addresses("to", to)?;
    let now = clock.now();
    let mut tx = store.begin().await?;
    let composed = compose(tx.db(), id, now, public_url).await?.ok_or(TestMailError::NotFound)?;
    tx.permit(Permission::TestIssues, Some(composed.newsletter.id))?;
    let view = composed.view(language.unwrap_or(composed.newsletter.language));
    let Ok(rendered) = view.rendered else { return Err(TestMailError::Blocked(composed.findings)) };
    if view.issue.subject.is_empty() {
        return Err(TestMailError::Blocked(composed.findings));
    }
    let subjects = [&rendered.subject, &rendered.second_subject].into_iter().filter(|s| !s.is_empty());
    let contents: Vec<_> = subjects
        .map(|subject| WrittenMail {
            subject: format!("{PREFIX}{subject}"),
            html: rendered.html.clone(),
            text: rendered.text.clone(),
        })
        .collect();
    let mut sent = Vec::new();
    for (address, content) in to.iter().flat_map(|to| contents.iter().map(move |content| (to, content))) {
        let mail = NewMail {
            kind: OutboxKind::Test,
            newsletter_id: composed.newsletter.id,
            subscription_id: None,
            to_address: Some(address.clone()),
            issue_id: Some(id),
            welcome_step_id: None,
            language: view.language,
            nonce: keys::random::<NONCE_OCTETS>()?.to_vec(),
            message_uuid: Uuid::now_v7(),
        };
        let outbox_id = outbox::insert(&mut tx, &mail, now).await?;
        outbox_contents::insert(&mut tx, outbox_id, content).await?;
        sent.push(outbox_id);
    }
    tx.note(Act::IssueTested, Some(composed.newsletter.id), id.0).await?;
    tx.commit().await?;
    Ok(sent)
}
