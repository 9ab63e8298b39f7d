//! Pause, resume, cancel, send again, and the breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use postiljon::mail::relay::Stage;
use postiljon::model::{Language, MailingStatus, Move, Outcome, PauseReason, SubscriberId};
use postiljon::publishing::moves::make_move;
use postiljon::store::{
    Faults, Step as StoreStep, Store, deliveries, mailing_audience, mailings, outbox, users,
};

use super::script::{Script, Step};
use super::{Bench, CONNECTIONS, PATIENCE, due_mailing, mailing_of};
use crate::support::database::{both_dbs, change, execute, read};
use crate::support::samples::{NOW, address};

both_dbs!(a_mailing_that_is_paused_waits_and_goes_on_when_it_is_resumed, |store| {
    let (_, mailing) = due_mailing(&store, 300).await;
    let wire = Script::new(|_, _| Step::TakeAndWait);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    wire.wait_for_tries(CONNECTIONS).await;
    let paused = make_move(&store, &bench.clock, mailing.id, Move::Pause).await.expect("paused").mailing;
    assert_eq!((paused.status, paused.pause_reason), (MailingStatus::Paused, PauseReason::User));
    // Twice is fine.
    make_move(&store, &bench.clock, mailing.id, Move::Pause).await.expect("paused already");
    bench.clock.advance(Duration::from_secs(2));
    wire.release();
    let quiet = bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.sent == 2).await;
    assert_eq!(quiet.status, MailingStatus::Paused);
    assert_eq!(wire.taken().len(), CONNECTIONS, "only what was on the wire");
    make_move(&store, &bench.clock, mailing.id, Move::Resume).await.expect("resumed");
    engine.wake();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!((sent.account.sent, wire.taken().len()), (300, 300));
    engine.stop().await;
});

both_dbs!(a_mailing_cancelled_on_the_way_skips_who_was_not_reached, |store| {
    let (_, mailing) = due_mailing(&store, 700).await;
    let wire = Script::new(|_, _| Step::TakeAndWait);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    wire.wait_for_tries(CONNECTIONS).await;
    make_move(&store, &bench.clock, mailing.id, Move::Cancel).await.expect("cancelled");
    bench.clock.advance(Duration::from_secs(2));
    wire.release();
    engine.wake();
    let cancelled =
        bench.until(&engine, &mailing, Duration::from_secs(1), |mailing| mailing.account.balances()).await;
    assert_eq!(cancelled.status, MailingStatus::Cancelled);
    assert_eq!((cancelled.account.sent, cancelled.account.skipped), (2, 698));
    bench.assert_balanced(&cancelled).await;
    assert_eq!(wire.taken().len(), CONNECTIONS);
    engine.stop().await;
});

/// A database of which each commit takes its time, until it may be fast.
#[derive(Debug, Default)]
struct SlowCommits {
    is_fast: AtomicBool,
}

impl Faults for SlowCommits {
    fn at(&self, step: StoreStep) -> BoxFuture<'_, postiljon::store::Result<()>> {
        Box::pin(async move {
            if step == StoreStep::Committed && !self.is_fast.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok(())
        })
    }
}

both_dbs!(a_mailing_begins_while_a_large_one_that_was_cancelled_is_wound_up, |store| {
    let (_, large) = due_mailing(&store, 0).await;
    execute(
        &store,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
        INSERT INTO deliveries (mailing_id, subscriber_id, outcome, attempts, doubts, at, due_at, reply)
        SELECT m.id, n.i, 'deferred', 0, 0, 0, 1, '' FROM n, mailings m",
    )
    .await;
    execute(
        &store,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
        INSERT INTO mailing_audience (mailing_id, subscription_id) SELECT m.id, n.i FROM n, mailings m",
    )
    .await;
    execute(
        &store,
        "UPDATE mailings SET status = 'cancelled', started_at = due_at, finished_at = due_at, audience = 12000,
            deferred = 12000",
    )
    .await;
    let mut bench = Bench::new(&store, Script::new(|_, _| Step::Accept));
    let commits = Arc::new(SlowCommits::default());
    bench.parts.store = store.clone().with_faults(commits.clone());
    let engine = bench.start();
    bench.until(&engine, &large, Duration::ZERO, |large| large.account.skipped > 0).await;
    // One that becomes due only now.
    let other = crate::support::samples::newsletter(&store, "weekly").await;
    let small = mailing_of(&store, &other, 1).await;
    engine.wake();
    bench.until(&engine, &small, Duration::ZERO, |small| small.status != MailingStatus::Scheduled).await;
    let meanwhile = read!(store, |db| mailings::by_id(db, large.id)).expect("there").account;
    assert!(meanwhile.deferred > 0 && meanwhile.skipped > 0, "{meanwhile:?}");
    commits.is_fast.store(true, Ordering::Relaxed);
    let ended = bench.until(&engine, &large, Duration::ZERO, |large| large.account.deferred == 0).await;
    assert_eq!(ended.account.skipped, 12_000);
    bench.assert_balanced(&ended).await;
    bench.until_sent(&engine, &small, Duration::from_secs(1)).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !read!(store, |db| mailing_audience::of_ended(db)).is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "the audience is not forgotten");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engine.stop().await;
});

both_dbs!(the_pace_is_told_while_somebody_waits_for_the_first_try, |store| {
    let (_, mailing) = due_mailing(&store, 0).await;
    // All but two went out within a minute; the others wait for room at their provider.
    execute(
        &store,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2)
        INSERT INTO deliveries (mailing_id, subscriber_id, outcome, attempts, doubts, at, due_at, destination, reply)
        SELECT m.id, n.i, 'deferred', 0, 0, 0, 1, 'google', '' FROM n, mailings m",
    )
    .await;
    execute(
        &store,
        "UPDATE mailings SET status = 'sending', started_at = due_at, retry_from = due_at, audience = 62, sent = 60,
            deferred = 2",
    )
    .await;
    let clock = postiljon::clock::Clock::test(NOW.plus(Duration::from_secs(60)));
    let told = async || {
        let progress = postiljon::delivery::progress(&store, &clock, mailing.id).await;
        progress.expect("read").expect("there")
    };
    let progress = told().await;
    assert_eq!(progress.per_second, Some(1.0));
    assert_eq!(progress.eta, Some(clock.now().plus(Duration::from_secs(2))));
    execute(&store, "UPDATE deliveries SET attempts = 1").await;
    let progress = told().await;
    assert_eq!((progress.per_second, progress.eta), (None, None), "only other tries are left");
});

both_dbs!(those_who_failed_are_tried_again_when_someone_asks_but_for_dead_addresses, |store| {
    let (_, mailing) = due_mailing(&store, 9).await;
    let wire = Script::new(|to, before| match (to.as_bytes()[6] % 3, before) {
        (0, 0) => Step::Answer(Stage::FinalDot, 554, "5.7.1 we do not like that"),
        (1, _) => Step::Refuse { is_permanent: true },
        _ => Step::Accept,
    });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(600)).await;
    assert_eq!((sent.account.sent, sent.account.bounced), (3, 6));
    let late = make_move(&store, &bench.clock, mailing.id, Move::Pause).await.expect_err("it is sent");
    assert_eq!(late.key(), "error-mailing-moved-on");
    make_move(&store, &bench.clock, mailing.id, Move::ResendFailed).await.expect("again");
    engine.wake();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(600)).await;
    assert_eq!((sent.account.sent, sent.account.bounced), (6, 3));
    assert!(wire.copies().values().all(|copies| *copies == 1));
    engine.stop().await;
});

both_dbs!(those_in_doubt_are_sent_to_again_when_someone_asks, |store| {
    let (_, mailing) = due_mailing(&store, 4).await;
    crate::support::database::execute(&store, "UPDATE newsletters SET on_uncertain = 'hold'").await;
    let wire = Script::new(|_, before| if before == 0 { Step::TakeAndBreak } else { Step::Accept });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(60)).await;
    assert_eq!((sent.account.sent, sent.account.uncertain), (0, 4));
    make_move(&store, &bench.clock, mailing.id, Move::ResendUncertain).await.expect("again");
    engine.wake();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(60)).await;
    assert_eq!((sent.account.sent, sent.account.uncertain), (4, 0));
    let ledger = read!(store, |db| deliveries::ledger(db, mailing.id, SubscriberId(0), 100));
    assert!(ledger.iter().all(|row| row.doubts == 1 && row.relay == "main"), "{ledger:?}");
    engine.stop().await;
});

both_dbs!(a_mailing_that_bounces_too_much_is_paused_and_the_users_are_told, |store| {
    let ann = address("ann@example.org");
    let ann = change!(store, |tx| users::insert(tx, &ann, "Ann", Language::English, "x", NOW));
    let owner = [postiljon::model::Grant::of_all(postiljon::model::Role::Owner)];
    change!(store, |tx| postiljon::store::grants::set(tx, ann.id, &owner));
    let (_, mailing) = due_mailing(&store, 600).await;
    // 10 % of the addresses do not exist. The relay answers 300 at once and the others after the pause: a machine that
    // is busy elsewhere may look at the first outcomes when all 600 are through.
    let mails = AtomicUsize::new(0);
    let wire = Script::new(move |to, _| {
        let name = to.trim_end_matches("@example.org");
        let is_early = name == "ann" || mails.fetch_add(1, Ordering::Relaxed) < 300;
        match (name.ends_with('7'), is_early) {
            (true, _) => Step::Refuse { is_permanent: true },
            (false, true) => Step::Accept,
            (false, false) => Step::TakeAndWait,
        }
    });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let paused = bench
        .until(&engine, &mailing, Duration::from_secs(1), |mailing| mailing.status == MailingStatus::Paused)
        .await;
    assert_eq!(paused.pause_reason, PauseReason::Bounces);
    assert!(paused.account.sent + paused.account.bounced < 400, "{:?}", paused.account);
    // Someone who saw it goes on: it is not stopped for that again, also when it was stopped for another reason since.
    for wanted in [Move::Resume, Move::Pause, Move::Resume] {
        make_move(&store, &bench.clock, mailing.id, wanted).await.expect("moved");
    }
    wire.release();
    let told = || wire.copies().get("ann@example.org").copied();
    // On the wire, and then recorded.
    while told().is_none() || read!(store, |db| outbox::open_count(db)) > 0 {
        bench.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engine.wake();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!((sent.account.sent, sent.account.bounced, told()), (540, 60, Some(1)));
    engine.stop().await;
});

both_dbs!(a_sender_that_the_relay_refuses_stops_the_mailing_and_harms_nobody, |store| {
    let (_, mailing) = due_mailing(&store, 50).await;
    let is_mended = std::sync::Arc::new(AtomicBool::new(false));
    let mended = std::sync::Arc::clone(&is_mended);
    let wire = Script::new(move |_, _| match mended.load(Ordering::Relaxed) {
        false => Step::Answer(Stage::Mail, 553, "5.7.1 this sender is not yours"),
        true => Step::Accept,
    });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let paused = bench
        .until(&engine, &mailing, Duration::from_secs(1), |mailing| mailing.status == MailingStatus::Paused)
        .await;
    assert_eq!((paused.pause_reason, paused.account.bounced), (PauseReason::Sender, 0));
    is_mended.store(true, Ordering::Relaxed);
    // Nobody mends anything within a millisecond: what was on the wire before must not pause it again.
    bench.clock.advance(Duration::from_secs(1));
    make_move(&store, &bench.clock, mailing.id, Move::Resume).await.expect("resumed");
    engine.wake();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(600)).await;
    assert_eq!((sent.account.sent, wire.taken().len()), (50, 50));
    let rows = read!(store, |db| deliveries::count(db, mailing.id));
    assert_eq!(rows, [(Outcome::Sent, 50)]);
    assert!(read!(store, |db| mailings::sending(db)).is_empty());
    engine.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_writes_into_the_file_is_noticed_by_one_that_sleeps() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("postiljon.db");
    let url = format!("sqlite:{}", file.display());
    let store = Store::open(&url, 2).await.expect("opened");
    store.migrate().await.expect("migrated");
    let wire = Script::new(|_, _| Step::Accept);
    let mut bench = Bench::new(&store, wire.clone());
    bench.parts.settings.database_file = Some(file);
    let engine = bench.start();
    let mut activity = engine.activity();
    activity.changed().await.expect("it has begun");
    // As the command line does: connections of its own, and nobody is told.
    let other = Store::open(&url, 2).await.expect("opened again");
    let (_, mailing) = due_mailing(&other, 3).await;
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!(sent.account.sent, 3);
    // Without anybody who looks it would have slept for half a minute.
    assert!(bench.clock.now().since(NOW) < Duration::from_secs(15), "noticed late");
    engine.stop().await;
}
