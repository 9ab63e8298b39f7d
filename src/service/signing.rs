//! Keeps who signs mail in a process that sends as the configuration and the database say.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::keys::Keys;
use crate::mail::dkim::Signers;
use crate::model::{DkimSettings, StoredDkimKey};
use crate::setup::domains::in_use;
use crate::store::{Store, dkim_keys, log_mark, newsletters};

/// How often it is looked whether a key was changed at the desk.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(super) struct Keeper {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub configured: Option<DkimSettings>,
    pub signers: Signers,
    /// An SQLite database, whose log is looked at first: a process that has nothing to do should sleep.
    pub database_file: Option<PathBuf>,
    /// Those of the database that are in use.
    pub seen: Mutex<Option<Vec<StoredDkimKey>>>,
}

impl Keeper {
    /// Takes over the keys as they are at the start, tells pages which ones the configuration has, and the log whose mails
    /// go out unsigned: a company that signs its mail has them refused.
    pub(super) async fn begin(&self) -> anyhow::Result<()> {
        let public = self.configured.as_ref().map_or(Ok(Vec::new()), DkimSettings::public)?;
        let mut before = dkim_keys::configured(self.store.read().await?.db()).await?;
        let mut now = public.clone();
        before.sort();
        now.sort();
        if before != now {
            let mut tx = self.store.begin().await?;
            dkim_keys::set_configured(&mut tx, &public).await?;
            tx.commit().await?;
        }
        self.apply().await?;
        if self.signers.is_empty() {
            tracing::info!("mails go out unsigned: there is no signing key, so signing is left to the relay");
            return Ok(());
        }
        for newsletter in newsletters::all(self.store.read().await?.db()).await? {
            let domain = newsletter.sender_address.ascii_domain();
            if self.signers.of(domain).is_none() {
                tracing::warn!(newsletter = %newsletter.slug, domain, "its mails go out unsigned: no signing key is of the sender's domain");
            }
        }
        Ok(())
    }

    /// Takes over changes for ever.
    pub(super) async fn run(self: Arc<Self>) {
        let mark = || self.database_file.as_deref().and_then(log_mark);
        let mut seen = mark();
        loop {
            self.clock.sleep(LOOK_EVERY).await;
            let now = mark();
            if self.database_file.is_some() && now == seen {
                continue;
            }
            seen = now;
            if let Err(error) = self.apply().await {
                // As long as it is in doubt, it is looked at again.
                seen = None;
                tracing::warn!("the signing keys of before stay: {error}");
            }
        }
    }

    async fn apply(&self) -> anyhow::Result<()> {
        let mut seen = self.seen.lock().await;
        let stored = dkim_keys::all(self.store.read().await?.db()).await?;
        if seen.as_ref() == Some(&stored) {
            return Ok(());
        }
        let (settings, sealed) = in_use(self.configured.as_ref(), &stored, &self.keys)?;
        for selector in sealed {
            tracing::error!(
                selector,
                "a signing key was sealed with another secret.key, and signs nothing: make another at the desk"
            );
        }
        if !stored.is_empty() || seen.is_some() {
            let keys: usize = settings.iter().map(|settings| settings.keys.len()).sum();
            tracing::info!(keys, "the signing keys are as the configuration and the desk say now");
        }
        self.signers.replace(settings);
        *seen = Some(stored);
        Ok(())
    }
}
