//! Confirming: the owner of the address presses the button.

use super::unsubscribe::lock;
use super::{Evidence, consent};
use crate::clock::Clock;
use crate::keys::token_hash;
use crate::model::{Consent, ConsentEvent, Newsletter, Subscription, SubscriptionStatus};
use crate::store::{Result, Store, consents, mailings, newsletters, outbox, subscriptions, tokens, topics};

/// What a confirmation link leads to. Looking changes nothing.
#[derive(Debug, Clone)]
pub enum Confirmation {
    /// Waits for the button.
    Open(Box<(Newsletter, Subscription)>),
    /// The button was pressed: success, as often as someone comes back.
    Done(Box<(Newsletter, Subscription)>),
    /// Older than its seven days.
    Expired(Box<Newsletter>),
    /// Not ours, or withdrawn by leaving.
    Unknown,
}

/// What the page behind a link shows.
///
/// # Errors
/// Only of the database.
pub async fn look(store: &Store, clock: &Clock, token: &str) -> Result<Confirmation> {
    let Some(hash) = token_hash(token) else { return Ok(Confirmation::Unknown) };
    let mut reader = store.read().await?;
    let Some(found) = tokens::find_confirm(reader.db(), &hash).await? else {
        return Ok(Confirmation::Unknown);
    };
    let Some(subscription) = subscriptions::by_id(reader.db(), found.subscription_id).await? else {
        return Ok(Confirmation::Unknown);
    };
    let Some(newsletter) = newsletters::by_id(reader.db(), subscription.newsletter_id).await? else {
        return Ok(Confirmation::Unknown);
    };
    Ok(state(&found, newsletter, subscription, clock))
}

fn state(
    found: &tokens::Token,
    newsletter: Newsletter,
    subscription: Subscription,
    clock: &Clock,
) -> Confirmation {
    // Leaving deletes the tokens, so a used one of a confirmed subscription is a second visit.
    if subscription.status == SubscriptionStatus::Confirmed {
        Confirmation::Done(Box::new((newsletter, subscription)))
    } else if found.expires_at <= clock.now() {
        Confirmation::Expired(Box::new(newsletter))
    } else {
        Confirmation::Open(Box::new((newsletter, subscription)))
    }
}

/// Confirms. Doing it twice is success twice, and writes nothing the second time.
///
/// # Errors
/// Only of the database.
pub async fn confirm(store: &Store, clock: &Clock, token: &str, evidence: &Evidence) -> Result<Confirmation> {
    let seen = look(store, clock, token).await?;
    let (Confirmation::Open(seen_open), Some(hash)) = (&seen, token_hash(token)) else { return Ok(seen) };
    let mut tx = store.begin().await?;
    let Some((subscription, open)) = lock(&mut tx, seen_open.1.id).await? else {
        return Ok(Confirmation::Unknown);
    };
    // The token is read again inside the transaction: leaving may have deleted it.
    let Some(found) = tokens::find_confirm(tx.db(), &hash).await? else { return Ok(Confirmation::Unknown) };
    let now = mailings::after_starts(clock.now(), &open);
    // Whoever had left and asks again begins anew: a pause of then would be a silence that nobody understands.
    subscriptions::start_afresh(&mut tx, subscription.id).await?;
    if subscriptions::confirm(&mut tx, subscription.id, subscription.language, now).await? {
        if topics::chosen(tx.db(), subscription.id).await?.is_empty() {
            topics::choose_all(&mut tx, subscription.id, subscription.newsletter_id, now).await?;
        }
        let consent = Consent {
            message_id: Some(found.message_id),
            ..consent(&subscription, ConsentEvent::Confirmed, evidence, now)
        };
        consents::insert(&mut tx, &consent).await?;
        tokens::mark_used(&mut tx, &hash, now).await?;
        // A second confirmation mail that waits has nothing more to ask.
        outbox::delete_queued(&mut tx, subscription.id).await?;
    }
    tx.commit().await?;
    look(store, clock, token).await
}
