//! The pages of a service on a new database.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use postiljon::clock::Clock;
use postiljon::files::Files;
use postiljon::http::{Http, Reach};
use postiljon::keys::Keys;
use postiljon::model::newsletter::NewNewsletter;
use postiljon::model::{
    DisposableDomains, EmailAddress, Language, Newsletter, Slug, Timestamp, UncertainPolicy,
};
use postiljon::publishing::images::Images;
use postiljon::store::{Pools, Store, forms, newsletters, subscribers, subscriptions, suppressions};
use postiljon::subscriptions::gate::Gate;
use postiljon::subscriptions::stamp::stamp;
use postiljon::web::watching::Watching;
use postiljon::web::{App, app::WebSettings, server};
use sqlx::{Connection as _, Executor as _};

/// Threads that answer requests, as the configuration has it.
const WORKERS: usize = 2;
/// Connections to the database, as the configuration has it.
const CONNECTIONS: u32 = 10;

/// A database that can be had here.
pub enum Engine {
    Sqlite,
    /// With the URL of a database from which others can be made.
    Postgres(String),
}

pub fn engines(only_sqlite: bool) -> Vec<Engine> {
    match std::env::var("POSTILJON_TEST_POSTGRES_URL") {
        Ok(url) if !only_sqlite => vec![Engine::Sqlite, Engine::Postgres(url)],
        Ok(_) => vec![Engine::Sqlite],
        Err(_) => {
            eprintln!("PostgreSQL is not measured: POSTILJON_TEST_POSTGRES_URL is not set");
            vec![Engine::Sqlite]
        }
    }
}

impl Engine {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// What may be known of an address.
#[derive(Debug, Clone, Copy)]
pub enum State {
    New,
    Pending,
    Confirmed,
    Left,
    Suppressed,
}

impl State {
    pub const ALL: [Self; 5] = [Self::New, Self::Pending, Self::Confirmed, Self::Left, Self::Suppressed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Left => "left",
            Self::Suppressed => "suppressed",
        }
    }

    pub fn address(self, door: Door, n: usize) -> String {
        format!("{}{n}.{}@d{}.example", self.name(), door.name(), n % 97)
    }
}

/// How a sign-up comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Page,
    Api,
}

impl Door {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Api => "api",
        }
    }

    pub const fn success(self) -> u16 {
        match self {
            Self::Page => 303,
            Self::Api => 200,
        }
    }
}

pub struct Site {
    pub store: Store,
    pub keys: Keys,
    pub newsletter: Newsletter,
    pub address: SocketAddr,
    pub wake: Arc<tokio::sync::Notify>,
    form: uuid::Uuid,
    stamp: String,
    handle: actix_web::dev::ServerHandle,
    /// Removed with the site.
    _folder: tempfile::TempDir,
    postgres: Option<(String, String)>,
}

impl Site {
    pub async fn start(engine: &Engine) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (url, postgres) = match engine {
            Engine::Sqlite => (format!("sqlite:{}", folder.path().join("bench.db").display()), None),
            Engine::Postgres(admin_url) => {
                let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
                administer(admin_url, format!("CREATE DATABASE {name}")).await?;
                let base = admin_url.rsplit_once('/').map_or(admin_url.as_str(), |(base, _)| base);
                (format!("{base}/{name}"), Some((admin_url.clone(), name)))
            }
        };
        let store = Store::open(&url, CONNECTIONS).await?;
        store.migrate().await?;
        let (clock, keys) = (Clock::system(), Keys::new(&[7; 32]));
        let mut tx = store.begin().await?;
        let newsletter = newsletters::insert(&mut tx, &newsletter()?, clock.now()).await?;
        tx.commit().await?;
        // The load is what an attack is; here it is to be taken.
        execute(&store, "UPDATE forms SET proof_policy = 'never'").await?;
        let form = forms::default_of(store.read().await?.db(), newsletter.id).await?.public_id;
        let public_url = "https://news.example.org".to_owned();
        let wake: Arc<tokio::sync::Notify> = Arc::default();
        let app = App {
            store: store.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            gate: Gate::new(&public_url, DisposableDomains::default(), None),
            http: Http::new(Reach::Anywhere),
            provider: None,
            settings: Arc::new(WebSettings {
                public_url,
                trusted_proxies: vec!["127.0.0.1".parse().map_err(|error| anyhow::anyhow!("{error:?}"))?],
                says_local: false,
                undo: Duration::ZERO,
                retention: postiljon::model::Retention::default(),
            }),
            wake: Arc::clone(&wake),
            background: Arc::default(),
            watching: Watching::default(),
            images: Images::new(Files::in_memory()),
            relays: Default::default(),
            dns: postiljon::dns::Dns::none(),
            audiences: Default::default(),
            hits: postiljon::reports::hits::Hits::start(&store).0,
        };
        let bound = server::bind(app, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), WORKERS, None)?;
        tokio::spawn(bound.server);
        let stamp = stamp(&keys, clock.now().minus(Duration::from_secs(60)));
        let (address, handle) = (bound.address, bound.handle);
        Ok(Self { store, keys, newsletter, address, wake, form, stamp, handle, _folder: folder, postgres })
    }

    /// The doors that there are.
    pub async fn doors(&self) -> anyhow::Result<Vec<Door>> {
        let mut connection = crate::client::Connection::open(self.address).await?;
        let status = connection.send(&self.request(Door::Api, "first@d0.example", 1_000_000)).await?;
        Ok(if status == Door::Api.success() { vec![Door::Page, Door::Api] } else { vec![Door::Page] })
    }

    /// A sign-up from a network of its own.
    pub fn request(&self, door: Door, at: &str, network: usize) -> Vec<u8> {
        let (path, media_type, body) = match door {
            Door::Page => {
                let fields = [
                    ("email", at),
                    ("name", "Jan"),
                    ("language", "en"),
                    ("shown_in", "en"),
                    ("consent", "yes"),
                    ("website", ""),
                    ("stamp", &self.stamp),
                ];
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                (format!("/n/{}/subscribe", self.newsletter.slug), "application/x-www-form-urlencoded", body)
            }
            Door::Api => {
                let body = serde_json::json!({
                    "email": at, "name": "Jan", "language": "en", "consent": true, "stamp": self.stamp,
                });
                (format!("/api/forms/{}/signups", self.form), "application/json", body.to_string())
            }
        };
        let ip = format!("10.{}.{}.7", network / 256 % 256, network % 256);
        format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nx-forwarded-for: {ip}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .into_bytes()
    }

    /// Addresses in every state, none of which had a mail yet.
    pub async fn prepare_states(&self, count: usize) -> anyhow::Result<()> {
        let now = Clock::system().now();
        let mut tx = self.store.begin().await?;
        for door in [Door::Page, Door::Api] {
            for n in 0..count {
                for state in [State::Pending, State::Confirmed, State::Left] {
                    let at = address(&state.address(door, n))?;
                    let person =
                        subscribers::find_or_insert(&mut tx, &at, "Jan", Language::English, now).await?;
                    let subscription = subscriptions::find_or_insert(
                        &mut tx,
                        person.id,
                        self.newsletter.id,
                        Language::English,
                        now,
                    )
                    .await?;
                    if matches!(state, State::Confirmed | State::Left) {
                        subscriptions::confirm(&mut tx, subscription.id, Language::English, now).await?;
                    }
                    if matches!(state, State::Left) {
                        subscriptions::unsubscribe(&mut tx, subscription.id, now).await?;
                    }
                }
                let gone = address(&State::Suppressed.address(door, n))?;
                suppressions::insert(&mut tx, &self.keys.address_hash(&gone), now).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.handle.stop(false).await;
        self.store.close().await;
        if let Some((admin_url, name)) = self.postgres {
            administer(&admin_url, format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }
}

async fn execute(store: &Store, sql: &'static str) -> anyhow::Result<()> {
    match store.pools() {
        Pools::Sqlite { writer, .. } => {
            sqlx::query(sql).execute(writer).await?;
        }
        Pools::Postgres(pool) => {
            sqlx::query(sql).execute(pool).await?;
        }
    }
    Ok(())
}

async fn administer(url: &str, sql: String) -> anyhow::Result<()> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    connection.execute(sqlx::AssertSqlSafe(sql)).await?;
    connection.close().await?;
    Ok(())
}

pub fn address(text: &str) -> anyhow::Result<EmailAddress> {
    EmailAddress::parse(text).context("an address")
}

fn newsletter() -> anyhow::Result<NewNewsletter> {
    Ok(NewNewsletter {
        slug: Slug::parse("bench").context("a slug")?,
        name: "Bench".into(),
        description: String::new(),
        language: Language::English,
        time_zone: "Europe/Brussels".into(),
        sender_name: "Meridiaan".into(),
        sender_address: address("news@meridiaan.example")?,
        reply_to: None,
        postal_address: "Kaai 1\n1000 Brussel".into(),
        brand_color: "#0f766e".into(),
        logo_url: String::new(),
        on_uncertain: UncertainPolicy::Resend,
    })
}

/// The moment of the rows that are made beforehand.
pub fn now() -> Timestamp {
    Clock::system().now()
}
