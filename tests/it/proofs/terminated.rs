//! SIGTERM during a mailing: what is on the wire is finished, everything else is given back.

use std::time::Duration;

use postiljon::model::UncertainPolicy;

use super::{CONNECTIONS, Dice, Process, Proof, RESUME_MAX, within};
use crate::support::database::{TestDatabase, both_databases};

/// How long a process may take to stop when its relay answers.
const STOP_MAX: Duration = Duration::from_secs(10);
/// How long a process is told to wait for a relay that does not.
const WAIT_SECONDS: u64 = 2;

both_databases!(five_stops_lose_nothing_and_make_no_copy, |database| {
    const STOPS: u64 = 5;
    let mut dice = Dice::new();
    let proof = Proof::new(database, 3_000, UncertainPolicy::Resend).await;
    for stop in 0..STOPS {
        let name = format!("run{stop}.example.org");
        let process = proof.start(&name);
        let mails = usize::try_from(1 + dice.below(500)).expect("a small number");
        within(RESUME_MAX, "it sends", proof.relay.until(|tally| tally.of(&name) >= mails)).await;
        process.signal("TERM");
        let status = process.ended(STOP_MAX).await;
        assert_eq!(status.code(), Some(0));
    }
    assert!(proof.relay.tally().recipients < proof.audience, "the mailing was over before the last stop");
    let mut last = proof.start("last.example.org");
    let sent = proof.until_sent(&mut last).await;
    assert_eq!(proof.books_are_right(&sent).await, 0);
    assert_eq!(usize::try_from(sent.account.sent).ok(), Some(proof.audience));
    last.signal("TERM");
    assert_eq!(last.ended(STOP_MAX).await.code(), Some(0));
});

// On one database, since it takes long and what it waits for is the relay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_while_the_relay_is_silent_ends_in_time_and_counts_the_doubts() {
    doubts_after_a_stop(&[("POSTILJON_MAIL_STOP_SECONDS", WAIT_SECONDS.to_string())], async |process| {
        process.signal("TERM");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_twice_to_stop_waits_no_longer() {
    doubts_after_a_stop(&[], async |process| {
        process.signal("TERM");
        within(STOP_MAX, "it stops", async {
            while !process.log().contains("stopping") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        process.signal("TERM");
    })
    .await;
}

/// A process with these settings is stopped while every connection waits for an answer: it ends soon, and the next one knows
/// what is in doubt.
async fn doubts_after_a_stop(settings: &[(&str, String)], stop: impl AsyncFnOnce(&Process)) {
    let database = TestDatabase::sqlite().await;
    let proof = Proof::new(&database, 600, UncertainPolicy::Hold).await;
    let process = proof.start_as("all", "first.example.org", proof.folder.path().to_owned(), settings);
    within(RESUME_MAX, "it sends", proof.relay.until(|tally| tally.copies >= 100)).await;
    proof.relay.hold(true);
    within(RESUME_MAX, "all wait", proof.relay.until(|tally| tally.held == CONNECTIONS)).await;
    stop(&process).await;
    assert_eq!(process.ended(STOP_MAX).await.code(), Some(0));
    proof.relay.hold(false);
    let mut second = proof.start("second.example.org");
    let sent = proof.until_sent(&mut second).await;
    assert_eq!(proof.books_are_right(&sent).await, 0);
    assert_eq!(usize::try_from(sent.account.uncertain).ok(), Some(CONNECTIONS));
}
