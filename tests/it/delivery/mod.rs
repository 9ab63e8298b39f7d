//! The promise, failure by failure, with a wire that follows a script and a clock that the tests move.

mod crash;
mod destinations;
mod erased;
mod failures;
mod faults;
mod pauses;
mod promise;
mod relay;
mod relays;
mod reminders;
mod retention;
mod script;
pub mod signing;
mod single_mails;
mod states;
mod stopping;
mod trial;
mod welcome;

use std::sync::Arc;
use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::delivery::wire::Wire;
use postiljon::delivery::{Engine, EngineHandle, EngineParts, EngineSettings};
use postiljon::keys::Keys;
use postiljon::model::{Language, Mailing, MailingStatus, Newsletter, Outcome};
use postiljon::store::mailings::Content;
use postiljon::store::{Store, deliveries, mailings};

use crate::support::database::{change, read};
use crate::support::samples::{NOW, confirmed, newsletter, scheduled};

/// How long a test waits for what should take a moment.
const PATIENCE: Duration = Duration::from_secs(30);
/// As many as a destination takes before its first success.
const CONNECTIONS: usize = 2;

/// Clock, keys and wire around a store.
struct Bench {
    store: Store,
    clock: Clock,
    keys: Keys,
    parts: EngineParts,
}

impl Bench {
    fn new(store: &Store, wire: Arc<dyn Wire>) -> Self {
        let clock = Clock::test(NOW);
        let keys = Keys::new(&[7; 32]);
        let parts = EngineParts {
            store: store.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            wire,
            settings: EngineSettings::new("https://news.example.org", CONNECTIONS),
        };
        Self { store: store.clone(), clock, keys, parts }
    }

    fn start(&self) -> EngineHandle {
        Engine::start(self.parts.clone())
    }

    /// Waits for a state of the mailing, moving the clock by `step` whenever nothing happens.
    async fn until(
        &self,
        engine: &EngineHandle,
        mailing: &Mailing,
        step: Duration,
        is_so: impl Fn(&Mailing) -> bool,
    ) -> Mailing {
        let mut activity = engine.activity();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            activity.mark_unchanged();
            let now = read!(self.store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
            if is_so(&now) {
                return now;
            }
            assert!(tokio::time::Instant::now() < deadline, "it did not come to that: {now:?}");
            let quiet = Duration::from_millis(100);
            if tokio::time::timeout(quiet, activity.changed()).await.is_err() && !step.is_zero() {
                self.clock.advance(step);
            }
        }
    }

    async fn until_sent(&self, engine: &EngineHandle, mailing: &Mailing, step: Duration) -> Mailing {
        let sent = self.until(engine, mailing, step, |mailing| mailing.status == MailingStatus::Sent).await;
        self.assert_balanced(&sent).await;
        sent
    }

    /// The numbers of the mailing are those of its rows, and the equation holds.
    async fn assert_balanced(&self, mailing: &Mailing) {
        let account = mailing.account;
        assert!(account.balances(), "{account:?}");
        let rows = read!(self.store, |db| deliveries::count(db, mailing.id));
        let of = |outcome| rows.iter().find(|(found, _)| *found == outcome).map_or(0, |(_, count)| *count);
        let counted = [
            of(Outcome::Sent),
            of(Outcome::Bounced),
            of(Outcome::Uncertain),
            of(Outcome::Skipped),
            of(Outcome::Expired),
        ];
        let numbers = [account.sent, account.bounced, account.uncertain, account.skipped, account.expired];
        assert_eq!((counted, of(Outcome::Claimed), of(Outcome::Deferred)), (numbers, 0, 0));
    }
}

/// A newsletter with readers, and an issue of it that is due.
async fn due_mailing(store: &Store, readers: usize) -> (Newsletter, Mailing) {
    let newsletter = newsletter(store, "insights").await;
    let mailing = mailing_of(store, &newsletter, readers).await;
    (newsletter, mailing)
}

async fn mailing_of(store: &Store, newsletter: &Newsletter, readers: usize) -> Mailing {
    for n in 1..=readers {
        confirmed(store, newsletter.id, n).await;
    }
    let mailing = scheduled(store, newsletter.id).await;
    let content = Content {
        language: Language::Dutch,
        subject: "Nieuws".into(),
        second_subject: String::new(),
        html: "<p>Dag</p>".into(),
        text: "Dag".into(),
        web_html: "<p>Dag</p>".into(),
    };
    change!(store, |tx| mailings::insert_content(tx, mailing.id, &content));
    mailing
}
