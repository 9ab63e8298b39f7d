//! Confirming: the owner of the address presses the button.

use std::time::Duration;

use super::profile::{self, Profile};
use super::unsubscribe::lock;
use super::{Evidence, consent, objection};
use crate::clock::Clock;
use crate::keys::{Keys, token_hash};
use crate::model::{Consent, ConsentEvent, Newsletter, Subscription, SubscriptionStatus};
use crate::store::{
    Result, Store, consents, departures, mailings, newsletters, outbox, subscriptions, tokens, topics,
};

/// What a confirmation link leads to. Looking changes nothing.
#[derive(Debug, Clone)]
pub enum Confirmation {
    /// Waits for the button.
    Open(Box<(Newsletter, Subscription)>),
    /// The button was pressed: success, as often as someone comes back.
    Done(Box<(Newsletter, Subscription)>),
    /// Older than its seven days.
    Expired(Box<(Newsletter, Subscription)>),
    /// Expired, and a new link is in a mail that was sent since.
    Renewed(Box<(Newsletter, Subscription)>),
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
    let Some(mut subscription) = subscriptions::by_id(reader.db(), found.subscription_id).await? else {
        return Ok(Confirmation::Unknown);
    };
    let Some(newsletter) = newsletters::by_id(reader.db(), subscription.newsletter_id).await? else {
        return Ok(Confirmation::Unknown);
    };
    let now = clock.now();
    let is_confirmed = subscription.status == SubscriptionStatus::Confirmed;
    // The page speaks as the mail does.
    if let Some(profile) = Profile::of_token(&found).filter(|_| !is_confirmed) {
        subscription.language = profile.language;
    }
    let has_expired = found.expires_at <= now;
    let has_newer = tokens::newest_open(reader.db(), subscription.id, now).await?.is_some();
    let both = Box::new((newsletter, subscription));
    // Leaving deletes the tokens, so a used one of a confirmed subscription is a second visit.
    Ok(match (is_confirmed, has_expired, has_newer) {
        (true, ..) => Confirmation::Done(both),
        (false, false, _) => Confirmation::Open(both),
        (false, true, true) => Confirmation::Renewed(both),
        (false, true, false) => Confirmation::Expired(both),
    })
}

/// How long after confirming a visit still belongs to it: the page says welcome. A scanner that pressed the button a
/// moment before its owner takes nothing away; later visits hear that all is well already.
const WELCOME_FOR: Duration = Duration::from_secs(3600);

/// Whether the subscription was confirmed just now.
pub fn is_new(clock: &Clock, subscription: &Subscription) -> bool {
    subscription.confirmed_at.is_some_and(|at| clock.now().since(at) < WELCOME_FOR)
}

/// Confirms the sign-up that the mail of this link answers. Doing it twice is success twice, and writes nothing the second time.
///
/// # Errors
/// Only of the database.
pub async fn confirm(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    token: &str,
    evidence: &Evidence,
) -> Result<Confirmation> {
    let seen = look(store, clock, token).await?;
    let (Confirmation::Open(seen_open), Some(hash)) = (&seen, token_hash(token)) else { return Ok(seen) };
    let mut tx = store.begin().await?;
    let Some((mut subscription, open)) = lock(&mut tx, seen_open.1.id).await? else {
        return Ok(Confirmation::Unknown);
    };
    // The token is read again inside the transaction: leaving may have deleted it.
    let Some(found) = tokens::find_confirm(tx.db(), &hash).await? else { return Ok(Confirmation::Unknown) };
    let now = mailings::after_starts(clock.now(), &open);
    // Whoever had left and asks again begins anew: a pause of then would be a silence that nobody understands.
    subscriptions::start_afresh(&mut tx, subscription.id).await?;
    profile::apply(&mut tx, &mut subscription, &found).await?;
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
        departures::delete(&mut tx, subscription.id).await?;
        objection::lift(&mut tx, keys, &subscription).await?;
        // A second confirmation mail that waits has nothing more to ask.
        outbox::delete_queued(&mut tx, subscription.id).await?;
    }
    tx.commit().await?;
    look(store, clock, token).await
}
