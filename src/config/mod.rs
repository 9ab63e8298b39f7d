//! The settings: read once from a TOML file, the environment and files of secrets; all mistakes told at once.
//!
//! The list is in `settings.rs`, and whoever adds a setting begins there. `sources.rs` collects the texts,
//! `values.rs` parses them, `sections.rs` makes the types below and holds what must be true between them.

mod dkim_key;
mod error;
mod example;
mod network;
mod public_url;
mod secret_key;
mod sections;
mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::model::{
    Destinations, DisposableDomains, DkimSettings, EmailAddress, ImageStore, NamedRelay, Retention,
};

pub use dkim_key::read as read_dkim_key;
pub use error::{ConfigError, ConfigErrors, Origin};
pub use example::example;
pub use network::Network;
pub use public_url::PublicUrl;
pub use secret_key::SecretKeyError;
pub use values::{
    DatabaseUrl, LogFormat, Secret, as_hello_name, domain as parse_domain, host as parse_host, is_loopback,
    is_relay_name, selector as parse_selector,
};

use sources::Reader;

/// How the variables of the environment begin that are settings.
const VARIABLE_PREFIX: &str = "POSTILJON_";
/// These are for the tests, and no settings.
const TEST_VARIABLE_PREFIX: &str = "POSTILJON_TEST_";
/// Names the configuration file where `--config` does not.
pub const PATH_VARIABLE: &str = "POSTILJON_CONFIG";

/// What the relay of `[relay]` is called.
pub const MAIN_RELAY: &str = "main";
const RELAY_HOST_MISSING: &str = "A relay needs the SMTP server that takes its mail.";

/// Everything that can be set. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    pub data: Data,
    pub images: ImageStore,
    pub database: Database,
    pub web: Web,
    /// As it was set; [`Config::secret_key`] gives the one to use.
    secret_key: Option<Secret>,
    /// The provider through which people may sign in.
    pub oidc: Option<Oidc>,
    /// `[relay]`, if it has a host, and every `[relays.NAME]`, the others in the order of their names.
    pub relays: Vec<NamedRelay>,
    pub mail: Mail,
    pub signup: Signup,
    pub destinations: Destinations,
    /// Whether other domains are recognised by their mail hosts.
    pub destinations_mx: bool,
    /// How our mail is signed, if it is.
    pub dkim: Option<DkimSettings>,
    pub retention: Retention,
    pub log: Log,
}

#[derive(Debug, Clone)]
pub struct Data {
    pub folder: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Database {
    pub url: DatabaseUrl,
    /// Connections to PostgreSQL, or readers of the SQLite file.
    pub connections: u32,
}

#[derive(Debug, Clone)]
pub struct Web {
    pub listen: SocketAddr,
    pub public_url: PublicUrl,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Threads that answer requests.
    pub workers: usize,
}

/// An OpenID Connect provider.
#[derive(Debug, Clone)]
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Secret,
    /// What the button says.
    pub label: String,
    /// Of which domains the provider knows who has which address, as A-labels; empty: of none, and links are made by hand.
    pub allowed_domains: Vec<String>,
    /// Whether passwords still open the desk.
    pub password_login: bool,
    /// Whether it may be of a private network.
    pub private_network: bool,
}

#[derive(Debug, Clone)]
pub struct Mail {
    /// The envelope sender, where it is not the sender of the newsletter.
    pub bounce_address: Option<EmailAddress>,
    pub unsubscribe: Option<MailtoUnsubscribe>,
    /// For how long a mail is tried again that the relay put off.
    pub retry: Duration,
    /// How long a mailing that is sent now can be called back.
    pub undo: Duration,
    /// How long a stop waits for answers of the relay.
    pub stop: Duration,
}

#[derive(Debug, Clone)]
pub struct Signup {
    /// Whether the DNS is asked if the domain of a new address takes mail.
    pub check_mx: bool,
    pub disposable_domains: DisposableDomains,
}

/// Where unsubscribe mails go (RFC 2369, `mailto:` in List-Unsubscribe), and where we take them.
#[derive(Debug, Clone)]
pub struct MailtoUnsubscribe {
    /// A signed link is added to the part before the @, after a plus.
    pub address: EmailAddress,
    pub listen: SocketAddr,
}

#[derive(Debug, Clone)]
pub struct Log {
    pub level: tracing::Level,
    pub format: LogFormat,
}

/// What a process does; several roles need PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Pages, scheduler and sender.
    All,
    /// Pages only.
    Web,
    /// Scheduler and sender only.
    Sender,
}

impl Role {
    pub const fn serves_pages(self) -> bool {
        matches!(self, Self::All | Self::Web)
    }

    pub const fn sends(self) -> bool {
        matches!(self, Self::All | Self::Sender)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Web => "web",
            Self::Sender => "sender",
        })
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::All, Self::Web, Self::Sender]
            .into_iter()
            .find(|role| role.to_string() == text)
            .ok_or_else(|| format!("\"{text}\" is not one of: all, web, sender"))
    }
}

impl Config {
    /// Reads the settings for a command that neither serves pages nor sends mail.
    ///
    /// # Errors
    /// Every mistake in the file, the environment and the files of secrets.
    pub fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        Self::read(None, path, environment)
    }

    /// Reads the settings for a process of this role: a part of a service needs PostgreSQL. A relay may also stand in
    /// the database, so that none is needed here.
    ///
    /// # Errors
    /// Every mistake, as [`Config::load`], and what the role lacks.
    pub fn load_for(
        role: Role,
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        Self::read(Some(role), path, environment)
    }

    fn read(
        role: Option<Role>,
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(path, environment);
        match sections::config(&mut reader, role) {
            Some(config) if reader.errors.is_empty() => Ok(config),
            _ => Err(ConfigErrors(reader.errors)),
        }
    }

    /// Whether anything else than the relays is different in `other`, as far as it can be shown: a secret
    /// cannot.
    pub fn differs_beyond_relays(&self, other: &Self) -> bool {
        // A new part is named here, or this does not compile.
        let shown = |config: &Self| {
            let Self {
                data,
                images,
                database,
                web,
                secret_key,
                oidc,
                relays: _,
                mail,
                signup,
                destinations,
                destinations_mx,
                dkim,
                retention,
                log,
            } = config;
            let one = format!("{data:?} {images:?} {database:?} {web:?} {secret_key:?} {oidc:?} {mail:?}");
            (one, format!("{signup:?} {destinations:?} {destinations_mx} {dkim:?} {retention:?} {log:?}"))
        };
        shown(self) != shown(other)
    }

    /// Where the secret of this installation lies, or will lie; `None` when it was set.
    pub fn secret_key_file(&self) -> Option<PathBuf> {
        self.secret_key.is_none().then(|| self.data.folder.join(secret_key::FILE_NAME))
    }

    /// The secret of this installation: as set, or from `secret.key` in the data folder, which is made when it
    /// is missing.
    ///
    /// # Errors
    /// When the file cannot be read or made, or others may read it.
    pub fn secret_key(&self) -> Result<Secret, SecretKeyError> {
        match &self.secret_key {
            Some(key) => Ok(key.clone()),
            None => secret_key::from_folder(&self.data.folder),
        }
    }
}

/// The variables of this process that can be settings. What is not Unicode in them shows as U+FFFD, and its
/// parser refuses it.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .map(|(name, text)| (name.to_string_lossy().into_owned(), text.to_string_lossy().into_owned()))
        .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX))
}
