//! One reminder of a confirmation that did not come; and nothing of it after eight days (L6).

use std::time::Duration;

use postiljon::delivery::{Engine, EngineHandle, EngineParts};
use postiljon::keys::{Purpose, token_hash};
use postiljon::model::{Newsletter, OutboxKind, Subscription, SubscriptionStatus};
use postiljon::store::outbox::{self, NewMail};
use postiljon::store::{Store, subscribers, subscriptions, suppressions, tokens};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::confirm::{Confirmation, confirm, look};
use postiljon::subscriptions::unsubscribe::unsubscribe;
use uuid::Uuid;

use super::Bench;
use super::script::{Script, Step};
use crate::support::database::{both_dbs, change, on_postgres, read};
use crate::support::keeping::{Keeping, Kept};
use crate::support::samples::{NOW, newsletter, pending};

const HOUR: Duration = Duration::from_secs(3600);

/// Someone has asked for a newsletter at [`NOW`], and the question to confirm is in the outbox.
async fn asked(store: &Store, bench: &Bench, newsletter: &Newsletter, n: u8) -> (Subscription, String) {
    let subscription = pending(store, newsletter.id, n.into()).await;
    let nonce = vec![n; 32];
    let token = bench.keys.derive_token(Purpose::Confirm, &nonce);
    let hash = token_hash(&token).expect("a token");
    change!(store, |tx| tokens::insert_confirm(
        tx,
        &hash,
        subscription.id,
        "m",
        NOW,
        NOW.plus(7 * 24 * HOUR)
    ));
    let mail = NewMail {
        kind: OutboxKind::Confirm,
        newsletter_id: newsletter.id,
        subscription_id: Some(subscription.id),
        to_address: None,
        issue_id: None,
        welcome_step_id: None,
        language: subscription.language,
        nonce,
        message_uuid: Uuid::now_v7(),
    };
    change!(store, |tx| outbox::insert(tx, &mail, NOW));
    (subscription, token)
}

/// Lets time pass hour by hour, each until nothing happens any more.
async fn pass(bench: &Bench, engine: &EngineHandle, hours: u32) {
    let mut activity = engine.activity();
    for _ in 0..hours {
        bench.clock.advance(HOUR);
        while tokio::time::timeout(Duration::from_millis(80), activity.changed()).await.is_ok() {}
    }
}

fn to(mails: &[Kept], n: u8) -> Vec<Kept> {
    mails.iter().filter(|mail| mail.to == format!("reader{n}@example.org")).cloned().collect()
}

/// The token in a mail.
fn token(mail: &Kept) -> String {
    let link = mail.links("https://news.example.org/confirm/").remove(0);
    link.rsplit('/').next().expect("a token").to_owned()
}

both_dbs!(after_two_days_there_is_one_reminder_whose_link_confirms, |store| {
    let wire = Keeping::new();
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    let (subscription, first) = asked(&store, &bench, &newsletter, 1).await;
    let engine = bench.start();
    wire.wait_for(1).await;
    pass(&bench, &engine, 47).await;
    assert_eq!(wire.all().len(), 1, "not before two days");
    pass(&bench, &engine, 2).await;
    let mails = wire.wait_for(2).await;
    pass(&bench, &engine, 70).await;
    assert_eq!(wire.all().len(), 2, "one reminder");
    let reminder = &mails[1];
    assert!(reminder.subject.contains("INSIGHTS") && reminder.text.contains("1 januari 2026 om 13:00"));
    assert!(reminder.list_unsubscribe.contains("/unsubscribe/"));
    let again = token(reminder);
    assert_ne!(first, again, "each mail has a token of its own");
    for token in [&again, &first, &again] {
        let done = confirm(&store, &bench.clock, &bench.keys, token, &Evidence::command()).await;
        assert!(matches!(done, Ok(Confirmation::Done(_))), "{done:?}");
    }
    let now = read!(store, |db| subscriptions::by_id(db, subscription.id)).expect("there");
    assert_eq!(now.status, SubscriptionStatus::Confirmed);
    engine.stop().await;
});

both_dbs!(who_confirmed_left_or_is_suppressed_or_could_not_be_asked_is_not_reminded, |store| {
    let wire = Keeping::new();
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    let (_, confirmed) = asked(&store, &bench, &newsletter, 1).await;
    let (left, _) = asked(&store, &bench, &newsletter, 2).await;
    let (suppressed, _) = asked(&store, &bench, &newsletter, 3).await;
    let (waits, _) = asked(&store, &bench, &newsletter, 4).await;
    let (late, _) = asked(&store, &bench, &newsletter, 5).await;
    let engine = bench.start();
    wire.wait_for(5).await;
    confirm(&store, &bench.clock, &bench.keys, &confirmed, &Evidence::command()).await.expect("confirmed");
    let link = bench.keys.sign_link(Purpose::Unsubscribe, left.id);
    unsubscribe(&store, &bench.clock, &bench.keys, &link, &Evidence::command()).await.expect("left");
    let person = read!(store, |db| subscribers::by_id(db, suppressed.subscriber_id)).expect("there");
    let hash = bench.keys.address_hash(&person.address);
    change!(store, |tx| suppressions::insert(tx, &hash, NOW));
    // Asked again yesterday: that counts anew.
    let renewed = token_hash(&bench.keys.derive_token(Purpose::Confirm, b"renewed")).expect("a token");
    let yesterday = NOW.plus(24 * HOUR);
    change!(store, |tx| tokens::insert_confirm(
        tx,
        &renewed,
        late.id,
        "m",
        yesterday,
        yesterday.plus(7 * 24 * HOUR)
    ));
    pass(&bench, &engine, 60).await;
    wire.wait_with(&bench.clock, 6).await;
    let reminders = wire.all().split_off(5);
    assert_eq!((reminders.len(), to(&reminders, 4).len()), (1, 1), "{reminders:?}");
    pass(&bench, &engine, 14).await;
    wire.wait_with(&bench.clock, 7).await;
    let reminders = wire.all().split_off(5);
    assert_eq!((reminders.len(), to(&reminders, 5).len()), (2, 1), "{reminders:?}");
    assert!(read!(store, |db| subscriptions::by_id(db, waits.id)).expect("there").reminded_at.is_some());
    engine.stop().await;
});

both_dbs!(a_question_that_bounced_is_not_repeated, |store| {
    let wire = Script::new(|_, _| Step::Refuse { is_permanent: true });
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    asked(&store, &bench, &newsletter, 1).await;
    let engine = bench.start();
    wire.wait_for_tries(1).await;
    pass(&bench, &engine, 80).await;
    assert_eq!(*wire.tries.borrow(), 1);
    engine.stop().await;
});

both_dbs!(nothing_is_left_after_eight_days_and_the_reminder_prolongs_nothing, |store| {
    let wire = Keeping::new();
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    let (subscription, _) = asked(&store, &bench, &newsletter, 1).await;
    let engine = bench.start();
    wire.wait_for(1).await;
    pass(&bench, &engine, 50).await;
    let reminder = token(&wire.wait_for(2).await[1]);
    pass(&bench, &engine, 7 * 24 - 50 - 1).await;
    let seen = look(&store, &bench.clock, &reminder).await;
    assert!(matches!(seen, Ok(Confirmation::Open(_))), "{seen:?}");
    pass(&bench, &engine, 2).await;
    let seen = look(&store, &bench.clock, &reminder).await;
    assert!(matches!(seen, Ok(Confirmation::Expired(_))), "with the first link, and not later: {seen:?}");
    pass(&bench, &engine, 23).await;
    assert!(read!(store, |db| subscriptions::by_id(db, subscription.id)).is_none());
    assert!(read!(store, |db| subscribers::by_id(db, subscription.subscriber_id)).is_none());
    assert_eq!(wire.all().len(), 2);
    engine.stop().await;
});

on_postgres!(two_engines_remind_once, |database| {
    let store = database.store.clone();
    let wire = Keeping::new();
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    for n in 1..=20 {
        asked(&store, &bench, &newsletter, n).await;
    }
    let other = Store::open(&database.url, 4).await.expect("opens");
    let parts = EngineParts { store: other.clone(), ..bench.parts.clone() };
    let engines = [bench.start(), Engine::start(parts)];
    wire.wait_for(20).await;
    bench.clock.advance(49 * HOUR);
    for engine in &engines {
        pass(&bench, engine, 3).await;
    }
    let mails = wire.wait_with(&bench.clock, 40).await;
    assert_eq!(mails.len(), 40);
    for n in 1..=20 {
        assert_eq!(to(&mails, n).len(), 2, "reader {n}");
    }
    for engine in engines {
        engine.stop().await;
    }
    other.close().await;
});
