//! Signing up: one verb for every door. The [`gate`] decides what passes; here it is written.
//!
//! The answer is the same, and the same kinds of work are done, whether the address is new, pending,
//! confirmed, has left or is suppressed (S20): the difference goes by mail. Nothing is sent here.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::capture::{Capture, without_query};
use super::consent_text::consent_text;
use super::fields::ValueError;
use super::gate::{self, Counted, Gate, Passed, Verdict};
use super::open_form::OpenForm;
use super::queue::{Job, Tools};
use super::{Evidence, alarm, limits};
use crate::clock::Clock;
use crate::i18n::Message;
use crate::keys::{Keys, NoRandomness, Purpose, random, sha256_hex, token_hash};
use crate::model::email_address::AddressError;
use crate::model::{
    Consent, ConsentEvent, EmailAddress, Language, OutboxKind, SubscriberId, SubscriptionStatus, Timestamp,
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
    /// A proof of work ([`super::proof`]); empty without one.
    pub proof: &'a str,
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
    #[error("the domain of the address takes no mail")]
    NoMail,
    #[error("the form takes no throw-away addresses")]
    Disposable,
}

impl Problem {
    /// The field of the form that it belongs to; empty for the form as a whole.
    pub fn field(&self) -> &str {
        match self {
            Self::Address(_) | Self::NoMail | Self::Disposable => "email",
            Self::NameTooLong => "name",
            Self::Field { key, .. } => key,
            Self::NoConsent => "consent",
            Self::TooFast => "",
        }
    }

    /// Whether it is what programs do, and counts against a form that may be under attack.
    const fn is_of_programs(&self) -> bool {
        matches!(self, Self::TooFast | Self::NoMail | Self::Disposable)
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
            Self::NoMail => "address_takes_no_mail",
            Self::Disposable => "address_disposable",
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
            Self::NoMail => Message::new("error-address-no-mail"),
            Self::Disposable => Message::new("error-address-disposable"),
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
    gate: &Gate,
    sign_up: &SignUp<'_>,
) -> Result<Taken, SignUpError> {
    let tools = Tools { store: store.clone(), clock: clock.clone(), keys: keys.clone(), gate: gate.clone() };
    let taken = Taken { hint: gate::hint(sign_up.address) };
    let passed = match gate.look(clock, keys, sign_up).await {
        Ok(Verdict::Passed(passed)) => passed,
        Ok(Verdict::Dropped) => {
            gate.queue().run(tools, Job::Refused(Arc::new(sign_up.form.clone()))).await?;
            return Ok(taken);
        }
        Err(SignUpError::Invalid(problems)) => {
            if problems.iter().any(|problem| problem.is_of_programs()) {
                gate.queue().run(tools, Job::Refused(Arc::new(sign_up.form.clone()))).await?;
            }
            return Err(SignUpError::Invalid(problems));
        }
        Err(error) => return Err(error),
    };
    let request = Request {
        form: sign_up.form.clone(),
        passed: *passed,
        stand_in: stand_in()?,
        language: sign_up.language,
        shown_in: sign_up.shown_in,
        evidence: sign_up.evidence.clone(),
        capture: sign_up.capture.clone(),
        nonce: random::<{ crate::keys::TOKEN_OCTETS }>()?,
    };
    match gate.queue().run(tools, Job::SignUp(Box::new(request))).await? {
        Some(Counted::TooMany { minutes }) => Err(SignUpError::TooMany { minutes }),
        Some(Counted::Taken { .. }) | None => Ok(taken),
    }
}

/// Takes sign-ups in one transaction, and answers each. An error is of all of them: then nothing is written.
pub(super) async fn take_all(tools: &Tools, jobs: &[&Job]) -> Result<Vec<Option<Counted>>, StoreError> {
    let now = tools.clock.now();
    let mut tx = tools.store.begin().await?;
    let mut answers = Vec::with_capacity(jobs.len());
    let mut tally = alarm::Tally::default();
    for job in jobs {
        answers.push(match job {
            Job::SignUp(request) => {
                let counted = take(&mut tx, &tools.keys, request, now).await?;
                tally.add(&request.form, matches!(counted, Counted::Taken { .. }));
                Some(counted)
            }
            Job::Refused(form) => {
                tally.add(form, false);
                None
            }
        });
    }
    // Last: these rows are everybody's.
    alarm::watch(&mut tx, &tools.keys, &tools.gate, &tally, now).await?;
    tx.commit().await?;
    Ok(answers)
}

/// Counts one sign-up, and writes it. Everybody's is written, and then undone where nothing may be kept: the same
/// work, and the same time, whatever is known of the address. That of someone who was erased is not written even so.
async fn take(tx: &mut Tx, keys: &Keys, request: &Request, now: Timestamp) -> Result<Counted, StoreError> {
    let counted = gate::count(tx, keys, request, now).await?;
    let Counted::Taken { is_suppressed, may_mail, effort } = counted else { return Ok(counted) };
    tx.savepoint().await?;
    let (mail, is_news) = write(tx, keys, request, is_suppressed, now).await?;
    // Late: the counters of a big domain and of a form are everybody's, and held until the end.
    let form = request.form.form.id;
    let wait = limits::wait(tx, keys, &request.passed.address, form, effort, now).await?;
    outbox::insert_due(tx, &mail, now.plus(wait.unwrap_or_default()), now).await?;
    if is_suppressed || !may_mail || !is_news || wait.is_err() {
        tx.roll_back_to_savepoint().await?;
    }
    tx.release_savepoint().await?;
    Ok(match wait {
        Ok(_) => counted,
        Err(minutes) => Counted::TooMany { minutes },
    })
}

/// In place of an address that must not be written: nobody's (RFC 2606).
fn stand_in() -> Result<EmailAddress, SignUpError> {
    let address = EmailAddress::parse(&format!("{}@suppressed.invalid", Uuid::new_v4().simple()));
    address.map_err(|error| SignUpError::Invalid(vec![Problem::Address(error)]))
}

/// A sign-up that passed the gate, on its way into a transaction.
#[derive(Debug)]
pub struct Request {
    pub(super) form: OpenForm,
    pub(super) passed: Passed,
    /// Is written, and undone, in place of an address that must not be written.
    stand_in: EmailAddress,
    language: Language,
    shown_in: Language,
    pub(super) evidence: Evidence,
    capture: Capture,
    nonce: [u8; crate::keys::TOKEN_OCTETS],
}

/// Writes person, subscription, evidence and token, and gives the mail that is to be written. `false` when there
/// is nothing to tell: someone who is subscribed already heard so today.
async fn write(
    tx: &mut Tx,
    keys: &Keys,
    request: &Request,
    is_suppressed: bool,
    now: Timestamp,
) -> Result<(NewMail, bool), StoreError> {
    let newsletter = &request.form.newsletter;
    let (address, name) = match is_suppressed {
        true => (&request.stand_in, ""),
        false => (&request.passed.address, request.passed.name.as_str()),
    };
    let subscriber = subscribers::find_or_insert(tx, address, name, request.language, now).await?;
    let all = subscriptions::of_subscriber(tx.db(), subscriber.id).await?;
    // Until the owner has confirmed anything, the last sign-up's name and language hold.
    let is_owned = all.iter().any(|subscription| subscription.confirmed_at.is_some());
    let (name, language) =
        if is_owned { (subscriber.name.as_str(), subscriber.language) } else { (name, request.language) };
    subscribers::update_profile(tx, subscriber.id, name, language).await?;
    let subscription =
        subscriptions::find_or_insert(tx, subscriber.id, newsletter.id, request.language, now).await?;
    subscriptions::set_request(tx, subscription.id, request.language, request.form.form.id).await?;
    for (field, value) in &request.passed.values {
        subscription_values::set(tx, subscription.id, *field, value.as_deref()).await?;
    }
    if request.passed.is_disposable {
        subscriptions::mark_disposable(tx, subscription.id).await?;
    }
    keep_consent(tx, request, subscriber.id, now).await?;
    let is_confirmed = subscription.status == SubscriptionStatus::Confirmed;
    let kind = if is_confirmed { OutboxKind::AlreadySubscribed } else { OutboxKind::Confirm };
    let is_news = limits::news(tx, keys, address, newsletter.id, kind, now).await?;
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
        language: if is_confirmed { subscription.language } else { request.language },
        nonce: request.nonce.to_vec(),
        message_uuid,
    };
    Ok((mail, is_news))
}

async fn keep_consent(
    tx: &mut Tx,
    request: &Request,
    subscriber: SubscriberId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let newsletter = &request.form.newsletter;
    let words = consent_text(newsletter, request.shown_in);
    let hash = sha256_hex(words.as_bytes());
    let text_id = consents::keep_text(tx, newsletter.id, request.shown_in, &words, &hash, now).await?;
    let consent = Consent {
        subscriber_id: subscriber,
        newsletter_id: newsletter.id,
        event: ConsentEvent::Requested,
        at: now,
        consent_text_id: Some(text_id),
        language: request.shown_in,
        source: request.evidence.source.to_owned(),
        page: without_query(&request.evidence.page),
        ip: request.evidence.ip_text(),
        user_agent: request.evidence.user_agent_text(),
        message_id: None,
        form_id: Some(request.form.form.id),
        form_version: Some(request.form.form.version),
        referrer: request.capture.referrer.clone(),
        utm: request.capture.utm.clone(),
        privacy_url: newsletter.privacy_url.clone(),
    };
    consents::insert(tx, &consent).await
}
