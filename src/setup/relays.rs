//! Relays in the database, beside those of the configuration. Every process that sends takes over a change within two
//! seconds; a relay of the configuration is changed there, and wins over one in the database of the same name.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::{MAIN_RELAY, as_hello_name, is_loopback, is_relay_name, parse_host};
use crate::i18n::{FieldErrors, Message};
use crate::keys::{Keys, NoRandomness, Purpose};
use crate::model::{
    Act, AuthMethod, Credentials, NamedRelay, Newsletter, Permission, RelayId, RelaySettings, StageTimeouts,
    StoredRelay, TlsMode,
};
use crate::store::relays::RelayRow;
use crate::store::{self, Db, Store, StoreError};

/// More relays than anybody has accounts.
const RELAYS_MAX: usize = 20;
/// Longest user name or password: an access token is a long one.
const LOGIN_MAX_CHARS: usize = 4000;
/// As in the configuration (`relay.connections`, `relay.messages_per_connection`, `relay.mails_per_hour`, `relay.weight`).
const CONNECTIONS_MAX: i64 = 500;
const MESSAGES_PER_CONNECTION: usize = 100;
const MAILS_PER_HOUR_MAX: i64 = 100_000_000;
const WEIGHT_MAX: i64 = 1000;
/// What a form offers at first.
pub const CONNECTIONS: i64 = 10;
pub const WEIGHT: i64 = 1;

/// The relays of this process' configuration, and whoever waits for a change of those in the database. Cheap to clone;
/// clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Configured(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    relays: Mutex<Vec<NamedRelay>>,
    /// With which we introduce ourselves to the others.
    hello_name: String,
    changed: Notify,
}

impl Configured {
    /// `public_host` is that of `web.public_url`.
    pub fn new(relays: Vec<NamedRelay>, public_host: &str) -> Self {
        let hello_name = as_hello_name(public_host);
        Self(Arc::new(Inner { relays: Mutex::new(relays), hello_name, changed: Notify::new() }))
    }

    pub fn relays(&self) -> Vec<NamedRelay> {
        self.0.relays.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// After the configuration was read again.
    pub fn replace(&self, relays: Vec<NamedRelay>) {
        *self.0.relays.lock().unwrap_or_else(PoisonError::into_inner) = relays;
    }

    pub fn has(&self, name: &str) -> bool {
        self.relays().iter().any(|relay| &*relay.name == name)
    }

    /// Says that a relay of the database was changed by this process.
    pub fn tell(&self) {
        self.0.changed.notify_one();
    }

    /// Waits for [`Configured::tell`].
    pub async fn told(&self) {
        self.0.changed.notified().await;
    }
}

/// A relay as typed.
#[derive(Debug, Clone, Default)]
pub struct RelayInput {
    pub host: String,
    /// Empty: the usual one of the TLS mode.
    pub port: String,
    pub tls: String,
    /// Take mail and password unencrypted to another machine.
    pub allow_plaintext: bool,
    /// Empty: as user name and password.
    pub auth: String,
    /// Empty: no login.
    pub username: String,
    pub password: Password,
    pub connections: String,
    /// Empty: as fast as the relay takes them.
    pub mails_per_hour: String,
    pub weight: String,
}

/// What a form says of the password, which it never shows.
#[derive(Clone, Default)]
pub enum Password {
    /// Nothing: the stored one stays.
    #[default]
    Kept,
    Typed(String),
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kept => "Kept",
            Self::Typed(_) => "Typed(..)",
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Fields: as in [`RelayInput`], and `name`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    NotFound,
    /// Somebody else has changed it since it was shown.
    #[error("{}", self.message())]
    Changed,
    #[error("{}", self.message())]
    TooMany,
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RelayError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::NotFound => Message::new("error-relay-not-found"),
            Self::Changed => Message::new("error-changed-meanwhile"),
            Self::TooMany => Message::new("error-relays-many").number("most", count(RELAYS_MAX)),
            Self::Randomness(_) | Self::Store(_) => Message::new("page-error-internal"),
        }
    }
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Adds a relay. An empty name is `main`, or the first free number behind it.
///
/// # Errors
/// [`RelayError::Invalid`] names every field that is wrong, also a name that is taken here or in the configuration.
pub async fn add(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    configured: &Configured,
    name: &str,
    input: &RelayInput,
) -> Result<StoredRelay, RelayError> {
    store.permit(Permission::SetRelays, None)?;
    let known = store::relays::all(store.read().await?.db()).await?;
    if known.len() >= RELAYS_MAX {
        return Err(RelayError::TooMany);
    }
    let is_taken = |name: &str| configured.has(name) || known.iter().any(|relay| relay.name == name);
    let name = match name.trim() {
        "" => free_name(is_taken),
        name => name.to_lowercase(),
    };
    let mut errors = FieldErrors::new();
    if !is_relay_name(&name) {
        errors.add("name", Message::new("error-relay-name"));
    } else if is_taken(&name) {
        errors.add("name", Message::new("error-relay-name-taken"));
    }
    let row = row(keys, input, None, &mut errors)?;
    let row = errors.or(row)?.ok_or(RelayError::NotFound)?;
    let mut tx = store.begin().await?;
    match store::relays::insert(&mut tx, &name, &row, clock.now()).await {
        Ok(relay) => {
            tx.note(Act::RelayAdded, None, relay.id.0).await?;
            tx.commit().await?;
            configured.tell();
            Ok(relay)
        }
        Err(error) if error.is_duplicate() => {
            Err(FieldErrors::of("name", Message::new("error-relay-name-taken")).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn free_name(is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number: usize| format!("{MAIN_RELAY}-{number}"));
    let mut names = std::iter::once(MAIN_RELAY.to_owned()).chain(numbered).take(RELAYS_MAX * 2);
    names.find(|name| !is_taken(name)).unwrap_or_else(|| MAIN_RELAY.to_owned())
}

/// Changes a relay; with `version` only if it is still of that one.
///
/// # Errors
/// [`RelayError`]. Another host or user name, or no more TLS, needs the password again: nobody gets the stored one sent
/// to a machine of their own.
pub async fn change(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    configured: &Configured,
    id: RelayId,
    version: Option<i64>,
    input: &RelayInput,
) -> Result<StoredRelay, RelayError> {
    store.permit(Permission::SetRelays, None)?;
    let known = store::relays::by_id(store.read().await?.db(), id).await?.ok_or(RelayError::NotFound)?;
    let version = version.unwrap_or(known.version);
    if version != known.version {
        return Err(RelayError::Changed);
    }
    let mut errors = FieldErrors::new();
    let row = row(keys, input, Some(&known), &mut errors)?;
    let row = errors.or(row)?.ok_or(RelayError::NotFound)?;
    let mut tx = store.begin().await?;
    let changed = store::relays::update(&mut tx, id, version, &row, clock.now()).await?;
    let changed = changed.ok_or(RelayError::Changed)?;
    tx.note(Act::RelayChanged, None, id.0).await?;
    tx.commit().await?;
    configured.tell();
    Ok(changed)
}

/// Removes a relay. Newsletters that preferred it go by any.
///
/// # Errors
/// [`RelayError::NotFound`], or of the database.
pub async fn remove(store: &Store, configured: &Configured, id: RelayId) -> Result<StoredRelay, RelayError> {
    store.permit(Permission::SetRelays, None)?;
    let mut tx = store.begin().await?;
    let removed = store::relays::delete(&mut tx, id).await?.ok_or(RelayError::NotFound)?;
    // A relay of the configuration by that name is still there to be preferred.
    if !configured.has(&removed.name) {
        store::newsletters::forget_relay(&mut tx, &removed.name).await?;
    }
    tx.note(Act::RelayRemoved, None, id.0).await?;
    tx.commit().await?;
    configured.tell();
    Ok(removed)
}

/// The newsletters that prefer a relay.
///
/// # Errors
/// Of the database.
pub async fn newsletters_of(db: Db<'_>, name: &str) -> Result<Vec<Newsletter>, StoreError> {
    let mut all = store::newsletters::all(db).await?;
    all.retain(|newsletter| newsletter.relay == name);
    Ok(all)
}

/// Every relay, ready to be used: those of the configuration, and of the database those that no name hides and whose
/// password can be read.
///
/// # Errors
/// Of the database.
pub async fn in_use(db: Db<'_>, keys: &Keys, configured: &Configured) -> Result<Vec<NamedRelay>, StoreError> {
    let stored = store::relays::all(db).await?;
    let mut relays = configured.relays();
    relays.extend(
        stored
            .iter()
            .filter(|relay| !configured.has(&relay.name))
            .filter_map(|relay| open(keys, configured, relay)),
    );
    Ok(relays)
}

/// A relay of the database with its password; `None` when that was sealed with another key.
pub fn open(keys: &Keys, configured: &Configured, relay: &StoredRelay) -> Option<NamedRelay> {
    let credentials = if relay.username.is_empty() {
        None
    } else {
        let password = unseal(keys, relay)?;
        Some(Credentials { method: relay.auth, username: relay.username.clone(), password })
    };
    let rate = relay.mails_per_hour.and_then(|rate| NonZeroU32::new(u32::try_from(rate).ok()?));
    Some(NamedRelay {
        name: relay.name.as_str().into(),
        weight: u32::try_from(relay.weight).ok()?,
        settings: RelaySettings {
            host: relay.host.clone(),
            port: u16::try_from(relay.port).ok()?,
            tls: relay.tls,
            credentials,
            hello_name: configured.0.hello_name.clone(),
            extra_roots_pem: None,
            connections: usize::try_from(relay.connections).ok()?,
            messages_per_connection: MESSAGES_PER_CONNECTION,
            mails_per_hour: rate,
            timeouts: StageTimeouts { idle: Duration::from_secs(20), ..StageTimeouts::default() },
        },
    })
}

/// Whether mail would travel readable between two machines.
pub fn is_readable(host: &str, tls: TlsMode) -> bool {
    tls == TlsMode::None && !is_loopback(host)
}

/// What a password is sealed for: it opens for this host and this user only.
fn context(host: &str, username: &str) -> Vec<u8> {
    [host.as_bytes(), &[0], username.as_bytes()].concat()
}

fn unseal(keys: &Keys, relay: &StoredRelay) -> Option<String> {
    let context = context(&relay.host, &relay.username);
    String::from_utf8(keys.unseal(Purpose::RelayPassword, &context, &relay.sealed_password)?).ok()
}

/// The row of what was typed; `None` with an error beside each wrong field.
fn row(
    keys: &Keys,
    input: &RelayInput,
    known: Option<&StoredRelay>,
    errors: &mut FieldErrors,
) -> Result<Option<RelayRow>, NoRandomness> {
    let host = match parse_host(input.host.trim()) {
        _ if input.host.trim().is_empty() => Err("error-required"),
        Ok(host) => Ok(host),
        Err(_) => Err("error-relay-host"),
    };
    let host = host.map_err(|key| errors.add("host", Message::new(key))).ok();
    let tls: Option<TlsMode> = input.tls.parse().ok();
    if tls.is_none() {
        errors.add("tls", Message::new("error-relay-tls"));
    }
    let usual = tls.map_or(0, usual_port);
    let port = number(errors, "port", &input.port, usual, (1, i64::from(u16::MAX)), "error-relay-port");
    if let (Some(host), Some(tls)) = (&host, tls)
        && is_readable(host, tls)
        && !input.allow_plaintext
    {
        errors.add("tls", Message::new("error-relay-plaintext"));
    }
    let auth = match input.auth.trim() {
        "" => Some(AuthMethod::Password),
        auth => auth.parse().map_err(|_| errors.add("auth", Message::new("error-relay-auth"))).ok(),
    };
    let connections =
        number(errors, "connections", &input.connections, CONNECTIONS, (1, CONNECTIONS_MAX), "error-number");
    let mails_per_hour = match input.mails_per_hour.trim() {
        "" => None,
        typed => Some(number(errors, "mails_per_hour", typed, 1, (1, MAILS_PER_HOUR_MAX), "error-number")),
    };
    let weight = number(errors, "weight", &input.weight, WEIGHT, (0, WEIGHT_MAX), "error-number");
    let (Some(host), Some(tls), Some(auth)) = (host, tls, auth) else { return Ok(None) };
    let place = Place { host: &host, tls, username: input.username.trim() };
    let sealed_password = sealed(keys, &place, &input.password, known, errors)?;
    let username = place.username.to_owned();
    let row =
        RelayRow { host, port, tls, auth, username, sealed_password, connections, mails_per_hour, weight };
    Ok(Some(row))
}

/// The usual port of a TLS mode.
pub const fn usual_port(tls: TlsMode) -> i64 {
    match tls {
        TlsMode::Implicit => 465,
        TlsMode::StartTls => 587,
        TlsMode::None => 25,
    }
}

fn number(
    errors: &mut FieldErrors,
    field: &'static str,
    typed: &str,
    usual: i64,
    (least, most): (i64, i64),
    key: &'static str,
) -> i64 {
    let typed = typed.trim();
    if typed.is_empty() {
        return usual;
    }
    let parsed = typed.parse().ok().filter(|number| (least..=most).contains(number));
    if parsed.is_none() {
        errors.add(field, Message::new(key).number("least", least).number("most", most));
    }
    parsed.unwrap_or(usual)
}

/// Where a password is sent to, and for whom.
struct Place<'a> {
    host: &'a str,
    tls: TlsMode,
    username: &'a str,
}

/// The password to store: empty without a user name.
fn sealed(
    keys: &Keys,
    place: &Place<'_>,
    password: &Password,
    known: Option<&StoredRelay>,
    errors: &mut FieldErrors,
) -> Result<Vec<u8>, NoRandomness> {
    let is_unfit = |text: &str| text.chars().count() > LOGIN_MAX_CHARS || text.chars().any(char::is_control);
    if is_unfit(place.username) {
        errors.add("username", Message::new("error-relay-login"));
    }
    let typed = match password {
        Password::Typed(typed) if place.username.is_empty() && !typed.is_empty() => {
            errors.add("username", Message::new("error-relay-username"));
            return Ok(Vec::new());
        }
        _ if place.username.is_empty() => return Ok(Vec::new()),
        Password::Typed(typed) => Some(typed),
        Password::Kept => None,
    };
    if let Some(typed) = typed {
        if typed.is_empty() {
            errors.add("password", Message::new("error-required"));
        } else if is_unfit(typed) {
            errors.add("password", Message::new("error-relay-login"));
        }
        return keys.seal(Purpose::RelayPassword, &context(place.host, place.username), typed.as_bytes());
    }
    let Some(known) = known.filter(|known| !known.sealed_password.is_empty()) else {
        errors.add("password", Message::new("error-required"));
        return Ok(Vec::new());
    };
    let is_elsewhere = known.host != place.host
        || known.username != place.username
        || (is_readable(place.host, place.tls) && known.tls != TlsMode::None);
    if is_elsewhere {
        errors.add("password", Message::new("error-relay-password-again"));
    }
    Ok(known.sealed_password.clone())
}
