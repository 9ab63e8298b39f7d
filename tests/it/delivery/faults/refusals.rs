//! R8 and D43: 550, 552 and 554 at any stage are final, classified, and cost no connection.

use postiljon::model::{Move, PauseReason, Refusal};
use postiljon::publishing::moves::make_move;

use super::*;
use crate::support::database::both_dbs;
use crate::support::smtp_server::At;

both_dbs!(who_is_refused_for_good_is_tried_once_and_the_ledger_says_why, |store| {
    let kinds = [
        ("550", "rcpt", Refusal::Address),
        ("550", "data", Refusal::Other),
        ("550", "dot", Refusal::Other),
        ("552", "rcpt", Refusal::Message),
        ("552", "data", Refusal::Message),
        ("552", "dot", Refusal::Message),
        ("554", "rcpt", Refusal::Policy),
        ("554", "data", Refusal::Policy),
        ("554", "dot", Refusal::Policy),
    ];
    let readers = kinds.map(|(code, stage, _)| format!("{code}-at-{stage}@{stage}{code}.example"));
    let mailing = mailing_to(&store, readers.iter().cloned().chain(fine(20))).await;
    let rig = Rig::new(&store, Options::default()).await;
    let engine = rig.bench.start();
    let sent = rig.until_sent(&engine, &mailing).await;
    assert_eq!((sent.account.sent, sent.account.bounced), (20, 9));
    for (row, (code, stage, refusal)) in rig.ledger(&sent).await.iter().zip(kinds) {
        assert_eq!(
            (row.outcome, row.attempts, row.refusal),
            (Outcome::Bounced, 1, refusal),
            "{code} {stage}"
        );
        assert!(row.reply.starts_with(code) && row.relay == "main", "{row:?}");
    }
    assert!(readers.iter().all(|to| rig.tries.of(to).len() == 1));
    assert_eq!(rig.server.copies().len(), 20);
    assert!(rig.server.connections() <= CONNECTIONS, "{} connections", rig.server.connections());
    rig.close(engine).await;
});

both_dbs!(a_sender_that_is_refused_is_nobodys_bounce_and_costs_no_connection, |store| {
    let mailing = mailing_to(&store, fine(30)).await;
    let at_mail = At::Say("550 5.7.1 this sender is not yours");
    let rig = Rig::new(&store, Options { at_mail, ..Options::default() }).await;
    let engine = rig.bench.start();
    let is_paused = |mailing: &Mailing| mailing.status == MailingStatus::Paused;
    let paused = rig.bench.until(&engine, &mailing, PAUSE_MIN, is_paused).await;
    assert_eq!((paused.pause_reason, paused.account.bounced), (PauseReason::Sender, 0));
    // Also those that were on their way.
    let is_quiet = |mailing: &Mailing| mailing.account.deferred == 30;
    rig.bench.until(&engine, &mailing, Duration::ZERO, is_quiet).await;
    let mut activity = engine.activity();
    while tokio::time::timeout(Duration::from_millis(200), activity.changed()).await.is_ok() {}
    rig.server.change(|options| options.at_mail = At::Fine);
    make_move(&store, &rig.bench.clock, mailing.id, Move::Resume).await.expect("resumed");
    engine.wake();
    let sent = rig.until_sent(&engine, &mailing).await;
    rig.everybody_has_one(&sent, "sender").await;
    assert!(rig.server.connections() <= CONNECTIONS, "{} connections", rig.server.connections());
    rig.close(engine).await;
});

both_dbs!(two_thousand_mails_of_which_a_fifth_is_refused_need_no_connection_more, |store| {
    let kinds = ["550-at-rcpt", "550-at-data", "552-at-dot", "552-at-rcpt"];
    let readers = (0..2_000).map(|n| match n % 5 {
        0 => format!("{}+{n}@example.org", kinds[n / 5 % kinds.len()]),
        _ => format!("fine+{n}@example.org"),
    });
    let mailing = mailing_to(&store, readers).await;
    let rig = Rig::new(&store, Options::default()).await;
    let engine = rig.bench.start();
    // The breaker asks whether this is meant.
    let is_paused = |mailing: &Mailing| mailing.status == MailingStatus::Paused;
    let paused = rig.bench.until(&engine, &mailing, PAUSE_MIN, is_paused).await;
    assert_eq!(paused.pause_reason, PauseReason::Bounces);
    make_move(&store, &rig.bench.clock, mailing.id, Move::Resume).await.expect("resumed");
    engine.wake();
    let sent = rig.until_sent(&engine, &mailing).await;
    assert_eq!((sent.account.sent, sent.account.bounced), (1_600, 400));
    assert!(rig.ledger(&sent).await.iter().all(|row| row.attempts == 1));
    let copies = rig.server.copies();
    assert_eq!((copies.len(), copies.values().sum::<usize>()), (1_600, 1_600));
    assert!(rig.server.connections() <= CONNECTIONS, "{} connections", rig.server.connections());
    rig.close(engine).await;
});
