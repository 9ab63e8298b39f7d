//! That no import brings an address to a newsletter: kept as a keyed hash, since the person is forgotten, or has another
//! address. Nothing else asks it: whoever signs up is heard.

use crate::keys::Keys;
use crate::model::{Subscription, Timestamp};
use crate::store::{Result, Tx, objections, subscribers};

/// Keeps it where a subscription ends that was never confirmed: its row is erased soon, and an import would find a stranger.
pub(super) async fn keep_unconfirmed(
    tx: &mut Tx,
    keys: &Keys,
    before: &Subscription,
    now: Timestamp,
) -> Result<()> {
    if before.confirmed_at.is_some() {
        return Ok(());
    }
    let Some(person) = subscribers::by_id(tx.db(), before.subscriber_id).await? else { return Ok(()) };
    objections::insert(tx, before.newsletter_id, &keys.address_hash(&person.address), now).await
}

/// Lifts it: the subscription is confirmed now.
pub(super) async fn lift(tx: &mut Tx, keys: &Keys, subscription: &Subscription) -> Result<()> {
    let Some(person) = subscribers::by_id(tx.db(), subscription.subscriber_id).await? else { return Ok(()) };
    objections::delete(tx, subscription.newsletter_id, &keys.address_hash(&person.address)).await
}
