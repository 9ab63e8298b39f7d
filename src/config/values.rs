//! The parsers of single settings, and the small types that they give.
//!
//! An error finishes the sentence that begins with the text as it was written: `is not a ..`. The text of
//! a secret is not shown, so the parser of a secret must not repeat it either.

use std::fmt;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tracing::Level;

use super::network::Network;
use super::public_url::PublicUrl;
use crate::model::{AuthMethod, Destinations, DisposableDomains, EmailAddress, TlsMode};

/// Fewest characters of `secret.key`: fewer can be guessed.
pub const SECRET_MIN_CHARACTERS: usize = 32;
/// Largest file that a setting may name: a long list of domains. Secrets and certificates are far smaller.
const FILE_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Longest name of a relay: it stands in tables and columns.
const RELAY_NAME_MAX_CHARACTERS: usize = 32;
/// Longest host name (RFC 1035, 2.3.4).
const HOST_MAX_OCTETS: usize = 253;
/// Longest label of a host name (RFC 1035, 2.3.4); no selector needs to be longer, dots included.
const LABEL_MAX_OCTETS: usize = 63;

/// A text that is never shown: `Debug` does not print it, `Display` does not exist.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Which database, and where.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// The path of the file.
    Sqlite(PathBuf),
    /// The whole `postgres://` address, which may hold a password.
    Postgres(Secret),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

pub fn text(text: &str) -> Result<String, String> {
    match text {
        "" => Err("is empty".to_owned()),
        text if text.chars().any(char::is_control) => Err("holds a control character".to_owned()),
        text => Ok(text.to_owned()),
    }
}

pub fn path(path: &str) -> Result<PathBuf, String> {
    text(path).map(PathBuf::from)
}

pub fn number<N>(text: &str, range: RangeInclusive<N>) -> Result<N, String>
where
    N: FromStr + PartialOrd + fmt::Display,
{
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("is not a whole number from {} to {}", range.start(), range.end()))
}

pub fn hours(text: &str) -> Result<Duration, String> {
    number(text, 1..=240u64).map(|hours| Duration::from_secs(hours * 3600))
}

/// Longest period of `[retention]`: ten years.
const DAYS_MAX: u64 = 3650;

/// A period of at least so many days.
pub fn days(text: &str, least: u64) -> Result<Duration, String> {
    number(text, least..=DAYS_MAX).map(|days| Duration::from_secs(days * 24 * 3600))
}

/// How long a stop waits: an hour is longer than any relay takes.
pub fn stop_seconds(text: &str) -> Result<Duration, String> {
    number(text, 0..=3600u64).map(Duration::from_secs)
}

/// How long a mailing can be called back: longer than ten minutes is scheduling.
pub fn undo_seconds(text: &str) -> Result<Duration, String> {
    number(text, 0..=600u64).map(Duration::from_secs)
}

pub fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "is neither true nor false".to_owned())
}

/// The parts of a list that is written with commas.
pub fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

pub fn networks(text: &str) -> Result<Vec<Network>, String> {
    items(text).map(str::parse).collect()
}

pub fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "is not an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080".to_owned()
    })
}

pub fn public_url(text: &str) -> Result<PublicUrl, String> {
    text.parse()
}

pub fn email_address(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(text).map_err(|error| format!("is not an e-mail address: {error}"))
}

pub fn tls_mode(text: &str) -> Result<TlsMode, String> {
    let modes: Vec<_> = TlsMode::ALL.iter().map(|mode| (mode.as_str(), *mode)).collect();
    one_of(text, &modes)
}

pub fn login_method(text: &str) -> Result<AuthMethod, String> {
    let methods: Vec<_> = AuthMethod::ALL.iter().map(|method| (method.as_str(), *method)).collect();
    one_of(text, &methods)
}

pub fn per_hour(text: &str) -> Result<NonZeroU32, String> {
    number(text, NonZeroU32::MIN..=NonZeroU32::new(100_000_000).unwrap_or(NonZeroU32::MAX))
}

/// What stands in `[relays.NAME]`.
pub fn is_relay_name(name: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=RELAY_NAME_MAX_CHARACTERS).contains(&name.len())
        && name.chars().all(is_fit)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

pub fn log_level(text: &str) -> Result<Level, String> {
    one_of(
        text,
        &[
            ("error", Level::ERROR),
            ("warn", Level::WARN),
            ("info", Level::INFO),
            ("debug", Level::DEBUG),
            ("trace", Level::TRACE),
        ],
    )
}

pub fn log_format(text: &str) -> Result<LogFormat, String> {
    one_of(text, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
}

fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        format!("is not one of: {}", names.join(", "))
    })
}

/// A host as DNS knows it, in ASCII, or an IP address without brackets.
pub fn host(text: &str) -> Result<String, String> {
    let wrong = || "is not a host name or IP address (without smtp:// and without a port)".to_owned();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let ascii = match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => idna::domain_to_ascii_strict(text).map_err(|_| wrong())?,
    };
    // Names of machines in a private network often have an underscore.
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let is_host = ascii.len() <= HOST_MAX_OCTETS && ascii.split('.').all(label);
    if is_host { Ok(ascii) } else { Err(wrong()) }
}

/// A domain of mail, as A-labels.
pub fn domain(text: &str) -> Result<String, String> {
    match host(text) {
        Ok(host) if host.contains('.') && host.parse::<IpAddr>().is_err() => Ok(host),
        _ => Err("is not a domain such as example.com".to_owned()),
    }
}

/// A name below `_domainkey` (RFC 6376, 3.1).
pub fn selector(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && label.len() <= LABEL_MAX_OCTETS && label.chars().all(is_inside)
    };
    if text.len() <= LABEL_MAX_OCTETS && text.split('.').all(label) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!(
            "is not a name of at most {LABEL_MAX_OCTETS} letters, digits and -, such as postiljon2026"
        ))
    }
}

/// Whether a host, as [`host`] gives it, is this machine.
pub fn is_loopback(host: &str) -> bool {
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(is_loopback)
}

/// A host name, or an IP address in the brackets that EHLO wants (RFC 5321, 4.1.3).
pub fn hello_name(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let bare = bare.map(|literal| literal.strip_prefix("IPv6:").unwrap_or(literal));
    host(bare.unwrap_or(text)).map(|host| as_hello_name(&host))
}

/// A host, as [`host`] gives it, the way EHLO wants it.
pub fn as_hello_name(host: &str) -> String {
    match host.parse() {
        Ok(IpAddr::V4(address)) => format!("[{address}]"),
        Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        Err(_) => host.to_owned(),
    }
}

pub fn secret(text: &str) -> Result<Secret, String> {
    self::text(text).map(Secret)
}

pub fn secret_key(text: &str) -> Result<Secret, String> {
    match text.chars().count() {
        count if count < SECRET_MIN_CHARACTERS => {
            Err(format!("has {count} characters, and needs at least {SECRET_MIN_CHARACTERS}"))
        }
        _ => secret(text),
    }
}

pub fn database_url(text: &str) -> Result<DatabaseUrl, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return match PgConnectOptions::from_str(text) {
            Ok(_) => Ok(DatabaseUrl::Postgres(Secret::new(text))),
            Err(_) => Err("is not of the form postgres://user:password@host:5432/database; characters such \
                 as @ : / in the password are written as %40 %3A %2F"
                .to_owned()),
        };
    }
    let Some(file) = text.strip_prefix("sqlite:") else {
        return Err("begins neither with sqlite: nor with postgres://".to_owned());
    };
    match file.strip_prefix("//").unwrap_or(file) {
        "" => Err("names no file after sqlite:".to_owned()),
        file if file.starts_with(":memory:") || file.contains('?') => {
            Err("must be sqlite: and the path of a file, without options".to_owned())
        }
        file => path(file).map(DatabaseUrl::Sqlite),
    }
}

/// The issuer of an OpenID Connect provider: an address without query and fragment, over TLS where it is not this machine.
pub fn issuer(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text)
        .map_err(|_| "is not an address such as https://login.example.com".to_owned())?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(host));
    if !is_safe {
        return Err("does not begin with https://".to_owned());
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err("has more than scheme, host, port and path".to_owned());
    }
    self::text(text)
}

/// Longest text on a button.
const LABEL_MAX_CHARACTERS: usize = 60;

/// The text of a button.
pub fn label(text: &str) -> Result<String, String> {
    match self::text(text)? {
        text if text.chars().count() > LABEL_MAX_CHARACTERS => {
            Err(format!("is longer than {LABEL_MAX_CHARACTERS} characters"))
        }
        text => Ok(text),
    }
}

pub fn domains(text: &str) -> Result<Vec<String>, String> {
    items(text).map(domain).collect()
}

/// The content of a file with certificates.
pub fn pem_file(text: &str) -> Result<String, String> {
    let pem = read_file(&path(text)?)?;
    match pem.contains("-----BEGIN CERTIFICATE-----") {
        true => Ok(pem),
        false => Err("is a file without a line -----BEGIN CERTIFICATE-----".to_owned()),
    }
}

/// Our table of destinations, with what a file adds to it.
pub fn destinations_file(text: &str) -> Result<Destinations, String> {
    let mut destinations = Destinations::default();
    destinations.add(&read_file(&path(text)?)?)?;
    Ok(destinations)
}

/// Our list of domains of throw-away mailboxes, with what a file adds to it.
pub fn disposable_domains_file(text: &str) -> Result<DisposableDomains, String> {
    let mut domains = DisposableDomains::default();
    domains.add(&read_file(&path(text)?)?)?;
    Ok(domains)
}

/// Reads a text file of bounded size.
pub fn read_file(path: &Path) -> Result<String, String> {
    std::fs::File::open(path)
        .map_err(|error| format!("cannot be read as a text file: {error}"))
        .and_then(read_open_file)
}

/// The same of a file that is open.
pub fn read_open_file(file: std::fs::File) -> Result<String, String> {
    let mut text = String::new();
    let read = file
        .take(FILE_MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot be read as a text file: {error}"))?;
    if read as u64 > FILE_MAX_BYTES {
        return Err(format!("is larger than {FILE_MAX_BYTES} bytes"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_addresses_without_scheme_or_port() {
        for (text, expected) in [
            ("SMTP.Example.com", "smtp.example.com"),
            ("mail_relay", "mail_relay"),
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("10.0.0.1", "10.0.0.1"),
            ("::1", "::1"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "smtp://a", "a:25", "a..b", "a b", "a/b", "[::1]", &"a.".repeat(200)] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_introduced_in_brackets() {
        assert_eq!(hello_name("10.0.0.1").as_deref(), Ok("[10.0.0.1]"));
        assert_eq!(hello_name("[IPv6:::1]").as_deref(), Ok("[IPv6:::1]"));
        assert_eq!(hello_name("news.example.com").as_deref(), Ok("news.example.com"));
    }

    #[test]
    fn database_urls_are_a_file_or_postgresql() {
        for text in ["sqlite:a/b.db", "sqlite://a/b.db"] {
            assert!(
                matches!(database_url(text), Ok(DatabaseUrl::Sqlite(path)) if path == Path::new("a/b.db"))
            );
        }
        assert!(
            matches!(database_url("sqlite:///a.db"), Ok(DatabaseUrl::Sqlite(path)) if path == Path::new("/a.db"))
        );
        assert!(matches!(database_url("postgres://u:p@db:5432/x"), Ok(DatabaseUrl::Postgres(_))));
        for text in [
            "",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:a?mode=ro",
            "mysql://a",
            "a.db",
            "postgres://u:p@db:x/y",
        ] {
            assert!(database_url(text).is_err(), "{text}");
        }
    }
}
