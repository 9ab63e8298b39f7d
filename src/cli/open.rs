//! What a command works with: the database of the configuration, and the keys.

use super::Settings;
use crate::clock::Clock;
use crate::config::Config;
use crate::keys::Keys;
use crate::model::{EmailAddress, Newsletter, Slug};
use crate::service::{NEWER_SCHEMA, connect_store, open_keys, open_store};
use crate::store::health::Schema;
use crate::store::{self, Store};

pub(super) struct Open {
    pub config: Config,
    pub store: Store,
    pub clock: Clock,
}

impl Open {
    /// Opens the database, also while a service runs on it. An empty one gets its schema; one of another version is refused:
    /// a command that changed it would pull it away under a service of the version before.
    pub async fn new(settings: &Settings) -> anyhow::Result<Self> {
        let config = settings.load()?;
        let store = connect_store(&config).await?;
        match store.schema().await? {
            Schema::Current => {}
            Schema::Empty => store.migrate().await?,
            Schema::Older => anyhow::bail!(
                "the database is of an older version. Stop every process, make a backup, then run: postiljon migrate"
            ),
            Schema::Newer => anyhow::bail!("{NEWER_SCHEMA}"),
        }
        Ok(Self { config, store, clock: Clock::system() })
    }

    /// The same, and an older database is brought up to date.
    pub async fn migrated(settings: &Settings) -> anyhow::Result<Self> {
        let config = settings.load()?;
        let store = open_store(&config).await?;
        Ok(Self { config, store, clock: Clock::system() })
    }

    pub async fn keys(&self) -> anyhow::Result<Keys> {
        open_keys(&self.config, &self.store).await
    }

    pub fn public_url(&self) -> &str {
        self.config.web.public_url.as_str()
    }

    pub async fn newsletter(&self, slug: &str) -> anyhow::Result<Newsletter> {
        let missing =
            || anyhow::anyhow!("there is no newsletter {slug}. `postiljon newsletter list` shows them");
        let slug = Slug::parse(slug).map_err(|_| missing())?;
        let mut reader = self.store.read().await?;
        store::newsletters::by_slug(reader.db(), &slug).await?.ok_or_else(missing)
    }
}

/// An address that was typed as an argument.
pub(super) fn address(text: &str) -> anyhow::Result<EmailAddress> {
    EmailAddress::parse(text).map_err(|error| anyhow::anyhow!("\"{text}\" is no address: {error}"))
}
