//! Signing up: one verb for every door. The [`gate`] decides what passes; here it is written.
//!
//! The answer is the same, and the same kinds of work are done, whether the address is new, pending,
//! confirmed, has left or is suppressed (S20): the difference goes by mail. Nothing is sent here.

use std::time::Duration;

use uuid::Uuid;

use super::capture::{Capture, without_query};
use super::consent_text::consent_text;
use super::fields::ValueError;
use super::gate::{self, Passed, Verdict};
use super::open_form::OpenForm;
use super::{Evidence, limits};
use crate::clock::Clock;
use crate::i18n::Message;
use crate::keys::{Keys, NoRandomness, Purpose, random, sha256_hex, token_hash};
use crate::model::email_address::AddressError;
use crate::model::{
    Consent, ConsentEvent, EmailAddress, FieldId, Language, OutboxKind, SubscriberId, SubscriptionStatus,
    Timestamp,
};
use crate::store::outbox::NewMail;
use crate::store::{
    Store, StoreError, Tx, consents, outbox, subscribers, subscription_values, subscriptions, tokens,
};

/// How long a confirmation link works.
pub const CONFIRM_VALID: Duration = Duration::from_secs(7 * 24 * 3600);

/// A filled-in form, as it came.
#[derive(Debug, Clone)]
pub struct SignUp<'a> {
    pub form: &'a OpenForm,
    pub address: &'a str,
    pub name: &'a str,
    /// For the mails.
    pub language: Language,
    /// In which the consent words were shown.
    pub shown_in: Language,
    /// Whether the box beside the consent words was ticked.
    pub has_consented: bool,
    /// The field that people do not see; programs fill it in.
    pub trap: &'a str,
    /// [`super::stamp`] of the page that held the form; empty on other websites.
    pub stamp: &'a str,
    /// What was typed into the form's own fields: key and text.
    pub values: &'a [(String, String)],
    pub evidence: Evidence,
    pub capture: Capture,
}

impl SignUp<'_> {
    /// What was typed into one of the form's own fields; empty when it is absent.
    pub fn typed(&self, key: &str) -> &str {
        self.values.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }
}

/// The answer to a sign-up that was taken: the same whatever is known of the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// An address that was probably meant instead, worked out from what was typed alone.
    pub hint: Option<String>,
}

/// What a visitor can mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("{0}")]
    Address(AddressError),
    #[error("the name is too long")]
    NameTooLong,
    #[error("{key}: {error}")]
    Field { key: String, error: ValueError },
    #[error("the box beside the consent words was not ticked")]
    NoConsent,
    #[error("the form was sent faster than anyone types")]
    TooFast,
}

impl Problem {
    /// The field of the form that it belongs to; empty for the form as a whole.
    pub fn field(&self) -> &str {
        match self {
            Self::Address(_) => "email",
            Self::NameTooLong => "name",
            Self::Field { key, .. } => key,
            Self::NoConsent => "consent",
            Self::TooFast => "",
        }
    }

    /// What the API calls it: these names stay (docs/api.md).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address(AddressError::Empty) => "address_empty",
            Self::Address(AddressError::TooLong) => "address_too_long",
            Self::Address(AddressError::NoAt) => "address_no_at",
            Self::Address(AddressError::Local) => "address_local",
            Self::Address(AddressError::Domain) => "address_domain",
            Self::NameTooLong => "name_too_long",
            Self::Field { error, .. } => error.code(),
            Self::NoConsent => "consent_missing",
            Self::TooFast => "too_fast",
        }
    }

    /// What to tell the visitor.
    pub fn message(&self) -> Message {
        match self {
            Self::Address(error) => Message::new(error.key()),
            Self::NameTooLong => Message::new("error-name-too-long"),
            Self::Field { error, .. } => error.message(),
            Self::NoConsent => Message::new("error-consent"),
            Self::TooFast => Message::new("error-too-fast"),
        }
    }
}

/// What keeps a sign-up from being taken.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// All at once, in the order of the form.
    #[error("the form has mistakes: {0:?}")]
    Invalid(Vec<Problem>),
    #[error("too many sign-ups; try again in {minutes} minutes")]
    TooMany { minutes: i64 },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Takes a sign-up. `Ok` says nothing about the address, on purpose; what a program posted is dropped with
/// the same `Ok`.
///
/// # Errors
/// What the visitor can mend, each with its field; too many from one network; a database that does not answer.
pub async fn sign_up(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    sign_up: &SignUp<'_>,
) -> Result<Taken, SignUpError> {
    let now = clock.now();
    let nonce = random::<{ crate::keys::TOKEN_OCTETS }>()?;
    let passed = match gate::pass(store, keys, sign_up, now).await? {
        Verdict::Passed(passed) => passed,
        Verdict::Dropped => return Ok(Taken::default()),
    };
    let Passed { mut tx, address, name, values, is_suppressed, may_mail, due_at, hint } = *passed;
    // Everybody's sign-up is written, and then undone where nothing may be kept: the same work, and the same
    // time, whatever is known of the address. The address of someone who was erased is not written even so.
    let mut request = Request { sign_up, address, name, values, nonce, now, due_at };
    if is_suppressed {
        request.address = stand_in()?;
        request.name.clear();
    }
    tx.savepoint().await?;
    let is_news = write(&mut tx, keys, &request).await?;
    if is_suppressed || !may_mail || !is_news {
        tx.roll_back_to_savepoint().await?;
    }
    tx.commit().await?;
    Ok(Taken { hint })
}

/// In place of an address that must not be written: nobody's (RFC 2606).
fn stand_in() -> Result<EmailAddress, SignUpError> {
    let address = EmailAddress::parse(&format!("{}@suppressed.invalid", Uuid::new_v4().simple()));
    address.map_err(|error| SignUpError::Invalid(vec![Problem::Address(error)]))
}

/// A sign-up that parsed.
struct Request<'a> {
    sign_up: &'a SignUp<'a>,
    address: EmailAddress,
    name: String,
    values: Vec<(FieldId, Option<String>)>,
    nonce: [u8; crate::keys::TOKEN_OCTETS],
    now: Timestamp,
    due_at: Timestamp,
}

/// Writes person, subscription, evidence, token and mail. `false` when there is nothing to tell: someone who
/// is subscribed already heard so today.
async fn write(tx: &mut Tx, keys: &Keys, request: &Request<'_>) -> Result<bool, StoreError> {
    let Request { sign_up, now, .. } = *request;
    let newsletter = &sign_up.form.newsletter;
    let subscriber =
        subscribers::find_or_insert(tx, &request.address, &request.name, sign_up.language, now).await?;
    let all = subscriptions::of_subscriber(tx.db(), subscriber.id).await?;
    // Until the owner has confirmed anything, the last sign-up's name and language hold.
    let is_owned = all.iter().any(|subscription| subscription.confirmed_at.is_some());
    let (name, language) =
        if is_owned { (&subscriber.name, subscriber.language) } else { (&request.name, sign_up.language) };
    subscribers::update_profile(tx, subscriber.id, name, language).await?;
    let subscription =
        subscriptions::find_or_insert(tx, subscriber.id, newsletter.id, sign_up.language, now).await?;
    subscriptions::set_request(tx, subscription.id, sign_up.language, sign_up.form.form.id).await?;
    for (field, value) in &request.values {
        subscription_values::set(tx, subscription.id, *field, value.as_deref()).await?;
    }
    keep_consent(tx, request, subscriber.id).await?;
    let is_confirmed = subscription.status == SubscriptionStatus::Confirmed;
    let kind = if is_confirmed { OutboxKind::AlreadySubscribed } else { OutboxKind::Confirm };
    let is_news = limits::news(tx, keys, &request.address, newsletter.id, kind, now).await?;
    let message_uuid = Uuid::now_v7();
    if let Some(hash) = token_hash(&keys.derive_token(Purpose::Confirm, &request.nonce)) {
        // Also for someone who is subscribed, whose mail does not hold it: the same work for all.
        let message_id = message_uuid.simple().to_string();
        tokens::insert_confirm(tx, &hash, subscription.id, &message_id, now, now.plus(CONFIRM_VALID)).await?;
    }
    let mail = NewMail {
        kind,
        newsletter_id: newsletter.id,
        subscription_id: Some(subscription.id),
        to_address: None,
        issue_id: None,
        welcome_step_id: None,
        // A stranger's form does not change in which language a subscriber is spoken to.
        language: if is_confirmed { subscription.language } else { sign_up.language },
        nonce: request.nonce.to_vec(),
        message_uuid,
    };
    outbox::insert_due(tx, &mail, request.due_at, now).await?;
    Ok(is_news)
}

async fn keep_consent(
    tx: &mut Tx,
    request: &Request<'_>,
    subscriber: SubscriberId,
) -> Result<(), StoreError> {
    let Request { sign_up, now, .. } = *request;
    let newsletter = &sign_up.form.newsletter;
    let words = consent_text(newsletter, sign_up.shown_in);
    let hash = sha256_hex(words.as_bytes());
    let text_id = consents::keep_text(tx, newsletter.id, sign_up.shown_in, &words, &hash, now).await?;
    let consent = Consent {
        subscriber_id: subscriber,
        newsletter_id: newsletter.id,
        event: ConsentEvent::Requested,
        at: now,
        consent_text_id: Some(text_id),
        language: sign_up.shown_in,
        source: sign_up.evidence.source.to_owned(),
        page: without_query(&sign_up.evidence.page),
        ip: sign_up.evidence.ip_text(),
        user_agent: sign_up.evidence.user_agent_text(),
        message_id: None,
        form_id: Some(sign_up.form.form.id),
        form_version: Some(sign_up.form.form.version),
        referrer: sign_up.capture.referrer.clone(),
        utm: sign_up.capture.utm.clone(),
        privacy_url: newsletter.privacy_url.clone(),
    };
    consents::insert(tx, &consent).await
}
