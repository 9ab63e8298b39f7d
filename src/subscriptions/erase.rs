//! Erasing a person (GDPR 17): everything goes but a keyed hash of the address, so that no import can
//! bring it back (L7).

use super::unsubscribe::skip;
use crate::clock::Clock;
use crate::keys::Keys;
use crate::model::{EmailAddress, SubscriptionStatus};
use crate::store::growth::{self, Change};
use crate::store::{
    Result, Store, address_changes, deliveries, mailings, outbox, subscribers, subscriptions, suppressions,
};

/// Erases whoever has this address, and suppresses it. Answers whether anybody had it; the suppression is
/// kept in either case.
///
/// # Errors
/// Only of the database: then nothing is erased.
pub async fn erase(store: &Store, clock: &Clock, keys: &Keys, address: &EmailAddress) -> Result<bool> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let subscriber = subscribers::by_address(tx.db(), address).await?;
    if let Some(subscriber) = &subscriber {
        subscribers::lock(&mut tx, subscriber.id).await?;
        let mut subscriptions = subscriptions::of_subscriber(tx.db(), subscriber.id).await?;
        // In one order for everyone, so that two who are erased at once cannot wait for each other.
        subscriptions.sort_by_key(|subscription| subscription.newsletter_id);
        for subscription in &subscriptions {
            let open = mailings::lock_open(&mut tx, subscription.newsletter_id).await?;
            skip(&mut tx, subscription, &open, now).await?;
            if subscription.status == SubscriptionStatus::Confirmed {
                growth::add(&mut tx, subscription.id, now, Change::Departed).await?;
            }
        }
        deliveries::forget_replies(&mut tx, subscriber.id).await?;
        subscribers::delete(&mut tx, subscriber.id).await?;
    }
    outbox::delete_to(&mut tx, address).await?;
    address_changes::delete_to(&mut tx, address).await?;
    suppressions::insert(&mut tx, &keys.address_hash(address), now).await?;
    tx.commit().await?;
    if !store.forget_deleted().await? {
        tracing::warn!(
            "old pages of an erased person are in the log of SQLite for up to an hour more: it was being read"
        );
    }
    Ok(subscriber.is_some())
}
