//! Asking for a mail again: another confirmation mail from the page after the sign-up, a new link in place of one that
//! has expired.
//!
//! Whoever asks from a page that anybody can open gets the same answer, after the same work, whatever is known of the
//! address (S20). Everything here counts under the limits of sign-ups: one network, one mailbox and one domain get no
//! more mail this way than by the form. What is counted is locked before any person is, and any mailing last: so does
//! every verb, and no two wait for each other.

use std::net::IpAddr;

use uuid::Uuid;

use super::confirm::{self, Confirmation};
use super::limits;
use super::signup::CONFIRM_VALID;
use super::unsubscribe::lock;
use crate::clock::Clock;
use crate::keys::{Keys, NoRandomness, Purpose, TOKEN_OCTETS, random, token_hash};
use crate::model::email_address::AddressError;
use crate::model::{
    EmailAddress, Language, Newsletter, OutboxKind, Subscription, SubscriptionStatus, Timestamp,
};
use crate::store::outbox::NewMail;
use crate::store::{Result, Store, StoreError, Tx, outbox, subscribers, subscriptions, suppressions, tokens};

/// Why nothing was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("too many requests from this network; try again in {minutes} minutes")]
    TooMany { minutes: i64 },
    /// Only told to who holds a link from a mail to that address.
    #[error("this mailbox has had as many of our mails as it gets")]
    Enough,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A request for a mail, within the limits of the network.
pub(super) struct Asked {
    pub(super) tx: Tx,
    /// The address must not be written, nor mailed.
    pub(super) is_suppressed: bool,
    /// The mailbox has not had enough of our mails yet.
    pub(super) may_mail: bool,
    pub(super) mail: Mail,
}

/// What is the same for every mail that is asked for again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mail {
    nonce: [u8; TOKEN_OCTETS],
    pub(super) now: Timestamp,
    due_at: Timestamp,
}

/// Counts a request, and begins the transaction that answers it. `about` is what the mail is about.
pub(super) async fn ask(
    store: &Store,
    keys: &Keys,
    address: &EmailAddress,
    about: &str,
    ip: Option<IpAddr>,
    now: Timestamp,
) -> Result<Asked, AskError> {
    let nonce = random()?;
    let mut tx = store.begin().await?;
    let room = match limits::another(&mut tx, keys, address, about, ip, now).await? {
        Ok(room) => room,
        Err(minutes) => {
            tx.commit().await?;
            return Err(AskError::TooMany { minutes });
        }
    };
    let is_suppressed = suppressions::contains(tx.db(), &keys.address_hash(address)).await?;
    let mail = Mail { nonce, now, due_at: now.plus(room.wait) };
    Ok(Asked { tx, is_suppressed, may_mail: room.may_mail, mail })
}

/// In place of an address that must not be written: nobody's (RFC 2606).
pub(super) fn stand_in() -> Result<EmailAddress, AddressError> {
    EmailAddress::parse(&format!("{}@suppressed.invalid", Uuid::new_v4().simple()))
}

/// Sends another confirmation mail to who has signed up a moment ago and finds none. `Ok` says nothing about the
/// address.
///
/// # Errors
/// Too many from one network; a database that does not answer.
pub async fn resend(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    newsletter: &Newsletter,
    address: &EmailAddress,
    language: Language,
    ip: Option<IpAddr>,
) -> Result<(), AskError> {
    let about = newsletter.id.to_string();
    let Asked { mut tx, is_suppressed, may_mail, mail } =
        ask(store, keys, address, &about, ip, clock.now()).await?;
    // As at the sign-up: written for everybody, and undone where nothing may be kept.
    let written = if is_suppressed { &stand_in()? } else { address };
    tx.savepoint().await?;
    let subscriber = subscribers::find_or_insert(&mut tx, written, "", language, mail.now).await?;
    let subscription =
        subscriptions::find_or_insert(&mut tx, subscriber.id, newsletter.id, language, mail.now).await?;
    let was_asked = tokens::newest_open(tx.db(), subscription.id, mail.now).await?.is_some();
    let is_confirmed = subscription.status == SubscriptionStatus::Confirmed;
    let kind = if is_confirmed { OutboxKind::AlreadySubscribed } else { OutboxKind::Confirm };
    let is_news = limits::news(&mut tx, keys, address, newsletter.id, kind, mail.now).await?;
    queue(&mut tx, keys, &subscription, kind, mail).await?;
    if is_suppressed || !may_mail || !is_news || !(was_asked || is_confirmed) {
        tx.roll_back_to_savepoint().await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Sends a new confirmation link in place of one that has expired. Pressing twice sends one mail; what the link leads
/// to from then on, [`confirm::look`] says.
///
/// # Errors
/// Too many from one network, or to this mailbox; a database that does not answer.
pub async fn renew(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    token: &str,
    ip: Option<IpAddr>,
) -> Result<Confirmation, AskError> {
    let seen = confirm::look(store, clock, token).await?;
    let Confirmation::Expired(expired) = &seen else { return Ok(seen) };
    let (newsletter, subscription) = &**expired;
    let person = subscribers::by_id(store.read().await?.db(), subscription.subscriber_id).await?;
    let Some(person) = person else { return Ok(Confirmation::Unknown) };
    let about = newsletter.id.to_string();
    let Asked { mut tx, is_suppressed, may_mail, mail } =
        ask(store, keys, &person.address, &about, ip, clock.now()).await?;
    let (Some((now, _)), false) = (lock(&mut tx, subscription.id).await?, is_suppressed) else {
        return Ok(Confirmation::Unknown);
    };
    let is_open = now.status != SubscriptionStatus::Confirmed;
    let is_asked = tokens::newest_open(tx.db(), now.id, mail.now).await?.is_some();
    if is_open && !is_asked {
        if !may_mail {
            tx.commit().await?;
            return Err(AskError::Enough);
        }
        queue(&mut tx, keys, &now, OutboxKind::Confirm, mail).await?;
    }
    tx.commit().await?;
    Ok(confirm::look(store, clock, token).await?)
}

/// Writes a mail about a subscription, and the hash of the token that it will hold. Also for a mail that holds none:
/// the same work for all.
pub(super) async fn queue(
    tx: &mut Tx,
    keys: &Keys,
    subscription: &Subscription,
    kind: OutboxKind,
    mail: Mail,
) -> Result<()> {
    let Mail { nonce, now, due_at } = mail;
    let message_uuid = Uuid::now_v7();
    if let Some(hash) = token_hash(&keys.derive_token(Purpose::Confirm, &nonce)) {
        let message_id = message_uuid.simple().to_string();
        tokens::insert_confirm(tx, &hash, subscription.id, &message_id, now, now.plus(CONFIRM_VALID)).await?;
    }
    let row = NewMail {
        kind,
        newsletter_id: subscription.newsletter_id,
        subscription_id: Some(subscription.id),
        to_address: None,
        issue_id: None,
        welcome_step_id: None,
        language: subscription.language,
        nonce: nonce.to_vec(),
        message_uuid,
    };
    outbox::insert_due(tx, &row, due_at, now).await?;
    Ok(())
}
