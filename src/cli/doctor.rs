//! `doctor`: looks at what an operator would look at, and says what to do. It changes nothing, and sends nothing.
//!
//! To add a check: a function that answers with a [`Check`], and its line in [`examine`].

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;

use super::Settings;
use super::config::retention_in_words;
use super::output::Output;
use crate::accounts::provider::RETURN_PATH;
use crate::clock::Clock;
use crate::config::{Config, DatabaseUrl, Role};
use crate::dns::Dns;
use crate::keys::Keys;
use crate::model::dkim::record_name;
use crate::model::{ConfiguredDkimKey, DkimSettings, NamedRelay, Retention, Timestamp, TlsMode};
use crate::service::{configured_keys, connect_store, open_provider};
use crate::setup::connection;
use crate::setup::domain_look::{Looked, Record, dmarc_suggestion, is_trouble, look, spf_suggestion, waits};
use crate::setup::domains::{self, Domain};
use crate::setup::relays::{Configured, is_readable, open};
use crate::setup::retention::in_force;
use crate::store;
use crate::store::health::{EngineFacts, Health};

/// Less than this, and a mailing to a large list may fill the disk.
const SPACE_LOW_BYTES: u64 = 1024 * 1024 * 1024;
/// Less than this, and it may be full tomorrow.
const SPACE_NONE_BYTES: u64 = 100 * 1024 * 1024;
/// Two clocks that differ by more make leases and limits between processes wrong.
const CLOCK_DIFFERENCE_MAX: Duration = Duration::from_secs(5);
/// 2026-11-01: no clock that is right shows an earlier day.
const CLOCK_EARLIEST: Timestamp = Timestamp::from_millis(1_793_491_200_000);
/// The oldest PostgreSQL that is tested.
const POSTGRES_VERSION_MIN: i64 = 150_000;
/// `PRAGMA synchronous` of FULL.
const SYNCHRONOUS_FULL: i64 = 2;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// For a process of which role: all, web or sender
    #[arg(long, default_value_t = Role::All)]
    role: Role,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warning,
    Fault,
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "FAULT",
        }
    }
}

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Check {
    verdict: Verdict,
    /// What was looked at.
    subject: String,
    /// What was found, and what to do about it: sentences.
    found: String,
}

impl Check {
    fn new(verdict: Verdict, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { verdict, subject: subject.into(), found: found.into() }
    }
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let checks = match settings.load_for(arguments.role) {
        Ok(config) => examine(&config, arguments.role).await,
        Err(mistakes) => {
            let mistake = |error: &crate::config::ConfigError| {
                Check::new(Verdict::Fault, "configuration", error.to_string())
            };
            mistakes.iter().map(mistake).collect()
        }
    };
    arguments.output.list(&checks, ["", "CHECK", "FOUND"], |check| {
        [check.verdict.as_str().to_owned(), check.subject.clone(), check.found.clone()]
    })?;
    match checks.iter().filter(|check| check.verdict == Verdict::Fault).count() {
        0 => Ok(()),
        1 => anyhow::bail!("there is a fault; what to do stands beside it"),
        faults => anyhow::bail!("there are {faults} faults; what to do stands beside each"),
    }
}

async fn examine(config: &Config, role: Role) -> Vec<Check> {
    let mut checks = vec![Check::new(Verdict::Ok, "configuration", "Every setting is right.")];
    checks.push(folder(&config.data.folder));
    checks.extend(space(&config.data.folder));
    let health = health(config).await;
    // Of an older schema nothing is read.
    let has_schema = health.as_ref().is_ok_and(|health| health.missing == 0 && health.unknown == 0);
    checks.push(key(config, health.as_ref().ok()));
    match health {
        Ok(health) => checks.extend([schema(&health), durability(&health.engine)]),
        Err(check) => checks.push(check),
    }
    checks.push(clock(Clock::system().now()));
    if role.serves_pages() {
        checks.push(public_address(config));
        checks.extend(provider(config).await);
    }
    if role.sends() {
        checks.push(Check::new(
            Verdict::Ok,
            "retention",
            format!("Forgets {}.", retention_in_words(&retention(config, has_schema).await)),
        ));
        checks.extend(relays(config, has_schema).await);
        checks.extend(signing(config, has_schema).await);
    }
    checks
}

fn folder(folder: &Path) -> Check {
    let subject = "data folder";
    if !folder.exists() {
        let found = format!("{} is not there yet. The first start makes it.", folder.display());
        return Check::new(Verdict::Warning, subject, found);
    }
    match tempfile::NamedTempFile::new_in(folder) {
        Ok(_) => Check::new(Verdict::Ok, subject, format!("{} can be written.", folder.display())),
        Err(error) => {
            let found = format!(
                "{} cannot be written: {error}. Run this as the user of the service, or give it the folder.",
                folder.display()
            );
            Check::new(Verdict::Fault, subject, found)
        }
    }
}

/// `None` where there is no folder yet.
fn space(folder: &Path) -> Option<Check> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    let free = facts.f_bavail.saturating_mul(facts.f_frsize);
    let (verdict, advice) = match free {
        ..SPACE_NONE_BYTES => (Verdict::Fault, " Make room: what cannot be recorded is not sent."),
        SPACE_NONE_BYTES..SPACE_LOW_BYTES => (Verdict::Warning, " Make room before the next large mailing."),
        _ => (Verdict::Ok, ""),
    };
    Some(Check::new(verdict, "free space", format!("{} MB.{advice}", free / 1_000_000)))
}

/// Without the key every link in every mail that was sent is worthless.
fn key(config: &Config, health: Option<&Health>) -> Check {
    let subject = "key";
    let known = health.and_then(|health| health.secret_check.as_ref());
    let has_subscribers = known.is_some() || health.is_some_and(|health| health.has_subscribers);
    match config.secret_key_file() {
        Some(file) if !file.exists() && has_subscribers => {
            let found = format!(
                "The database is in use, but there is no {}: Postiljon does not start without it, and the links in mails that \
                 were sent would not work. Restore it from the backup.",
                file.display()
            );
            Check::new(Verdict::Fault, subject, found)
        }
        Some(file) if !file.exists() => {
            Check::new(Verdict::Warning, subject, "It is not there yet. The first start makes it.")
        }
        _ => match configured_keys(config) {
            Ok(keys) if known.is_some_and(|known| *known != keys.secret_check()) => {
                let found = "It is not the one with which this database was used: Postiljon does not start with it. Restore that one \
                             from the backup.";
                Check::new(Verdict::Fault, subject, found)
            }
            Ok(_) => Check::new(Verdict::Ok, subject, "It can be read, and not by everybody."),
            Err(error) => Check::new(Verdict::Fault, subject, format!("{error}.")),
        },
    }
}

/// What the database says of itself, or the check that it failed.
async fn health(config: &Config) -> Result<Health, Check> {
    let subject = "database";
    if let DatabaseUrl::Sqlite(path) = &config.database.url
        && !path.exists()
    {
        let found = format!("{} is not there yet. The first start makes it.", path.display());
        return Err(Check::new(Verdict::Warning, subject, found));
    }
    let health = async {
        let store = connect_store(config).await?;
        let health = store.health().await;
        store.close().await;
        health
    };
    health.await.map_err(|error| {
        let found = format!("It cannot be used: {error}. Check database.url, and that the server runs.");
        Check::new(Verdict::Fault, subject, found)
    })
}

fn schema(health: &Health) -> Check {
    let subject = "schema";
    match (health.missing, health.unknown) {
        (0, 0) => Check::new(Verdict::Ok, subject, "The schema is that of this version."),
        (missing, 0) => {
            let found =
                format!("{missing} migrations are missing. Make a backup, then run: postiljon migrate.");
            Check::new(Verdict::Warning, subject, found)
        }
        _ => {
            let found = "A newer version has used this database. Run that version, or restore the backup from \
                         before it.";
            Check::new(Verdict::Fault, subject, found)
        }
    }
}

fn durability(engine: &EngineFacts) -> Check {
    let subject = "database";
    let unsafe_settings = |found: String| {
        let found = format!("{found}: what was recorded may be lost at a power cut, and mailed twice.");
        Check::new(Verdict::Fault, subject, found)
    };
    match engine {
        EngineFacts::Sqlite { journal_mode, synchronous }
            if journal_mode != "wal" || *synchronous < SYNCHRONOUS_FULL =>
        {
            unsafe_settings(format!("SQLite, journal_mode {journal_mode}, synchronous {synchronous}"))
        }
        EngineFacts::Sqlite { .. } => {
            Check::new(Verdict::Ok, subject, "SQLite, with a write-ahead log that waits for the disk.")
        }
        EngineFacts::Postgres { fsync, synchronous_commit, .. } if !fsync || synchronous_commit == "off" => {
            let fsync = if *fsync { "on" } else { "off" };
            unsafe_settings(format!("PostgreSQL, fsync {fsync}, synchronous_commit {synchronous_commit}"))
        }
        EngineFacts::Postgres { version, .. } if *version < POSTGRES_VERSION_MIN => {
            let found =
                format!("PostgreSQL {}. Upgrade it: 15 is the oldest that is tested.", version / 10_000);
            Check::new(Verdict::Warning, subject, found)
        }
        EngineFacts::Postgres { version, now, .. } => {
            let ours = Clock::system().now();
            let difference = ours.since(*now).max(now.since(ours));
            if difference > CLOCK_DIFFERENCE_MAX {
                let found = format!(
                    "The clocks of this machine and of the database differ by {} s. Let both follow NTP.",
                    difference.as_secs()
                );
                return Check::new(Verdict::Fault, subject, found);
            }
            let found = format!("PostgreSQL {}, which waits for the disk.", version / 10_000);
            Check::new(Verdict::Ok, subject, found)
        }
    }
}

fn clock(now: Timestamp) -> Check {
    let verdict = if now < CLOCK_EARLIEST { Verdict::Fault } else { Verdict::Ok };
    let advice = if verdict == Verdict::Fault { " That is in the past. Let it follow NTP." } else { "" };
    Check::new(verdict, "clock", format!("{}.{advice}", now.rfc3339()))
}

fn public_address(config: &Config) -> Check {
    let url = &config.web.public_url;
    let (verdict, advice) = match (url.is_https(), url.is_loopback()) {
        (true, _) => (Verdict::Ok, ""),
        (false, true) => {
            (Verdict::Warning, ": only this machine can reach it. Set web.public_url before mailing anybody")
        }
        (false, false) => (
            Verdict::Warning,
            ": addresses and passwords travel readable for all. Put a proxy with TLS before it",
        ),
    };
    Check::new(verdict, "public address", format!("{}{advice}.", url.as_str()))
}

/// Asks the provider what it says of itself, as the first login would.
async fn provider(config: &Config) -> Option<Check> {
    let provider = open_provider(config)?;
    let back = config.web.public_url.join(RETURN_PATH);
    let (verdict, found) = match provider.look(&Clock::system()).await {
        Ok(()) => (Verdict::Ok, format!("It is there, and has keys. It must know {back} as a redirect URI.")),
        Err(error) => {
            let issuer = provider.issuer();
            (Verdict::Fault, format!("{issuer}: {error}. Compare oidc.issuer with its documentation."))
        }
    };
    Some(Check::new(verdict, "provider", found))
}

async fn relays(config: &Config, has_schema: bool) -> Vec<Check> {
    let mut relays = config.relays.clone();
    let mut checks = Vec::new();
    if has_schema {
        match stored_relays(config).await {
            Ok((found, sealed)) => {
                relays.extend(found);
                checks.extend(sealed.into_iter().map(|name| {
                    let found = "Its password was sealed with another secret.key. Enter it again: postiljon relay set";
                    Check::new(Verdict::Fault, format!("relay {name}"), format!("{found} {name} --password."))
                }));
            }
            Err(error) => checks.push(Check::new(Verdict::Fault, "relays", format!("{error}."))),
        }
    }
    if relays.is_empty() && checks.is_empty() {
        let found = "There is none, so nothing is sent. Set one at the desk, by `postiljon relay add`, or as [relay].";
        checks.push(Check::new(Verdict::Warning, "relay", found));
    }
    checks.extend(join_all(relays.iter().map(relay)).await);
    checks
}

/// The relays of the database, and the names of those whose password cannot be read.
async fn stored_relays(config: &Config) -> anyhow::Result<(Vec<NamedRelay>, Vec<String>)> {
    let store = connect_store(config).await?;
    let stored = store::relays::all(store.read().await?.db()).await;
    store.close().await;
    let configured = Configured::new(config.relays.clone(), config.web.public_url.host());
    let mut stored = stored?;
    stored.retain(|relay| !configured.has(&relay.name));
    let (mut found, mut sealed) = (Vec::new(), Vec::new());
    // A key that is not there yet is not made by looking.
    if stored.is_empty() || config.secret_key_file().is_some_and(|file| !file.exists()) {
        return Ok((found, stored.into_iter().map(|relay| relay.name).collect()));
    }
    let keys = configured_keys(config)?;
    for relay in stored {
        match open(&keys, &configured, &relay) {
            Some(relay) => found.push(relay),
            None => sealed.push(relay.name),
        }
    }
    Ok((found, sealed))
}

/// With what was set at the desk.
async fn retention(config: &Config, has_schema: bool) -> Retention {
    let set = async {
        let store = connect_store(config).await?;
        let retention = in_force(&store, config.retention).await;
        store.close().await;
        retention
    };
    // That the database cannot be read has a line of its own.
    if has_schema { set.await.unwrap_or(config.retention) } else { config.retention }
}

/// What DNS says of the domains of senders, and of those that have a signing key.
async fn signing(config: &Config, has_schema: bool) -> Vec<Check> {
    let domains = match domains(config, has_schema).await {
        Ok(domains) => domains,
        Err(error) => return vec![Check::new(Verdict::Fault, "domains", format!("{error}."))],
    };
    let dns = Dns::system();
    let hosts: Vec<&str> = config.relays.iter().map(|relay| relay.settings.host.as_str()).collect();
    let checks = join_all(domains.iter().map(async |domain| {
        if domain.is_of_provider {
            let found =
                "It is a provider's, and nobody else can sign for it. Send from a domain of your own.";
            return vec![Check::new(Verdict::Warning, format!("domain {}", domain.name), found)];
        }
        of_domain(domain, &look(&dns, domain).await, &hosts)
    }));
    checks.await.into_iter().flatten().collect()
}

/// The keys of the configuration as it is now, whatever a process that runs has found in an older one.
async fn domains(config: &Config, has_schema: bool) -> anyhow::Result<Vec<Domain>> {
    let configured = config.dkim.as_ref().map_or(Ok(Vec::new()), DkimSettings::public)?;
    if !has_schema {
        return Ok(domains::put_together(&configured, Vec::new(), &[], None));
    }
    let store = connect_store(config).await?;
    let found = stored_domains(config, &store, &configured).await;
    store.close().await;
    found
}

async fn stored_domains(
    config: &Config,
    store: &store::Store,
    configured: &[ConfiguredDkimKey],
) -> anyhow::Result<Vec<Domain>> {
    let mut reader = store.read().await?;
    let stored = store::dkim_keys::all(reader.db()).await?;
    let newsletters = store::newsletters::all(reader.db()).await?;
    drop(reader);
    // A key that is not there yet is not made by looking.
    let has_secret = config.secret_key_file().is_none_or(|file| file.exists());
    let keys: Option<Keys> = if has_secret { Some(configured_keys(config)?) } else { None };
    Ok(domains::put_together(configured, stored, &newsletters, keys.as_ref()))
}

fn of_domain(domain: &Domain, looked: &Looked, relay_hosts: &[&str]) -> Vec<Check> {
    let subject = format!("domain {}", domain.name);
    let mut checks = Vec::new();
    if domain.signed_with.is_empty() {
        let found = "Its mails are not signed here. Fine where the relay signs them (DKIM); otherwise make a key at the desk, \
                     under Settings, Domains, or by `postiljon dkim new`.";
        checks.push(Check::new(Verdict::Ok, subject.as_str(), found));
    }
    for (key, record) in &looked.keys {
        let name = record_name(&key.selector, &key.domain);
        let (verdict, found) = match record {
            Record::Published(_) if waits(key) => (
                Verdict::Warning,
                format!("{name} is published. Press Check at the desk: the key signs then."),
            ),
            Record::Published(_) => (Verdict::Ok, format!("{name} is published.")),
            Record::Missing => {
                (Verdict::Warning, format!("{name} is missing. Publish it: TXT {}", key.record))
            }
            Record::Different(_) => {
                (Verdict::Warning, format!("{name} says something else. It must be: TXT {}", key.record))
            }
            Record::Unknown => (Verdict::Warning, format!("{name} cannot be asked for: no answer from DNS.")),
        };
        let verdict = if is_trouble(key, record) { Verdict::Fault } else { verdict };
        checks.push(Check::new(verdict, subject.as_str(), found));
    }
    let spf = spf_suggestion(relay_hosts.iter().copied());
    checks.push(policy(&subject, "SPF", &domain.name, &looked.spf, &spf));
    let dmarc = dmarc_suggestion(&domain.name);
    checks.push(policy(&subject, "DMARC", &looked.dmarc_name, &looked.dmarc, &dmarc));
    checks
}

fn policy(subject: &str, what: &str, name: &str, record: &Record, suggestion: &str) -> Check {
    match record {
        Record::Published(text) => Check::new(Verdict::Ok, subject, format!("{what} at {name}: {text}")),
        Record::Missing => {
            let found = format!("{what} at {name} is missing. To begin with: TXT {suggestion}");
            Check::new(Verdict::Warning, subject, found)
        }
        Record::Different(_) => {
            let found =
                format!("{what} at {name} is there more than once, and receivers take neither. Keep one.");
            Check::new(Verdict::Warning, subject, found)
        }
        Record::Unknown => {
            let found = format!("{what} at {name} cannot be asked for: no answer from DNS.");
            Check::new(Verdict::Warning, subject, found)
        }
    }
}

/// Connects, makes TLS, greets and logs in; sends no mail.
async fn relay(relay: &NamedRelay) -> Check {
    let subject = format!("relay {}", relay.name);
    let settings = &relay.settings;
    let place = format!("{}:{}", settings.host, settings.port);
    let login = if settings.credentials.is_some() { "login taken" } else { "no login set" };
    let is_readable = is_readable(&settings.host, settings.tls);
    let (verdict, tls) = match settings.tls {
        TlsMode::None if is_readable => {
            (Verdict::Warning, "no TLS: mails and passwords travel readable for all")
        }
        TlsMode::None => (Verdict::Ok, "no TLS, on this machine"),
        TlsMode::Implicit | TlsMode::StartTls => (Verdict::Ok, "TLS with a certificate that holds"),
    };
    match connection::test(relay).await.outcome {
        Ok(offers) => Check::new(verdict, subject, format!("{place}, {tls}, {login}. It offers {offers}.")),
        Err(failure) => Check::new(Verdict::Fault, subject, failure.sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_forgets_at_a_power_cut_is_a_fault() {
        let sqlite = |journal_mode: &str, synchronous| {
            durability(&EngineFacts::Sqlite { journal_mode: journal_mode.to_owned(), synchronous }).verdict
        };
        assert_eq!(sqlite("wal", 2), Verdict::Ok);
        assert_eq!(sqlite("wal", 1), Verdict::Fault);
        assert_eq!(sqlite("delete", 2), Verdict::Fault);
        let postgres = |version, fsync, commit: &str, now| {
            let synchronous_commit = commit.to_owned();
            durability(&EngineFacts::Postgres { version, fsync, synchronous_commit, now }).verdict
        };
        let now = Clock::system().now();
        assert_eq!(postgres(150_004, true, "on", now), Verdict::Ok);
        assert_eq!(postgres(150_004, false, "on", now), Verdict::Fault);
        assert_eq!(postgres(150_004, true, "off", now), Verdict::Fault);
        assert_eq!(postgres(140_000, true, "on", now), Verdict::Warning);
        assert_eq!(postgres(150_004, true, "on", now.minus(Duration::from_secs(60))), Verdict::Fault);
        assert_eq!(postgres(150_004, true, "on", now.plus(Duration::from_secs(60))), Verdict::Fault);
    }

    #[test]
    fn a_clock_before_the_first_version_is_a_fault() {
        assert_eq!(clock(Timestamp::from_millis(0)).verdict, Verdict::Fault);
        assert_eq!(clock(CLOCK_EARLIEST).verdict, Verdict::Ok);
    }
}
