//! From single settings to the sections of [`Config`], and what must hold between them.
//!
//! Each function reads all its settings before it looks at any, so that one mistake does not hide another.
//! It gives `None` only after it noted a mistake.

use std::net::SocketAddr;

use super::error::ConfigError;
use super::public_url::PublicUrl;
use super::settings::*;
use super::sources::Reader;
use super::values::{self, DatabaseUrl};
use super::{Config, Data, Database, Log, Mail, MailtoUnsubscribe, Relay, Role, Web};
use crate::model::{AuthMethod, Credentials, EmailAddress, TlsMode};

/// Longest part before the @ of `mail.unsubscribe_address`: a plus and a tag of 40 characters follow it, and
/// 64 octets is all it may have (RFC 5321, 4.5.3.1.1).
const UNSUBSCRIBE_LOCAL_MAX_OCTETS: usize = 64 - 1 - 40;

/// The whole configuration, for a process of this role or for a command that neither serves nor sends.
pub(super) fn config(reader: &mut Reader, role: Option<Role>) -> Option<Config> {
    let data = reader.get(&DATA_FOLDER).map(|folder| Data { folder });
    let database = database(reader, data.as_ref());
    let web = web(reader);
    let secret_key = reader.get(&SECRET_KEY);
    let relay = relay(reader, web.as_ref());
    let mail = mail(reader);
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
        database: database?,
        web: web?,
        secret_key,
        relay: relay?,
        mail: mail?,
        log: Log { level: log.0?, format: log.1? },
    })
}

fn check_role(reader: &mut Reader, role: Role, database: &Database) {
    if role.sends() && !reader.is_given(&RELAY_HOST.about) {
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

fn relay(reader: &mut Reader, web: Option<&Web>) -> Option<Relay> {
    let host = reader.get(&RELAY_HOST);
    let port = reader.get(&RELAY_PORT);
    let tls = reader.get(&RELAY_TLS);
    let allow_plaintext = reader.get(&RELAY_ALLOW_PLAINTEXT);
    let username = reader.get(&RELAY_USERNAME);
    let password = reader.get(&RELAY_PASSWORD);
    let ca_pem = reader.get(&RELAY_CA_FILE);
    let hello_name = reader.get(&RELAY_HELLO_NAME);
    let connections = reader.get(&RELAY_CONNECTIONS);
    let messages_per_connection = reader.get(&RELAY_MESSAGES_PER_CONNECTION);

    for (one, other) in
        [(&RELAY_USERNAME.about, &RELAY_PASSWORD.about), (&RELAY_PASSWORD.about, &RELAY_USERNAME.about)]
    {
        if reader.is_given(one) && !reader.is_given(other) {
            reader.contradiction(one, format!("it is given without {}. Set both, or neither.", other.key));
        }
    }
    let tls = tls?;
    let is_loopback = host.as_deref().is_some_and(values::is_loopback);
    if tls == TlsMode::None && host.is_some() && !is_loopback && !allow_plaintext? {
        reader.contradiction(
            &RELAY_TLS.about,
            "without TLS mails and passwords travel readable for all, and relay.host is another machine. Write `tls = \
             \"starttls\"` or \"implicit\", or set relay.allow_plaintext = true.",
        );
    }
    let port = match port {
        None if !reader.is_given(&RELAY_PORT.about) => match tls {
            TlsMode::Implicit => 465,
            TlsMode::StartTls => 587,
            TlsMode::None => 25,
        },
        port => port?,
    };
    let hello_name = match hello_name {
        None if !reader.is_given(&RELAY_HELLO_NAME.about) => values::as_hello_name(web?.public_url.host()),
        name => name?,
    };
    let credentials = username.zip(password).map(|(username, password)| Credentials {
        method: AuthMethod::Password,
        username,
        password: password.expose().to_owned(),
    });
    Some(Relay {
        host,
        port,
        tls,
        credentials,
        ca_pem,
        hello_name,
        connections: connections?,
        messages_per_connection: messages_per_connection?,
    })
}

fn mail(reader: &mut Reader) -> Option<Mail> {
    let bounce_address = reader.get(&MAIL_BOUNCE_ADDRESS);
    let address = reader.get(&MAIL_UNSUBSCRIBE_ADDRESS);
    let listen = reader.get(&MAIL_INBOUND_LISTEN);
    let retry = reader.get(&MAIL_RETRY_HOURS);
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
    Some(Mail { bounce_address, unsubscribe, retry: retry? })
}

fn can_be_tagged(address: &EmailAddress) -> bool {
    let local = address.local();
    local.is_ascii() && !local.contains('+') && local.len() <= UNSUBSCRIBE_LOCAL_MAX_OCTETS
}
