//! Erasing a person (GDPR 17): everything goes but a keyed hash of the address, so that no import can
//! bring it back (L7).

use super::unsubscribe::skip;
use crate::clock::Clock;
use crate::keys::Keys;
use crate::model::{Act, EmailAddress, Mailing, Permission, SubscriptionStatus};
use crate::store::growth::{self, Change};
use crate::store::{
    Result, Store, address_changes, deliveries, mailings, objections, outbox, subscribers, subscriptions,
    suppressions,
};

/// Who wants a person erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// The person themselves, behind a link that is theirs alone.
    Themselves,
    Desk,
}

/// Erases whoever has this address, and suppresses it. Answers whether anybody had it; the suppression is
/// kept in either case. Needs the permission for every newsletter that the person has, and for all where nobody has the
/// address: what goes is the person.
///
/// # Errors
/// Only of the database, or without permission: then nothing is erased.
pub async fn erase(store: &Store, clock: &Clock, keys: &Keys, address: &EmailAddress) -> Result<bool> {
    forget(store, clock, keys, address, Who::Desk).await
}

/// The same, asked for by the person.
///
/// # Errors
/// Only of the database: then nothing is erased.
pub(super) async fn erase_themselves(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    address: &EmailAddress,
) -> Result<bool> {
    forget(store, clock, keys, address, Who::Themselves).await
}

async fn forget(store: &Store, clock: &Clock, keys: &Keys, address: &EmailAddress, who: Who) -> Result<bool> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    // Before anybody is looked for: an import that brings this address in has either done so, or will see this.
    let hash = keys.address_hash(address);
    suppressions::insert(&mut tx, &hash, now).await?;
    // The suppression says more: one hash of an address is kept.
    objections::delete_of_address(&mut tx, &hash).await?;
    let subscriber = subscribers::by_address(tx.db(), address).await?;
    if who == Who::Desk {
        let newsletters = match &subscriber {
            Some(subscriber) => subscriptions::of_subscriber(tx.db(), subscriber.id).await?,
            None => Vec::new(),
        };
        for subscription in &newsletters {
            tx.permit(Permission::EraseSubscribers, Some(subscription.newsletter_id))?;
        }
        if newsletters.is_empty() {
            tx.permit(Permission::EraseSubscribers, None)?;
        }
        // By number: the log holds no address.
        let id = subscriber.as_ref().map(|subscriber| subscriber.id.0);
        tx.note_detail(Act::SubscribersErased, None, id, "").await?;
    }
    if let Some(subscriber) = &subscriber {
        subscribers::lock(&mut tx, subscriber.id).await?;
        let mut subscriptions = subscriptions::of_subscriber(tx.db(), subscriber.id).await?;
        let open = mailings::lock_open_of(&mut tx, subscriber.id).await?;
        // In one order for everyone, so that two who are erased at once cannot wait for each other.
        subscriptions.sort_by_key(|subscription| subscription.newsletter_id);
        for subscription in &subscriptions {
            let of_newsletter = |mailing: &&Mailing| mailing.newsletter_id == subscription.newsletter_id;
            let open: Vec<Mailing> = open.iter().filter(of_newsletter).cloned().collect();
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
    tx.commit().await?;
    if !store.forget_deleted().await? {
        tracing::warn!(
            "old pages of an erased person are in the log of SQLite for up to an hour more: it was being read"
        );
    }
    Ok(subscriber.is_some())
}
