//! The list of settings: the one place where a setting is declared.
//!
//! Its documentation comment is what `postiljon config example` prints, its parser is what reads it from
//! every source, its fallback is the default. To add a setting: an entry here, a field in its section of
//! [`super::Config`], and the line in `sections.rs` that fills it.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::dkim_key;
use super::network::Network;
use super::public_url::PublicUrl;
use super::values::{self, DatabaseUrl, LogFormat, Secret};
use crate::model::{
    AuthMethod, Destinations, DisposableDomains, EmailAddress, ImageStore, SigningKey, TlsMode,
};

/// A setting with the type that it is read as.
pub struct Setting<T: 'static> {
    pub about: About,
    /// Reads one text. An error finishes the sentence that begins with the text: `is not a ..`.
    pub parse: fn(&str) -> Result<T, String>,
}

/// What can be said of a setting without its type.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Section and name: `relay.host`.
    pub key: &'static str,
    /// Lines of its documentation, each with the space that rustdoc leaves in front.
    pub documentation: &'static [&'static str],
    pub form: Form,
    pub fallback: Fallback,
}

/// How a setting is written in TOML. In the environment everything is text, a list has commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    /// A text that is never shown, and may stand in a file of its own, named by `<key>_file`.
    Secret,
    Integer,
    Boolean,
    /// Texts in brackets.
    List,
}

#[derive(Debug, Clone, Copy)]
pub enum Fallback {
    /// The default.
    Value(&'static str),
    /// There is none, or it follows from other settings; this one is for the example and for errors.
    Example(&'static str),
}

impl About {
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or("", |(section, _)| section)
    }

    /// The key inside its section.
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }

    /// Whether a table `[relays.NAME]` may have it.
    pub fn is_of_relay(&self) -> bool {
        self.section() == "relay"
    }

    pub fn is_secret(&self) -> bool {
        self.form == Form::Secret
    }

    /// The default, or an example where there is none, as text.
    pub fn sample(&self) -> &'static str {
        match self.fallback {
            Fallback::Value(text) | Fallback::Example(text) => text,
        }
    }

    /// The line that sets the default, or an example, in its section of the TOML file.
    pub fn toml_line(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let value = match self.form {
            Form::Text | Form::Secret => quoted(self.sample()),
            Form::Integer | Form::Boolean => self.sample().to_owned(),
            Form::List => {
                let items: Vec<String> = values::items(self.sample()).map(quoted).collect();
                format!("[{}]", items.join(", "))
            }
        };
        format!("{} = {value}", self.name())
    }
}

/// A setting where it stands: those of `[relay]` also in a `[relays.NAME]` of their own.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub about: &'a About,
    /// `NAME`; `None` for every other section.
    relay: Option<&'a str>,
}

impl<'a> From<&'a About> for Place<'a> {
    fn from(about: &'a About) -> Self {
        Self { about, relay: None }
    }
}

impl<'a> Place<'a> {
    /// In the table of this relay, if it is a setting of a relay.
    pub fn of(about: &'a About, relay: Option<&'a str>) -> Self {
        Self { about, relay: relay.filter(|_| about.is_of_relay()) }
    }

    /// `relays.second.host`.
    pub fn key(&self) -> String {
        format!("{}.{}", self.section(), self.about.name())
    }

    pub fn section(&self) -> String {
        match self.relay {
            Some(relay) => format!("relays.{relay}"),
            None => self.about.section().to_owned(),
        }
    }

    /// `relays.second.host` is `POSTILJON_RELAYS_SECOND_HOST`.
    pub fn variable(&self) -> String {
        let key = self.key().replace(['.', '-'], "_").to_ascii_uppercase();
        format!("{}{key}", super::VARIABLE_PREFIX)
    }

    /// Its key, and that of its file where it is a secret.
    pub fn keys(&self) -> Vec<String> {
        self.with_file(self.key(), "_file")
    }

    /// Its variable, and that of its file where it is a secret.
    pub fn variables(&self) -> Vec<String> {
        self.with_file(self.variable(), "_FILE")
    }

    fn with_file(&self, name: String, suffix: &str) -> Vec<String> {
        let file = self.about.is_secret().then(|| format!("{name}{suffix}"));
        std::iter::once(name).chain(file).collect()
    }
}

macro_rules! settings {
    ($($(#[doc = $line:literal])+ $name:ident: $type:ty = $key:literal, $form:ident, $fallback:ident($text:literal), $parse:expr;)+) => {
        $(
            $(#[doc = $line])+
            pub const $name: Setting<$type> = Setting {
                about: About {
                    key: $key,
                    documentation: &[$($line),+],
                    form: Form::$form,
                    fallback: Fallback::$fallback($text),
                },
                parse: $parse,
            };
        )+

        /// Every setting, in the order of the example file.
        pub const ALL: &[About] = &[$($name.about),+];

        /// What the parser of each setting says to its default or example.
        #[cfg(test)]
        pub fn parse_samples() -> Vec<(&'static str, Result<(), String>)> {
            vec![$(($key, ($name.parse)($text).map(drop))),+]
        }
    };
}

settings! {
    /// The folder with everything that Postiljon keeps on disk. It is created when it is missing.
    DATA_FOLDER: PathBuf = "data.folder", Text, Value("postiljon-data"), values::path;

    /// Where the images of articles are kept: a folder, or `s3://BUCKET` in a program that was built for S3.
    /// Default: the folder images in the data folder. Several processes need one place that all of them reach.
    IMAGES_STORE: ImageStore = "images.store", Text, Example("/var/lib/postiljon/images"), str::parse;

    /// `sqlite:` and the path of a file, or `postgres://user:password@host:5432/database`.
    /// Default: the SQLite file postiljon.db in the data folder.
    /// PostgreSQL 15 or later is for several processes on one list.
    DATABASE_URL: DatabaseUrl = "database.url", Secret, Example("sqlite:/var/lib/postiljon/postiljon.db"), values::database_url;
    /// Most connections to PostgreSQL, or most readers of the SQLite file, from 1 to 200.
    DATABASE_CONNECTIONS: u32 = "database.connections", Integer, Value("10"), |text| values::number(text, 1..=200);

    /// Address and port on which the pages are served.
    WEB_LISTEN: SocketAddr = "web.listen", Text, Value("127.0.0.1:8080"), values::socket_address;
    /// Under which visitors reach the pages: it stands in every link of every mail, so it must stay right for years.
    /// Default: `http://` and web.listen, for trying out on one machine.
    WEB_PUBLIC_URL: PublicUrl = "web.public_url", Text, Example("https://news.example.com"), values::public_url;
    /// Take a public address with http:// that is not this machine. Cookies and links then travel readable for all.
    WEB_ALLOW_INSECURE: bool = "web.allow_insecure", Boolean, Value("false"), values::boolean;
    /// Proxies whose X-Forwarded-For is believed: addresses, or networks such as 10.0.0.0/8. Without any, the
    /// address of a visitor is the address of the connection.
    WEB_TRUSTED_PROXIES: Vec<Network> = "web.trusted_proxies", List, Value(""), values::networks;
    /// Threads that answer requests, from 1 to 64.
    WEB_WORKERS: usize = "web.workers", Integer, Value("2"), |text| values::number(text, 1..=64);

    /// Signs the links in mails and the cookies: at least 32 characters, such as `openssl rand -base64 48` prints.
    /// Who changes it makes every unsubscribe link that was ever mailed worthless.
    /// Default with SQLite: the file secret.key in the data folder, made at the first start. PostgreSQL needs it set.
    SECRET_KEY: Secret = "secret.key", Secret, Example("0123456789abcdef0123456789abcdef-write-your-own"), values::secret_key;

    /// Where people of a company sign in: the issuer of an OpenID Connect provider, exactly as its discovery document says
    /// it. Together with oidc.client_id and oidc.client_secret; docs/operating.md says what to enter at the provider.
    OIDC_ISSUER: String = "oidc.issuer", Text, Example("https://login.example.com"), values::issuer;
    /// What the provider calls this installation.
    OIDC_CLIENT_ID: String = "oidc.client_id", Text, Example("postiljon"), values::text;
    /// The secret that it gave for that.
    OIDC_CLIENT_SECRET: Secret = "oidc.client_secret", Secret, Example("the secret"), values::secret;
    /// What the button says: `Sign in with ..`. Default: the host of the issuer.
    OIDC_LABEL: String = "oidc.label", Text, Example("Example Company"), values::label;
    /// Domains of which the provider is trusted to know who has which address: only people with a verified address there may
    /// come in through it, and whoever is at this desk under that address is known at once. Set it only for a provider of
    /// your own. Without any, the provider opens only the accounts that were linked to it by their owners.
    OIDC_ALLOWED_DOMAINS: Vec<String> = "oidc.allowed_domains", List, Value(""), values::domains;
    /// Whether passwords still open the desk beside the provider.
    OIDC_PASSWORD_LOGIN: bool = "oidc.password_login", Boolean, Value("true"), values::boolean;
    /// Ask the provider also where its address is of this machine or of a private network.
    OIDC_PRIVATE_NETWORK: bool = "oidc.private_network", Boolean, Value("false"), values::boolean;

    /// The SMTP server that takes our mail. Every process that sends needs one, here or in a [relays.NAME].
    RELAY_HOST: String = "relay.host", Text, Example("smtp.example.com"), values::host;
    /// Default: 587 with starttls, 465 with implicit, 25 with none.
    RELAY_PORT: u16 = "relay.port", Integer, Example("587"), |text| values::number(text, 1..=u16::MAX);
    /// implicit: TLS from the first byte. starttls: required, never silently left out. none: for a relay on this machine.
    RELAY_TLS: TlsMode = "relay.tls", Text, Value("starttls"), values::tls_mode;
    /// Take relay.tls = "none" for a relay on another machine. Mails and password then travel readable for all.
    RELAY_ALLOW_PLAINTEXT: bool = "relay.allow_plaintext", Boolean, Value("false"), values::boolean;
    /// User name at the relay, together with relay.password. Without both there is no login.
    RELAY_USERNAME: String = "relay.username", Text, Example("postiljon"), values::text;
    /// Password at the relay.
    RELAY_PASSWORD: Secret = "relay.password", Secret, Example("the password"), values::secret;
    /// password: AUTH PLAIN or LOGIN. xoauth2: relay.password is an access token; who renews it writes it to
    /// relay.password_file and sends SIGHUP.
    RELAY_AUTH: AuthMethod = "relay.auth", Text, Value("password"), values::login_method;
    /// A PEM file with certificates to trust beside those of the system: for a relay with a company's own authority.
    RELAY_CA_FILE: String = "relay.ca_file", Text, Example("/etc/postiljon/relay-ca.pem"), values::pem_file;
    /// The name with which we introduce ourselves to the relay (EHLO). Default: the host of web.public_url.
    RELAY_HELLO_NAME: String = "relay.hello_name", Text, Example("news.example.com"), values::hello_name;
    /// Most connections to the relay at once, from 1 to 500.
    RELAY_CONNECTIONS: usize = "relay.connections", Integer, Value("10"), |text| values::number(text, 1..=500);
    /// Most messages on one connection, from 1 to 100000.
    RELAY_MESSAGES_PER_CONNECTION: usize = "relay.messages_per_connection", Integer, Value("100"), |text| values::number(text, 1..=100_000);
    /// For how many seconds a connection is kept for the next message, from 1 to 300.
    RELAY_IDLE_SECONDS: Duration = "relay.idle_seconds", Integer, Value("20"), |text| values::number(text, 1..=300).map(Duration::from_secs);
    /// Most mails in an hour, evenly spread, over all processes that send. Default: as fast as the relay takes them.
    RELAY_MAILS_PER_HOUR: NonZeroU32 = "relay.mails_per_hour", Integer, Example("20000"), values::per_hour;
    /// Its share of the mail beside other relays, from 0 to 1000. 0 is a reserve, used only when no other relay can be.
    RELAY_WEIGHT: u32 = "relay.weight", Integer, Value("1"), |text| values::number(text, 0..=1000);

    /// The envelope sender: where bounces go. Default: the sender of the newsletter.
    MAIL_BOUNCE_ADDRESS: EmailAddress = "mail.bounce_address", Text, Example("bounces@news.example.com"), values::email_address;
    /// Where mail programs send unsubscribe mails, with a tag: leave+TAG@.. Together with mail.inbound_listen.
    MAIL_UNSUBSCRIBE_ADDRESS: EmailAddress = "mail.unsubscribe_address", Text, Example("leave@news.example.com"), values::email_address;
    /// Address and port on which mail to mail.unsubscribe_address is taken, by SMTP.
    MAIL_INBOUND_LISTEN: SocketAddr = "mail.inbound_listen", Text, Example("127.0.0.1:2525"), values::socket_address;
    /// For how many hours a mail is tried again that the relay put off, from 1 to 240.
    MAIL_RETRY_HOURS: Duration = "mail.retry_hours", Integer, Value("48"), values::hours;
    /// For how many seconds a stop waits for answers of the relay, from 0 to 3600. A mail whose answer is still missing then
    /// is recorded as a doubt. By default as long as the answer to a message may take (RFC 5321, 4.5.3.2), and a little more.
    MAIL_STOP_SECONDS: Duration = "mail.stop_seconds", Integer, Value("620"), values::stop_seconds;
    /// For how many seconds a mailing that is sent now still waits, so that it can be called back, from 0 to 600.
    MAIL_UNDO_SECONDS: Duration = "mail.undo_seconds", Integer, Value("30"), values::undo_seconds;

    /// Ask the DNS whether the domain of a new address takes mail. Only a sure no is shown as a mistake; a slow or
    /// silent DNS refuses nobody.
    SIGNUP_CHECK_MX: bool = "signup.check_mx", Boolean, Value("true"), values::boolean;
    /// A file with more domains of throw-away mailboxes, one a line; their subdomains count too. Each form decides
    /// what happens to them.
    SIGNUP_DISPOSABLE_DOMAINS_FILE: DisposableDomains = "signup.disposable_domains_file", Text, Example("/etc/postiljon/disposable-domains.txt"), values::disposable_domains_file;

    /// A file with limits of providers and domains: mails at once, mails per hour, a warm-up. See docs/operating.md.
    DESTINATIONS_FILE: Destinations = "destinations.file", Text, Example("/etc/postiljon/destinations.toml"), values::destinations_file;
    /// Whether domains that stand in no table are recognised by their mail hosts (MX records): a company's mail at Google or
    /// Microsoft is Google's or Microsoft's. Asks the system's DNS servers, in the background; no mail waits for it.
    DESTINATIONS_MX: bool = "destinations.mx", Boolean, Value("true"), values::boolean;

    /// Whose mails are signed (DKIM): senders of this domain and of those under it. Together with dkim.selector and
    /// dkim.key_file; `postiljon dkim new` makes a key. Leave all of it out where the relay signs.
    DKIM_DOMAIN: String = "dkim.domain", Text, Example("example.com"), values::domain;
    /// Under which name DNS has the key: the record is SELECTOR._domainkey.DOMAIN.
    DKIM_SELECTOR: String = "dkim.selector", Text, Example("postiljon2026"), values::selector;
    /// The private RSA key in PEM form (PKCS#8); nobody but its owner may read the file.
    DKIM_KEY_FILE: SigningKey = "dkim.key_file", Text, Example("/etc/postiljon/dkim-rsa.pem"), dkim_key::rsa;
    /// The name of a second key, Ed25519: for receivers that know the newer signature. Together with dkim.ed25519_key_file.
    DKIM_ED25519_SELECTOR: String = "dkim.ed25519_selector", Text, Example("postiljon2026e"), values::selector;
    /// Its private key in PEM form (PKCS#8).
    DKIM_ED25519_KEY_FILE: SigningKey = "dkim.ed25519_key_file", Text, Example("/etc/postiljon/dkim-ed25519.pem"), dkim_key::ed25519;

    /// Days for which the evidence of someone who left keeps IP address, browser and referrer, counted from leaving. As
    /// long as the subscription stands all of it is kept: it is your proof. From 0 to 3650.
    RETENTION_EVIDENCE_DAYS: Duration = "retention.evidence_days", Integer, Value("1095"), |text| values::days(text, 0);
    /// Days for which single mails (confirmations, tests, alerts) are kept once they are finished, from 1 to 3650. The
    /// confirmation mail of who confirmed is evidence, and kept with the subscription.
    RETENTION_SINGLE_MAILS_DAYS: Duration = "retention.single_mails_days", Integer, Value("30"), |text| values::days(text, 1);
    /// Days for which the relay's replies are kept for each reader, counted from the end of the mailing, from 1 to 3650.
    /// The outcome stays.
    RETENTION_REPLIES_DAYS: Duration = "retention.replies_days", Integer, Value("90"), |text| values::days(text, 1);
    /// Days for which reasons for leaving are kept, from 1 to 3650.
    RETENTION_DEPARTURES_DAYS: Duration = "retention.departures_days", Integer, Value("365"), |text| values::days(text, 1);
    /// Days for which the sign-ups of each hour and form are counted, from 31 to 3650: what is usual is reckoned from them.
    RETENTION_COUNTS_DAYS: Duration = "retention.counts_days", Integer, Value("90"), |text| values::days(text, 31);
    /// Days for which what readers opened and followed is kept of those who agreed, counted from the last time, from 1 to
    /// 3650. The totals stay.
    RETENTION_CLICKS_DAYS: Duration = "retention.clicks_days", Integer, Value("365"), |text| values::days(text, 1);
    /// Days for which it is kept who did what at the desk and on the command line, from 30 to 3650.
    RETENTION_AUDIT_DAYS: Duration = "retention.audit_days", Integer, Value("730"), |text| values::days(text, 30);

    /// error, warn, info, debug or trace: how much Postiljon tells. Of its libraries only warnings are logged.
    LOG_LEVEL: tracing::Level = "log.level", Text, Value("info"), values::log_level;
    /// text for people, json for machines.
    LOG_FORMAT: LogFormat = "log.format", Text, Value("text"), values::log_format;
}
