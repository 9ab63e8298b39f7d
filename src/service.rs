//! The parts put together: what `serve`, `demo` and the tests start and stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

use crate::accounts::provider::Provider;
use crate::clock::Clock;
use crate::config::{Config, DatabaseUrl, MailtoUnsubscribe, Role};
use crate::delivery::lock::ProcessLock;
use crate::delivery::{Engine, EngineHandle, EngineParts, EngineSettings};
use crate::dns::Dns;
use crate::files::Files;
use crate::http::{Http, Reach, is_on_this_machine};
use crate::keys::Keys;
use crate::mail::dkim::Signers;
use crate::mail::receive::{Mailbox, ReceivedMail, Receiver};
use crate::mail::relays::Relays;
use crate::mail::reply::Reply;
use crate::model::Actor;
use crate::publishing::audiences::Audiences;
use crate::publishing::images::Images;
use crate::reports::hits::Hits;
use crate::setup::relays::Configured;
use crate::store::health::Schema;
use crate::store::{self, Store, installation};
use crate::subscriptions::background::Background;
use crate::subscriptions::gate::Gate;
use crate::subscriptions::unsubscribe::unsubscribe_by_mail;
use crate::web::app::{App, WebSettings};
use crate::web::server::{self, ExtraRoutes};
use crate::web::watching::Watching;

mod beside;
mod relays;
mod signing;
mod supervised;

use beside::Beside;
use relays::Keeper;
use supervised::supervised;

/// In the data folder: what is on the wire.
const JOURNAL_FOLDER: &str = "journal";

/// How long a stop waits for the last clicks and opens to be counted.
const LAST_COUNTS: Duration = Duration::from_secs(5);

/// A service that runs.
pub struct Service {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    /// Wakes the sender after a verb has written something to send.
    pub wake: Arc<Notify>,
    /// Where the pages are; `None` for a sender alone.
    pub address: Option<SocketAddr>,
    /// Over which mail goes; `None` for pages alone.
    pub relays: Option<Relays>,
    configured: Configured,
    keeper: Option<Keeper>,
    watching: Watching,
    web: Option<(ServerHandle, JoinHandle<std::io::Result<()>>)>,
    engine: Option<EngineHandle>,
    /// Counts clicks and opens; ends when the pages have.
    counter: Option<JoinHandle<()>>,
    /// What goes on beside the engine, for as long as the service runs.
    beside: Vec<JoinHandle<()>>,
    inbound: Option<Receiver>,
    _locks: Vec<ProcessLock>,
}

/// What to do with the database of a newer version.
pub const NEWER_SCHEMA: &str =
    "a newer version has used this database. Run that version, or restore the backup from before it";

/// Opens the database of a configuration, and brings its schema up to date.
///
/// # Errors
/// When it cannot be reached or migrated, or a newer version has used it.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let store = connect_store(config).await?;
    anyhow::ensure!(store.schema().await? != Schema::Newer, "{NEWER_SCHEMA}");
    store.migrate().await?;
    Ok(store)
}

/// Opens the database of a configuration as it is.
///
/// # Errors
/// When it cannot be reached.
pub async fn connect_store(config: &Config) -> store::Result<Store> {
    let url = match &config.database.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
    };
    Store::open(&url, config.database.connections).await
}

/// The keys of a configuration, whose secret is made at the first start. Another one than that with which the database was
/// used makes the links in all mails worthless, and erased people come back with the next import, so it is refused.
///
/// # Errors
/// When the secret cannot be read or made, or is not that of the database.
pub async fn open_keys(config: &Config, store: &Store) -> anyhow::Result<Keys> {
    let mut reader = store.read().await?;
    let known = installation::secret_check(reader.db()).await?;
    let is_used = known.is_some() || installation::has_subscribers(reader.db()).await?;
    drop(reader);
    if let Some(file) = config.secret_key_file().filter(|file| is_used && !file.exists()) {
        anyhow::bail!(
            "the key of this installation, {}, is not there, and the database is in use: restore it from the backup. Is data.folder \
             ({}) the right one? Without that key the links in mails that were sent lead nowhere, and erased addresses are not \
             recognised. If it is lost for good: `postiljon migrate --new-secret-key`",
            file.display(),
            config.data.folder.display()
        );
    }
    let keys = configured_keys(config)?;
    let check = keys.secret_check();
    let known = if let Some(known) = known {
        known
    } else {
        let mut tx = store.begin().await?;
        installation::set_secret_check(&mut tx, &check).await?;
        // Of two processes that do so at once the first is right.
        let known = installation::secret_check(tx.db()).await?;
        tx.commit().await?;
        known.unwrap_or_default()
    };
    anyhow::ensure!(
        known == check,
        "the secret of this installation (secret.key) is not the one with which this database was used: restore that one. Without it \
         the links in mails that were sent lead nowhere, and erased addresses are not recognised. If it is lost for good: \
         `postiljon migrate --new-secret-key`"
    );
    Ok(keys)
}

/// The same without a look at the database.
///
/// # Errors
/// When the secret cannot be read or made.
pub fn configured_keys(config: &Config) -> anyhow::Result<Keys> {
    Ok(Keys::new(config.secret_key()?.expose().as_bytes()))
}

/// Where an SQLite database is.
fn database_file(config: &Config) -> Option<PathBuf> {
    match &config.database.url {
        DatabaseUrl::Sqlite(path) => Some(path.clone()),
        DatabaseUrl::Postgres(_) => None,
    }
}

/// The gate of a configuration.
fn open_gate(config: &Config) -> Gate {
    let domains = config.signup.disposable_domains.clone();
    Gate::new(config.web.public_url.as_str(), domains, config.signup.check_mx.then(Dns::system))
}

/// The provider of a configuration: within the own network where that is said.
pub fn open_provider(config: &Config) -> Option<Provider> {
    let settings = config.oidc.clone()?;
    let reach = if settings.private_network { Reach::Anywhere } else { reach(config) };
    Some(Provider::new(settings, Http::new(reach)))
}

/// A trial on one machine links to itself.
pub fn reach(config: &Config) -> Reach {
    if is_on_this_machine(config.web.public_url.as_str()) { Reach::Anywhere } else { Reach::Public }
}

/// What everything but the pages runs on, which have threads of their own: one thread, of about ten thousand mails a
/// second. To wake another one for each step of a mail costs more than it brings (`docs/performance.md`); the
/// database, signatures and files have threads of theirs.
///
/// # Errors
/// When the system refuses what a runtime needs.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

impl Service {
    /// Starts what the role asks for.
    ///
    /// # Errors
    /// With what to do about it: a port in use, a database that does not answer, a folder that another process
    /// works in.
    pub async fn start(
        config: &Config,
        role: Role,
        clock: Clock,
        extra: Option<ExtraRoutes>,
    ) -> anyhow::Result<Self> {
        // One process per SQLite file: its recovery takes every claim for an orphan.
        let locks = match &config.database.url {
            DatabaseUrl::Sqlite(file) if role.sends() => {
                vec![ProcessLock::of_folder(&config.data.folder)?, ProcessLock::of_database(file)?]
            }
            _ => Vec::new(),
        };
        let store = open_store(config).await?.timed(clock.clone());
        let keys = open_keys(config, &store).await?;
        let wake = Arc::new(Notify::new());
        let mut service = Self {
            store,
            clock,
            keys,
            wake,
            address: None,
            relays: None,
            configured: Configured::new(config.relays.clone(), config.web.public_url.host()),
            keeper: None,
            watching: Watching::default(),
            web: None,
            engine: None,
            counter: None,
            beside: Vec::new(),
            inbound: None,
            _locks: locks,
        };
        // The port first: when it is taken, nothing has been sent yet.
        if role.serves_pages() {
            service.start_web(config, extra)?;
        }
        if role.sends() {
            service.start_engine(config).await?;
        }
        if let Some(unsubscribe) = config.mail.unsubscribe.as_ref().filter(|_| role.serves_pages()) {
            service.start_inbound(unsubscribe).await?;
        }
        Ok(service)
    }

    fn start_web(&mut self, config: &Config, extra: Option<ExtraRoutes>) -> anyhow::Result<()> {
        let settings = WebSettings {
            public_url: config.web.public_url.as_str().to_owned(),
            trusted_proxies: config.web.trusted_proxies.clone(),
            undo: config.mail.undo,
            retention: config.retention,
            // Only the demo brings pages of its own; its readers are all on this machine.
            says_local: extra.is_none(),
        };
        let (hits, counter) = Hits::start(&self.store);
        self.counter = Some(counter);
        let background = Background {
            store: self.store.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            wake: Arc::new(Notify::new()),
            mails: Arc::clone(&self.wake),
            database_file: database_file(config),
        };
        let app = App {
            background: Arc::clone(&background.wake),
            // In nobody's name, until a session says whose: see `web::access`.
            store: self.store.acting(Actor::Visitor),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            gate: open_gate(config),
            http: Http::new(reach(config)),
            provider: open_provider(config),
            settings: Arc::new(settings),
            wake: Arc::clone(&self.wake),
            watching: self.watching.clone(),
            images: Images::new(Files::open(&config.images)?),
            relays: self.configured.clone(),
            dns: Dns::system(),
            audiences: Audiences::default(),
            hits,
        };
        let listen = config.web.listen;
        let bound = server::bind(app, listen, config.web.workers, extra).map_err(|error| {
            anyhow::anyhow!(
                "the pages cannot be served on {listen}: {error}. Stop what listens there, or set web.listen"
            )
        })?;
        self.beside.push(supervised("imports and other long work", move || background.clone().run()));
        self.address = Some(bound.address);
        self.web = Some((bound.handle, tokio::spawn(bound.server)));
        Ok(())
    }

    async fn start_engine(&mut self, config: &Config) -> anyhow::Result<()> {
        let database_file = database_file(config);
        let relays = Relays::new(Vec::new())?;
        let Self { store, clock, keys, configured, .. } = self;
        let url = config.web.public_url.as_str();
        let keeper = Keeper::new(store, clock, keys, configured, &relays, url, database_file.clone());
        keeper.apply(true).await?;
        if relays.connections() == 0 {
            tracing::warn!(
                "there is no relay yet, so nothing is sent: set one at the desk, or in the configuration"
            );
        }
        let mut settings = EngineSettings::new(config.web.public_url.as_str(), relays.connections());
        settings.retry_for = config.mail.retry;
        settings.drain = config.mail.stop;
        settings.unsubscribe_mailbox =
            config.mail.unsubscribe.as_ref().map(|unsubscribe| unsubscribe.address.clone());
        settings.bounce_address = config.mail.bounce_address.clone();
        settings.destinations = config.destinations.clone();
        settings.dns = config.destinations_mx.then(Dns::system);
        settings.journal_folder = Some(config.data.folder.join(JOURNAL_FOLDER));
        settings.database_file = database_file;
        settings.retention = config.retention;
        let signing = signing::Keeper {
            store: self.store.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            configured: config.dkim.clone(),
            signers: Signers::default(),
            database_file: settings.database_file.clone(),
            seen: Mutex::default(),
        };
        signing.begin().await?;
        settings.signers = signing.signers.clone();
        let engine = Engine::start(EngineParts {
            store: self.store.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            wire: Arc::new(relays.clone()),
            settings,
        });
        // The pages notify; the engine wakes.
        let (wake, waker) = (Arc::clone(&self.wake), engine.waker());
        self.beside.push(tokio::spawn(async move {
            loop {
                wake.notified().await;
                waker();
            }
        }));
        let beside = Beside {
            store: self.store.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            public_url: config.web.public_url.as_str().to_owned(),
            http: Http::new(reach(config)),
            images: Images::new(Files::open(&config.images)?),
            wake: Arc::clone(&self.wake),
        };
        let also = beside.clone();
        self.beside.push(supervised("making digests", move || beside.clone().digests()));
        self.beside.push(supervised("asking sources", move || also.clone().sources()));
        self.engine = Some(engine);
        self.relays = Some(relays);
        let (following, signing) = (keeper.clone(), Arc::new(signing));
        self.beside.push(supervised("following the relays", move || following.clone().run()));
        self.beside.push(supervised("following the signing keys", move || Arc::clone(&signing).run()));
        self.keeper = Some(keeper);
        Ok(())
    }

    /// Uses the relays of a configuration that was read again. All else stays as it was at the start.
    ///
    /// # Errors
    /// When they cannot be used; then those of before stay.
    pub async fn reload(&self, config: &Config) -> anyhow::Result<()> {
        let before = self.configured.relays();
        self.configured.replace(config.relays.clone());
        if let Some(keeper) = &self.keeper {
            if let Err(error) = keeper.apply(true).await {
                self.configured.replace(before);
                return Err(error);
            }
            self.wake.notify_one();
        }
        Ok(())
    }

    async fn start_inbound(&mut self, unsubscribe: &MailtoUnsubscribe) -> anyhow::Result<()> {
        let leaver = Leaver {
            local: unsubscribe.address.local().to_lowercase(),
            domain: unsubscribe.address.ascii_domain().to_owned(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
        };
        let listen = unsubscribe.listen;
        let receiver = Receiver::bind(listen, leaver).await.map_err(|error| {
            anyhow::anyhow!("mail cannot be taken on {listen}: {error}. Set mail.inbound_listen")
        })?;
        self.inbound = Some(receiver);
        Ok(())
    }

    /// Where mails to leave are taken, if they are.
    pub fn inbound_address(&self) -> Option<SocketAddr> {
        self.inbound.as_ref().map(Receiver::address)
    }

    /// Lets a [`Service::stop`] wait no longer for answers of the relay, when it is called.
    pub fn hurrier(&self) -> impl Fn() + Send + use<> {
        let engine = self.engine.as_ref().map(EngineHandle::hurrier);
        move || {
            if let Some(hurry) = &engine {
                hurry();
            }
        }
    }

    /// Stops in the order that loses nothing: no new mails and no more requests, then what is on the wire, then the
    /// database.
    pub async fn stop(self) {
        if let Some(engine) = &self.engine {
            engine.begin_to_stop();
        }
        // Streams have no end of their own.
        self.watching.stop();
        for task in self.beside {
            task.abort();
        }
        if let Some((handle, server)) = self.web {
            handle.stop(true).await;
            let _ = server.await;
        }
        if let Some(counter) = self.counter
            && tokio::time::timeout(LAST_COUNTS, counter).await.is_err()
        {
            tracing::warn!("the last clicks and opens could not be counted");
        }
        if let Some(inbound) = self.inbound {
            inbound.stop().await;
        }
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
        if let Some(relays) = self.relays {
            relays.close().await;
        }
        self.store.close().await;
    }
}

/// The mailbox of the unsubscribe address (RFC 2369): who writes to it leaves.
struct Leaver {
    local: String,
    domain: String,
    store: Store,
    clock: Clock,
    keys: Keys,
}

impl Leaver {
    /// The part before the @ of an address that is ours.
    fn local_part<'a>(&self, to: &'a str) -> Option<&'a str> {
        let (local, domain) = to.rsplit_once('@')?;
        let name = local.split('+').next()?.to_lowercase();
        (name == self.local && domain.eq_ignore_ascii_case(&self.domain)).then_some(local)
    }
}

impl Mailbox for Leaver {
    fn accepts(&self, to: &str) -> Result<(), Reply> {
        match self.local_part(to) {
            Some(_) => Ok(()),
            None => Err(Reply::new(550, Some((5, 1, 1)), "no such mailbox here")),
        }
    }

    async fn deliver(&self, mail: ReceivedMail) -> Reply {
        for to in &mail.to {
            let Some(local) = self.local_part(to) else { continue };
            match unsubscribe_by_mail(&self.store, &self.clock, &self.keys, local).await {
                // Also for a link that is not ours: who wrote it can do nothing about it.
                Ok(is_ours) => tracing::info!(is_ours, "a mail to leave"),
                Err(error) => {
                    tracing::warn!(cause = %error, "a mail to leave found no database");
                    return Reply::new(451, Some((4, 3, 0)), "please try again");
                }
            }
        }
        Reply::new(250, Some((2, 0, 0)), "you have left")
    }
}
