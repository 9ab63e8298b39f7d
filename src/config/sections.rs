//! From single settings to the sections of [`Config`], and what must hold between them.
//!
//! Each function reads all its settings before it looks at any, so that one mistake does not hide another.
//! It gives `None` only after it noted a mistake.

use std::net::SocketAddr;

use super::error::ConfigError;
use super::public_url::PublicUrl;
use super::settings::*;
use super::sources::{Reader, Section};
use super::values::{self, DatabaseUrl};
use super::{Config, Data, Database, Log, MAIN_RELAY, Mail, MailtoUnsubscribe, Oidc, Role, Signup, Web};
use crate::model::{
    Credentials, DkimKey, DkimSettings, EmailAddress, ImageStore, NamedRelay, RelaySettings, Retention,
    StageTimeouts, TlsMode,
};

/// Longest part before the @ of `mail.unsubscribe_address`: a plus and a tag of 40 characters follow it, and
/// 64 octets is all it may have (RFC 5321, 4.5.3.1.1).
const UNSUBSCRIBE_LOCAL_MAX_OCTETS: usize = 64 - 1 - 40;

/// The whole configuration, for a process of this role or for a command that neither serves nor sends.
pub(super) fn config(reader: &mut Reader, role: Option<Role>) -> Option<Config> {
    let data = reader.get(&DATA_FOLDER).map(|folder| Data { folder });
    let images = images(reader, data.as_ref());
    let database = database(reader, data.as_ref());
    let web = web(reader);
    let secret_key = reader.get(&SECRET_KEY);
    let oidc = oidc(reader);
    let relays = relays(reader, web.as_ref());
    let mail = mail(reader);
    let signup = (reader.get(&SIGNUP_CHECK_MX), reader.get(&SIGNUP_DISPOSABLE_DOMAINS_FILE));
    let destinations = reader.get(&DESTINATIONS_FILE).unwrap_or_default();
    let destinations_mx = reader.get(&DESTINATIONS_MX);
    let dkim = dkim(reader);
    let retention = retention(reader);
    let log = (reader.get(&LOG_LEVEL), reader.get(&LOG_FORMAT));

    let is_postgres =
        database.as_ref().is_some_and(|database| matches!(database.url, DatabaseUrl::Postgres(_)));
    if is_postgres && !reader.is_given(&SECRET_KEY.about) {
        let why = "With PostgreSQL every process needs the same key, so none of them can make one up. Put the \
                   output of `openssl rand -base64 48` in a file, and the path of it in secret.key_file.";
        reader.errors.push(ConfigError::missing(&SECRET_KEY.about, why));
    }
    if let (Some(role), Some(database)) = (role, &database) {
        check_role(reader, role, database);
    }
    Some(Config {
        data: data?,
        images: images?,
        database: database?,
        web: web?,
        secret_key,
        oidc,
        relays,
        mail: mail?,
        signup: Signup { check_mx: signup.0?, disposable_domains: signup.1.unwrap_or_default() },
        destinations,
        destinations_mx: destinations_mx?,
        dkim,
        retention: retention?,
        log: Log { level: log.0?, format: log.1? },
    })
}

fn check_role(reader: &mut Reader, role: Role, database: &Database) {
    // A [relay] that says something and no host is half a relay, also beside others. None at all is fine: relays can be
    // set at the desk.
    if role.sends() && reader.has_main_relay() && !reader.is_given(&RELAY_HOST.about) {
        reader.errors.push(ConfigError::missing(&RELAY_HOST.about, super::RELAY_HOST_MISSING));
    }
    if role != Role::All && matches!(database.url, DatabaseUrl::Sqlite(_)) {
        reader.contradiction(
            &DATABASE_URL.about,
            format!(
                "--role {role} is for several processes on one PostgreSQL, and this is SQLite, which is for one process. \
                 Leave --role out, or write an address postgres://.."
            ),
        );
    }
}

fn images(reader: &mut Reader, data: Option<&Data>) -> Option<ImageStore> {
    match reader.get(&IMAGES_STORE) {
        None if !reader.is_given(&IMAGES_STORE.about) => {
            Some(ImageStore::Folder(data?.folder.join("images")))
        }
        given => given,
    }
}

fn database(reader: &mut Reader, data: Option<&Data>) -> Option<Database> {
    let url = reader.get(&DATABASE_URL);
    let connections = reader.get(&DATABASE_CONNECTIONS);
    let url = match url {
        None if !reader.is_given(&DATABASE_URL.about) => {
            DatabaseUrl::Sqlite(data?.folder.join("postiljon.db"))
        }
        url => url?,
    };
    Some(Database { url, connections: connections? })
}

fn web(reader: &mut Reader) -> Option<Web> {
    let listen = reader.get(&WEB_LISTEN);
    let public_url = reader.get(&WEB_PUBLIC_URL);
    let allow_insecure = reader.get(&WEB_ALLOW_INSECURE);
    let trusted_proxies = reader.get(&WEB_TRUSTED_PROXIES);
    let workers = reader.get(&WEB_WORKERS);
    let public_url = match public_url {
        None if !reader.is_given(&WEB_PUBLIC_URL.about) => url_of(reader, listen?)?,
        url => url?,
    };
    if !public_url.is_https() && !public_url.is_loopback() && !allow_insecure? {
        reader.contradiction(
            &WEB_PUBLIC_URL.about,
            format!(
                "visitors would send addresses and passwords readable for all to {public_url}. Put a proxy with TLS before \
                 Postiljon and write its https:// address, or set web.allow_insecure = true."
            ),
        );
        return None;
    }
    Some(Web { listen: listen?, public_url, trusted_proxies: trusted_proxies?, workers: workers? })
}

/// `None` also where nothing of it is set.
fn oidc(reader: &mut Reader) -> Option<Oidc> {
    let issuer = reader.get(&OIDC_ISSUER);
    let client_id = reader.get(&OIDC_CLIENT_ID);
    let client_secret = reader.get(&OIDC_CLIENT_SECRET);
    let label = reader.get(&OIDC_LABEL);
    let allowed_domains = reader.get(&OIDC_ALLOWED_DOMAINS);
    let password_login = reader.get(&OIDC_PASSWORD_LOGIN);
    let private_network = reader.get(&OIDC_PRIVATE_NETWORK);
    let needed = [&OIDC_ISSUER.about, &OIDC_CLIENT_ID.about, &OIDC_CLIENT_SECRET.about];
    // What is only the default written out asks for nothing.
    let says_more = reader.is_given(&OIDC_LABEL.about)
        || allowed_domains.as_ref().is_some_and(|domains| !domains.is_empty())
        || password_login == Some(false)
        || private_network == Some(true);
    if says_more || needed.iter().any(|about| reader.is_given(about)) {
        for about in needed.into_iter().filter(|about| !reader.is_given(about)).collect::<Vec<_>>() {
            let why =
                "Signing in through a provider needs its issuer, and the id and the secret that it gave.";
            reader.errors.push(ConfigError::missing(about, why));
        }
    }
    let issuer = issuer?;
    let host = || {
        let host = issuer.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next());
        host.unwrap_or(&issuer).to_owned()
    };
    Some(Oidc {
        label: label.unwrap_or_else(host),
        client_id: client_id?,
        client_secret: client_secret?,
        allowed_domains: allowed_domains?,
        password_login: password_login?,
        private_network: private_network?,
        issuer,
    })
}

/// The public address that follows from the one to listen on.
fn url_of(reader: &mut Reader, listen: SocketAddr) -> Option<PublicUrl> {
    if listen.ip().is_unspecified() {
        let why = format!("web.listen is {listen}, which is every address and so none that a link can have.");
        reader.errors.push(ConfigError::missing(&WEB_PUBLIC_URL.about, &why));
        return None;
    }
    let url = format!("http://{listen}");
    url.parse()
        .map_err(|complaint: String| {
            reader.contradiction(&WEB_LISTEN.about, format!("{url} {complaint}. Set web.public_url."));
        })
        .ok()
}

/// `[relay]`, if it has a host, and every `[relays.NAME]`. One with a mistake is left out, and the mistake noted.
fn relays(reader: &mut Reader, web: Option<&Web>) -> Vec<NamedRelay> {
    let names: Vec<String> = reader.relays().keys().cloned().collect();
    if let Some(origin) = reader.relays().get(MAIN_RELAY).cloned()
        && reader.has_main_relay()
    {
        let problem = "main is what [relay] is called. Give one of them another name.";
        reader.errors.push(ConfigError::new(format!("relays.{MAIN_RELAY}"), origin, problem));
    }
    std::iter::once(None)
        .chain(names.iter().map(|name| Some(name.as_str())))
        .filter_map(|name| relay(&mut reader.relay(name), name, web))
        .collect()
}

fn relay(section: &mut Section<'_>, name: Option<&str>, web: Option<&Web>) -> Option<NamedRelay> {
    let host = section.get(&RELAY_HOST);
    let port = section.get(&RELAY_PORT);
    let tls = section.get(&RELAY_TLS);
    let allow_plaintext = section.get(&RELAY_ALLOW_PLAINTEXT);
    let extra_roots_pem = section.get(&RELAY_CA_FILE);
    let hello_name = section.get(&RELAY_HELLO_NAME);
    let connections = section.get(&RELAY_CONNECTIONS);
    let messages_per_connection = section.get(&RELAY_MESSAGES_PER_CONNECTION);
    let idle = section.get(&RELAY_IDLE_SECONDS);
    let mails_per_hour = section.get(&RELAY_MAILS_PER_HOUR);
    let weight = section.get(&RELAY_WEIGHT);
    let credentials = credentials(section);

    if name.is_some() && !section.is_given(&RELAY_HOST.about) {
        section.missing(&RELAY_HOST.about, "A relay needs the SMTP server that takes its mail.");
    }
    let tls = tls?;
    let is_loopback = host.as_deref().is_some_and(values::is_loopback);
    if tls == TlsMode::None && host.is_some() && !is_loopback && !allow_plaintext? {
        let (host, allow) = (section.key(&RELAY_HOST.about), section.key(&RELAY_ALLOW_PLAINTEXT.about));
        section.contradiction(
            &RELAY_TLS.about,
            format!(
                "without TLS mails and passwords travel readable for all, and {host} is another machine. Write `tls = \
                 \"starttls\"` or \"implicit\", or set {allow} = true."
            ),
        );
    }
    let port = match port {
        None if !section.is_given(&RELAY_PORT.about) => match tls {
            TlsMode::Implicit => 465,
            TlsMode::StartTls => 587,
            TlsMode::None => 25,
        },
        port => port?,
    };
    let hello_name = match hello_name {
        None if !section.is_given(&RELAY_HELLO_NAME.about) => values::as_hello_name(web?.public_url.host()),
        name => name?,
    };
    Some(NamedRelay {
        name: name.unwrap_or(MAIN_RELAY).into(),
        weight: weight?,
        settings: RelaySettings {
            host: host?,
            port,
            tls,
            credentials,
            hello_name,
            extra_roots_pem,
            connections: connections?,
            messages_per_connection: messages_per_connection?,
            mails_per_hour,
            timeouts: StageTimeouts { idle: idle?, ..StageTimeouts::default() },
        },
    })
}

fn credentials(section: &mut Section<'_>) -> Option<Credentials> {
    let method = section.get(&RELAY_AUTH);
    let username = section.get(&RELAY_USERNAME);
    let password = section.get(&RELAY_PASSWORD);
    for (one, other) in
        [(&RELAY_USERNAME.about, &RELAY_PASSWORD.about), (&RELAY_PASSWORD.about, &RELAY_USERNAME.about)]
    {
        if section.is_given(one) && !section.is_given(other) {
            let other = section.key(other);
            section.contradiction(one, format!("it is given without {other}. Set both, or neither."));
        }
    }
    Some(Credentials { method: method?, username: username?, password: password?.expose().to_owned() })
}

fn mail(reader: &mut Reader) -> Option<Mail> {
    let bounce_address = reader.get(&MAIL_BOUNCE_ADDRESS);
    let address = reader.get(&MAIL_UNSUBSCRIBE_ADDRESS);
    let listen = reader.get(&MAIL_INBOUND_LISTEN);
    let retry = reader.get(&MAIL_RETRY_HOURS);
    let undo = reader.get(&MAIL_UNDO_SECONDS);
    let stop = reader.get(&MAIL_STOP_SECONDS);
    for (one, other) in [
        (&MAIL_UNSUBSCRIBE_ADDRESS.about, &MAIL_INBOUND_LISTEN.about),
        (&MAIL_INBOUND_LISTEN.about, &MAIL_UNSUBSCRIBE_ADDRESS.about),
    ] {
        if reader.is_given(one) && !reader.is_given(other) {
            reader.contradiction(
                one,
                format!(
                    "it is given without {}, and unsubscribe mails would be lost. Set both, or neither.",
                    other.key
                ),
            );
        }
    }
    if address.as_ref().is_some_and(|address| !can_be_tagged(address)) {
        reader.contradiction(
            &MAIL_UNSUBSCRIBE_ADDRESS.about,
            format!(
                "the part before the @ must have no + and at most {UNSUBSCRIBE_LOCAL_MAX_OCTETS} ASCII characters, since a tag \
                 is added to it. Write for example `{}`.",
                MAIL_UNSUBSCRIBE_ADDRESS.about.toml_line()
            ),
        );
    }
    let unsubscribe = address.zip(listen).map(|(address, listen)| MailtoUnsubscribe { address, listen });
    Some(Mail { bounce_address, unsubscribe, retry: retry?, undo: undo?, stop: stop? })
}

fn retention(reader: &mut Reader) -> Option<Retention> {
    let evidence = reader.get(&RETENTION_EVIDENCE_DAYS);
    let single_mails = reader.get(&RETENTION_SINGLE_MAILS_DAYS);
    let replies = reader.get(&RETENTION_REPLIES_DAYS);
    let departures = reader.get(&RETENTION_DEPARTURES_DAYS);
    let counts = reader.get(&RETENTION_COUNTS_DAYS);
    let hits = reader.get(&RETENTION_CLICKS_DAYS);
    let audit = reader.get(&RETENTION_AUDIT_DAYS);
    Some(Retention {
        evidence: evidence?,
        single_mails: single_mails?,
        replies: replies?,
        departures: departures?,
        counts: counts?,
        hits: hits?,
        audit: audit?,
    })
}

/// `None` also where nothing of it is set.
fn dkim(reader: &mut Reader) -> Option<DkimSettings> {
    let domain = reader.get(&DKIM_DOMAIN);
    let rsa = (reader.get(&DKIM_SELECTOR), reader.get(&DKIM_KEY_FILE));
    let ed25519 = (reader.get(&DKIM_ED25519_SELECTOR), reader.get(&DKIM_ED25519_KEY_FILE));
    let rsa_settings = [&DKIM_DOMAIN.about, &DKIM_SELECTOR.about, &DKIM_KEY_FILE.about];
    let ed25519_settings = [&DKIM_ED25519_SELECTOR.about, &DKIM_ED25519_KEY_FILE.about];
    let needs_rsa = rsa_settings.iter().chain(&ed25519_settings).any(|about| reader.is_given(about));
    let needs_ed25519 = ed25519_settings.iter().any(|about| reader.is_given(about));
    for (is_needed, abouts) in [(needs_rsa, &rsa_settings[..]), (needs_ed25519, &ed25519_settings[..])] {
        for about in
            abouts.iter().copied().filter(|about| is_needed && !reader.is_given(about)).collect::<Vec<_>>()
        {
            let why =
                "Signing needs a domain, a selector and a key, and Ed25519 a selector and a key of its own.";
            reader.errors.push(ConfigError::missing(about, why));
        }
    }
    let (rsa_selector, ed25519_selector) = (rsa.0?, ed25519.0);
    if ed25519_selector.as_ref() == Some(&rsa_selector) {
        reader.contradiction(
            &DKIM_ED25519_SELECTOR.about,
            "it is the same as dkim.selector, and a record holds one key. Write another name.",
        );
    }
    let mut keys = vec![DkimKey { selector: rsa_selector, key: rsa.1? }];
    keys.extend(ed25519_selector.zip(ed25519.1).map(|(selector, key)| DkimKey { selector, key }));
    Some(DkimSettings { domain: domain?, keys })
}

fn can_be_tagged(address: &EmailAddress) -> bool {
    let local = address.local();
    local.is_ascii() && !local.contains('+') && local.len() <= UNSUBSCRIBE_LOCAL_MAX_OCTETS
}
