//! The outbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postiljon::keys::Purpose;
use postiljon::model::{Language, NewsletterId, OutboxKind, SubscriptionId};
use postiljon::store::outbox::{self, NewMail};
use postiljon::store::outbox_contents::{self, WrittenMail};
use postiljon::store::{Store, imports, tokens};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::manage::manage;
use postiljon::subscriptions::preferences::address::{Move, ask, confirm_move};
use uuid::Uuid;

use super::script::{Script, Step};
use super::{Bench, PATIENCE};
use crate::support::database::{both_dbs, change, execute, read};
use crate::support::people::People;
use crate::support::samples::{NOW, address, newsletter, pending, pending_at};

fn confirmation(newsletter: NewsletterId, subscription: SubscriptionId) -> NewMail {
    NewMail {
        kind: OutboxKind::Confirm,
        newsletter_id: newsletter,
        subscription_id: Some(subscription),
        to_address: None,
        issue_id: None,
        welcome_step_id: None,
        language: Language::Dutch,
        nonce: vec![5; 32],
        message_uuid: Uuid::now_v7(),
    }
}

/// Someone has asked for a newsletter, and the question to confirm is in the outbox.
async fn signed_up(store: &Store, bench: &Bench) {
    let newsletter = newsletter(store, "insights").await;
    let mail = question(store, bench, newsletter.id).await;
    change!(store, |tx| outbox::insert(tx, &mail, NOW));
}

/// A question to someone who may answer it.
async fn question(store: &Store, bench: &Bench, newsletter: NewsletterId) -> NewMail {
    let subscription = pending(store, newsletter, 1).await;
    let token = bench.keys.derive_token(postiljon::keys::Purpose::Confirm, &[5; 32]);
    let hash = postiljon::keys::token_hash(&token).expect("a token");
    let until = NOW.plus(Duration::from_secs(7 * 24 * 3600));
    change!(store, |tx| tokens::insert_confirm(tx, &hash, subscription.id, "m", NOW, until));
    confirmation(newsletter, subscription.id)
}

/// Somebody of this address has asked for a newsletter, and the question is in the outbox; `n` is told apart by it.
pub(super) async fn asked(store: &Store, bench: &Bench, newsletter: NewsletterId, at: &str, n: u8) {
    let subscription = pending_at(store, newsletter, at).await;
    let nonce = vec![n; 32];
    let token = bench.keys.derive_token(postiljon::keys::Purpose::Confirm, &nonce);
    let hash = postiljon::keys::token_hash(&token).expect("a token");
    let until = NOW.plus(Duration::from_secs(7 * 24 * 3600));
    change!(store, |tx| tokens::insert_confirm(tx, &hash, subscription.id, "m", NOW, until));
    let mail = NewMail { nonce, ..confirmation(newsletter, subscription.id) };
    change!(store, |tx| outbox::insert(tx, &mail, NOW));
}

/// Waits until so many mails are open, while the clock stands still.
async fn until_open(store: &Store, count: i64) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while read!(store, |db| outbox::open_count(db)) != count {
        assert!(tokio::time::Instant::now() < deadline, "there are others open than {count}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the outbox is empty, moving the clock whenever nothing happens.
pub(super) async fn until_empty(store: &Store, bench: &Bench, engine: &postiljon::delivery::EngineHandle) {
    let mut activity = engine.activity();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while read!(store, |db| outbox::open_count(db)) > 0 {
        assert!(tokio::time::Instant::now() < deadline, "the outbox is not empty");
        if tokio::time::timeout(Duration::from_millis(100), activity.changed()).await.is_err() {
            bench.clock.advance(Duration::from_secs(60));
        }
    }
}

both_dbs!(a_confirmation_goes_out_once, |store| {
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    signed_up(&store, &bench).await;
    let engine = bench.start();
    until_empty(&store, &bench, &engine).await;
    assert_eq!(wire.taken().len(), 1);
    assert_eq!(wire.taken()[0].0, "reader1@example.org");
    engine.stop().await;
});

both_dbs!(who_waits_to_be_asked_for_an_import_that_was_cancelled_is_not_asked, |store| {
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    let mail = question(&store, &bench, newsletter.id).await;
    change!(store, |tx| imports::insert(tx, newsletter.id, "list.csv", None, NOW));
    execute(&store, "UPDATE subscriptions SET import_id = (SELECT id FROM imports)").await;
    change!(store, |tx| outbox::insert_bulk(tx, &[&mail], NOW));
    execute(&store, "UPDATE imports SET status = 'cancelled'").await;
    let engine = bench.start();
    until_empty(&store, &bench, &engine).await;
    assert_eq!(wire.taken().len(), 0);
    // Who then signs up is asked.
    let own = NewMail { message_uuid: Uuid::now_v7(), ..mail };
    change!(store, |tx| outbox::insert(tx, &own, NOW));
    engine.wake();
    until_empty(&store, &bench, &engine).await;
    assert_eq!(wire.taken().len(), 1);
    engine.stop().await;
});

both_dbs!(a_confirmation_in_doubt_is_sent_again_twice_under_the_same_id, |store| {
    let wire = Script::new(|_, _| Step::TakeAndBreak);
    let bench = Bench::new(&store, wire.clone());
    signed_up(&store, &bench).await;
    let engine = bench.start();
    until_empty(&store, &bench, &engine).await;
    let taken = wire.taken();
    assert_eq!(taken.len(), 3);
    assert!(taken.iter().all(|mail| *mail == taken[0]));
    engine.stop().await;
});

both_dbs!(a_confirmation_waits_for_a_relay_that_is_down, |store| {
    let wire = Script::new(|_, before| if before < 3 { Step::NoRelay } else { Step::Accept });
    let bench = Bench::new(&store, wire.clone());
    signed_up(&store, &bench).await;
    let engine = bench.start();
    until_empty(&store, &bench, &engine).await;
    assert_eq!(wire.taken().len(), 1);
    engine.stop().await;
});

both_dbs!(a_confirmation_that_hangs_holds_up_no_other, |store| {
    let wire = Script::new(|to, _| if to.starts_with("hangs") { Step::TakeAndWait } else { Step::Accept });
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    asked(&store, &bench, newsletter.id, "hangs@example.org", 0).await;
    let engine = bench.start();
    wire.wait_for_tries(1).await;
    for n in 1..=30 {
        asked(&store, &bench, newsletter.id, &format!("reader{n}@example.org"), n).await;
    }
    engine.wake();
    until_open(&store, 1).await;
    assert_eq!(wire.copies().len(), 31);
    wire.release();
    until_open(&store, 0).await;
    engine.stop().await;
});

both_dbs!(mails_that_come_by_the_thousand_and_hang_leave_room_for_who_waits, |store| {
    let wire = Script::new(|to, _| if to.starts_with("hangs") { Step::TakeAndWait } else { Step::Accept });
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    for n in 0..30 {
        asked(&store, &bench, newsletter.id, &format!("hangs{n}@domain{n}.example"), n).await;
    }
    execute(&store, "UPDATE outbox SET is_bulk = TRUE").await;
    let engine = bench.start();
    wire.wait_for_tries(6).await;
    asked(&store, &bench, newsletter.id, "reader@example.org", 40).await;
    engine.wake();
    until_open(&store, 30).await;
    assert_eq!(wire.copies().len(), 6 + 1);
    wire.release();
    until_open(&store, 0).await;
    engine.stop().await;
});

both_dbs!(a_destination_that_hangs_does_not_take_all_places_for_single_mails, |store| {
    let wire =
        Script::new(|to, _| if to.ends_with("hangs.example") { Step::TakeAndWait } else { Step::Accept });
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    for n in 0..12 {
        asked(&store, &bench, newsletter.id, &format!("reader{n}@hangs.example"), n).await;
    }
    let engine = bench.start();
    wire.wait_for_tries(4).await;
    for n in 12..42 {
        asked(&store, &bench, newsletter.id, &format!("reader{n}@example.org"), n).await;
    }
    engine.wake();
    until_open(&store, 12).await;
    assert_eq!(wire.copies().len(), 30 + 4, "half of the places, and not one more");
    // More than can be in hand: they go back, and whoever comes behind them does not wait for them.
    for n in 50..80 {
        asked(&store, &bench, newsletter.id, &format!("reader{n}@hangs.example"), n).await;
    }
    asked(&store, &bench, newsletter.id, "late@example.org", 90).await;
    bench.clock.advance(Duration::from_secs(20));
    engine.wake();
    until_open(&store, 42).await;
    assert!(wire.copies().contains_key("late@example.org"));
    wire.release();
    until_empty(&store, &bench, &engine).await;
    assert_eq!(wire.copies().len(), 73);
    assert!(wire.copies().values().all(|copies| *copies == 1));
    engine.stop().await;
});

both_dbs!(a_confirmation_waits_for_a_relay_that_is_away_for_longer_than_a_day, |store| {
    let is_back = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_back);
    let wire =
        Script::new(move |_, _| if seen.load(Ordering::Relaxed) { Step::Accept } else { Step::NoRelay });
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    asked(&store, &bench, newsletter.id, "reader1@example.org", 1).await;
    let engine = bench.start();
    wire.wait_for_tries(1).await;
    for _ in 0..60 {
        let before = *wire.tries.borrow();
        bench.clock.advance(Duration::from_secs(1800));
        // What was tried just before comes back half a minute later.
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while *wire.tries.borrow() <= before {
            assert!(tokio::time::Instant::now() < deadline, "it is tried no more");
            tokio::time::sleep(Duration::from_millis(5)).await;
            bench.clock.advance(Duration::from_secs(5));
        }
    }
    assert_eq!(read!(store, |db| outbox::open_count(db)), 1);
    is_back.store(true, Ordering::Relaxed);
    until_empty(&store, &bench, &engine).await;
    assert_eq!(wire.copies()["reader1@example.org"], 1);
    // Nobody is asked what cannot be answered any more.
    is_back.store(false, Ordering::Relaxed);
    asked(&store, &bench, newsletter.id, "reader2@example.org", 2).await;
    engine.wake();
    let tries = *wire.tries.borrow();
    wire.wait_for_tries(tries + 1).await;
    bench.clock.advance(Duration::from_secs(6 * 24 * 3600));
    is_back.store(true, Ordering::Relaxed);
    until_empty(&store, &bench, &engine).await;
    assert_eq!(wire.copies().len(), 1);
    engine.stop().await;
});

both_dbs!(a_test_mail_in_doubt_is_not_sent_again, |store| {
    let wire = Script::new(|_, _| Step::TakeAndBreak);
    let bench = Bench::new(&store, wire.clone());
    let newsletter = newsletter(&store, "insights").await;
    let issue = crate::support::samples::issue(&store, newsletter.id).await;
    let mail = NewMail {
        kind: OutboxKind::Test,
        subscription_id: None,
        to_address: Some(address("editor@meridiaan.example")),
        issue_id: Some(issue.id),
        welcome_step_id: None,
        ..confirmation(newsletter.id, SubscriptionId(0))
    };
    let id = change!(store, |tx| outbox::insert(tx, &mail, NOW));
    let content = WrittenMail { subject: "Nieuws".into(), html: "<p>Dag</p>".into(), text: "Dag".into() };
    change!(store, |tx| outbox_contents::insert(tx, id, &content));
    let engine = bench.start();
    until_empty(&store, &bench, &engine).await;
    assert_eq!(wire.taken().len(), 1);
    engine.stop().await;
});

both_dbs!(who_moves_and_leaves_at_once_is_told_all_the_same_that_the_address_was_changed, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    let link = people.keys.sign_link(Purpose::Preferences, jan.id);
    move_to(&people, &link, "new@example.net").await;
    // A link to the preferences was asked for as well.
    let (keys, clock) = (&people.keys, &people.clock);
    clock.advance(Duration::from_secs(3600));
    manage(&store, clock, keys, "new@example.net", Language::Dutch, None).await.expect("asked");
    people.leave(&jan).await;
    let wire = Script::new(|_, _| Step::Accept);
    let mut bench = Bench::new(&store, wire.clone());
    bench.clock = people.clock.clone();
    bench.parts.clock = people.clock.clone();
    let engine = bench.start();
    until_empty(&store, &bench, &engine).await;
    engine.stop().await;
    let mut told: Vec<String> = wire.taken().into_iter().map(|(to, _)| to).collect();
    told.sort();
    assert_eq!(told, ["jan@example.org", "new@example.net"]);
});

/// Asks for another address, and presses the button in the mail there.
async fn move_to(people: &People, link: &str, new: &str) {
    let (store, clock, keys) = (&people.store, &people.clock, &people.keys);
    ask(store, clock, keys, link, new).await.expect("asked");
    let mails = people.mails().await;
    let mail = mails.iter().find(|mail| mail.kind == OutboxKind::AddressChange).expect("a mail");
    let token = keys.derive_token(Purpose::AddressChange, &mail.nonce);
    let moved = confirm_move(store, clock, keys, &token, &Evidence::command()).await.expect("asked");
    assert!(matches!(moved, Move::Done(_)));
    execute(store, "UPDATE outbox SET status = 'sent' WHERE status = 'claimed'").await;
}
