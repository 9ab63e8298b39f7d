//! Signing up: one gate for every door.
//!
//! The answer is the same, and the same kinds of work are done, whether the address is new, pending,
//! confirmed, has left or is suppressed (S20): the difference goes by mail. Nothing is sent here.

use std::time::Duration;

use uuid::Uuid;

use super::consent_text::consent_text;
use super::{Evidence, limits};
use crate::clock::Clock;
use crate::keys::{Keys, NoRandomness, Purpose, random, sha256_hex, token_hash};
use crate::model::email_address::AddressError;
use crate::model::{
    Consent, ConsentEvent, EmailAddress, Language, Newsletter, OutboxKind, PersonName, SubscriberId,
    SubscriptionStatus, Timestamp,
};
use crate::store::outbox::NewMail;
use crate::store::{
    Store, StoreError, Tx, consents, outbox, subscribers, subscriptions, suppressions, tokens,
};

/// How long a confirmation link works.
pub const CONFIRM_VALID: Duration = Duration::from_secs(7 * 24 * 3600);
/// Nobody fills in the form faster than this.
const FILL_TIME_MIN: Duration = Duration::from_secs(2);
/// A page that was open for longer gets a fresh stamp with the next try.
const STAMP_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// A filled-in form, as it came.
#[derive(Debug, Clone)]
pub struct SignUp<'a> {
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
    /// [`stamp`] of the page that held the form; empty on other websites.
    pub stamp: &'a str,
    pub evidence: Evidence,
}

/// What a visitor can mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("{0}")]
    Address(AddressError),
    #[error("the name is too long")]
    NameTooLong,
    #[error("the box beside the consent words was not ticked")]
    NoConsent,
    #[error("the form was sent faster than anyone types")]
    TooFast,
}

impl Problem {
    /// The field of the form that it belongs to; empty for the form as a whole.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Address(_) => "email",
            Self::NameTooLong => "name",
            Self::NoConsent => "consent",
            Self::TooFast => "",
        }
    }

    /// The key of its text in the language files.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Address(error) => error.key(),
            Self::NameTooLong => "error-name-too-long",
            Self::NoConsent => "error-consent",
            Self::TooFast => "error-too-fast",
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

/// A signed note of the moment at which a page with the form was made.
pub fn stamp(keys: &Keys, now: Timestamp) -> String {
    let millis = now.as_millis();
    let mac = keys.mac(Purpose::FormStamp, &millis.to_be_bytes());
    format!("{millis}.{}", data_encoding::HEXLOWER.encode(&mac[..16]))
}

/// What a stamp says about the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    /// Ours, and old enough for a person to have filled in the form.
    Good,
    /// None, not ours, or too old: a form on another website.
    Foreign,
    /// Ours, and filled in faster than anyone types.
    TooFast,
}

fn look_at(keys: &Keys, text: &str, now: Timestamp) -> Stamp {
    let millis = text.split_once('.').and_then(|(millis, _)| millis.parse::<i64>().ok());
    let Some(made) = millis.map(Timestamp::from_millis) else { return Stamp::Foreign };
    if !crate::keys::equal(stamp(keys, made).as_bytes(), text.as_bytes()) || now.since(made) > STAMP_AGE_MAX {
        Stamp::Foreign
    } else if now.since(made) < FILL_TIME_MIN {
        Stamp::TooFast
    } else {
        Stamp::Good
    }
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
    newsletter: &Newsletter,
    form: &SignUp<'_>,
) -> Result<(), SignUpError> {
    let now = clock.now();
    let stamp = look_at(keys, form.stamp, now);
    let (address, name) = parse(form, stamp)?;
    if !form.trap.is_empty() {
        tracing::info!(newsletter = %newsletter.slug, "a sign-up by a program was dropped");
        return Ok(());
    }
    let nonce = random::<{ crate::keys::TOKEN_OCTETS }>()?;
    let mut tx = store.begin().await?;
    if let Some(ip) = form.evidence.ip
        && let Err(minutes) = limits::network(&mut tx, keys, ip, stamp == Stamp::Good, now).await?
    {
        tx.commit().await?;
        return Err(SignUpError::TooMany { minutes });
    }
    let is_suppressed = suppressions::contains(tx.db(), &keys.address_hash(&address)).await?;
    let may_mail = limits::confirmation(&mut tx, keys, &address, newsletter.id, now).await?;
    let wait = limits::domain_wait(&mut tx, keys, &address, now).await?;
    // Everybody's sign-up is written, and then undone where nothing may be kept: the same work, and the same
    // time, whatever is known of the address. The address of someone who was erased is not written even so.
    let mut request = Request { newsletter, form, address, name, nonce, now, due_at: now.plus(wait) };
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
    Ok(())
}

/// The address and the name, or everything that is wrong with the form.
fn parse(form: &SignUp<'_>, stamp: Stamp) -> Result<(EmailAddress, String), SignUpError> {
    let (address, name) = (EmailAddress::parse(form.address), PersonName::parse(form.name));
    let mut problems = Vec::new();
    problems.extend(address.as_ref().err().map(|error| Problem::Address(*error)));
    problems.extend(name.is_err().then_some(Problem::NameTooLong));
    problems.extend((!form.has_consented).then_some(Problem::NoConsent));
    problems.extend((stamp == Stamp::TooFast).then_some(Problem::TooFast));
    match (address, name) {
        (Ok(address), Ok(name)) if problems.is_empty() => {
            Ok((address, name.map(|name| name.to_string()).unwrap_or_default()))
        }
        _ => Err(SignUpError::Invalid(problems)),
    }
}

/// In place of an address that must not be written: nobody's (RFC 2606).
fn stand_in() -> Result<EmailAddress, SignUpError> {
    let address = EmailAddress::parse(&format!("{}@suppressed.invalid", Uuid::new_v4().simple()));
    address.map_err(|error| SignUpError::Invalid(vec![Problem::Address(error)]))
}

/// A sign-up that parsed.
struct Request<'a> {
    newsletter: &'a Newsletter,
    form: &'a SignUp<'a>,
    address: EmailAddress,
    name: String,
    nonce: [u8; crate::keys::TOKEN_OCTETS],
    now: Timestamp,
    due_at: Timestamp,
}

/// Writes person, subscription, evidence, token and mail. `false` when there is nothing to tell: someone who
/// is subscribed already heard so today.
async fn write(tx: &mut Tx, keys: &Keys, request: &Request<'_>) -> Result<bool, StoreError> {
    let Request { newsletter, form, now, .. } = *request;
    let subscriber =
        subscribers::find_or_insert(tx, &request.address, &request.name, form.language, now).await?;
    let all = subscriptions::of_subscriber(tx.db(), subscriber.id).await?;
    // Until the owner has confirmed anything, the last sign-up's name and language hold.
    let is_owned = all.iter().any(|subscription| subscription.confirmed_at.is_some());
    let (name, language) =
        if is_owned { (&subscriber.name, subscriber.language) } else { (&request.name, form.language) };
    subscribers::update_profile(tx, subscriber.id, name, language).await?;
    let subscription =
        subscriptions::find_or_insert(tx, subscriber.id, newsletter.id, form.language, now).await?;
    subscriptions::set_language(tx, subscription.id, form.language).await?;
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
        language: if is_confirmed { subscription.language } else { form.language },
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
    let Request { newsletter, form, now, .. } = *request;
    let words = consent_text(newsletter, form.shown_in);
    let hash = sha256_hex(words.as_bytes());
    let text_id = consents::keep_text(tx, newsletter.id, form.shown_in, &words, &hash, now).await?;
    let consent = Consent {
        subscriber_id: subscriber,
        newsletter_id: newsletter.id,
        event: ConsentEvent::Requested,
        at: now,
        consent_text_id: Some(text_id),
        language: form.shown_in,
        source: form.evidence.source.to_owned(),
        page: form.evidence.page_text(),
        ip: form.evidence.ip_text(),
        user_agent: form.evidence.user_agent_text(),
        message_id: None,
        form_id: None,
        form_version: None,
        referrer: String::new(),
        utm: String::new(),
        privacy_url: newsletter.privacy_url.clone(),
    };
    consents::insert(tx, &consent).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_ours_or_foreign_or_too_fast() {
        let keys = Keys::new(&[7; 32]);
        let made = Timestamp::from_millis(1_000_000_000);
        let text = stamp(&keys, made);
        let after = |seconds| look_at(&keys, &text, made.plus(Duration::from_secs(seconds)));
        assert_eq!(after(0), Stamp::TooFast);
        assert_eq!(after(3), Stamp::Good);
        assert_eq!(after(25 * 3600), Stamp::Foreign);
        assert_eq!(look_at(&Keys::new(&[8; 32]), &text, made.plus(Duration::from_secs(5))), Stamp::Foreign);
        for text in ["", "x", "1.", "1.00", "99999999999999999999.00"] {
            assert_eq!(look_at(&keys, text, made), Stamp::Foreign, "{text}");
        }
    }
}
