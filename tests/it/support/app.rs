//! The web part of the service on a port of its own, without a sender.

use std::sync::Arc;
use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::demo::browser::Browser;
use postiljon::dns::Dns;
use postiljon::files::Files;
use postiljon::http::{Http, Reach};
use postiljon::keys::Keys;
use postiljon::model::{Actor, DisposableDomains, Retention, Timestamp};
use postiljon::publishing::images::Images;
use postiljon::reports::hits::Hits;
use postiljon::store::Store;
use postiljon::subscriptions::background::Background;
use postiljon::subscriptions::gate::Gate;
use postiljon::subscriptions::import::Worker;
use postiljon::web::watching::Watching;
use postiljon::web::{App, app::WebSettings, server};

/// 2026-11-24 09:00 UTC: when the tests' clocks start.
pub const START: Timestamp = Timestamp::from_millis(1_795_510_800_000);

/// How long a mailing that is sent now can be called back.
pub const UNDO: Duration = Duration::from_secs(30);

pub struct TestApp {
    pub app: App,
    pub clock: Clock,
    pub url: String,
    handle: actix_web::dev::ServerHandle,
}

impl TestApp {
    pub async fn start(store: &Store) -> Self {
        Self::start_with(store, Clock::test(START), |_| {}).await
    }

    /// With somebody who answers questions to the DNS.
    pub async fn start_asking(store: &Store, dns: Dns) -> Self {
        Self::start_with(store, Clock::test(START), |app| app.dns = dns).await
    }

    /// The same with something about it that is not usual.
    pub async fn start_with(store: &Store, clock: Clock, change: impl FnOnce(&mut App)) -> Self {
        let store = &store.clone().timed(clock.clone());
        // The port is only known once the listener is there, and the public URL must name it.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let url = format!("http://{address}");
        let settings = WebSettings {
            public_url: url.clone(),
            trusted_proxies: Vec::new(),
            undo: UNDO,
            retention: Retention::default(),
            says_local: false,
        };
        let mut app = App {
            store: store.clone(),
            clock: clock.clone(),
            keys: Keys::new(&[7; 32]),
            gate: Gate::new(&url, DisposableDomains::default(), None),
            http: Http::new(Reach::Anywhere),
            provider: None,
            settings: Arc::new(settings),
            wake: Arc::default(),
            background: Arc::default(),
            watching: Watching::default(),
            images: Images::new(Files::in_memory()),
            relays: Default::default(),
            dns: Dns::none(),
            audiences: Default::default(),
            hits: Hits::start(store).0,
        };
        change(&mut app);
        // As the service starts it; `app.store` is for the tests.
        let served = App { store: store.acting(Actor::Visitor), ..app.clone() };
        let bound = server::bind(served, address, 1, None).expect("the server binds");
        tokio::spawn(bound.server);
        Self { app, clock, url, handle: bound.handle }
    }

    /// Does all that waits in the background.
    pub async fn work_off(&self) {
        let background = Background {
            store: self.app.store.clone(),
            clock: self.clock.clone(),
            keys: self.app.keys.clone(),
            wake: Arc::default(),
            mails: Arc::default(),
            database_file: None,
        };
        let mut worker = Worker::default();
        while background.step(&mut worker).await.expect("a step") {}
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}
