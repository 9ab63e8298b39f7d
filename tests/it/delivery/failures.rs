//! Processes that die or stall, relays and databases that do not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use postiljon::clock::Clock;
use postiljon::model::{Outcome, SubscriberId};
use postiljon::store::{Faults, Step as StoreStep, StoreError, deliveries, mailings, workers};

use super::script::{Script, Step};
use super::{Bench, CONNECTIONS, PATIENCE, due_mailing};
use crate::support::database::{both_dbs, execute, read};

/// So many claims are in hand at the start.
const IN_HAND: usize = 20;
const READERS: i64 = 20;

both_dbs!(a_process_that_dies_loses_nobody_and_doubles_only_who_was_on_the_wire, |store| {
    let (_, mailing) = due_mailing(&store, 300).await;
    let before = Script::new(|_, _| Step::TakeAndWait);
    let bench = Bench::new(&store, before.clone());
    let engine = bench.start();
    before.wait_for_tries(CONNECTIONS).await;
    engine.crash().await;

    let after = Script::new(|_, _| Step::Accept);
    let second = Bench::new(&store, after.clone());
    let engine = second.start();
    // On PostgreSQL others notice a death by silence.
    let sent = second.until_sent(&engine, &mailing, Duration::from_secs(5)).await;
    assert_eq!((sent.account.audience, sent.account.sent), (300, 300));
    assert_eq!((after.copies().len(), after.taken().len()), (300, 300));
    assert_eq!(before.taken().len(), CONNECTIONS);
    for doubled in before.taken() {
        assert!(after.taken().contains(&doubled), "the same Message-ID again");
    }
    engine.stop().await;
});

both_dbs!(a_worker_that_was_buried_writes_nothing_and_begins_again, |store| {
    let (_, mailing) = due_mailing(&store, IN_HAND).await;
    let wire = Script::new(|_, before| if before == 0 { Step::TakeAndWait } else { Step::Accept });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    wire.wait_for_tries(CONNECTIONS).await;
    // Others take it for dead, in the transaction of its recovery.
    let (worker, beat) = read!(store, |db| workers::all(db))[0];
    let mut tx = store.begin().await.expect("a transaction");
    assert!(workers::bury(&mut tx, worker, beat).await.expect("buried"));
    let policy = postiljon::model::UncertainPolicy::Resend;
    deliveries::recover(&mut tx, worker, policy, bench.clock.now()).await.expect("recovered");
    tx.commit().await.expect("committed");
    wire.release();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!(sent.account.sent, READERS);
    assert_eq!(wire.copies().len(), IN_HAND);
    let ledger = read!(store, |db| deliveries::ledger(db, mailing.id, SubscriberId(0), 100));
    // What the buried worker had in hand was counted as a doubt, and its own outcomes were not written.
    assert!(ledger.iter().all(|row| row.doubts == 1 && row.outcome == Outcome::Sent), "{ledger:?}");
    engine.stop().await;
});

both_dbs!(a_relay_that_is_down_costs_no_recipient_an_attempt, |store| {
    let (_, mailing) = due_mailing(&store, 40).await;
    let tries = AtomicUsize::new(0);
    let wire = Script::new(move |_, _| match tries.fetch_add(1, Ordering::Relaxed) {
        0..8 => Step::NoRelay,
        _ => Step::Accept,
    });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(5)).await;
    assert_eq!((sent.account.sent, wire.taken().len()), (40, 40));
    let ledger = read!(store, |db| deliveries::ledger(db, mailing.id, SubscriberId(0), 100));
    assert!(ledger.iter().all(|row| row.attempts == 1 && row.doubts == 0));
    engine.stop().await;
});

both_dbs!(a_database_that_is_locked_stops_sending_and_loses_no_outcome, |store| {
    let (_, mailing) = due_mailing(&store, 400).await;
    let wire = Script::new(|_, before| if before == 0 { Step::TakeAndWait } else { Step::Accept });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    wire.wait_for_tries(CONNECTIONS).await;
    // SQLite: the one writer; PostgreSQL: the row that every outcome moves.
    let mut lock = store.begin().await.expect("a transaction");
    mailings::lock_sending(&mut lock, mailing.id).await.expect("locked");
    wire.release();
    // Two claimed batches at most are in hand, and only as many are sent as outcomes can wait.
    let mut tries = wire.tries.subscribe();
    while tokio::time::timeout(Duration::from_millis(500), tries.changed()).await.is_ok() {}
    let stuck = *tries.borrow();
    assert!(stuck < 200, "{stuck} mails were sent while no outcome could be stored");
    drop(lock);
    let sent = tokio::time::timeout(PATIENCE, bench.until_sent(&engine, &mailing, Duration::ZERO))
        .await
        .expect("it goes on by itself");
    assert_eq!((sent.account.sent, wire.taken().len()), (400, 400));
    engine.stop().await;
});

/// Loses the answer to one commit, after which a minute passes before anybody does anything.
#[derive(Debug)]
struct LostAnswer {
    clock: Clock,
    is_armed: AtomicBool,
}

impl Faults for LostAnswer {
    fn at(&self, step: StoreStep) -> BoxFuture<'_, postiljon::store::Result<()>> {
        Box::pin(async move {
            if step == StoreStep::Committed && self.is_armed.swap(false, Ordering::Relaxed) {
                self.clock.advance(Duration::from_secs(60));
                return Err(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
            }
            Ok(())
        })
    }
}

both_dbs!(an_outcome_that_is_written_twice_does_not_meet_the_next_claim, |store| {
    let (_, mailing) = due_mailing(&store, 1).await;
    let wire = Script::new(|_, before| if before == 0 { Step::WaitAndLose } else { Step::Accept });
    let mut bench = Bench::new(&store, wire.clone());
    let faults = Arc::new(LostAnswer { clock: bench.clock.clone(), is_armed: AtomicBool::new(false) });
    bench.parts.store = store.clone().with_faults(faults.clone());
    let engine = bench.start();
    wire.wait_for_tries(1).await;
    // The next commit is that of the outcome: the clock stands still, and everybody else sleeps.
    faults.is_armed.store(true, Ordering::Relaxed);
    wire.release();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(30)).await;
    assert!(!faults.is_armed.load(Ordering::Relaxed), "an answer was lost");
    assert_eq!((sent.account.sent, wire.tries.borrow().to_owned()), (1, 2));
    engine.stop().await;
});

both_dbs!(a_pause_counts_for_mails_that_are_claimed_already, |store| {
    let (_, mailing) = due_mailing(&store, IN_HAND).await;
    let wire = Script::new(|_, _| Step::TakeAndWait);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    wire.wait_for_tries(CONNECTIONS).await;
    execute(&store, "UPDATE mailings SET status = 'paused'").await;
    bench.clock.advance(Duration::from_secs(1));
    wire.release();
    let paused = bench
        .until(&engine, &mailing, Duration::ZERO, |mailing| {
            mailing.account.sent + mailing.account.deferred == READERS
        })
        .await;
    assert_eq!((paused.account.sent, wire.taken().len()), (2, CONNECTIONS));
    execute(&store, "UPDATE mailings SET status = 'sending'").await;
    engine.wake();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!((sent.account.sent, wire.taken().len()), (READERS, IN_HAND));
    engine.stop().await;
});
