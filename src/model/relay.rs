//! SMTP servers that take our mail, and how to talk to them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::{RelayId, Timestamp};

text_enum!(TlsMode {
    /// TLS from the first byte (port 465, RFC 8314).
    Implicit = "implicit",
    /// STARTTLS, required: a relay that does not offer it gets no mail (port 587).
    StartTls = "starttls",
    /// No TLS: for a relay on the same machine, or by an explicit setting.
    None = "none",
});

/// One relay of several.
#[derive(Debug, Clone)]
pub struct NamedRelay {
    /// By which a newsletter prefers it and the ledger names it.
    pub name: Arc<str>,
    /// Its share of the mail; 0 is a reserve, used only when no other relay can be.
    pub weight: u32,
    pub settings: RelaySettings,
}

/// How to reach a relay, and its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaySettings {
    pub host: String,
    pub port: u16,
    pub tls: TlsMode,
    pub credentials: Option<Credentials>,
    /// With which EHLO introduces us: a name of this machine.
    pub hello_name: String,
    /// PEM certificates trusted beside the system's, for a relay with a company's own authority.
    pub extra_roots_pem: Option<String>,
    /// Most connections open at once.
    pub connections: usize,
    /// Most messages on one connection.
    pub messages_per_connection: usize,
    /// Most mails in an hour, evenly spread; `None` is as fast as the relay takes them.
    pub mails_per_hour: Option<NonZeroU32>,
    pub timeouts: StageTimeouts,
}

text_enum!(AuthMethod {
    /// PLAIN, or LOGIN where the relay offers only that.
    Password = "password",
    /// XOAUTH2, with an access token in place of the password.
    XOAuth2 = "xoauth2",
});

/// User name and password of a relay. `Debug` prints neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub method: AuthMethod,
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// How long each stage of a session may take (RFC 5321, 4.5.3.2). The wait after the final dot is the
/// longest: giving up there makes duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageTimeouts {
    pub connect: Duration,
    /// Greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, RSET: each.
    pub command: Duration,
    pub data: Duration,
    /// Writing the message.
    pub block: Duration,
    pub final_dot: Duration,
    pub quit: Duration,
    /// How long a connection is kept for the next message.
    pub idle: Duration,
}

impl Default for StageTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            command: Duration::from_secs(300),
            data: Duration::from_secs(120),
            block: Duration::from_secs(180),
            final_dot: Duration::from_secs(600),
            quit: Duration::from_secs(5),
            idle: Duration::from_secs(20),
        }
    }
}

text_enum!(
    /// What kind of trouble keeps a relay from being used: what a person is told in plain words.
    RelayCause {
        /// The host's name is in no DNS.
        NoSuchHost = "no_such_host",
        /// Nobody listens on that port.
        NobodyListens = "nobody_listens",
        TimedOut = "timed_out",
        /// The connection stands, and nothing is said: what a port for TLS does that waits for it.
        Silent = "silent",
        /// The relay does not offer STARTTLS.
        NoStartTls = "no_starttls",
        /// What answers there does not speak TLS.
        NoTls = "no_tls",
        /// The certificate is not for this name, has expired, or is of nobody we trust.
        BadCertificate = "bad_certificate",
        /// The relay wants no login, or none that we know.
        NoLogin = "no_login",
        LoginRefused = "login_refused",
        /// The relay says that it cannot now.
        NotNow = "not_now",
        /// The relay said no to us as such.
        Refused = "refused",
        /// The connection broke, or what was said is not SMTP.
        Broken = "broken",
    }
);

/// A relay that cannot be used, and since when.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct RelayTrouble {
    /// Its name.
    pub relay: String,
    pub host: String,
    pub port: i64,
    pub cause: RelayCause,
    /// What was said or went wrong, as it came.
    pub detail: String,
    pub since: Timestamp,
    /// When a process that sends last said so.
    pub seen_at: Timestamp,
    /// When those who may set relays were written to.
    pub told_at: Option<Timestamp>,
}

/// A relay that was set at the desk or on the command line. `Debug` and JSON show nothing of its password.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct StoredRelay {
    pub id: RelayId,
    pub name: String,
    pub host: String,
    pub port: i64,
    pub tls: TlsMode,
    pub auth: AuthMethod,
    /// Empty: no login.
    pub username: String,
    #[serde(skip)]
    pub sealed_password: Vec<u8>,
    pub connections: i64,
    /// Most mails in an hour; without: as fast as the relay takes them.
    pub mails_per_hour: Option<i64>,
    pub weight: i64,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for StoredRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredRelay({}, {}:{}, version {})", self.name, self.host, self.port, self.version)
    }
}
