//! R19: somebody, or a time server, sets the clock.

use super::super::script::{Script, Step};
use super::*;
use crate::support::database::{both_dbs, execute};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const YEAR: i64 = 365 * 24 * HOUR;
const READERS: usize = 40;

/// The clock by so many milliseconds forward, or back.
fn set_by(clock: &Clock, millis: i64) {
    clock.set(Timestamp::from_millis(clock.now().as_millis() + millis));
}

async fn is_sent_once(store: &Store, wire: &Script, sent: &Mailing) {
    let copies = wire.copies();
    assert_eq!((sent.account.sent, copies.len(), wire.taken().len()), (40, READERS, READERS));
    let ledger = read!(store, |db| deliveries::ledger(db, sent.id, SubscriberId(0), LEDGER_ROWS));
    assert!(ledger.iter().all(|row| (row.attempts, row.doubts) == (1, 0)), "{ledger:?}");
}

both_dbs_each!(
    a_scheduled_mailing_begins_once_however_the_clock_is_set,
    [-10 * MINUTE, HOUR, YEAR],
    |store, millis| {
        let first = newsletter(&store, "first").await;
        let first = mailing_of(&store, &first, READERS).await;
        execute(&store, "UPDATE mailings SET due_at = due_at + 300000").await;
        let wire = Script::new(|_, _| Step::Accept);
        let bench = Bench::new(&store, wire.clone());
        let engine = bench.start();
        set_by(&bench.clock, millis);
        let sent = bench.until_sent(&engine, &first, Duration::from_secs(60)).await;
        assert!(sent.started_at.is_some_and(|started| started >= sent.due_at));
        is_sent_once(&store, &wire, &sent).await;
        // Before its moment again, and past it again: another one that is due then goes out, it does not.
        bench.clock.set(NOW);
        let second = newsletter(&store, "second").await;
        let second = mailing_of(&store, &second, 1).await;
        execute(&store, "UPDATE mailings SET due_at = due_at + 360000 WHERE status = 'scheduled'").await;
        bench.until_sent(&engine, &second, Duration::from_secs(60)).await;
        let again = read!(store, |db| mailings::by_id(db, first.id)).expect("the mailing");
        assert_eq!((again.status, again.started_at), (MailingStatus::Sent, sent.started_at));
        assert_eq!(wire.taken().len(), READERS + 1);
        engine.stop().await;
    }
);

both_dbs_each!(
    a_clock_that_is_set_during_a_mailing_costs_no_lease_and_no_copy,
    [-10 * MINUTE, HOUR, -HOUR, YEAR, -YEAR],
    |store, millis| {
        let newsletter = newsletter(&store, "insights").await;
        let mailing = mailing_of(&store, &newsletter, READERS).await;
        let wire = Script::new(|_, _| Step::TakeAndWait);
        let bench = Bench::new(&store, wire.clone());
        // Where there may be two, neither takes the other for dead.
        let mut engines = vec![bench.start()];
        engines.extend(store.is_shared().then(|| bench.start()));
        wire.wait_for_tries(engines.len()).await;
        set_by(&bench.clock, millis);
        wire.release();
        let sent = bench.until_sent(&engines[0], &mailing, Duration::from_secs(1)).await;
        is_sent_once(&store, &wire, &sent).await;
        for engine in engines {
            engine.stop().await;
        }
    }
);

both_dbs!(who_was_put_off_while_the_clock_was_a_year_ahead_does_not_wait_for_a_year, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mailing = mailing_of(&store, &newsletter, 4).await;
    let wire = Script::new(|_, before| match before {
        0 => Step::Refuse { is_permanent: false },
        _ => Step::Accept,
    });
    let bench = Bench::new(&store, wire.clone());
    set_by(&bench.clock, YEAR);
    let engine = bench.start();
    bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.deferred == 4).await;
    set_by(&bench.clock, -YEAR);
    let before = bench.clock.elapsed();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(3600)).await;
    assert_eq!(sent.account.sent, 4);
    let waited = bench.clock.elapsed().saturating_sub(before);
    assert!(waited < Duration::from_secs(3 * 24 * 3600), "{waited:?}");
    engine.stop().await;
});

both_dbs!(who_was_put_off_before_the_clock_jumped_a_year_is_tried_again_and_not_given_up, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mailing = mailing_of(&store, &newsletter, 4).await;
    // Greylisted, and then busy for two hours.
    let wire = Script::new(|_, before| match before {
        0..5 => Step::Refuse { is_permanent: false },
        _ => Step::Accept,
    });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.deferred == 4).await;
    set_by(&bench.clock, YEAR);
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(600)).await;
    assert_eq!((sent.account.sent, sent.account.expired, wire.copies().len()), (4, 0, 4));
    engine.stop().await;
});

both_dbs!(who_is_put_off_for_ever_after_a_jump_is_given_up_after_a_part_of_the_time, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mailing = mailing_of(&store, &newsletter, 2).await;
    let wire = Script::new(|_, _| Step::Refuse { is_permanent: false });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.deferred == 2).await;
    set_by(&bench.clock, YEAR);
    let before = bench.clock.elapsed();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(3600)).await;
    assert_eq!((sent.account.sent, sent.account.expired), (0, 2));
    let tried = bench.clock.elapsed().saturating_sub(before);
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    assert!(tried >= hours(6) && tried <= hours(36), "{tried:?}");
    engine.stop().await;
});
