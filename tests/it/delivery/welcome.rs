//! The welcome series: on its day, once, and to nobody who has left.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postiljon::delivery::EngineHandle;
use postiljon::delivery::wire::{Attempt, Sending, Sent, Wire, WireMail};
use postiljon::keys::Purpose;
use postiljon::mail::reply::Reply;
use postiljon::model::{Language, Newsletter, OutboxKind, Subscription, Timestamp, WelcomeStep, WelcomeText};
use postiljon::store::{Store, outbox, subscriptions, welcome};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::unsubscribe::{resubscribe, undo_link, unsubscribe};

use super::script::{Script, Step};
use super::{Bench, PATIENCE};
use crate::support::database::{both_dbs, change, read};
use crate::support::dice::Dice;
use crate::support::samples::{NOW, newsletter, pending};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Takes every mail, and keeps recipient and text.
#[derive(Debug, Default)]
struct Pile(Mutex<Vec<(String, String)>>);

impl Pile {
    fn all(&self) -> Vec<(String, String)> {
        self.0.lock().expect("the pile").clone()
    }

    /// Recipient and day of each mail of the series: each says its day.
    fn days(&self) -> Vec<(String, i64)> {
        let day = |text: &str| {
            let rest = text.split("Subject: Dag ").nth(1).expect("a day");
            rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
        };
        self.all().iter().map(|(to, text)| (to.clone(), day(text))).collect()
    }
}

impl Wire for Pile {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        Box::pin(async move {
            let text = String::from_utf8_lossy(&mail.octets).into_owned();
            self.0.lock().expect("the pile").push((mail.to.to_string(), text));
            let attempt = Attempt::Accepted { reply: Reply::parse(250, "2.0.0 ok") };
            Ok(Sent { attempt, relay: "main".into() })
        })
    }
}

/// A step that is sent since a moment.
async fn step(store: &Store, newsletter: &Newsletter, days: i64, since: Option<Timestamp>) -> WelcomeStep {
    let made = change!(store, |tx| welcome::insert_step(tx, newsletter.id, days, NOW));
    let text = WelcomeText {
        step_id: made.id,
        language: Language::Dutch,
        subject: format!("Dag {days}"),
        preheader: String::new(),
        body: "Dag {{name|lezer}}, welkom.".into(),
        article_id: None,
    };
    change!(store, |tx| welcome::set_text(tx, &text));
    assert!(change!(store, |tx| welcome::update_step(tx, made.id, NOW, days, since, NOW)));
    read!(store, |db| welcome::step(db, made.id)).expect("the step")
}

async fn confirmed_at(store: &Store, newsletter: &Newsletter, n: usize, at: Timestamp) -> Subscription {
    let subscription = pending(store, newsletter.id, n).await;
    change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::Dutch, at));
    subscription
}

/// Waits until something is so. The clock goes on meanwhile, a second at a time: who looked just before it was set
/// ahead, or renews its lease, waits for it to move.
async fn until(bench: &Bench, engine: &EngineHandle, is_so: impl Fn() -> bool) {
    let mut activity = engine.activity();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "it did not come to that");
        if tokio::time::timeout(Duration::from_millis(50), activity.changed()).await.is_err() {
            bench.clock.advance(Duration::from_secs(1));
        }
    }
}

/// Waits until no mail is open.
async fn until_quiet(store: &Store) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while read!(store, |db| outbox::open_count(db)) > 0 {
        assert!(tokio::time::Instant::now() < deadline, "the outbox is not empty");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

both_dbs!(a_step_comes_on_its_day_with_name_and_a_link_to_leave, |store| {
    let wire = Arc::new(Pile::default());
    let bench = Bench::new(&store, wire.clone());
    let news = newsletter(&store, "insights").await;
    step(&store, &news, 0, Some(NOW)).await;
    step(&store, &news, 3, Some(NOW)).await;
    let engine = bench.start();
    confirmed_at(&store, &news, 1, NOW).await;
    engine.wake();
    until(&bench, &engine, || wire.all().len() == 1).await;
    let (to, text) = wire.all().remove(0);
    assert_eq!(to, "reader1@example.org");
    // Without the breaks of long lines.
    let text = text.replace("=\r\n", "").replace("\r\n ", " ");
    for part in [
        "Subject: Dag 0",
        "List-Unsubscribe: <https://news.example.org/unsubscribe/",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "List-Id: \"INSIGHTS\" <insights.meridiaan.example>",
        "Dag Name of reader1, welkom.",
        "https://news.example.org/preferences/",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    bench.clock.advance(DAY * 3 - HOUR);
    until_quiet(&store).await;
    assert_eq!(wire.all().len(), 1, "not before its day");
    bench.clock.advance(HOUR);
    until(&bench, &engine, || wire.all().len() == 2).await;
    assert_eq!(wire.days(), [("reader1@example.org".to_owned(), 0), ("reader1@example.org".to_owned(), 3)]);
    engine.stop().await;
});

both_dbs!(who_is_past_the_day_of_a_step_when_it_begins_does_not_get_it, |store| {
    let wire = Arc::new(Pile::default());
    let bench = Bench::new(&store, wire.clone());
    let news = newsletter(&store, "insights").await;
    confirmed_at(&store, &news, 1, NOW.minus(DAY * 4)).await;
    confirmed_at(&store, &news, 2, NOW.minus(DAY * 2)).await;
    step(&store, &news, 0, Some(NOW)).await;
    step(&store, &news, 3, Some(NOW)).await;
    step(&store, &news, 1, None).await;
    let engine = bench.start();
    bench.clock.advance(DAY);
    until(&bench, &engine, || wire.all().len() == 1).await;
    until_quiet(&store).await;
    engine.stop().await;
    bench.clock.advance(DAY * 10);
    // What is due when it begins is queued at once.
    let engine = bench.start();
    let mut activity = engine.activity();
    while tokio::time::timeout(Duration::from_millis(500), activity.changed()).await.is_ok() {}
    until_quiet(&store).await;
    engine.stop().await;
    assert_eq!(wire.days(), [("reader2@example.org".to_owned(), 3)]);
});

both_dbs!(as_many_engines_as_a_database_may_have_send_each_step_once, |store| {
    let wire = Arc::new(Pile::default());
    let bench = Bench::new(&store, wire.clone());
    let news = newsletter(&store, "insights").await;
    step(&store, &news, 0, Some(NOW)).await;
    for n in 1..=150 {
        confirmed_at(&store, &news, n, NOW).await;
    }
    // On SQLite one alone: whoever begins there buries all others, since the lock file is theirs no more.
    let count = if store.is_shared() { 2 } else { 1 };
    let engines: Vec<_> = (0..count).map(|_| bench.start()).collect();
    // The clock stands: one that runs ahead of a busy disk would have them bury each other.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut activity = engines[0].activity();
    while wire.all().len() < 150 {
        assert!(tokio::time::Instant::now() < deadline, "{} of 150 were sent", wire.all().len());
        engines.iter().for_each(EngineHandle::wake);
        let _ = tokio::time::timeout(Duration::from_millis(20), activity.changed()).await;
    }
    until_quiet(&store).await;
    for engine in engines {
        engine.stop().await;
    }
    let distinct: BTreeSet<String> = wire.all().into_iter().map(|(to, _)| to).collect();
    assert_eq!((wire.all().len(), distinct.len()), (150, 150));
});

both_dbs!(a_crash_on_the_wire_sends_no_step_twice, |store| {
    let wire = Script::new(|_, _| Step::TakeAndWait);
    let bench = Bench::new(&store, wire.clone());
    let news = newsletter(&store, "insights").await;
    step(&store, &news, 0, Some(NOW)).await;
    confirmed_at(&store, &news, 1, NOW).await;
    let engine = bench.start();
    wire.wait_for_tries(1).await;
    engine.crash().await;
    wire.release();
    // Others bury the silent worker after a while.
    let engine = bench.start();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while read!(store, |db| outbox::open_count(db)) > 0 {
        assert!(tokio::time::Instant::now() < deadline, "the orphan was not recovered");
        bench.clock.advance(Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bench.clock.advance(HOUR * 2);
    until_quiet(&store).await;
    engine.stop().await;
    assert_eq!(wire.taken().len(), 1);
});

both_dbs!(a_step_waits_for_a_relay_that_is_down_for_days, |store| {
    let wire = Script::new(|_, before| if before < 40 { Step::NoRelay } else { Step::Accept });
    let bench = Bench::new(&store, wire.clone());
    let news = newsletter(&store, "insights").await;
    step(&store, &news, 0, Some(NOW)).await;
    confirmed_at(&store, &news, 1, NOW).await;
    let engine = bench.start();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while wire.taken().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "it was lost");
        bench.clock.advance(HOUR * 2);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bench.clock.advance(DAY);
    until_quiet(&store).await;
    engine.stop().await;
    assert_eq!(wire.taken().len(), 1);
});

both_dbs!(who_leaves_gets_no_queued_step_and_who_comes_back_gets_it_then, |store| {
    let news = newsletter(&store, "insights").await;
    let first = step(&store, &news, 0, Some(NOW)).await;
    let wire = Arc::new(Pile::default());
    let bench = Bench::new(&store, wire.clone());
    let reader = confirmed_at(&store, &news, 1, NOW).await;
    // Queued, as the engine does it, and not sent yet.
    assert!(change!(store, |tx| welcome::mark(tx, reader.id, first.id, NOW)));
    let mail = outbox::NewMail {
        kind: OutboxKind::Welcome,
        newsletter_id: news.id,
        subscription_id: Some(reader.id),
        to_address: None,
        issue_id: None,
        welcome_step_id: Some(first.id),
        language: Language::Dutch,
        nonce: Vec::new(),
        message_uuid: uuid::Uuid::now_v7(),
    };
    change!(store, |tx| outbox::insert(tx, &mail, NOW));
    let link = bench.keys.sign_link(Purpose::Unsubscribe, reader.id);
    unsubscribe(&store, &bench.clock, &bench.keys, &link, &Evidence::command()).await.expect("left");
    assert_eq!(read!(store, |db| welcome::queued_count(db)), 0);
    let engine = bench.start();
    bench.clock.advance(Duration::from_secs(120));
    until_quiet(&store).await;
    assert!(wire.all().is_empty());
    let undo = undo_link(&bench.keys, &reader);
    resubscribe(&store, &bench.clock, &bench.keys, &undo, &Evidence::command()).await.expect("back");
    bench.clock.advance(HOUR * 2);
    until(&bench, &engine, || wire.all().len() == 1).await;
    engine.stop().await;
});

/// What one reader is to have, by the rules alone.
#[derive(Debug, Default, Clone)]
struct Known {
    confirmed_at: Option<Timestamp>,
    left_at: Option<Timestamp>,
    paused_until: Option<Timestamp>,
    had: Vec<(i64, Timestamp)>,
}

impl Known {
    fn next(&self, days: &[i64], now: Timestamp) -> Option<i64> {
        let confirmed = self.confirmed_at.filter(|_| self.left_at.is_none())?;
        let is_quiet = self.had.iter().all(|(_, at)| now.since(*at) >= DAY / 2);
        let is_awake = self.paused_until.is_none_or(|until| until <= now);
        let due = |day: &&i64| {
            confirmed.plus(DAY * u32::try_from(**day).expect("a day")) <= now
                && self.had.iter().all(|(had, _)| had != *day)
        };
        days.iter().find(due).copied().filter(|_| is_quiet && is_awake)
    }
}

async fn pause(store: &Store, subscription: &Subscription, until: Timestamp) {
    let sql = format!(
        "UPDATE subscriptions SET paused_until = {} WHERE id = {}",
        until.as_millis(),
        subscription.id
    );
    crate::support::database::execute(store, Box::leak(sql.into_boxed_str())).await;
}

both_dbs!(whatever_people_do_each_step_comes_once_and_none_after_leaving, |store| {
    const DAYS: [i64; 4] = [0, 1, 4, 9];
    const PEOPLE: usize = 6;
    const MOVES: usize = 60;
    let mut dice = Dice::new();
    let wire = Arc::new(Pile::default());
    let bench = Bench::new(&store, wire.clone());
    let news = newsletter(&store, "insights").await;
    for day in DAYS {
        step(&store, &news, day, Some(NOW)).await;
    }
    let mut subscriptions_of = Vec::new();
    for n in 0..PEOPLE {
        subscriptions_of.push(pending(&store, news.id, n).await);
    }
    // Nobody is reminded, and nobody forgotten who has not confirmed after a week.
    crate::support::database::execute(
        &store,
        "UPDATE subscriptions SET created_at = created_at + 31536000000",
    )
    .await;
    let mut known = vec![Known::default(); PEOPLE];
    let mut expected: Vec<(String, i64)> = Vec::new();
    let engine = bench.start();
    let mut moved = false;
    for _ in 0..2 * MOVES {
        // Time passes and people act in turns: the engine, which may look at any moment, sees one of them at a time.
        if moved {
            // Longer than the full look is apart. In steps of seven hours none of the rules' limits (days, half a day, the
            // end of a pause) comes within half an hour of a moment, so that the seconds of waiting change nothing.
            bench.clock.advance(HOUR * (7 * (1 + u32::try_from(dice.below(13)).expect("few"))));
        } else {
            let now = bench.clock.now();
            let who = usize::try_from(dice.below(PEOPLE as u64)).expect("few");
            let (reader, person) = (&subscriptions_of[who], &mut known[who]);
            match dice.below(4) {
                0 if person.confirmed_at.is_none() || person.left_at.is_some() => {
                    change!(store, |tx| subscriptions::confirm(tx, reader.id, Language::Dutch, now));
                    (person.confirmed_at, person.left_at) = (Some(now), None);
                }
                1 if person.confirmed_at.is_some() && person.left_at.is_none() => {
                    let link = bench.keys.sign_link(Purpose::Unsubscribe, reader.id);
                    unsubscribe(&store, &bench.clock, &bench.keys, &link, &Evidence::command())
                        .await
                        .expect("left");
                    person.left_at = Some(now);
                }
                2 if person.left_at.is_some_and(|left| now.since(left) <= HOUR) => {
                    let undo = undo_link(&bench.keys, reader);
                    resubscribe(&store, &bench.clock, &bench.keys, &undo, &Evidence::command())
                        .await
                        .expect("back");
                    person.left_at = None;
                }
                3 if person.confirmed_at.is_some() => {
                    let until = now.plus(HOUR * u32::try_from(dice.below(200)).expect("few") + HOUR / 2);
                    pause(&store, reader, until).await;
                    person.paused_until = Some(until);
                }
                _ => {}
            }
        }
        moved = !moved;
        let now = bench.clock.now();
        for (who, person) in known.iter_mut().enumerate() {
            if let Some(day) = person.next(&DAYS, now) {
                person.had.push((day, now));
                expected.push((format!("reader{who}@example.org"), day));
            }
        }
        until(&bench, &engine, || wire.all().len() >= expected.len()).await;
        until_quiet(&store).await;
        let (mut sent, mut due) = (wire.days(), expected.clone());
        sent.sort();
        due.sort();
        assert_eq!(sent, due);
    }
    engine.stop().await;
    assert!(!expected.is_empty());
});
