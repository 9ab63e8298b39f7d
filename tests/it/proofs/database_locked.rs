//! Someone else locks the database during a mailing for longer than a statement waits.

use std::time::Duration;

use postiljon::model::UncertainPolicy;
use postiljon::store::{Pools, Store};

use super::{IN_HAND_MAX, Proof, RESUME_MAX, within};
use crate::support::database::both_databases;

/// Longer than the 5 s for which SQLite waits for a lock, and for which a visitor waits for a connection.
const LOCKED_FOR: Duration = Duration::from_secs(7);

both_databases!(nothing_is_lost_and_no_copy_is_made, |database| {
    let proof = Proof::new(database, 3_000, UncertainPolicy::Resend).await;
    let mut process = proof.start("sender.example.org");
    within(RESUME_MAX, "it sends", proof.relay.until(|tally| tally.copies >= 500)).await;
    let store = proof.store().await;
    let lock = lock(&store).await;
    let at_lock = proof.relay.tally().copies;
    // The lock lasts so long: no signal says that it has hurt enough.
    tokio::time::sleep(LOCKED_FOR).await;
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
    println!("locked for {LOCKED_FOR:?}: {during} mails were sent meanwhile; lost 0, copies too many 0");
});

/// Nobody else can write the tables of a mailing until the answer is dropped.
async fn lock(store: &Store) -> Lock {
    match store.pools() {
        Pools::Sqlite { writer, .. } => {
            Lock::Sqlite(writer.begin_with("BEGIN EXCLUSIVE").await.expect("the lock"))
        }
        Pools::Postgres(pool) => {
            let mut transaction = pool.begin().await.expect("a transaction");
            // One table is enough, since no claim and no outcome goes without it; several are a deadlock.
            sqlx::query("LOCK TABLE mailings IN ACCESS EXCLUSIVE MODE")
                .execute(&mut *transaction)
                .await
                .expect("the lock");
            Lock::Postgres(transaction)
        }
    }
}

#[expect(dead_code, reason = "held, never read")]
enum Lock {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}
