//! Pauses end on their day, and before a mailing that begins at that moment; and the mails about an address.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use postiljon::keys::{Purpose, token_hash};
use postiljon::model::{Language, OutboxKind, Rhythm};
use postiljon::store::address_changes::{self, AddressChange};
use postiljon::store::outbox::{self, NewMail};
use postiljon::store::subscriptions;
use uuid::Uuid;

use super::script::{Script, Step};
use super::signing::Keeper;
use super::{Bench, PATIENCE, due_mailing};
use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, address, at, confirmed, newsletter};

both_dbs!(whose_pause_is_over_when_a_mailing_begins_gets_it, |store| {
    let (letter, mailing) = due_mailing(&store, 3).await;
    let over = confirmed(&store, letter.id, 1).await;
    let paused = confirmed(&store, letter.id, 2).await;
    let later = at(30 * 24 * 3600 * 1000);
    change!(store, |tx| subscriptions::set_pace(tx, over.id, Rhythm::Each, Some(NOW), NOW));
    change!(store, |tx| subscriptions::set_pace(tx, paused.id, Rhythm::Each, Some(later), NOW));
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!((sent.account.audience, sent.account.sent), (2, 2));
    let mut taken: Vec<_> = wire.taken().into_iter().map(|(to, _)| to).collect();
    taken.sort();
    assert_eq!(taken, ["reader1@example.org", "reader3@example.org"]);
    let ended = read!(store, |db| subscriptions::by_id(db, over.id)).expect("there");
    assert_eq!(ended.paused_until, None);
    // The other one comes back on the day, without a mailing.
    let mut activity = engine.activity();
    let mut steps = 0;
    while read!(store, |db| subscriptions::by_id(db, paused.id)).expect("there").audience_since.is_none() {
        steps += 1;
        assert!(steps < 500, "the pause does not end");
        if tokio::time::timeout(Duration::from_millis(50), activity.changed()).await.is_err() {
            bench.clock.advance(Duration::from_secs(24 * 3600));
        }
    }
    engine.stop().await;
});

both_dbs!(the_mails_about_a_new_address_say_what_they_must, |store| {
    let letter = newsletter(&store, "insights").await;
    let subscription = confirmed(&store, letter.id, 1).await;
    confirmed(&store, letter.id, 2).await;
    let wire = Arc::new(Keeper::default());
    let bench = Bench::new(&store, wire.clone());
    let mail = |kind, to: &str, nonce: u8| NewMail {
        kind,
        newsletter_id: letter.id,
        subscription_id: Some(subscription.id),
        to_address: Some(address(to)),
        issue_id: None,
        welcome_step_id: None,
        language: Language::Dutch,
        nonce: vec![nonce; 32],
        message_uuid: Uuid::now_v7(),
    };
    for (to, nonce) in [("new@example.org", 1), ("reader2@example.org", 2)] {
        let token = bench.keys.derive_token(Purpose::AddressChange, &[nonce; 32]);
        let change = AddressChange {
            subscriber_id: subscription.subscriber_id,
            new_address: address(to),
            created_at: NOW,
            expires_at: at(7 * 24 * 3600 * 1000),
            used_at: None,
        };
        let hash = token_hash(&token).expect("a token");
        change!(store, |tx| address_changes::insert(tx, &hash, &change));
        change!(store, |tx| outbox::insert(tx, &mail(OutboxKind::AddressChange, to, nonce), NOW));
    }
    change!(store, |tx| outbox::insert(tx, &mail(OutboxKind::AddressChanged, "old@example.org", 3), NOW));
    // Withdrawn by a newer wish: nothing goes out.
    change!(store, |tx| outbox::insert(tx, &mail(OutboxKind::AddressChange, "x@example.org", 4), NOW));
    let engine = bench.start();
    let mut activity = engine.activity();
    while read!(store, |db| outbox::open_count(db)) > 0 {
        tokio::time::timeout(PATIENCE, activity.changed()).await.expect("in time").expect("it lives");
    }
    engine.stop().await;
    let taken: HashMap<_, _> = wire.mails().into_iter().collect();
    assert_eq!(taken.len(), 3);
    let body = |to: &str| String::from_utf8_lossy(&taken[to]).replace("=\r\n", "");
    let token = bench.keys.derive_token(Purpose::AddressChange, &[1; 32]);
    assert!(body("new@example.org").contains(&format!("/address/{token}")));
    assert!(!body("reader2@example.org").contains("/address/"));
    assert!(body("old@example.org").contains("r***@e***.org"));
    for to in taken.keys() {
        assert!(!body(to).contains("reader1@example.org") && !body(to).contains("List-Unsubscribe"), "{to}");
    }
});
