//! The engine and the real relays against servers, names and clocks that misbehave: nobody is lost, nobody gets
//! a copy that is not accounted for.
//!
//! To add a fault: a file named after it, with its row of the fault matrix in the comment on top; [`Rig`] has
//! the server, the relays and the books. [`both_dbs_each`] runs one body for several cases at the same time,
//! so that their pauses, which are real time, pass together.

mod calls;
mod clocks;
mod crowded;
mod daylight;
mod deferrals;
mod dropped;
mod edits;
mod hanging;
mod logins;
mod mixed;
mod names;
mod refusals;
mod tls;
mod told_to_go;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::delivery::EngineHandle;
use postiljon::delivery::wire::{Held, LastLook, Sending, SendingAnnouncing, Wire, WireMail};
use postiljon::mail::relays::Relays;
use postiljon::model::{
    Delivery, Language, Mailing, MailingStatus, NamedRelay, Outcome, RelaySettings, StageTimeouts,
    SubscriberId, Timestamp,
};
use postiljon::store::{Store, deliveries, mailings, subscribers, subscriptions};
use tokio::sync::watch;

use super::{Bench, PATIENCE, mailing_of};
use crate::support::database::read;
use crate::support::samples::{NOW, address, newsletter};
use crate::support::smtp_server::{Options, SmtpServer};

const CONNECTIONS: usize = 4;
/// Of each stage, where none is to run out: longer than a busy machine may stand still.
const AMPLE: Duration = Duration::from_secs(20);
/// For what should happen at once, on a busy machine.
const SOON: Duration = Duration::from_secs(5);
/// The first pause of a relay that cannot be used, in real time.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// More rows than any test here has.
const LEDGER_ROWS: i64 = 10_000;

/// One body for several cases, all at the same time, each on a database of its own.
macro_rules! both_dbs_each {
    ($(#[$meta:meta])* $name:ident, $cases:expr, |$store:ident, $case:pat_param| $body:block) => {
        mod $name {
            use super::*;

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let all = $cases.into_iter().map(|$case| async move {
                    let database = $crate::support::database::TestDatabase::sqlite().await;
                    let $store = database.store.clone();
                    $body
                });
                futures_util::future::join_all(all).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let all = $cases.into_iter().map(|$case| async move {
                    let database = $crate::support::database::TestDatabase::postgres().await;
                    let Some(database) = database else { return };
                    let $store = database.store.clone();
                    $body
                    database.drop_postgres().await;
                });
                futures_util::future::join_all(all).await;
            }
        }
    };
}
pub(super) use both_dbs_each;

/// A server, the relays that reach it, and an engine to be.
struct Rig {
    server: SmtpServer,
    relays: Relays,
    bench: Bench,
    tries: Arc<Noted>,
}

impl Rig {
    async fn new(store: &Store, options: Options) -> Self {
        Self::with(store, options, |settings| settings).await
    }

    /// With other settings than those of [`settings`].
    async fn with(
        store: &Store,
        options: Options,
        change: impl FnOnce(RelaySettings) -> RelaySettings,
    ) -> Self {
        let server = SmtpServer::start(options).await;
        let relays = Relays::new(vec![main_relay(change(settings(&server)))]).expect("relays");
        let tries = Arc::new(Noted {
            relays: relays.clone(),
            clock: std::sync::OnceLock::new(),
            begun: Mutex::default(),
        });
        let bench = Bench::new(store, tries.clone());
        tries.clock.set(bench.clock.clone()).expect("set once");
        Self { server, relays, bench, tries }
    }

    /// Stops the engine and the relays: at once, and no connection is left.
    async fn close(self, engine: EngineHandle) -> SmtpServer {
        tokio::time::timeout(SOON, engine.stop()).await.expect("the engine stops soon");
        self.relays.close().await;
        let closed = self.server.wait_until_all_closed();
        tokio::time::timeout(SOON, closed).await.expect("no connection is left");
        self.server
    }

    /// Waits until the mailing is Sent, and until then gives time to what waits for it.
    async fn until_sent(&self, engine: &EngineHandle, mailing: &Mailing) -> Mailing {
        self.bench.until_sent(engine, mailing, Duration::from_secs(30)).await
    }

    async fn ledger(&self, mailing: &Mailing) -> Vec<Delivery> {
        read!(self.bench.store, |db| deliveries::ledger(db, mailing.id, SubscriberId(0), LEDGER_ROWS))
    }

    /// Everybody has one copy, and the ledger says so too.
    async fn everybody_has_one(&self, sent: &Mailing, case: &str) {
        let copies = self.server.copies();
        assert_eq!(i64::try_from(copies.len()).ok(), Some(sent.account.audience), "{case}: recipients");
        assert!(copies.values().all(|copies| *copies == 1), "{case}: {copies:?}");
        assert_eq!(sent.account.sent, sent.account.audience, "{case}: {:?}", sent.account);
        let ledger = self.ledger(sent).await;
        assert!(ledger.iter().all(|row| row.doubts == 0), "{case}: {ledger:?}");
    }
}

fn main_relay(settings: RelaySettings) -> NamedRelay {
    NamedRelay { name: "main".into(), weight: 1, settings }
}

/// No limit runs out but those of the test.
fn settings(server: &SmtpServer) -> RelaySettings {
    let settings = crate::mail::smtp::settings(server.addr);
    RelaySettings {
        connections: CONNECTIONS,
        messages_per_connection: 10_000,
        timeouts: all_stages(AMPLE),
        ..settings
    }
}

fn all_stages(limit: Duration) -> StageTimeouts {
    StageTimeouts {
        connect: limit,
        command: limit,
        data: limit,
        block: limit,
        final_dot: limit,
        ..StageTimeouts::default()
    }
}

/// A mailing that is due, to these addresses in this order.
async fn mailing_to(store: &Store, readers: impl IntoIterator<Item = String>) -> Mailing {
    let newsletter = newsletter(store, "insights").await;
    let mut tx = store.begin().await.expect("a transaction");
    for reader in readers {
        let person = subscribers::find_or_insert(&mut tx, &address(&reader), "", Language::Dutch, NOW)
            .await
            .expect("a subscriber");
        let subscription =
            subscriptions::find_or_insert(&mut tx, person.id, newsletter.id, Language::Dutch, NOW)
                .await
                .expect("a subscription");
        subscriptions::confirm(&mut tx, subscription.id, Language::Dutch, NOW).await.expect("confirmed");
    }
    tx.commit().await.expect("committed");
    mailing_of(store, &newsletter, 0).await
}

/// Readers whom nothing happens to, each at a domain of its own: none is taken for a destination that fails.
fn fine(count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(|n| format!("fine@d{n}.example"))
}

/// Readers to whom the server does `what`, each at a domain of its own.
fn ill(what: &str, count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |n| format!("{what}@i{n}.example"))
}

/// The relays, and when which mail was tried, by the clock of the test.
struct Noted {
    relays: Relays,
    clock: std::sync::OnceLock<Clock>,
    begun: Mutex<Vec<(String, Timestamp)>>,
}

impl std::fmt::Debug for Noted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Noted")
    }
}

impl Noted {
    /// The moments of all tries of one recipient.
    fn of(&self, to: &str) -> Vec<Timestamp> {
        let begun = self.begun.lock().unwrap();
        begun.iter().filter(|(tried, _)| tried == to).map(|(_, at)| *at).collect()
    }
}

impl Wire for Noted {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        let now = self.clock.get().expect("set").now();
        self.begun.lock().unwrap().push((mail.to.as_str().to_owned(), now));
        Wire::send(&self.relays, mail)
    }

    fn send_announcing<'a>(
        &'a self,
        mail: &'a WireMail,
        held: Held,
        next: Option<&'a WireMail>,
        look: &'a dyn LastLook,
    ) -> SendingAnnouncing<'a> {
        let now = self.clock.get().expect("set").now();
        self.begun.lock().unwrap().push((mail.to.as_str().to_owned(), now));
        Wire::send_announcing(&self.relays, mail, held, next, look)
    }

    fn announces(&self) -> bool {
        Wire::announces(&self.relays)
    }

    fn connections(&self) -> Option<watch::Receiver<usize>> {
        Wire::connections(&self.relays)
    }

    fn wait(&self, preferred: &str) -> Duration {
        Wire::wait(&self.relays, preferred)
    }
}
