//! Leaving, and coming back by mistake's undo.
//!
//! A signed link names the subscription, works for years and needs no row. Leaving counts at once, also for
//! a mailing that is going out: the person is skipped in the same transaction.

use std::time::Duration;

use super::{Evidence, consent, limits, objection};
use crate::clock::Clock;
use crate::keys::{Keys, Purpose};
use crate::model::{
    ConsentEvent, EmailAddress, Mailing, Newsletter, NewsletterId, Subscription, SubscriptionId,
    SubscriptionStatus, Timestamp,
};
use crate::store::{
    Result, Store, Tx, bulk_acts, consents, deliveries, departures, hits, mailing_audience, mailings,
    newsletters, outbox, subscribers, subscriptions, tokens, topics,
};

/// How long the goodbye page's undo works.
const UNDO_VALID: Duration = Duration::from_secs(3600);

/// Who leaves later than this after the last issue does not leave because of it.
const LEFT_AFTER: Duration = Duration::from_secs(14 * 24 * 3600);

/// What an unsubscribe link leads to.
#[derive(Debug, Clone)]
pub enum Departure {
    /// Still subscribed, or waiting for confirmation.
    Open(Box<(Newsletter, Subscription)>),
    /// Has left.
    Done(Box<(Newsletter, Subscription)>),
    /// The link is ours, and the person was erased: nothing is left to do.
    Gone,
    /// Not our link.
    Unknown,
}

/// What the page behind a link shows. Changes nothing.
///
/// # Errors
/// Only of the database.
pub async fn look(store: &Store, keys: &Keys, link: &str) -> Result<Departure> {
    match keys.open_link(Purpose::Unsubscribe, link) {
        Some(id) => look_at(store, id).await,
        None => Ok(Departure::Unknown),
    }
}

async fn look_at(store: &Store, id: SubscriptionId) -> Result<Departure> {
    let mut reader = store.read().await?;
    let Some(subscription) = subscriptions::by_id(reader.db(), id).await? else { return Ok(Departure::Gone) };
    let Some(newsletter) = newsletters::by_id(reader.db(), subscription.newsletter_id).await? else {
        return Ok(Departure::Gone);
    };
    let has_left = subscription.status == SubscriptionStatus::Unsubscribed;
    let both = Box::new((newsletter, subscription));
    Ok(if has_left { Departure::Done(both) } else { Departure::Open(both) })
}

/// Leaves. Doing it twice is success twice.
///
/// # Errors
/// Only of the database.
pub async fn unsubscribe(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    evidence: &Evidence,
) -> Result<Departure> {
    let Some(id) = keys.open_link(Purpose::Unsubscribe, link) else { return Ok(Departure::Unknown) };
    let now = clock.now();
    let mut tx = store.begin().await?;
    let withdrawn = requested(&mut tx, id, SubscriptionStatus::Pending).await?;
    if let Some((newsletter, address)) = &withdrawn {
        limits::withdraw(&mut tx, keys, address, *newsletter, now).await?;
    }
    let Some((before, open)) = lock(&mut tx, id).await? else { return Ok(Departure::Gone) };
    if let Some((newsletter, address)) = withdrawn.filter(|_| before.confirmed_at.is_some()) {
        // Confirmed in this moment: a reader who leaves may come back by the form.
        limits::undo_withdrawal(&mut tx, keys, &address, newsletter).await?;
    }
    // Also where the company had ended the subscription already: no undo of that brings it back now.
    bulk_acts::forget(&mut tx, id).await?;
    if subscriptions::unsubscribe(&mut tx, id, now).await? {
        skip(&mut tx, &before, &open, now).await?;
        if before.status == SubscriptionStatus::Confirmed {
            hits::note_departure(&mut tx, id, now.minus(LEFT_AFTER)).await?;
        }
        // Whoever has left has no page to withdraw from being counted.
        hits::forget_reader(&mut tx, id).await?;
        tokens::delete_of_subscription(&mut tx, id).await?;
        outbox::delete_queued(&mut tx, id).await?;
        objection::keep_unconfirmed(&mut tx, keys, &before, now).await?;
        consents::insert(&mut tx, &consent(&before, ConsentEvent::Withdrawn, evidence, now)).await?;
    }
    tx.commit().await?;
    look_at(store, id).await
}

/// Leaves by a mail to `mail.unsubscribe_address` with the link as its tag: `leave+LINK@..` (RFC 2369). Whose mailbox it is
/// was looked at by who takes the mail. Answers whether the tag was a link of ours.
///
/// # Errors
/// Only of the database.
pub async fn unsubscribe_by_mail(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    local_part: &str,
) -> Result<bool> {
    let Some((_, link)) = local_part.split_once('+') else { return Ok(false) };
    let evidence = Evidence { source: "mail", ..Evidence::command() };
    Ok(!matches!(unsubscribe(store, clock, keys, link, &evidence).await?, Departure::Unknown))
}

/// A link that undoes leaving, for the goodbye page.
pub fn undo_link(keys: &Keys, subscription: &Subscription) -> String {
    keys.sign_link(Purpose::Resubscribe, subscription.id)
}

/// Undoes leaving, within an hour and only for someone who had confirmed; of a request that was withdrawn, that its
/// owner wants no mail about it, so that the form works again. Doing it twice is success twice.
///
/// # Errors
/// Only of the database.
pub async fn resubscribe(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    evidence: &Evidence,
) -> Result<Departure> {
    let Some(id) = keys.open_link(Purpose::Resubscribe, link) else { return Ok(Departure::Unknown) };
    let mut tx = store.begin().await?;
    if let Some((newsletter, address)) = requested(&mut tx, id, SubscriptionStatus::Unsubscribed).await? {
        limits::undo_withdrawal(&mut tx, keys, &address, newsletter).await?;
    }
    let Some((before, open)) = lock(&mut tx, id).await? else { return Ok(Departure::Gone) };
    let now = mailings::after_starts(clock.now(), &open);
    let just_left = before.unsubscribed_at.is_some_and(|left| now.since(left) <= UNDO_VALID);
    if before.confirmed_at.is_some() && just_left && subscriptions::restore(&mut tx, id, now).await? {
        departures::delete(&mut tx, id).await?;
        hits::undo_departure(&mut tx, id).await?;
        consents::insert(&mut tx, &consent(&before, ConsentEvent::Restored, evidence, now)).await?;
    }
    tx.commit().await?;
    look_at(store, id).await
}

/// Whether it is a request that was withdrawn: its undo works as long as it is there.
pub fn is_withdrawn(subscription: &Subscription) -> bool {
    subscription.status == SubscriptionStatus::Unsubscribed && subscription.confirmed_at.is_none()
}

/// Whether the undo of leaving would work now.
pub fn can_undo(clock: &Clock, subscription: &Subscription) -> bool {
    subscription.confirmed_at.is_some()
        && subscription.unsubscribed_at.is_some_and(|left| clock.now().since(left) <= UNDO_VALID)
}

/// Newsletter and address of a subscription in this state that was never confirmed.
async fn requested(
    tx: &mut Tx,
    id: SubscriptionId,
    status: SubscriptionStatus,
) -> Result<Option<(NewsletterId, EmailAddress)>> {
    let found = subscriptions::by_id(tx.db(), id).await?;
    let is_request = |found: &Subscription| found.confirmed_at.is_none() && found.status == status;
    let Some(found) = found.filter(is_request) else { return Ok(None) };
    let person = subscribers::by_id(tx.db(), found.subscriber_id).await?;
    Ok(person.map(|person| (found.newsletter_id, person.address)))
}

/// Takes the person, then the mailings that have not ended, and reads the subscription as it is now. Every
/// verb takes them in this order, after the counters where it counts (`limits`), so that no two can wait for each other.
/// `None` when the person is gone.
pub(super) async fn lock(tx: &mut Tx, id: SubscriptionId) -> Result<Option<(Subscription, Vec<Mailing>)>> {
    let Some(found) = subscriptions::by_id(tx.db(), id).await? else { return Ok(None) };
    subscribers::lock(tx, found.subscriber_id).await?;
    let open = mailings::lock_open(tx, found.newsletter_id).await?;
    let now = subscriptions::by_id(tx.db(), id).await?;
    Ok(now.map(|subscription| (subscription, open)))
}

/// Skips a person in mailings that have begun and that this transaction has locked. `before` is the subscription
/// as it was, and its topics must still be in the database.
pub(super) async fn skip(tx: &mut Tx, before: &Subscription, open: &[Mailing], now: Timestamp) -> Result<()> {
    for mailing in open {
        let Some(started) = mailing.started_at else { continue };
        let mut in_audience = before.status == SubscriptionStatus::Confirmed
            && before.id <= mailing.audience_end
            && before.in_audience_since(mailing.rhythm).is_some_and(|since| since <= started);
        if let Some(topic) = mailing.topic_id.filter(|_| in_audience) {
            in_audience = topics::is_chosen_since(tx.db(), before.id, topic, started).await?;
        }
        if mailing.segment_filter.is_some() && in_audience {
            in_audience = mailing_audience::contains(tx.db(), mailing.id, before.id).await?;
        }
        deliveries::skip(tx, mailing, before.subscriber_id, in_audience, now).await?;
    }
    Ok(())
}
