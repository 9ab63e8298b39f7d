//! Signing up: one verb for every door. The [`gate`] decides what passes; [`super::batch`] writes it.
//!
//! The answer is the same, and the same kinds of work are done, whether the address is new, pending,
//! confirmed, has left or is suppressed (S20): the difference goes by mail. Nothing is sent here.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Evidence;
use super::batch::{Answer, Job, Tools};
use super::capture::Capture;
use super::fields::ValueError;
use super::gate::{self, Gate, Passed, Verdict};
use super::open_form::OpenForm;
use crate::clock::Clock;
use crate::i18n::Message;
use crate::keys::{Keys, NoRandomness, random};
use crate::model::email_address::AddressError;
use crate::model::{EmailAddress, Language};
use crate::store::{Store, StoreError};

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
        language: sign_up.form.newsletter.language_for(sign_up.language),
        shown_in: sign_up.shown_in,
        evidence: sign_up.evidence.clone(),
        capture: sign_up.capture.clone(),
        nonce: random::<{ crate::keys::TOKEN_OCTETS }>()?,
    };
    match gate.queue().run(tools, Job::SignUp(Box::new(request))).await? {
        Answer::TooMany { minutes } => Err(SignUpError::TooMany { minutes }),
        Answer::Taken => Ok(taken),
    }
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
    pub(super) stand_in: EmailAddress,
    pub(super) language: Language,
    pub(super) shown_in: Language,
    pub(super) evidence: Evidence,
    pub(super) capture: Capture,
    pub(super) nonce: [u8; crate::keys::TOKEN_OCTETS],
}
