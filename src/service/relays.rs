//! Keeps the relays of a process that sends as the configuration and the database say.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::keys::Keys;
use crate::mail::relays::Relays;
use crate::model::StoredRelay;
use crate::setup::relay_watch::RelayWatch;
use crate::setup::relays::{Configured, open};
use crate::store::{self, Store, log_mark};

/// How often it is looked whether another process has changed a relay; what this one changes is known at once.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Cheap to clone; clones are the same.
#[derive(Clone)]
pub(super) struct Keeper(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    keys: Keys,
    configured: Configured,
    relays: Relays,
    public_url: String,
    /// An SQLite database, whose log is looked at first: a process that has nothing to do should sleep.
    database_file: Option<PathBuf>,
    /// Those of the database that are in use.
    seen: Mutex<Option<Vec<StoredRelay>>>,
}

impl Keeper {
    pub(super) fn new(
        store: &Store,
        clock: &Clock,
        keys: &Keys,
        configured: &Configured,
        relays: &Relays,
        public_url: &str,
        database_file: Option<PathBuf>,
    ) -> Self {
        Self(Arc::new(Inner {
            store: store.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            configured: configured.clone(),
            relays: relays.clone(),
            public_url: public_url.to_owned(),
            database_file,
            seen: Mutex::default(),
        }))
    }

    /// Takes over changes for ever, and tells which relays cannot be used.
    pub(super) async fn run(self) {
        let Inner { store, clock, configured, relays, database_file, public_url, .. } = &*self.0;
        let mut watch = RelayWatch::new(store, clock, relays, public_url);
        let mark = || database_file.as_deref().and_then(log_mark);
        let mut seen = mark();
        loop {
            tokio::select! {
                () = configured.told() => {}
                () = clock.sleep(LOOK_EVERY) => {
                    if let Err(error) = watch.look().await {
                        tracing::warn!("that a relay cannot be used could not be written down: {error}");
                    }
                    let now = mark();
                    if database_file.is_some() && now == seen {
                        continue;
                    }
                    seen = now;
                }
            }
            if let Err(error) = self.apply(false).await {
                tracing::warn!("the relays of before stay: {error}");
            }
        }
    }

    /// Puts the relays in use in the place of those of before: when the database has others, or in any case.
    pub(super) async fn apply(&self, in_any_case: bool) -> anyhow::Result<()> {
        let Inner { store, keys, configured, relays, .. } = &*self.0;
        let mut seen = self.0.seen.lock().await;
        let stored = store::relays::all(store.read().await?.db()).await?;
        if !in_any_case && seen.as_ref() == Some(&stored) {
            return Ok(());
        }
        let mut all = configured.relays();
        for relay in &stored {
            if configured.has(&relay.name) {
                tracing::warn!(
                    relay = relay.name,
                    "the configuration has a relay of this name: that of the desk is not used"
                );
            } else if let Some(relay) = open(keys, configured, relay) {
                all.push(relay);
            } else {
                tracing::error!(
                    relay = relay.name,
                    "its password was sealed with another secret.key: enter it again at the desk"
                );
            }
        }
        let names: Vec<&str> = all.iter().map(|relay| &*relay.name).collect();
        let names = names.join(", ");
        relays.replace(all).await?;
        tracing::info!(relays = names, "the relays are as the configuration and the desk say now");
        *seen = Some(stored);
        Ok(())
    }
}
