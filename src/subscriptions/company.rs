//! What the company does to a subscription at the desk: end it, bring it back on a stated basis, ask for confirmation
//! once more. The evidence says that it was the company.

use super::another::{self, AskError, Asked};
use super::unsubscribe::{lock, skip};
use super::{Evidence, consent, objection};
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::keys::{Keys, sha256_hex};
use crate::model::{
    Act, Consent, ConsentEvent, ConsentTextId, Language, Mailing, NewsletterId, OutboxKind, Permission,
    Subscription, SubscriptionId, SubscriptionStatus, Timestamp,
};
use crate::store::{
    Result, Store, StoreError, Tx, bulk_acts, consents, departures, hits, mailings, outbox, subscribers,
    subscriptions, suppressions, tokens, topics,
};

/// The door in the evidence.
const SOURCE: &str = "company";
/// Shortest and longest basis, in characters: "yes" proves nothing.
pub const BASIS_MIN_CHARS: usize = 15;
pub const BASIS_MAX_CHARS: usize = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum CompanyError {
    /// Field: `basis`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("there is no such subscription, or it is in another state")]
    NotPossible,
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) fn evidence() -> Evidence {
    Evidence { source: SOURCE, ..Evidence::command() }
}

/// A basis as typed, cleaned.
///
/// # Errors
/// At `basis`: too short to say anything, or too long.
pub fn basis_of(text: &str) -> std::result::Result<String, FieldErrors> {
    let lines: Vec<_> = super::typed::lines(text).collect();
    let basis = lines.join("\n");
    match basis.chars().count() {
        BASIS_MIN_CHARS..=BASIS_MAX_CHARS => Ok(basis),
        0..BASIS_MIN_CHARS => Err(FieldErrors::of("basis", Message::new("error-basis-short"))),
        _ => {
            let most = i64::try_from(BASIS_MAX_CHARS).unwrap_or(i64::MAX);
            Err(FieldErrors::of("basis", Message::new("error-basis-long").number("most", most)))
        }
    }
}

/// Keeps the words of a basis, as those that somebody agreed to are.
pub(super) async fn keep_basis(
    tx: &mut Tx,
    newsletter: NewsletterId,
    language: Language,
    basis: &str,
    now: Timestamp,
) -> Result<ConsentTextId> {
    consents::keep_text(tx, newsletter, language, basis, &sha256_hex(basis.as_bytes()), now).await
}

/// Ends a subscription that this transaction has locked, with its newsletter's mailings; `false` when it had ended.
pub(super) async fn end(
    tx: &mut Tx,
    before: &Subscription,
    open: &[Mailing],
    now: Timestamp,
) -> Result<bool> {
    if !subscriptions::unsubscribe(tx, before.id, now).await? {
        return Ok(false);
    }
    skip(tx, before, open, now).await?;
    hits::forget_reader(tx, before.id).await?;
    tokens::delete_of_subscription(tx, before.id).await?;
    outbox::delete_queued(tx, before.id).await?;
    consents::insert(tx, &consent(before, ConsentEvent::Withdrawn, &evidence(), now)).await?;
    Ok(true)
}

/// Ends a subscription. Doing it twice is success twice.
///
/// # Errors
/// [`CompanyError::NotPossible`] when it is gone.
pub async fn end_subscription(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    id: SubscriptionId,
) -> std::result::Result<(), CompanyError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let (before, open) = lock(&mut tx, id).await?.ok_or(CompanyError::NotPossible)?;
    tx.permit(Permission::ChangeSubscribers, Some(before.newsletter_id))?;
    if end(&mut tx, &before, &open, now).await? {
        objection::keep_unconfirmed(&mut tx, keys, &before, now).await?;
        tx.note_detail(Act::SubscribersChanged, Some(before.newsletter_id), Some(id.0), "unsubscribe")
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Brings back who has left, or confirms who was asked, on a basis that is kept as evidence. Never who was erased.
///
/// # Errors
/// [`CompanyError`].
pub async fn subscribe_again(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    id: SubscriptionId,
    basis: &str,
) -> std::result::Result<(), CompanyError> {
    let basis = basis_of(basis)?;
    let mut tx = store.begin().await?;
    let (before, open) = lock(&mut tx, id).await?.ok_or(CompanyError::NotPossible)?;
    tx.permit(Permission::ChangeSubscribers, Some(before.newsletter_id))?;
    let person = subscribers::by_id(tx.db(), before.subscriber_id).await?.ok_or(CompanyError::NotPossible)?;
    if suppressions::contains(tx.db(), &keys.address_hash(&person.address)).await? {
        return Err(CompanyError::NotPossible);
    }
    let now = mailings::after_starts(clock.now(), &open);
    subscriptions::start_afresh(&mut tx, id).await?;
    if subscriptions::confirm(&mut tx, id, before.language, now).await? {
        if topics::chosen(tx.db(), id).await?.is_empty() {
            topics::choose_all(&mut tx, id, before.newsletter_id, now).await?;
        }
        let text = keep_basis(&mut tx, before.newsletter_id, before.language, &basis, now).await?;
        let row = Consent {
            consent_text_id: Some(text),
            ..consent(&before, ConsentEvent::Imported, &evidence(), now)
        };
        consents::insert(&mut tx, &row).await?;
        departures::delete(&mut tx, id).await?;
        objection::lift(&mut tx, keys, &before).await?;
        tokens::delete_of_subscription(&mut tx, id).await?;
        outbox::delete_queued(&mut tx, id).await?;
        bulk_acts::forget(&mut tx, id).await?;
    }
    tx.note_detail(Act::SubscribersChanged, Some(before.newsletter_id), Some(id.0), "subscribe").await?;
    tx.commit().await?;
    Ok(())
}

/// Sends the confirmation mail once more to who has not confirmed, within the limits of a mailbox.
///
/// # Errors
/// [`AskError::Enough`] when the mailbox has had as many as it gets; [`CompanyError::NotPossible`] when there is nothing
/// to confirm.
pub async fn ask_again(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    id: SubscriptionId,
) -> std::result::Result<(), CompanyError> {
    let mut reader = store.read().await?;
    let found = subscriptions::by_id(reader.db(), id).await?;
    let found = found.ok_or(CompanyError::NotPossible)?;
    store.permit(Permission::ChangeSubscribers, Some(found.newsletter_id))?;
    if found.status != SubscriptionStatus::Pending {
        return Err(CompanyError::NotPossible);
    }
    let person =
        subscribers::by_id(reader.db(), found.subscriber_id).await?.ok_or(CompanyError::NotPossible)?;
    drop(reader);
    let about = found.newsletter_id.to_string();
    let Asked { mut tx, is_suppressed, may_mail, mail } =
        another::ask(store, keys, &person.address, &about, None, clock.now()).await?;
    let (now, _) = lock(&mut tx, id).await?.ok_or(CompanyError::NotPossible)?;
    if is_suppressed || now.status != SubscriptionStatus::Pending {
        return Err(CompanyError::NotPossible);
    }
    if !may_mail {
        tx.commit().await?;
        return Err(AskError::Enough.into());
    }
    another::queue(&mut tx, keys, &now, OutboxKind::Confirm, mail).await?;
    tx.note_detail(Act::SubscribersChanged, Some(now.newsletter_id), Some(id.0), "ask").await?;
    tx.commit().await?;
    Ok(())
}
