use std::time::Duration;

use postiljon::model::{
    ArticleDisplay, ArticleStatus, Consent, ConsentEvent, Language, OutboxKind, OutboxStatus, Outcome,
    SubscriberId, SubscriptionStatus, UncertainPolicy,
};
use postiljon::store::articles::ArticleFilter;
use postiljon::store::deliveries::Record;
use postiljon::store::mailings::Content;
use postiljon::store::outbox::NewMail;
use postiljon::store::*;

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::*;

both_dbs!(people, |store| {
    let n = newsletter(&store, "insights").await;
    read!(store, |db| newsletters::all(db));
    read!(store, |db| newsletters::by_id(db, n.id)).unwrap();
    let s = confirmed(&store, n.id, 1).await;
    read!(store, |db| subscribers::by_id(db, s.subscriber_id)).unwrap();
    read!(store, |db| subscribers::by_address(db, &address("Reader1@example.org"))).unwrap();
    change!(store, |tx| subscribers::update_profile(tx, s.subscriber_id, "x", Language::French));
    assert_eq!(read!(store, |db| subscribers::export_page(db, Some(n.id.0), 0, 10)).len(), 1);
    assert_eq!(read!(store, |db| subscribers::export_page(db, None, 0, 10)).len(), 1);
    read!(store, |db| subscriptions::by_id(db, s.id)).unwrap();
    assert_eq!(read!(store, |db| subscriptions::of_subscriber(db, s.subscriber_id)).len(), 1);
    assert_eq!(read!(store, |db| subscriptions::count(db, n.id, SubscriptionStatus::Confirmed)), 1);
    let text = change!(store, |tx| consents::keep_text(tx, n.id, Language::Dutch, "a", "b", NOW));
    read!(store, |db| consents::text_by_id(db, text)).unwrap();
    read!(store, |db| consents::latest_text(db, n.id, Language::Dutch)).unwrap();
    for (text, message_id) in [(Some(text), Some("m".to_owned())), (None, None)] {
        let consent = Consent {
            subscriber_id: s.subscriber_id,
            newsletter_id: n.id,
            event: ConsentEvent::Requested,
            at: NOW,
            consent_text_id: text,
            language: Language::Dutch,
            source: "page".into(),
            page: "".into(),
            ip: "".into(),
            user_agent: "".into(),
            message_id,
        };
        change!(store, |tx| consents::insert(tx, &consent));
    }
    assert_eq!(read!(store, |db| consents::of_subscriber(db, s.subscriber_id)).len(), 2);
    change!(store, |tx| suppressions::insert(tx, &[1, 2], NOW));
    assert!(read!(store, |db| suppressions::contains(db, &[1, 2])));
    change!(store, |tx| tokens::insert_confirm(tx, &[1], s.id, "m", NOW, at(5)));
    read!(store, |db| tokens::find_confirm(db, &[1])).unwrap();
    change!(store, |tx| tokens::mark_used(tx, &[1], NOW));
    change!(store, |tx| tokens::delete_of_subscription(tx, s.id));
    change!(store, |tx| tokens::delete_expired(tx, NOW));
    assert_eq!(change!(store, |tx| rate_limits::hit(tx, &[1], Duration::from_secs(1), NOW)), 1);
    assert_eq!(read!(store, |db| rate_limits::peek(db, &[1], NOW)), 1);
    change!(store, |tx| rate_limits::clear(tx, &[1]));
    change!(store, |tx| rate_limits::delete_ended(tx, NOW));
    let u = change!(store, |tx| users::insert(tx, &address("a@b.example"), "A", Language::Dutch, "h", NOW));
    read!(store, |db| users::by_address(db, &address("a@b.example"))).unwrap();
    assert_eq!(read!(store, |db| users::all(db)).len(), 1);
    change!(store, |tx| users::set_password(tx, u.id, "x"));
    change!(store, |tx| users::set_language(tx, u.id, Language::German));
    change!(store, |tx| sessions::insert(tx, &[3], u.id, NOW, at(1000)));
    read!(store, |db| sessions::find(db, &[3], NOW, at(-5))).unwrap();
    change!(store, |tx| sessions::touch(tx, &[3], at(4)));
    change!(store, |tx| sessions::delete(tx, &[3]));
    change!(store, |tx| sessions::delete_of_user(tx, u.id));
    change!(store, |tx| sessions::delete_expired(tx, NOW));
    assert!(change!(store, |tx| subscriptions::unsubscribe(tx, s.id, NOW)));
    change!(store, |tx| subscriptions::delete_unconfirmed(tx, at(1)));
    assert!(change!(store, |tx| subscribers::delete(tx, s.subscriber_id)));
});

both_dbs!(pieces, |store| {
    let n = newsletter(&store, "insights").await;
    let a = article(&store, "one").await;
    read!(store, |db| articles::by_id(db, a.id)).unwrap();
    read!(store, |db| articles::by_slug(db, &a.slug)).unwrap();
    change!(store, |tx| articles::update(tx, a.id, 1, &article_text("two"), NOW)).unwrap();
    change!(store, |tx| articles::set_status(tx, a.id, ArticleStatus::Published, NOW));
    let filter = ArticleFilter {
        search: "two".into(),
        status: Some(ArticleStatus::Published),
        language: Some(Language::Dutch),
        page: 0,
    };
    assert_eq!(read!(store, |db| articles::list(db, &filter)).len(), 1);
    assert_eq!(read!(store, |db| articles::list(db, &ArticleFilter::default())).len(), 1);
    let i = issue(&store, n.id).await;
    change!(store, |tx| issues::update(tx, i.id, 1, &issue_text("x"), NOW)).unwrap();
    read!(store, |db| issues::by_id(db, i.id)).unwrap();
    read!(store, |db| issues::by_public_id(db, i.public_id)).unwrap();
    change!(store, |tx| issues::set_articles(tx, i.id, &[(a.id, ArticleDisplay::Full)]));
    assert_eq!(read!(store, |db| issues::articles(db, i.id)).len(), 1);
    let m = change!(store, |tx| mailings::insert(tx, i.id, n.id, NOW, NOW));
    let content = Content {
        language: Language::Dutch,
        subject: "s".into(),
        html: "h".into(),
        text: "t".into(),
        web_html: "w".into(),
    };
    change!(store, |tx| mailings::insert_content(tx, m.id, &content));
    change!(store, |tx| mailings::insert_article(tx, m.id, a.id, 1, 1));
    assert_eq!(read!(store, |db| articles::appearances(db, a.id)).len(), 1);
    assert_eq!(read!(store, |db| issues::list(db, None, 0)).len(), 1);
    assert_eq!(read!(store, |db| issues::list(db, Some(n.id), 0)).len(), 1);
    read!(store, |db| mailings::by_id(db, m.id)).unwrap();
    read!(store, |db| mailings::of_issue(db, i.id)).unwrap();
    assert_eq!(read!(store, |db| mailings::contents(db, m.id)).len(), 1);
    assert_eq!(read!(store, |db| mailings::due(db, NOW)), [m.id]);
    assert_eq!(read!(store, |db| mailings::next_due(db)), Some(NOW));
    assert!(change!(store, |tx| mailings::cancel(tx, m.id, NOW)));
    assert_eq!(read!(store, |db| mailings::next_due(db)), None);
});

both_dbs!(mail, |store| {
    let n = newsletter(&store, "insights").await;
    let mut s = Vec::new();
    for i in 0..5 {
        s.push(confirmed(&store, n.id, i).await);
    }
    let m = sending(&store, n.id).await;
    assert_eq!(m.account.audience, 5);
    assert_eq!(read!(store, |db| mailings::sending(db)).len(), 1);
    assert_eq!(change!(store, |tx| mailings::lock_open(tx, n.id)).len(), 1);
    let w = change!(store, |tx| workers::insert(tx, NOW));
    assert!(change!(store, |tx| workers::beat(tx, w, NOW)));
    read!(store, |db| workers::silent_since(db, NOW));
    assert_eq!(read!(store, |db| workers::all(db)), [w]);
    let m = change!(store, |tx| mailings::lock_sending(tx, m.id)).unwrap();
    let r = change!(store, |tx| deliveries::claim_next(tx, &m, w, 4, NOW));
    assert_eq!(r.len(), 4);
    assert!(read!(store, |db| deliveries::still_claimed(db, m.id, r[0].subscriber_id, w)));
    read!(store, |db| deliveries::recipient(db, n.id, r[0].subscriber_id)).unwrap();
    let record = |i: usize, outcome, due_at| Record {
        subscriber_id: r[i].subscriber_id,
        outcome,
        attempts: 1,
        doubts: 0,
        due_at,
        reply: "x".into(),
    };
    let done = change!(store, |tx| deliveries::record(
        tx,
        m.id,
        w,
        &[record(0, Outcome::Sent, None), record(1, Outcome::Deferred, Some(NOW))],
        NOW
    ));
    assert_eq!(done, 2);
    assert_eq!(read!(store, |db| deliveries::next_due(db)), Some(NOW));
    assert_eq!(change!(store, |tx| deliveries::claim_due(tx, m.id, w, 10, NOW)).len(), 1);
    change!(store, |tx| deliveries::skip(tx, &m, s[4].subscriber_id, true, NOW));
    assert_eq!(change!(store, |tx| deliveries::release(tx, w, NOW)), 3);
    change!(store, |tx| deliveries::skip(tx, &m, r[3].subscriber_id, true, NOW));
    change!(store, |tx| deliveries::claim_due(tx, m.id, w, 10, NOW));
    assert_eq!(change!(store, |tx| deliveries::recover(tx, w, UncertainPolicy::Hold, NOW)), 0);
    assert_eq!(change!(store, |tx| deliveries::recover(tx, w, UncertainPolicy::Resend, NOW)), 2);
    assert!(!read!(store, |db| deliveries::count(db, m.id)).is_empty());
    assert_eq!(read!(store, |db| deliveries::ledger(db, m.id, SubscriberId(0), 10)).len(), 5);
    assert_eq!(read!(store, |db| deliveries::of_subscriber(db, r[0].subscriber_id)).len(), 1);
    assert!(change!(store, |tx| mailings::finish(tx, m.id, NOW)).is_none());
    for subscription in [Some(s[0].id), None] {
        let mail = NewMail {
            kind: OutboxKind::Confirm,
            newsletter_id: n.id,
            subscription_id: subscription,
            to_address: subscription.is_none().then(|| address("a@b.example")),
            issue_id: subscription.is_none().then_some(m.issue_id),
            language: Language::Dutch,
            nonce: vec![1],
            message_uuid: uuid::Uuid::now_v7(),
        };
        change!(store, |tx| outbox::insert(tx, &mail, NOW));
    }
    assert_eq!(read!(store, |db| outbox::next_due(db)), Some(NOW));
    let mails = change!(store, |tx| outbox::claim(tx, w, 10, NOW));
    assert_eq!(mails.len(), 2);
    assert!(change!(store, |tx| outbox::finish(tx, mails[0].id, w, OutboxStatus::Sent, "ok", NOW)));
    assert!(change!(store, |tx| outbox::put_back(tx, mails[1].id, w, 1, NOW, "later")));
    change!(store, |tx| outbox::put_back_all(tx, w));
    assert_eq!(read!(store, |db| outbox::open_count(db)), 1);
    change!(store, |tx| outbox::delete_queued(tx, s[0].id));
    assert!(!change!(store, |tx| workers::bury(tx, w, NOW)));
    change!(store, |tx| workers::delete(tx, w));
});
