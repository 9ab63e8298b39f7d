//! R14: a relay whose name cannot be resolved.

use postiljon::mail::relay::Outgoing;

use super::*;
use crate::support::database::both_dbs;

both_dbs!(a_relay_whose_name_nobody_knows_is_told_of_and_fails_nobody, |store| {
    let mailing = mailing_to(&store, fine(30)).await;
    let unknown = |settings| RelaySettings { host: "relay.invalid".to_owned(), ..settings };
    let rig = Rig::with(&store, Options::default(), unknown).await;
    let (from, to) = (address("news@example.org"), address("reader@example.org"));
    let mail =
        Outgoing { envelope_from: Some(&from), to: &to, envelope_id: None, bytes: b"Subject: a\r\n\r\n" };
    let told = rig.relays.send(&mail, "").await.expect_err("nobody knows it").to_string();
    assert!(told.contains("relay.invalid") && told.contains("To do: check the relay's host"), "{told}");

    let engine = rig.bench.start();
    let began = |mailing: &Mailing| mailing.status == MailingStatus::Sending;
    rig.bench.until(&engine, &mailing, Duration::ZERO, began).await;
    while rig.tries.begun.lock().unwrap().len() < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        rig.bench.clock.advance(PAUSE_MIN);
    }
    let waiting = read!(store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
    assert_eq!((waiting.account.settled(), rig.server.connections()), (0, 0));
    rig.relays.replace(vec![main_relay(settings(&rig.server))]).await.expect("replaced");
    let sent = rig.until_sent(&engine, &mailing).await;
    rig.everybody_has_one(&sent, "name").await;
    assert!(rig.ledger(&sent).await.iter().all(|row| row.attempts == 1), "nobody was tried in vain");
    rig.close(engine).await;
});
