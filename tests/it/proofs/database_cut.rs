//! PostgreSQL ends all our connections during a mailing, as a restart or a failover does.

use std::time::{Duration, Instant};

use postiljon::model::UncertainPolicy;
use sqlx::{Connection, PgConnection};

use super::{CONNECTIONS, Dice, IN_HAND_MAX, Proof, RESUME_MAX, within};
use crate::support::database::on_postgres;

/// R17.
const SENDS_AGAIN_MAX: Duration = Duration::from_secs(5);

/// Ends every other connection to this database, and answers how many there were.
async fn cut(admin: &mut PgConnection) -> usize {
    const SQL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended: Vec<bool> = sqlx::query_scalar(SQL).fetch_all(admin).await.expect("they are ended");
    ended.len()
}

on_postgres!(a_sender_whose_connections_are_cut_goes_on_by_itself, |database| {
    const CUTS: usize = 5;
    let mut dice = Dice::new();
    let proof = Proof::new(database, 4_000, UncertainPolicy::Resend).await;
    let mut admin = PgConnection::connect(&proof.database_url).await.expect("PostgreSQL answers");
    let mut process = proof.start("sender.example.org");
    within(RESUME_MAX, "it sends", proof.relay.until(|tally| tally.copies > 0)).await;
    for _ in 0..CUTS {
        let before = proof.relay.tally().copies;
        let mails = usize::try_from(1 + dice.below(600)).expect("a small number");
        within(RESUME_MAX, "it goes on", proof.relay.until(|tally| tally.copies >= before + mails)).await;
        assert!(cut(&mut admin).await > 0);
        let (begin, at_cut) = (Instant::now(), proof.relay.tally().copies);
        // More than what is in hand without a database.
        let goes_on = proof
            .relay
            .until(|tally| tally.copies > at_cut + IN_HAND_MAX || tally.recipients == proof.audience);
        within(SENDS_AGAIN_MAX, "it sends again", goes_on).await;
        println!("after a cut {} more mails took {:.2?}", IN_HAND_MAX, begin.elapsed());
    }
    let sent = proof.until_sent(&mut process).await;
    let too_many = proof.books_are_right(&sent).await;
    println!("{CUTS} cuts: lost 0, copies too many {too_many}");
    assert!(too_many <= CUTS * CONNECTIONS, "{too_many} copies too many");
});
