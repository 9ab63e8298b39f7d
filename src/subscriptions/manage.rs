//! Reaching one's subscriptions without an old mail at hand: a link comes by mail.
//!
//! The page answers the same, after the same work, whatever is known of the address (S20). By mail hears
//!
//! - who is or was subscribed: the newsletters, each with the link to its preferences;
//! - who has not confirmed yet: the question to confirm, once more;
//! - who is unknown, refused, or was erased: nothing. We do not write to strangers because somebody typed their address.

use std::net::IpAddr;

use super::another::{self, AskError, Asked};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::model::{EmailAddress, Language, OutboxKind, Subscription, SubscriptionStatus};
use crate::store::{Store, newsletters, subscribers, subscriptions};

/// What the limits know these mails by.
const ABOUT: &str = "manage";

/// Asks for the link. `Ok` says nothing about the address.
///
/// # Errors
/// An address that is none; too many from one network; a database that does not answer.
pub async fn manage(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    address: &str,
    language: Language,
    ip: Option<IpAddr>,
) -> Result<(), AskError> {
    let address = EmailAddress::parse(address)?;
    let any = newsletters::all(store.read().await?.db()).await?.into_iter().next();
    // Without a newsletter there is nobody to know.
    let Some(any) = any else { return Ok(()) };
    let Asked { mut tx, is_suppressed, may_mail, mail } =
        another::ask(store, keys, &address, ABOUT, ip, clock.now()).await?;
    let written = if is_suppressed { &another::stand_in()? } else { &address };
    tx.savepoint().await?;
    let subscriber = subscribers::find_or_insert(&mut tx, written, "", language, mail.now).await?;
    let all = subscriptions::of_subscriber(tx.db(), subscriber.id).await?;
    let known = choose(&all);
    let (subscription, kind) = match known {
        Some((subscription, kind)) => (subscription.clone(), kind),
        None => {
            let made =
                subscriptions::find_or_insert(&mut tx, subscriber.id, any.id, language, mail.now).await?;
            (made, OutboxKind::Manage)
        }
    };
    another::queue(&mut tx, keys, &subscription, kind, mail).await?;
    if known.is_none() || is_suppressed || !may_mail {
        tx.roll_back_to_savepoint().await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The subscription that the mail is about, and which mail; `None` where nothing is to be said. What someone receives
/// goes before what they left, and both before what they never confirmed.
fn choose(all: &[Subscription]) -> Option<(&Subscription, OutboxKind)> {
    let newest = |is_it: fn(&Subscription) -> bool| all.iter().rev().find(|subscription| is_it(subscription));
    let received = newest(|one| one.status == SubscriptionStatus::Confirmed);
    received
        .or_else(|| newest(|one| one.confirmed_at.is_some()))
        .map(|subscription| (subscription, OutboxKind::Manage))
        .or_else(|| {
            newest(|one| one.status == SubscriptionStatus::Pending)
                .map(|subscription| (subscription, OutboxKind::Confirm))
        })
}
