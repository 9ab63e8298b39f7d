//! Another address: asked for with the signed link, confirmed by a button in a mail to the new address.
//!
//! The answer is the same whatever is known of the new address, and so is the work: an address that is erased, or
//! that has had enough of our mails, gets nothing; one that belongs to a subscriber gets a mail that says so. Two
//! people are never made one: nobody could tell whether the other one agrees
//! (`docs/decisions/0013-preferences.md`).

use std::time::Duration;

use uuid::Uuid;

use super::{Answer, Opened, Preferences, look, open_in};
use crate::clock::Clock;
use crate::keys::{Keys, NoRandomness, Purpose, TOKEN_OCTETS, random, token_hash};
use crate::model::email_address::AddressError;
use crate::model::{
    ConsentEvent, EmailAddress, Language, Newsletter, OutboxKind, Subscriber, Subscription,
    SubscriptionStatus, Timestamp,
};
use crate::store::address_changes::{self, AddressChange};
use crate::store::outbox::NewMail;
use crate::store::{
    Db, Result, Store, StoreError, Tx, consents, newsletters, objections, outbox, subscribers, subscriptions,
    suppressions,
};
use crate::subscriptions::{Evidence, consent, limits};

/// How long the button in the mail works.
pub const CHANGE_VALID: Duration = Duration::from_secs(7 * 24 * 3600);
/// Stands for an address that must not be written: nobody's (RFC 2606).
const NOBODY: &str = "nobody@suppressed.invalid";

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("{0}")]
    Address(#[from] AddressError),
    #[error("that is the address already")]
    Same,
    #[error("too many changes were asked for today")]
    TooMany,
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChangeError {
    /// The key of its text in the language files.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Address(error) => error.key(),
            Self::Same => "error-address-same",
            Self::TooMany => "error-address-too-many",
            Self::NoRandomness(_) | Self::Store(_) => "page-error-internal",
        }
    }
}

/// Asks for another address. `Saved` says nothing about that address.
///
/// # Errors
/// [`ChangeError`] for what the reader can mend.
pub async fn ask(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    typed: &str,
) -> std::result::Result<Answer, ChangeError> {
    let new = EmailAddress::parse(typed)?;
    let now = clock.now();
    let nonce = random::<TOKEN_OCTETS>()?;
    // Looked at first: counters are locked before the person, as by every verb, and it must be known which.
    let seen = match look(store, keys, link).await? {
        Preferences::Open(seen) if seen.is_subscribed() => seen,
        Preferences::Open(_) => return Ok(Answer::NotSubscribed),
        Preferences::Gone => return Ok(Answer::Gone),
        Preferences::Unknown => return Ok(Answer::Unknown),
    };
    if seen.subscriber.address.key() == new.key() {
        return Err(ChangeError::Same);
    }
    let mut tx = store.begin().await?;
    let (person, newsletter) = (seen.subscriber.id, seen.newsletter.id);
    let Some(room) = limits::address_change(&mut tx, keys, person, &new, newsletter, now).await? else {
        tx.commit().await?;
        return Err(ChangeError::TooMany);
    };
    let Opened { mut tx, subscription, .. } = match open_in(tx, seen.subscription.id).await? {
        Ok(opened) => opened,
        Err(answer) => return Ok(answer),
    };
    let held = subscribers::by_id(tx.db(), person).await?;
    if held.is_some_and(|held| held.address.key() == new.key()) {
        return Err(ChangeError::Same);
    }
    let is_suppressed = suppressions::contains(tx.db(), &keys.address_hash(&new)).await?;
    let new = if is_suppressed { EmailAddress::parse(NOBODY)? } else { new };
    // Written for everybody, and undone where nothing may be sent: the same work, whatever is known.
    tx.savepoint().await?;
    write(&mut tx, keys, &subscription, new, nonce, (now, now.plus(room.wait))).await?;
    if is_suppressed || !room.may_mail {
        tx.roll_back_to_savepoint().await?;
    }
    tx.commit().await?;
    Ok(Answer::Saved)
}

async fn write(
    tx: &mut Tx,
    keys: &Keys,
    subscription: &Subscription,
    new: EmailAddress,
    nonce: [u8; TOKEN_OCTETS],
    (now, due_at): (Timestamp, Timestamp),
) -> Result<()> {
    // The newest wish counts: the buttons of older mails stop working.
    address_changes::delete_open_of(tx, subscription.subscriber_id).await?;
    if let Some(hash) = token_hash(&keys.derive_token(Purpose::AddressChange, &nonce)) {
        let change = AddressChange {
            subscriber_id: subscription.subscriber_id,
            new_address: new.clone(),
            created_at: now,
            expires_at: now.plus(CHANGE_VALID),
            used_at: None,
        };
        address_changes::insert(tx, &hash, &change).await?;
    }
    let mail = mail(OutboxKind::AddressChange, subscription, new, nonce.to_vec());
    outbox::insert_due(tx, &mail, due_at, now).await?;
    Ok(())
}

fn mail(kind: OutboxKind, subscription: &Subscription, to: EmailAddress, nonce: Vec<u8>) -> NewMail {
    NewMail {
        kind,
        newsletter_id: subscription.newsletter_id,
        subscription_id: Some(subscription.id),
        to_address: Some(to),
        issue_id: None,
        welcome_step_id: None,
        language: subscription.language,
        nonce,
        message_uuid: Uuid::now_v7(),
    }
}

/// What the button in the mail to a new address leads to. Looking changes nothing.
#[derive(Debug, Clone)]
pub enum Move {
    /// Waits for the button.
    Open(Box<Moving>),
    /// The button was pressed: success, as often as someone comes back.
    Done(Box<Moving>),
    /// The new address became a subscriber's in the meantime: nothing was changed.
    Taken(Box<Moving>),
    /// Older than its seven days.
    Expired(Box<Moving>),
    /// Not ours, withdrawn, or of a person who was erased.
    Unknown,
}

/// Whose move it is. A page shows no address of it in full.
#[derive(Debug, Clone)]
pub struct Moving {
    pub newsletter: Newsletter,
    pub language: Language,
    pub new_address: EmailAddress,
    subscriber: Subscriber,
}

/// What the page behind a token shows.
///
/// # Errors
/// Only of the database.
pub async fn look_at_move(store: &Store, clock: &Clock, token: &str) -> Result<Move> {
    let Some(hash) = token_hash(token) else { return Ok(Move::Unknown) };
    let mut reader = store.read().await?;
    state(reader.db(), &hash, clock.now()).await
}

async fn state(mut db: Db<'_>, hash: &[u8], now: Timestamp) -> Result<Move> {
    let Some(change) = address_changes::find(db.again(), hash).await? else { return Ok(Move::Unknown) };
    let Some(subscriber) = subscribers::by_id(db.again(), change.subscriber_id).await? else {
        return Ok(Move::Unknown);
    };
    let all = subscriptions::of_subscriber(db.again(), subscriber.id).await?;
    let Some(speaker) = speaker(&all) else { return Ok(Move::Unknown) };
    let Some(newsletter) = newsletters::by_id(db.again(), speaker.newsletter_id).await? else {
        return Ok(Move::Unknown);
    };
    let is_theirs = subscriber.address.key() == change.new_address.key();
    let owner = subscribers::by_address(db, &change.new_address).await?;
    let moving = Box::new(Moving {
        newsletter,
        language: speaker.language,
        new_address: change.new_address,
        subscriber,
    });
    Ok(if change.used_at.is_some() {
        if is_theirs { Move::Done(moving) } else { Move::Unknown }
    } else if change.expires_at <= now {
        Move::Expired(moving)
    } else if owner.is_some() {
        Move::Taken(moving)
    } else {
        Move::Open(moving)
    })
}

/// The subscription in whose name a mail about the person is written: a confirmed one, the oldest.
fn speaker(all: &[Subscription]) -> Option<&Subscription> {
    let confirmed = all.iter().find(|subscription| subscription.status == SubscriptionStatus::Confirmed);
    confirmed.or_else(|| all.first())
}

/// Moves the person, with every subscription, to the new address, and tells the old one. Doing it twice is success
/// twice, and writes nothing the second time.
///
/// # Errors
/// Only of the database.
pub async fn confirm_move(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    token: &str,
    evidence: &Evidence,
) -> Result<Move> {
    let Some(hash) = token_hash(token) else { return Ok(Move::Unknown) };
    let now = clock.now();
    let mut tx = store.begin().await?;
    if let Some(change) = address_changes::find(tx.db(), &hash).await? {
        subscribers::lock(&mut tx, change.subscriber_id).await?;
    }
    // Read again, now that nobody else is at it.
    let moving = match state(tx.db(), &hash, now).await? {
        Move::Open(moving) => moving,
        other => return Ok(other),
    };
    let new_hash = keys.address_hash(&moving.new_address);
    if suppressions::contains(tx.db(), &new_hash).await? {
        return Ok(Move::Unknown);
    }
    let old = moving.subscriber.address.clone();
    match subscribers::set_address(&mut tx, moving.subscriber.id, &moving.new_address).await {
        // Somebody signed up with it in this moment.
        Err(error) if error.is_duplicate() => return Ok(Move::Taken(moving)),
        other => other?,
    }
    address_changes::mark_used(&mut tx, &hash, now).await?;
    let all = subscriptions::of_subscriber(tx.db(), moving.subscriber.id).await?;
    // A file of the company still has the old address, and nothing else would tell whose it was.
    let old_hash = keys.address_hash(&old);
    for subscription in &all {
        objections::insert(&mut tx, subscription.newsletter_id, &old_hash, now).await?;
        if subscription.status == SubscriptionStatus::Confirmed {
            objections::delete(&mut tx, subscription.newsletter_id, &new_hash).await?;
        }
    }
    for subscription in all.iter().filter(|subscription| subscription.confirmed_at.is_some()) {
        let row = consent(subscription, ConsentEvent::AddressChanged, evidence, now);
        consents::insert(&mut tx, &row).await?;
    }
    if let Some(subscription) = speaker(&all) {
        let notice = mail(OutboxKind::AddressChanged, subscription, old, Vec::new());
        outbox::insert(&mut tx, &notice, now).await?;
    }
    tx.commit().await?;
    Ok(Move::Done(moving))
}
