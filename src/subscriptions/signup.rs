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
    Consent, ConsentEvent, EmailAddress, Language, Newsletter, OutboxKind, PersonName, SubscriptionStatus,
    Timestamp,
};
use crate::store::outbox::NewMail;
use crate::store::{Store, StoreError, consents, outbox, subscribers, subscriptions, suppressions, tokens};

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
    pub language: Language,
    /// Whether the box beside the consent words was ticked.
    pub has_consented: bool,
    /// The field that people do not see; programs fill it in.
    pub trap: &'a str,
    /// [`stamp`] of the page that held the form; empty on other websites.
    pub stamp: &'a str,
    pub evidence: Evidence,
}

/// What keeps a sign-up from being taken.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    #[error("{0}")]
    Address(#[from] AddressError),
    #[error("the name is too long")]
    NameTooLong,
    #[error("the box was not ticked")]
    NoConsent,
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
/// What the visitor can mend, each with its field; and a database that does not answer.
pub async fn sign_up(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    newsletter: &Newsletter,
    form: &SignUp<'_>,
) -> Result<(), SignUpError> {
    let now = clock.now();
    let address = EmailAddress::parse(form.address)?;
    let name = PersonName::parse(form.name).map_err(|_| SignUpError::NameTooLong)?;
    if !form.has_consented {
        return Err(SignUpError::NoConsent);
    }
    let stamp = look_at(keys, form.stamp, now);
    if !form.trap.is_empty() || stamp == Stamp::TooFast {
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
    let may_confirm = limits::confirmation(&mut tx, keys, &address, now).await?;
    if is_suppressed || !may_confirm {
        // The limits count on, so that these take the same time; nothing else is kept.
        tx.commit().await?;
        return Ok(());
    }
    let name = name.map(|name| name.to_string()).unwrap_or_default();
    let subscriber = subscribers::find_or_insert(&mut tx, &address, &name, form.language, now).await?;
    let all = subscriptions::of_subscriber(tx.db(), subscriber.id).await?;
    let is_known = all.iter().any(|subscription| subscription.confirmed_at.is_some());
    if !is_known {
        // Until the owner has confirmed anything, the last sign-up's name and language hold.
        subscribers::update_profile(&mut tx, subscriber.id, &name, form.language).await?;
    }
    let subscription =
        subscriptions::find_or_insert(&mut tx, subscriber.id, newsletter.id, form.language, now).await?;
    let is_confirmed = subscription.status == SubscriptionStatus::Confirmed;
    let words = consent_text(newsletter, form.language);
    let text_id = consents::keep_text(
        &mut tx,
        newsletter.id,
        form.language,
        &words,
        &sha256_hex(words.as_bytes()),
        now,
    )
    .await?;
    let consent = Consent {
        subscriber_id: subscriber.id,
        newsletter_id: newsletter.id,
        event: ConsentEvent::Requested,
        at: now,
        consent_text_id: Some(text_id),
        language: form.language,
        source: form.evidence.source.to_owned(),
        page: form.evidence.page_text(),
        ip: form.evidence.ip_text(),
        user_agent: form.evidence.user_agent_text(),
        message_id: None,
    };
    consents::insert(&mut tx, &consent).await?;
    let message_uuid = Uuid::now_v7();
    let kind = if is_confirmed { OutboxKind::AlreadySubscribed } else { OutboxKind::Confirm };
    if is_confirmed {
        if !limits::already_subscribed(&mut tx, keys, &address, now).await? {
            tx.commit().await?;
            return Ok(());
        }
    } else if let Some(hash) = token_hash(&keys.derive_token(Purpose::Confirm, &nonce)) {
        let message_id = message_uuid.simple().to_string();
        tokens::insert_confirm(&mut tx, &hash, subscription.id, &message_id, now, now.plus(CONFIRM_VALID))
            .await?;
    }
    let mail = NewMail {
        kind,
        newsletter_id: newsletter.id,
        subscription_id: Some(subscription.id),
        to_address: None,
        issue_id: None,
        language: form.language,
        nonce: nonce.to_vec(),
        message_uuid,
    };
    outbox::insert(&mut tx, &mail, now).await?;
    tx.commit().await?;
    Ok(())
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
