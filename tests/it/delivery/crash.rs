//! What the journal keeps of a process that dies, and of a sender that fails in one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use postiljon::delivery::wire::{Sending, Wire, WireMail};
use postiljon::model::{Outcome, SubscriberId, UncertainPolicy};
use postiljon::store::{deliveries, mailings, workers};

use super::script::{Script, Step};
use super::{Bench, CONNECTIONS, due_mailing};
use crate::support::database::{both_dbs, execute, read};
use crate::support::samples::NOW;

/// A fault of ours at one of the tries.
#[derive(Debug)]
struct Faulty {
    wire: Arc<Script>,
    tries: AtomicUsize,
    at: usize,
}

impl Wire for Faulty {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        assert_ne!(self.tries.fetch_add(1, Ordering::Relaxed), self.at, "a fault, as a test wants it");
        self.wire.send(mail)
    }
}

both_dbs!(a_sender_that_fails_in_its_process_sends_nothing_twice_that_was_answered, |store| {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, mailing) = due_mailing(&store, 40).await;
    let wire = Script::new(|_, _| Step::Accept);
    // Soon after the others were answered: the recorder gathers for longer than they take.
    let faulty = Arc::new(Faulty { wire: wire.clone(), tries: AtomicUsize::new(0), at: 10 });
    let mut bench = Bench::new(&store, faulty);
    bench.parts.settings.senders = 1;
    bench.parts.settings.journal_folder = Some(folder.path().to_owned());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    assert_eq!((sent.account.sent, sent.account.uncertain), (40, 0));
    let copies = wire.copies();
    assert!(copies.values().all(|copies| *copies == 1), "{copies:?}");
    engine.stop().await;
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing is left behind");
});

both_dbs!(after_a_crash_only_mails_on_the_wire_are_in_doubt, |store| {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, mailing) = due_mailing(&store, 300).await;
    execute(&store, "UPDATE newsletters SET on_uncertain = 'hold'").await;
    let before = Script::new(|_, _| Step::TakeAndWait);
    let mut bench = Bench::new(&store, before.clone());
    bench.parts.settings.journal_folder = Some(folder.path().to_owned());
    let engine = bench.start();
    before.wait_for_tries(CONNECTIONS).await;
    engine.crash().await;

    let after = Script::new(|_, _| Step::Accept);
    let mut second = Bench::new(&store, after.clone());
    second.parts.settings.journal_folder = Some(folder.path().to_owned());
    // At once: also on PostgreSQL nobody waits for the silence of a process that was here.
    let engine = second.start();
    let sent = second.until_sent(&engine, &mailing, Duration::ZERO).await;
    assert_eq!((sent.account.sent, sent.account.uncertain), (298, 2));
    assert_eq!(read!(store, |db| workers::all(db)).len(), 1);
    assert!(before.taken().iter().all(|copy| !after.taken().contains(copy)), "held, not sent again");
    engine.stop().await;
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing is left behind");
});

both_dbs!(an_answer_that_had_not_reached_the_database_is_recorded_from_the_journal, |store| {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, mailing) = due_mailing(&store, 40).await;
    let before = Script::new(|_, _| Step::TakeAndWait);
    let mut bench = Bench::new(&store, before.clone());
    bench.parts.settings.journal_folder = Some(folder.path().to_owned());
    let engine = bench.start();
    before.wait_for_tries(CONNECTIONS).await;
    // The outcomes cannot be stored, and the process dies.
    let mut lock = store.begin().await.expect("a transaction");
    mailings::lock_sending(&mut lock, mailing.id).await.expect("locked");
    before.release();
    let mut tries = before.tries.subscribe();
    while tokio::time::timeout(Duration::from_millis(300), tries.changed()).await.is_ok() {}
    let answered = before.taken().len();
    engine.crash().await;
    drop(lock);

    let after = Script::new(|_, _| Step::Accept);
    let mut second = Bench::new(&store, after.clone());
    second.parts.settings.journal_folder = Some(folder.path().to_owned());
    let engine = second.start();
    let sent = second.until_sent(&engine, &mailing, Duration::ZERO).await;
    assert_eq!((sent.account.sent, answered + after.taken().len()), (40, 40), "nobody got two");
    let ledger = read!(store, |db| deliveries::ledger(db, mailing.id, SubscriberId(0), 100));
    assert!(ledger.iter().all(|row| (row.outcome, row.attempts, row.doubts) == (Outcome::Sent, 1, 0)));
    engine.stop().await;
});

both_dbs!(a_journal_of_another_database_harms_nobody, |store| {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, mailing) = due_mailing(&store, 20).await;
    let before = Script::new(|_, _| Step::TakeAndWait);
    let mut bench = Bench::new(&store, before.clone());
    bench.parts.settings.journal_folder = Some(folder.path().to_owned());
    let engine = bench.start();
    before.wait_for_tries(CONNECTIONS).await;
    engine.crash().await;
    // Its worker is another one with the same number.
    execute(&store, "UPDATE workers SET started_at = started_at - 5000").await;
    let after = Script::new(|_, _| Step::Accept);
    let mut second = Bench::new(&store, after.clone());
    second.parts.settings.journal_folder = Some(folder.path().to_owned());
    let engine = second.start();
    let sent = second.until_sent(&engine, &mailing, Duration::from_secs(2)).await;
    assert_eq!((sent.account.sent, after.copies().len()), (20, 20));
    engine.stop().await;
});

both_dbs!(a_worker_that_others_bury_while_it_sends_leaves_no_claim_behind, |store| {
    let (_, mailing) = due_mailing(&store, 800).await;
    let wire = Script::new(|_, _| Step::AcceptSlowly);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    wire.wait_for_tries(50).await;
    // As others do it who have not seen its heart beat: but it lives, and claims on.
    let found = read!(store, |db| workers::all(db));
    let (worker, last_beat) = found[0];
    let mut tx = store.begin().await.expect("a transaction");
    assert!(workers::bury(&mut tx, worker, last_beat).await.expect("buried"));
    for policy in UncertainPolicy::ALL {
        deliveries::recover(&mut tx, worker, *policy, NOW).await.expect("recovered");
    }
    tx.commit().await.expect("committed");
    let tries = *wire.tries.borrow();
    wire.wait_for_tries(tries + 300).await;
    bench.clock.advance(Duration::from_secs(61));
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!((sent.account.sent, wire.copies().len()), (800, 800));
    engine.stop().await;
});
