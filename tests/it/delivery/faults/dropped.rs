//! R4: the server closes the connection, or resets it, without an answer.

use super::*;
use crate::support::smtp_server::At;

/// Where, and what the server does to a few recipients, or to the first connections.
const DROPS: [(&str, At, At, At); 5] = [
    ("connect", At::Drop, At::Fine, At::Fine),
    ("hello", At::Fine, At::Drop, At::Fine),
    ("mail", At::Fine, At::Fine, At::Drop),
    ("drop-at-rcpt-1", At::Fine, At::Fine, At::Fine),
    ("drop-at-data-1", At::Fine, At::Fine, At::Fine),
];

async fn nobody_pays_for_a_drop(
    store: &Store,
    (what, at_greeting, at_hello, at_mail): (&str, At, At, At),
    resets: bool,
) {
    let by_recipient = what.starts_with("drop");
    let few = if by_recipient { 4 } else { 0 };
    let mailing = mailing_to(store, ill(what, few).chain(fine(36))).await;
    let options = Options { at_greeting, at_hello, at_mail, times: Some(2), resets, ..Options::default() };
    let rig = Rig::new(store, options).await;
    let engine = rig.bench.start();
    let sent = rig.until_sent(&engine, &mailing).await;
    rig.everybody_has_one(&sent, what).await;
    let tries: i64 = rig.ledger(&sent).await.iter().map(|row| row.attempts - 1).sum();
    // Where no mail had begun nobody was tried; elsewhere each drop was one try.
    let expected = match what {
        "connect" | "hello" => 0..=0,
        _ => 1..=4,
    };
    assert!(expected.contains(&tries), "{what}: {tries} more tries");
    rig.close(engine).await;
}

both_dbs_each!(a_connection_that_is_closed_without_an_answer_costs_nobody_a_mail, DROPS, |store, case| {
    nobody_pays_for_a_drop(&store, case, false).await;
});

// R11 too.
both_dbs_each!(a_connection_that_is_reset_costs_nobody_a_mail, DROPS, |store, case| {
    nobody_pays_for_a_drop(&store, case, true).await;
});
