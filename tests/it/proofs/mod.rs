//! The promise, proved on the real binary: processes are killed, stopped and frozen, databases are cut off,
//! locked and filled up, while a relay counts what arrives.
//!
//! To add a proof: a file named after the failure; [`Proof`] has the mailing, the relay and the books.
//! Numbers that a test measures are printed: `cargo test proofs:: -- --nocapture`. What is random has a seed,
//! which is printed too, and given again in `POSTILJON_TEST_SEED`.

mod database_cut;
mod database_locked;
mod disk_full;
mod erased;
mod import;
mod killed;
mod million;
mod postfix;
mod process;
mod relay;
mod terminated;
mod two_senders;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use postiljon::demo::browser::Browser;
use postiljon::model::newsletter::NewNewsletter;
use postiljon::model::{
    Delivery, Language, Mailing, MailingId, MailingStatus, SubscriberId, UncertainPolicy,
};
use postiljon::store::mailings::Content;
use postiljon::store::{Pools, Store, deliveries, issues, mailings, newsletters, subscribers, subscriptions};

use self::process::{Process, Settings};
use self::relay::Relay;
use crate::support::database::{TestDatabase, read};
use crate::support::dice::Dice;
use crate::support::samples::{NOW, address, issue_text, new_newsletter};

/// Connections to the relay of each process; also the most copies that one failure may cost.
const CONNECTIONS: usize = 8;
/// Mails that may go out while no outcome can be stored: what is claimed, and a mail on each connection.
const IN_HAND_MAX: usize = 200 + CONNECTIONS;
/// Longest wait for a mailing to be Sent; far longer than it takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(150);
/// How soon a sender sends again, after it was started or its database came back (R1).
const RESUME_MAX: Duration = Duration::from_secs(10);
/// How often the database is asked: nobody tells another process when it changes.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// A mail of some size, so that a kill also hits in the middle of one.
const TEXT_OCTETS: usize = 2_000;
/// The page of the ledger that is read at once.
const LEDGER_ROWS: i64 = 1_000;

/// A mailing that is due, a relay, and a place for processes to run.
struct Proof {
    folder: tempfile::TempDir,
    database_url: String,
    relay: Relay,
    mailing: MailingId,
    audience: usize,
}

impl Proof {
    /// The connections of the test to the database are closed: a process that is killed leaves SQLite's files
    /// as they are, for the next one to recover.
    async fn new(database: &TestDatabase, audience: usize, policy: UncertainPolicy) -> Self {
        let mailing = due_mailing(&database.store, audience, policy).await;
        database.store.close().await;
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            database_url: database.url.clone(),
            relay: Relay::start().await,
            mailing,
            audience,
        }
    }

    /// Starts `serve`; the relay knows it as `name`.
    fn start(&self, name: &str) -> Process {
        self.start_as("all", name, self.folder.path().to_owned(), &[])
    }

    /// The same with pages, and a visitor of them.
    fn start_with_pages(&self, name: &str) -> (Process, Browser) {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let listen = [("POSTILJON_WEB_LISTEN", free.to_string())];
        let process = self.start_as("all", name, self.folder.path().to_owned(), &listen);
        (process, Browser::new(&format!("http://{free}")))
    }

    fn start_as(&self, role: &str, name: &str, data: PathBuf, more: &[(&str, String)]) -> Process {
        std::fs::create_dir_all(&data).expect("a folder");
        Process::start(&Settings {
            role,
            log: &data.join("log"),
            data: &data,
            database_url: &self.database_url,
            relay: self.relay.address,
            connections: CONNECTIONS,
            hello_name: name,
            more,
        })
    }

    /// The test's own connections to the database.
    async fn store(&self) -> Store {
        Store::open(&self.database_url, 2).await.expect("the database opens")
    }

    /// Waits until the mailing is Sent.
    async fn until_sent(&self, process: &mut Process) -> Mailing {
        let store = self.store().await;
        let sent = within(PATIENCE, "the mailing is Sent", async {
            loop {
                assert!(process.is_running(), "the process ended:\n{}", process.log());
                let mailing = read!(store, |db| mailings::by_id(db, self.mailing)).expect("the mailing");
                if mailing.status == MailingStatus::Sent {
                    return mailing;
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        })
        .await;
        store.close().await;
        sent
    }

    /// What must hold at the end, whatever happened. Answers the copies beyond the first of each recipient.
    async fn books_are_right(&self, sent: &Mailing) -> usize {
        let store = self.store().await;
        let copies = self.relay.copies();
        assert_eq!(copies.len(), self.audience, "recipients with a copy");
        assert!(sent.account.balances(), "{:?}", sent.account);
        assert_eq!(usize::try_from(sent.account.audience).ok(), Some(self.audience));
        let counted = read!(store, |db| deliveries::count(db, self.mailing));
        let rows: i64 = counted.iter().map(|(_, count)| count).sum();
        assert_eq!(rows, sent.account.audience, "{counted:?}");
        let mut ids = std::collections::HashSet::new();
        for copies in copies.values() {
            assert!(!copies[0].message_id.is_empty() && ids.insert(copies[0].message_id.as_str()));
            assert!(copies.iter().all(|copy| copy.message_id == copies[0].message_id), "{copies:?}");
        }
        // No copy is made in silence: the ledger has a doubt for each.
        for delivery in ledger(&store, self.mailing).await {
            let made = copies[&address_of(delivery.subscriber_id)].len();
            assert!(
                i64::try_from(made).is_ok_and(|made| made <= delivery.doubts + 1),
                "{made}: {delivery:?}"
            );
        }
        if let Pools::Sqlite { writer, .. } = store.pools() {
            let answer: String =
                sqlx::query_scalar("PRAGMA integrity_check").fetch_one(writer).await.expect("an answer");
            assert_eq!(answer, "ok");
        }
        store.close().await;
        self.relay.tally().too_many()
    }
}

/// Somebody signs up; `true` when that was taken, `false` when the service says to come back later.
async fn signs_up(browser: &Browser, address: &str) -> bool {
    let fields = [("email", address), ("consent", "yes"), ("language", "nl")];
    let answer = browser.post("/n/insights/subscribe", &fields).await.expect("an answer");
    match answer.status {
        303 => true,
        503 => {
            let again = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
            assert!(again.is_some_and(|seconds| seconds > 0), "when to come back");
            false
        }
        other => panic!("{other}: {}", answer.body),
    }
}

/// Fails with a sentence when something takes too long.
async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| panic!("not so after {limit:?}: {what}"))
}

/// Subscribers are made in the order of their ids, from 1.
fn address_of(subscriber: SubscriberId) -> String {
    format!("reader{subscriber}@example.org")
}

async fn ledger(store: &Store, mailing: MailingId) -> Vec<Delivery> {
    let mut rows: Vec<Delivery> = Vec::new();
    loop {
        let after = rows.last().map_or(SubscriberId(0), |row| row.subscriber_id);
        let page = read!(store, |db| deliveries::ledger(db, mailing, after, LEDGER_ROWS));
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

/// A newsletter with so many readers, and a mailing to them that is due.
async fn due_mailing(store: &Store, readers: usize, policy: UncertainPolicy) -> MailingId {
    let mut tx = store.begin().await.expect("a transaction");
    let new = NewNewsletter { on_uncertain: policy, ..new_newsletter("insights") };
    let newsletter = newsletters::insert(&mut tx, &new, NOW).await.expect("inserted");
    for n in 1..=readers {
        let reader = address(&format!("reader{n}@example.org"));
        let person = subscribers::find_or_insert(&mut tx, &reader, "Reader", Language::Dutch, NOW)
            .await
            .expect("a subscriber");
        assert_eq!(address_of(person.id), reader.to_string());
        let subscription =
            subscriptions::find_or_insert(&mut tx, person.id, newsletter.id, Language::Dutch, NOW)
                .await
                .expect("a subscription");
        subscriptions::confirm(&mut tx, subscription.id, Language::Dutch, NOW).await.expect("confirmed");
    }
    let issue = issues::insert(&mut tx, newsletter.id, &issue_text("Nieuws"), NOW).await.expect("inserted");
    let mailing = mailings::insert(&mut tx, issue.id, newsletter.id, NOW, NOW).await.expect("inserted");
    let words = "Alles over één ding. ".repeat(TEXT_OCTETS / 21);
    let content = Content {
        language: Language::Dutch,
        subject: "Nieuws".into(),
        second_subject: String::new(),
        html: format!("<p>{words}</p>"),
        web_html: format!("<p>{words}</p>"),
        text: words,
    };
    mailings::insert_content(&mut tx, mailing.id, &content).await.expect("inserted");
    tx.commit().await.expect("committed");
    mailing.id
}
