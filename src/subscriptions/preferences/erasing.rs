//! "Delete me": as the desk and the command line do it, with no permission but the link.

use super::{Answer, Preferences, look};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::store::{Result, Store};
use crate::subscriptions::erase::erase_themselves;

/// Erases the person of a link, whatever the state of the subscription. Doing it twice is success twice.
///
/// # Errors
/// Only of the database: then nothing is erased.
pub async fn erase_me(store: &Store, clock: &Clock, keys: &Keys, link: &str) -> Result<Answer> {
    match look(store, keys, link).await? {
        Preferences::Open(seen) => {
            erase_themselves(store, clock, keys, &seen.subscriber.address).await?;
            Ok(Answer::Gone)
        }
        Preferences::Gone => Ok(Answer::Gone),
        Preferences::Unknown => Ok(Answer::Unknown),
    }
}
