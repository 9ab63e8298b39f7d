//! A database with people in it, made once and copied for each run; and who of them was subscribed when.

use std::sync::OnceLock;
use std::time::Duration;

use postiljon::keys::{Keys, Purpose, token_hash};
use postiljon::model::{
    EmailAddress, Language, MailingId, NewsletterId, Subscriber, SubscriptionId, Timestamp,
};
use postiljon::store::mailings::Content;
use postiljon::store::{Store, issues, mailings, newsletters, subscribers, subscriptions, tokens};

use super::dice::Dice;
use crate::support::database::folder_in_memory;
use crate::support::samples::{NOW, issue_text, new_newsletter};

/// Most readers of a run.
pub const READERS_MAX: usize = 150;
pub const NEWSLETTERS: usize = 2;
pub const MAILINGS: usize = 3;
/// Where readers live: providers with limits of their own, and domains without.
const DOMAINS: [&str; 10] = [
    "gmail.com",
    "example.org",
    "orange.fr",
    "example.org",
    "telenet.be",
    "gmail.com",
    "firm.example",
    "outlook.be",
    "example.org",
    "wanadoo.fr",
];

pub fn keys() -> Keys {
    Keys::new(&[7; 32])
}

fn address(n: usize) -> EmailAddress {
    // Neighbours in the order of the subscriptions live anywhere.
    let domain = DOMAINS[Dice::new(n as u64).index(DOMAINS.len())];
    format!("r{n}@{domain}").parse().expect("an address")
}

/// Fills an empty database: every reader has confirmed every newsletter a day ago, and holds a link to
/// confirm again. The mailings are Scheduled for a year later, until a run says otherwise.
pub async fn populate(store: &Store) {
    let before = NOW.minus(Duration::from_secs(24 * 3600));
    let later = NOW.plus(Duration::from_secs(365 * 24 * 3600));
    let mut tx = store.begin().await.expect("a transaction");
    let mut letters = Vec::new();
    for name in ["insights", "briefing"] {
        letters.push(newsletters::insert(&mut tx, &new_newsletter(name), before).await.expect("inserted"));
    }
    for n in 1..=READERS_MAX {
        let person: Subscriber =
            subscribers::find_or_insert(&mut tx, &address(n), "Reader", Language::Dutch, before)
                .await
                .expect("inserted");
        for letter in &letters {
            let subscription =
                subscriptions::find_or_insert(&mut tx, person.id, letter.id, Language::Dutch, before)
                    .await
                    .expect("inserted");
            subscriptions::confirm(&mut tx, subscription.id, Language::Dutch, before)
                .await
                .expect("confirmed");
            let hash = token_hash(&confirm_token(subscription.id)).expect("a token");
            tokens::insert_confirm(&mut tx, &hash, subscription.id, "m", before, later)
                .await
                .expect("inserted");
        }
    }
    for n in 0..MAILINGS {
        let letter = letters[n % NEWSLETTERS].id;
        let issue = issues::insert(&mut tx, letter, &issue_text("Nieuws"), before).await.expect("inserted");
        let mailing = mailings::insert(&mut tx, issue.id, letter, later, before).await.expect("inserted");
        let content = Content {
            language: Language::Dutch,
            subject: format!("Mailing {}", mailing.id),
            second_subject: String::new(),
            html: "<p>Dag</p>".into(),
            text: "Dag".into(),
            web_html: "<p>Dag</p>".into(),
        };
        mailings::insert_content(&mut tx, mailing.id, &content).await.expect("inserted");
    }
    tx.commit().await.expect("committed");
}

pub fn confirm_token(subscription: SubscriptionId) -> String {
    keys().derive_token(Purpose::Confirm, &subscription.0.to_be_bytes())
}

/// A new SQLite database with people in it; the folder is in memory where there is such a place, because no
/// power is cut here.
pub async fn sqlite() -> (Store, tempfile::TempDir) {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = TEMPLATE.get_or_init(|| std::thread::spawn(template).join().expect("a template"));
    let folder = folder_in_memory();
    let path = folder.path().join("test.db");
    std::fs::write(&path, bytes).expect("written");
    (Store::open(&format!("sqlite:{}", path.display()), 2).await.expect("SQLite opens"), folder)
}

fn template() -> Vec<u8> {
    let folder = folder_in_memory();
    let path = folder.path().join("template.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&format!("sqlite:{}", path.display()), 1).await.expect("SQLite opens");
        store.migrate().await.expect("SQLite migrates");
        populate(&store).await;
        store.forget_deleted().await.expect("the log is in the file");
        store.close().await;
    });
    std::fs::read(path).expect("a database")
}

/// A subscription, and when it changed.
#[derive(Debug, Clone)]
pub struct Reader {
    pub subscription: SubscriptionId,
    pub newsletter: NewsletterId,
    pub subscriber: i64,
    pub address: String,
    /// Since when it is confirmed and not paused, or not; never empty.
    pub history: Vec<(Timestamp, bool)>,
}

impl Reader {
    pub fn is_confirmed(&self) -> bool {
        self.history.last().is_some_and(|(_, is_confirmed)| *is_confirmed)
    }

    /// Whether it was confirmed at some moment from `since` to `until`, both included.
    pub fn was_confirmed(&self, since: Timestamp, until: Timestamp) -> bool {
        let before = self.history.iter().rev().find(|(at, _)| *at < since);
        before.is_some_and(|(_, is_confirmed)| *is_confirmed)
            || self.history.iter().any(|(at, is_confirmed)| *is_confirmed && *at >= since && *at <= until)
    }

    /// Whether it was confirmed at a moment, whichever of those that happened in that moment was first;
    /// `None` when that depends on it.
    pub fn was_surely_confirmed(&self, at: Timestamp) -> Option<bool> {
        if self.history.iter().any(|(changed, _)| *changed == at) {
            return None;
        }
        Some(self.was_confirmed(at, at))
    }
}

/// A mailing, as the run knows it.
#[derive(Debug, Clone)]
pub struct Letter {
    pub id: MailingId,
    pub newsletter: NewsletterId,
    pub started_at: Option<Timestamp>,
    /// When someone stopped it, and when it went on.
    pub stops: Vec<(Timestamp, Option<Timestamp>)>,
}

/// The readers as [`populate`] made them, of whom the first `count` take part.
pub async fn readers(store: &Store, count: usize) -> Vec<Reader> {
    let mut readers = Vec::new();
    let mut reader = store.read().await.expect("a reader");
    for n in 1..=count {
        let person =
            subscribers::by_address(reader.db(), &address(n)).await.expect("read").expect("a reader");
        for subscription in subscriptions::of_subscriber(reader.db(), person.id).await.expect("read") {
            readers.push(Reader {
                subscription: subscription.id,
                newsletter: subscription.newsletter_id,
                subscriber: person.id.0,
                address: person.address.as_str().to_owned(),
                history: vec![(subscription.confirmed_at.expect("confirmed"), true)],
            });
        }
    }
    readers
}
