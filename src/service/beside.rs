//! What the service does beside the engine, in each process that sends: digests and sources. They are verbs of
//! `publishing`, which the engine may not know; what joins them is the tables. Several processes may do this at once:
//! a run has a unique key, and a source is claimed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::http::Http;
use crate::keys::Keys;
use crate::publishing::digest::run::{self, Desk};
use crate::publishing::images::Images;
use crate::publishing::sources::fetch::{self, Reader};
use crate::store::Store;

/// So late a digest may be: nobody sees the difference.
const DIGESTS_EVERY: Duration = Duration::from_secs(15);
/// How often somebody looks whether a source is due.
const SOURCES_EVERY: Duration = Duration::from_secs(30);
/// After a fault of the database: one that lasts does not fill the log.
const FAULT_PAUSE: Duration = Duration::from_secs(60);

/// What both need.
#[derive(Debug, Clone)]
pub(super) struct Beside {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    /// Without a slash at the end.
    pub public_url: String,
    pub http: Http,
    pub images: Images,
    /// Wakes the sender.
    pub wake: Arc<Notify>,
}

impl Beside {
    /// Makes and sends digests, for ever.
    pub(super) async fn digests(self) {
        loop {
            let desk = Desk {
                store: &self.store,
                clock: &self.clock,
                keys: &self.keys,
                public_url: self.public_url.trim_end_matches('/'),
            };
            match run::tick(desk).await {
                Ok(has_mail) => {
                    if has_mail {
                        self.wake.notify_one();
                    }
                    self.clock.sleep(DIGESTS_EVERY).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "digests could not be looked at; trying again until it works");
                    tokio::time::sleep(FAULT_PAUSE).await;
                }
            }
        }
    }

    /// Asks sources, for ever.
    pub(super) async fn sources(self) {
        loop {
            let reader =
                Reader { store: &self.store, clock: &self.clock, http: &self.http, images: &self.images };
            match fetch::tick(reader).await {
                // There may be more than are asked at once.
                Ok(asked) if asked > 0 => {}
                Ok(_) => self.clock.sleep(SOURCES_EVERY).await,
                Err(error) => {
                    tracing::warn!(%error, "sources could not be asked; trying again until it works");
                    tokio::time::sleep(FAULT_PAUSE).await;
                }
            }
        }
    }
}
