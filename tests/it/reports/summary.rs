//! The summary of a month: on its morning, once, to those who want it, in their language.

use std::sync::Arc;
use std::time::Duration;

use mail_parser::MessageParser;
use postiljon::clock::Clock;
use postiljon::delivery::{Engine, EngineHandle, EngineParts, EngineSettings};
use postiljon::keys::Keys;
use postiljon::model::{Grant, Language, Newsletter, Role, Timestamp};
use postiljon::reports::summary::set_summary;
use postiljon::store::{Store, grants, outbox, subscriptions, users};

use crate::delivery::signing::Keeper;
use crate::support::database::{both_dbs, change, on_postgres, read};
use crate::support::people::address;
use crate::support::samples::{newsletter, pending};

const PATIENCE: Duration = Duration::from_secs(30);
/// 2026-11-30 23:00 UTC: midnight in Brussels, where December begins.
const DECEMBER: Timestamp = Timestamp::from_millis(1_796_079_600_000);
const HOUR: Duration = Duration::from_secs(3600);

struct Desk {
    store: Store,
    clock: Clock,
    wire: Arc<Keeper>,
}

impl Desk {
    fn at(store: &Store, now: Timestamp) -> Self {
        Self { store: store.clone(), clock: Clock::test(now), wire: Arc::default() }
    }

    fn engine(&self) -> EngineHandle {
        Engine::start(EngineParts {
            store: self.store.clone(),
            clock: self.clock.clone(),
            keys: Keys::new(&[7; 32]),
            wire: self.wire.clone(),
            settings: EngineSettings::new("https://news.example", 2),
        })
    }

    /// Waits until so many mails have gone out; the clock goes on meanwhile, by so much.
    async fn until(&self, engine: &EngineHandle, mails: usize, step: Duration) {
        let mut activity = engine.activity();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.wire.mails().len() < mails || read!(self.store, |db| outbox::open_count(db)) > 0 {
            assert!(tokio::time::Instant::now() < deadline, "only {} mails", self.wire.mails().len());
            if tokio::time::timeout(Duration::from_millis(50), activity.changed()).await.is_err() {
                self.clock.advance(step);
            }
        }
    }

    /// Lets an engine look many times, with nothing to send.
    async fn quiet(&self, engine: &EngineHandle) {
        for _ in 0..12 {
            self.clock.advance(Duration::from_secs(600));
            engine.wake();
            tokio::task::yield_now().await;
            let mut activity = engine.activity();
            let _ = tokio::time::timeout(Duration::from_millis(50), activity.changed()).await;
        }
    }

    fn told(&self) -> Vec<(String, String, String)> {
        let mut told: Vec<_> = self
            .wire
            .mails()
            .into_iter()
            .map(|(to, octets)| {
                let message = MessageParser::default().parse(&octets).expect("a mail");
                let text = message.body_text(0).expect("a text").replace(['\r', '\n'], " ");
                (to, message.subject().unwrap_or_default().to_owned(), text)
            })
            .collect();
        told.sort();
        told
    }
}

/// A newsletter with a reader who came in November, one who came in December, and two users who want the summary.
async fn months(store: &Store) -> Newsletter {
    let news = newsletter(store, "insights").await;
    for (n, at) in [(1, DECEMBER.minus(Duration::from_secs(60))), (2, DECEMBER.plus(Duration::from_secs(60)))]
    {
        let subscription = pending(store, news.id, n).await;
        change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::Dutch, at));
    }
    for (at, language) in [("an@example.org", Language::French), ("bo@example.org", Language::English)] {
        let user = change!(store, |tx| users::insert(tx, &address(at), "X", language, "hash", DECEMBER));
        let grant = Grant::of_one(news.id, Role::Viewer);
        change!(store, |tx| grants::set(tx, user.id, &[grant]));
        set_summary(store, news.id, user.id, true).await.expect("set");
    }
    let cy = change!(store, |tx| users::insert(
        tx,
        &address("cy@example.org"),
        "X",
        Language::Dutch,
        "hash",
        DECEMBER
    ));
    change!(store, |tx| grants::set(tx, cy.id, &[Grant::of_all(Role::Owner)]));
    news
}

both_dbs!(a_month_is_summed_up_on_its_first_morning_in_each_language_once, |store| {
    months(&store).await;
    let desk = Desk::at(&store, DECEMBER.plus(HOUR * 6));
    let engine = desk.engine();
    let mut activity = engine.activity();
    let _ = tokio::time::timeout(Duration::from_millis(300), activity.changed()).await;
    assert!(desk.wire.mails().is_empty(), "six in the morning is too early");
    desk.until(&engine, 2, Duration::from_secs(600)).await;
    let told = desk.told();
    let subjects: Vec<_> = told.iter().map(|(to, subject, _)| (to.as_str(), subject.as_str())).collect();
    assert_eq!(
        subjects,
        [("an@example.org", "INSIGHTS en novembre 2026"), ("bo@example.org", "INSIGHTS in November 2026")]
    );
    assert!(
        told[1].2.contains("One reader confirmed, 0 left."),
        "who came in December is not told: {}",
        told[1].2
    );
    assert!(told[1].2.contains("/reports"), "{}", told[1].2);
    desk.quiet(&engine).await;
    engine.stop().await;
    let again = desk.engine();
    desk.quiet(&again).await;
    again.stop().await;
    assert_eq!(desk.wire.mails().len(), 2);
    desk.clock.set(DECEMBER.plus(HOUR * 24 * 31 + HOUR * 8));
    let engine = desk.engine();
    desk.until(&engine, 4, Duration::from_secs(60)).await;
    engine.stop().await;
    assert!(desk.told().iter().any(|(_, subject, _)| subject == "INSIGHTS in December 2026"));
});

both_dbs!(in_the_middle_of_a_month_and_where_nothing_happened_nobody_is_written_to, |store| {
    months(&store).await;
    let desk = Desk::at(&store, DECEMBER.plus(HOUR * 24 * 12));
    let engine = desk.engine();
    desk.quiet(&engine).await;
    engine.stop().await;
    // January brought nothing.
    desk.clock.set(DECEMBER.plus(HOUR * 24 * 62 + HOUR * 8));
    let engine = desk.engine();
    desk.quiet(&engine).await;
    engine.stop().await;
    assert!(desk.wire.mails().is_empty());
});

on_postgres!(two_processes_write_one_summary, |database| {
    let store = database.store.clone();
    months(&store).await;
    let desk = Desk::at(&store, DECEMBER.plus(HOUR * 8));
    let (one, other) = (desk.engine(), desk.engine());
    desk.until(&one, 2, Duration::from_secs(5)).await;
    desk.quiet(&other).await;
    one.stop().await;
    other.stop().await;
    assert_eq!(desk.wire.mails().len(), 2);
});
