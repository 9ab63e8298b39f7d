//! What the pages of the desk say of relays that cannot be used now.

use super::desk_zone;
use crate::model::{Permission, RelayTrouble, Timestamp};
use crate::setup::connection::in_plain_words;
use crate::setup::relay_watch;
use crate::store::Reader;
use crate::web::PageError;
use crate::web::session::SignedIn;

/// A relay that cannot be used.
pub struct TroubleLine {
    pub relay: String,
    pub title: String,
    /// For those who may do something about it.
    pub reason: Option<String>,
}

/// Those that cannot be used now.
pub async fn lines(
    reader: &mut Reader,
    signed_in: &SignedIn,
    now: Timestamp,
) -> Result<Vec<TroubleLine>, PageError> {
    let troubles = relay_watch::troubles(reader.db(), now).await?;
    if troubles.is_empty() {
        return Ok(Vec::new());
    }
    let zone = desk_zone(reader).await?;
    let t = signed_in.texts();
    let sees_reason = signed_in.actor().may(Permission::SetRelays, None);
    let line = |trouble: RelayTrouble| TroubleLine {
        title: t.with2(
            "relay-trouble",
            "relay",
            trouble.relay.clone(),
            "since",
            t.date_time(trouble.since, zone),
        ),
        reason: sees_reason.then(|| in_plain_words(trouble.cause, &trouble.host, trouble.port).in_words(t)),
        relay: trouble.relay,
    };
    Ok(troubles.into_iter().map(line).collect())
}
