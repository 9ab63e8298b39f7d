//! R6: 421, "closing", at any stage.

use super::*;
use crate::support::smtp_server::At;

const CLOSING: At = At::Say("421 4.3.2 closing");
/// How often it is said before all is well.
const TIMES: usize = 3;
/// As many connections as are opened at once before anything is known.
const FIRST: usize = 2;

const AT_FIRST: [(&str, At, At, At); 3] = [
    ("greeting", CLOSING, At::Fine, At::Fine),
    ("hello", At::Fine, CLOSING, At::Fine),
    ("mail", At::Fine, At::Fine, CLOSING),
];

both_dbs_each!(a_server_that_closes_sees_one_new_connection_in_each_pause, AT_FIRST, |store, case| {
    let (what, at_greeting, at_hello, at_mail) = case;
    let mailing = mailing_to(&store, fine(30)).await;
    let times = u32::try_from(TIMES).ok();
    let rig = Rig::new(&store, Options { at_greeting, at_hello, at_mail, times, ..Options::default() }).await;
    let engine = rig.bench.start();
    let sent = rig.until_sent(&engine, &mailing).await;
    rig.everybody_has_one(&sent, what).await;
    // The one after the last 421 is the first that is well.
    let opened = rig.server.opened();
    let pauses: Vec<_> = opened.windows(2).map(|two| two[1].duration_since(two[0])).collect();
    let later = &pauses[FIRST - 1..TIMES];
    assert!(later.iter().all(|pause| *pause >= PAUSE_MIN), "{what}: {pauses:?}");
    assert!(opened.len() <= TIMES + CONNECTIONS, "{what}: {} connections", opened.len());
    rig.close(engine).await;
});

both_dbs_each!(
    a_connection_that_is_closed_over_one_recipient_is_replaced_and_the_recipient_tried_again,
    ["421-at-rcpt-1", "421-at-data-1", "421-at-dot-1"],
    |store, what| {
        const TIMES: usize = 2;
        let mailing = mailing_to(&store, ill(what, TIMES).chain(fine(30))).await;
        let rig = Rig::new(&store, Options::default()).await;
        let engine = rig.bench.start();
        let sent = rig.until_sent(&engine, &mailing).await;
        rig.everybody_has_one(&sent, what).await;
        let connections = rig.server.connections();
        assert!(connections <= TIMES + CONNECTIONS, "{what}: {connections} connections");
        for row in rig.ledger(&sent).await {
            let tries = if row.subscriber_id.0 <= 2 { 2 } else { 1 };
            assert_eq!(row.attempts, tries, "{what}: {row:?}");
        }
        rig.close(engine).await;
    }
);
