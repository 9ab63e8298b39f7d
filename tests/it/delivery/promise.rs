//! What holds when nothing goes wrong but the relay's answers.

use std::collections::HashSet;
use std::time::Duration;

use postiljon::model::UncertainPolicy;
use postiljon::store::{Store, mailings, newsletters};

use super::script::{Script, Step};
use super::{Bench, due_mailing, mailing_of};
use crate::support::database::{TestDatabase, both_dbs, change, execute, read};
use crate::support::samples::new_newsletter;

const MINUTES: Duration = Duration::from_secs(6 * 60);

both_dbs!(a_mailing_that_fell_due_while_no_process_ran_begins_afterwards, |store| {
    let (_, mailing) = due_mailing(&store, 250).await;
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    bench.clock.advance(Duration::from_secs(3600));
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    assert_eq!((sent.account.audience, sent.account.sent), (250, 250));
    assert_eq!((wire.copies().len(), wire.taken().len()), (250, 250));
    engine.stop().await;
});

both_dbs!(a_mailing_begins_when_it_is_due_and_not_before, |store| {
    let (_, mailing) = due_mailing(&store, 1).await;
    execute(&store, "UPDATE mailings SET due_at = due_at + 60000").await;
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert!(sent.started_at.is_some_and(|started| started >= sent.due_at));
    engine.stop().await;
});

both_dbs!(a_mailing_without_readers_ends_at_once, |store| {
    let (_, mailing) = due_mailing(&store, 0).await;
    let bench = Bench::new(&store, Script::new(|_, _| Step::Accept));
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    assert_eq!(sent.account.audience, 0);
    engine.stop().await;
});

/// What happens to reader n: five kinds in turn.
fn mixed(to: &str, before: usize) -> Step {
    match (number(to) % 5, before) {
        (0, 0 | 1) => Step::Refuse { is_permanent: false },
        (1, _) => Step::Refuse { is_permanent: true },
        (2, 0) => Step::Lose,
        (3, 0) => Step::TakeAndBreak,
        _ => Step::Accept,
    }
}

fn number(to: &str) -> usize {
    to.trim_start_matches("reader").split('@').next().and_then(|n| n.parse().ok()).expect("reader<n>@..")
}

both_dbs!(the_account_balances_after_deferrals_refusals_cuts_and_doubts, |store| {
    let (_, mailing) = due_mailing(&store, 100).await;
    let wire = Script::new(mixed);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, MINUTES).await;
    assert_eq!((sent.account.sent, sent.account.bounced), (80, 20));
    for (to, copies) in wire.copies() {
        assert_eq!(copies, if number(&to) % 5 == 3 { 2 } else { 1 }, "{to}");
    }
    // Both copies carry the same Message-ID, and no two readers do.
    let taken: HashSet<_> = wire.taken().into_iter().collect();
    let ids: HashSet<_> = taken.iter().map(|(_, id)| id.clone()).collect();
    assert_eq!((taken.len(), ids.len()), (80, 80));
    engine.stop().await;
});

both_dbs!(a_doubt_is_held_where_the_newsletter_says_so, |store| {
    let new = new_newsletter("insights");
    let new = postiljon::model::newsletter::NewNewsletter { on_uncertain: UncertainPolicy::Hold, ..new };
    let newsletter = change!(store, |tx| newsletters::insert(tx, &new, crate::support::samples::NOW));
    let mailing = mailing_of(&store, &newsletter, 10).await;
    let wire = Script::new(mixed);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, MINUTES).await;
    assert_eq!((sent.account.sent, sent.account.bounced, sent.account.uncertain), (6, 2, 2));
    assert!(wire.copies().values().all(|copies| *copies == 1));
    engine.stop().await;
});

both_dbs!(a_reader_who_is_put_off_for_two_days_expires, |store| {
    let (_, mailing) = due_mailing(&store, 1).await;
    let wire = Script::new(|_, _| Step::Refuse { is_permanent: false });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(3600)).await;
    assert_eq!(sent.account.expired, 1);
    assert!(sent.finished_at.is_some_and(|end| end.since(mailing.due_at) < Duration::from_secs(50 * 3600)));
    engine.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_begin_a_mailing_once_and_share_it() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let store: Store = database.store.clone();
    let (_, mailing) = due_mailing(&store, 600).await;
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    let (first, second) = (bench.start(), bench.start());
    let sent = bench.until_sent(&first, &mailing, Duration::ZERO).await;
    assert_eq!((sent.account.audience, sent.account.sent), (600, 600));
    assert_eq!((wire.copies().len(), wire.taken().len()), (600, 600));
    first.stop().await;
    second.stop().await;
    assert!(read!(store, |db| mailings::sending(db)).is_empty());
    database.drop_postgres().await;
}
