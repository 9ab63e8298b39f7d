//! Someone else locks the database during a mailing for longer than a statement waits.

use std::time::{Duration, Instant};

use postiljon::model::UncertainPolicy;
use postiljon::store::{Pools, Store};

use super::{IN_HAND_MAX, Proof, RESUME_MAX, signs_up, within};
use crate::support::database::both_databases;

/// R15; far longer than the 5 s for which a statement waits for a lock, and a visitor for a connection.
const LOCKED_FOR: Duration = Duration::from_secs(30);
/// Within this a visitor hears that it cannot be now: twice 5 s, and some for a busy machine.
const TOLD_WITHIN: Duration = Duration::from_secs(15);

both_databases!(nothing_is_lost_and_no_copy_is_made, |database| {
    let proof = Proof::new(database, 3_000, UncertainPolicy::Resend).await;
    let (mut process, browser) = proof.start_with_pages("sender.example.org");
    within(RESUME_MAX, "it sends", proof.relay.until(|tally| tally.copies >= 500)).await;
    let store = proof.store().await;
    let lock = lock(&store).await;
    let (begin, at_lock) = (Instant::now(), proof.relay.tally().copies);
    let taken = within(TOLD_WITHIN, "a visitor is told", signs_up(&browser, "early@example.com")).await;
    assert!(!taken, "a sign-up that is not stored is not taken");
    let told = begin.elapsed();
    // The lock lasts so long: no signal says that it has hurt enough.
    tokio::time::sleep(LOCKED_FOR.saturating_sub(told)).await;
    let during = proof.relay.tally().copies - at_lock;
    assert!(during <= IN_HAND_MAX, "{during} mails were sent of which the outcome could not be stored");
    drop(lock);
    store.close().await;
    let more =
        proof.relay.until(|tally| tally.copies > at_lock + during || tally.recipients == proof.audience);
    within(RESUME_MAX, "it sends again", more).await;
    let sent = proof.until_sent(&mut process).await;
    assert_eq!(proof.books_are_right(&sent).await, 0);
    assert_eq!(usize::try_from(sent.account.sent).ok(), Some(proof.audience));
    assert!(signs_up(&browser, "late@example.com").await);
    println!(
        "locked for {LOCKED_FOR:?}: {during} mails were sent meanwhile, a visitor was told after {told:.1?}; lost 0, \
         copies too many 0"
    );
});

/// Nobody else can write the tables of a mailing, or sign up, until the answer is dropped.
async fn lock(store: &Store) -> Lock {
    match store.pools() {
        Pools::Sqlite { writer, .. } => {
            Lock::Sqlite(writer.begin_with("BEGIN EXCLUSIVE").await.expect("the lock"))
        }
        Pools::Postgres(pool) => Lock::Postgres([
            // One table is enough for a mailing, since no claim and no outcome goes without it; several are a deadlock.
            locked(pool, "LOCK TABLE mailings IN ACCESS EXCLUSIVE MODE").await,
            // No mailing needs this one.
            locked(pool, "LOCK TABLE rate_limits IN ACCESS EXCLUSIVE MODE").await,
        ]),
    }
}

async fn locked(pool: &sqlx::PgPool, sql: &'static str) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut transaction = pool.begin().await.expect("a transaction");
    // It rests for longer than one of ours may.
    for sql in ["SET LOCAL idle_in_transaction_session_timeout = 0", sql] {
        sqlx::query(sql).execute(&mut *transaction).await.expect("the lock");
    }
    transaction
}

#[expect(dead_code, reason = "held, never read")]
enum Lock {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres([sqlx::Transaction<'static, sqlx::Postgres>; 2]),
}
