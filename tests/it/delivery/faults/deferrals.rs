//! R7: 450, 451 and 452 at any stage are tried again by the plan of D41: after 5, 10, 20 minutes and so on.

use super::*;
use crate::support::database::both_dbs;
use crate::support::smtp_server::At;

/// Of the clock, for whatever is not planned: the machinery is woken a second at a time.
const SLACK: Duration = Duration::from_secs(10);

/// Moves the clock to each planned moment, and no further.
async fn until_sent_by_plan(rig: &Rig, engine: &EngineHandle, mailing: &Mailing) -> Mailing {
    let mut activity = engine.activity();
    let work = async {
        loop {
            activity.mark_unchanged();
            let now = read!(rig.bench.store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
            assert!(
                matches!(now.status, MailingStatus::Scheduled | MailingStatus::Sending | MailingStatus::Sent),
                "{now:?}"
            );
            if now.status == MailingStatus::Sent {
                rig.bench.assert_balanced(&now).await;
                return now;
            }
            if tokio::time::timeout(Duration::from_millis(50), activity.changed()).await.is_ok() {
                continue;
            }
            let ledger = rig.ledger(mailing).await;
            let time = rig.bench.clock.now();
            let next = ledger.iter().filter_map(|row| row.due_at).min();
            let is_quiet = ledger.iter().all(|row| row.outcome != Outcome::Claimed);
            let rest = next.filter(|_| is_quiet).map_or(Duration::ZERO, |next| next.since(time));
            rig.bench.clock.advance(rest.max(PAUSE_MIN));
        }
    };
    tokio::time::timeout(PATIENCE, work).await.expect("it is sent in time")
}

/// The waits between the tries of one recipient are those of the plan, give or take a fifth.
fn assert_planned(tries: &[Timestamp], to: &str) {
    for (at, two) in tries.windows(2).enumerate() {
        let planned = Duration::from_secs(5 * 60) * 2_u32.pow(u32::try_from(at).unwrap());
        let wait = two[1].since(two[0]);
        let within = planned.mul_f64(0.8)..=planned.mul_f64(1.2) + SLACK;
        assert!(within.contains(&wait), "{to}, after try {}: {wait:?}", at + 1);
    }
}

both_dbs!(who_is_put_off_is_tried_again_after_five_ten_and_twenty_minutes, |store| {
    let kinds: Vec<String> = ["450", "451", "452"]
        .iter()
        .flat_map(|code| {
            ["rcpt", "data", "dot"].map(|stage| format!("{code}-at-{stage}-3@{stage}{code}.example"))
        })
        .collect();
    let mailing = mailing_to(&store, kinds.iter().cloned().chain(fine(5))).await;
    let rig = Rig::new(&store, Options::default()).await;
    let engine = rig.bench.start();
    let sent = until_sent_by_plan(&rig, &engine, &mailing).await;
    rig.everybody_has_one(&sent, "4xx").await;
    for to in &kinds {
        let tries = rig.tries.of(to);
        assert_eq!(tries.len(), 4, "{to}: {tries:?}");
        assert_planned(&tries, to);
    }
    assert!(rig.server.connections() <= CONNECTIONS, "a refusal costs no connection");
    rig.close(engine).await;
});

both_dbs!(a_relay_that_puts_off_every_sender_is_asked_again_by_the_plan_and_nothing_is_paused, |store| {
    let readers: Vec<String> = fine(10).collect();
    let mailing = mailing_to(&store, readers.iter().cloned()).await;
    let at_mail = At::Say("452 4.3.1 no space left");
    let rig = Rig::new(&store, Options { at_mail, times: Some(25), ..Options::default() }).await;
    let engine = rig.bench.start();
    let sent = until_sent_by_plan(&rig, &engine, &mailing).await;
    rig.everybody_has_one(&sent, "452 at MAIL").await;
    let more: usize = readers.iter().map(|to| rig.tries.of(to).len() - 1).sum();
    assert_eq!(more, 25);
    readers.iter().for_each(|to| assert_planned(&rig.tries.of(to), to));
    rig.close(engine).await;
});
