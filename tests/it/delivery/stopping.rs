//! People who leave, and a service that is told to stop.

use std::time::Duration;

use postiljon::keys::Purpose;
use postiljon::model::{Outcome, SubscriberId};
use postiljon::store::{deliveries, mailings, subscriptions, workers};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::unsubscribe::unsubscribe;

use super::script::{Script, Step};
use super::{Bench, CONNECTIONS, due_mailing};
use crate::support::database::{both_dbs, read};

both_dbs!(no_mail_starts_to_someone_who_left_during_the_mailing, |store| {
    let (_, mailing) = due_mailing(&store, 250).await;
    let wire = Script::new(|_, _| Step::TakeAndWait);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    wire.wait_for_tries(CONNECTIONS).await;
    // Every second one leaves: some are claimed, some not reached yet, some on the wire.
    let mut leavers = Vec::new();
    for id in (1..=250).step_by(2) {
        let subscriber = SubscriberId(id);
        let all = read!(store, |db| subscriptions::of_subscriber(db, subscriber));
        let link = bench.keys.sign_link(Purpose::Unsubscribe, all[0].id);
        unsubscribe(&store, &bench.clock, &bench.keys, &link, &Evidence::command()).await.expect("left");
        leavers.push(format!("reader{id}@example.org"));
    }
    // Claims are looked at again once they are half a second old.
    bench.clock.advance(Duration::from_secs(1));
    let on_the_wire = wire.taken().len();
    wire.release();
    let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    let to_leavers = wire.taken().iter().skip(on_the_wire).filter(|(to, _)| leavers.contains(to)).count();
    assert_eq!(to_leavers, 0);
    assert_eq!((sent.account.audience, sent.account.sent + sent.account.skipped), (250, 250));
    assert!(sent.account.skipped >= 125 - i64::try_from(CONNECTIONS).unwrap_or(0));
    engine.stop().await;
});

both_dbs!(a_stop_finishes_what_is_on_the_wire_and_gives_back_the_rest, |store| {
    let (_, mailing) = due_mailing(&store, 300).await;
    let wire = Script::new(|_, _| Step::TakeAndWait);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    wire.wait_for_tries(CONNECTIONS).await;
    let stopped = tokio::spawn(engine.stop());
    wire.release();
    stopped.await.expect("stopped");
    let now = read!(store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
    assert_eq!(usize::try_from(now.account.sent).ok(), Some(wire.taken().len()));
    let rows = read!(store, |db| deliveries::count(db, mailing.id));
    assert!(!rows.iter().any(|(outcome, _)| *outcome == Outcome::Claimed), "{rows:?}");
    assert!(read!(store, |db| workers::all(db)).is_empty());

    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    assert_eq!((sent.account.sent, wire.taken().len()), (300, 300));
    engine.stop().await;
});
