use postiljon::model::{Agreed, ConsentEvent, Language, SubscriptionStatus};
use postiljon::store::subscriptions::{self, Asked};
use postiljon::store::{Store, consents, subscribers, tokens};

use crate::support::database::{both_databases, both_dbs, change, execute, read};
use crate::support::samples::{NOW, at, confirmed, newsletter, pending};

both_dbs!(a_second_sign_up_leaves_the_subscription_as_it_is, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let first = confirmed(&store, newsletter.id, 1).await;
    let again = change!(store, |tx| subscriptions::find_or_insert(
        tx,
        first.subscriber_id,
        newsletter.id,
        Language::French,
        at(1)
    ));
    assert_eq!((again.id, again.status), (first.id, SubscriptionStatus::Confirmed));
    assert_eq!((again.language, again.created_at), (Language::Dutch, NOW));
});

both_dbs!(confirming_answers_whether_it_changed_something, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    assert!(change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::French, at(1))));
    assert!(!change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::German, at(2))));
    let now = read!(store, |db| subscriptions::by_id(db, subscription.id)).expect("there");
    assert_eq!((now.status, now.language), (SubscriptionStatus::Confirmed, Language::French));
    assert_eq!((now.confirmed_at, now.unsubscribed_at), (Some(at(1)), None));
});

both_dbs!(unsubscribing_answers_whether_it_changed_something, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = confirmed(&store, newsletter.id, 1).await;
    assert!(change!(store, |tx| subscriptions::unsubscribe(tx, subscription.id, at(1))));
    assert!(!change!(store, |tx| subscriptions::unsubscribe(tx, subscription.id, at(2))));
    let now = read!(store, |db| subscriptions::by_id(db, subscription.id)).expect("there");
    assert_eq!((now.status, now.unsubscribed_at), (SubscriptionStatus::Unsubscribed, Some(at(1))));
    assert!(change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::Dutch, at(3))));
});

both_dbs!(subscriptions_are_counted_by_newsletter_and_state, |store| {
    let insights = newsletter(&store, "insights").await;
    let weekly = newsletter(&store, "weekly").await;
    let first = confirmed(&store, insights.id, 1).await;
    confirmed(&store, insights.id, 2).await;
    pending(&store, insights.id, 3).await;
    confirmed(&store, weekly.id, 1).await;
    let count = async |status| read!(store, |db| subscriptions::count(db, insights.id, status));
    assert_eq!(count(SubscriptionStatus::Confirmed).await, 2);
    assert_eq!(count(SubscriptionStatus::Pending).await, 1);
    assert_eq!(count(SubscriptionStatus::Unsubscribed).await, 0);
    let of_first = read!(store, |db| subscriptions::of_subscriber(db, first.subscriber_id));
    assert_eq!(of_first.iter().map(|s| s.newsletter_id).collect::<Vec<_>>(), [insights.id, weekly.id]);
});

both_dbs!(what_nobody_confirmed_in_time_is_erased, |store| {
    let insights = newsletter(&store, "insights").await;
    let weekly = newsletter(&store, "weekly").await;
    let forgotten = pending(&store, insights.id, 1).await;
    let elsewhere = pending(&store, insights.id, 2).await;
    confirmed(&store, weekly.id, 2).await;
    let reader = confirmed(&store, insights.id, 3).await;
    assert_eq!(change!(store, |tx| subscriptions::delete_unconfirmed(tx, NOW)), 0);
    assert_eq!(change!(store, |tx| subscriptions::delete_unconfirmed(tx, at(1))), 2);
    assert!(read!(store, |db| subscribers::by_id(db, forgotten.subscriber_id)).is_none());
    assert!(read!(store, |db| subscriptions::by_id(db, elsewhere.id)).is_none());
    assert!(read!(store, |db| subscribers::by_id(db, elsewhere.subscriber_id)).is_some());
    assert!(read!(store, |db| subscriptions::by_id(db, reader.id)).is_some());
});

both_dbs!(what_nobody_confirmed_goes_in_small_transactions, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let count = subscriptions::UNCONFIRMED_ROWS + 3;
    for n in 1..=count {
        pending(&store, newsletter.id, n).await;
    }
    let erase = async || change!(store, |tx| subscriptions::delete_unconfirmed(tx, at(1)));
    assert_eq!([erase().await, erase().await, erase().await], [subscriptions::UNCONFIRMED_ROWS, 3, 0]);
    let left = read!(store, |db| subscriptions::count(db, newsletter.id, SubscriptionStatus::Pending));
    assert_eq!(left, 0);
});

both_dbs!(who_asked_again_lately_is_not_erased_yet, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    change!(store, |tx| tokens::insert_confirm(tx, b"late", subscription.id, "m", at(10), at(20)));
    assert_eq!(change!(store, |tx| subscriptions::delete_unconfirmed(tx, at(10))), 0);
    assert_eq!(change!(store, |tx| subscriptions::delete_unconfirmed(tx, at(11))), 1);
});

both_dbs!(the_language_follows_the_newest_request_until_it_is_confirmed, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    let form = read!(store, |db| postiljon::store::forms::default_of(db, newsletter.id)).id;
    let set = async |language| {
        let asked = Asked {
            subscriber_id: subscription.subscriber_id,
            newsletter_id: newsletter.id,
            language,
            form_id: form,
            is_disposable: false,
        };
        let ids = change!(store, |tx| subscriptions::ask_all(tx, &[asked], NOW));
        assert_eq!(ids, [(subscription.id, subscription.subscriber_id, newsletter.id)]);
        read!(store, |db| subscriptions::by_id(db, subscription.id)).expect("there").language
    };
    assert_eq!(set(Language::French).await, Language::French);
    change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::French, NOW));
    assert_eq!(set(Language::German).await, Language::French);
});

both_databases!(
    who_had_agreed_to_opens_and_clicks_by_one_box_keeps_both_with_the_evidence_of_then,
    |database| {
        let store = database.store.clone();
        let newsletter = newsletter(&store, "insights").await;
        let agreed = confirmed(&store, newsletter.id, 1).await;
        let other = confirmed(&store, newsletter.id, 2).await;
        // As it was before there were two.
        for sql in [
        "ALTER TABLE subscriptions DROP COLUMN clicks_since",
        "ALTER TABLE subscriptions RENAME COLUMN opens_since TO tracking_since",
        "UPDATE subscriptions SET tracking_since = 7 WHERE id = (SELECT MIN(id) FROM subscriptions)",
        "INSERT INTO consents (subscriber_id, newsletter_id, event, at, language, source, page, ip, user_agent)
            SELECT subscriber_id, newsletter_id, 'tracking_given', 7, 'nl', 'page', '', '', ''
            FROM subscriptions WHERE tracking_since = 7",
        "ALTER TABLE consents DROP COLUMN privacy_version",
        "ALTER TABLE newsletters DROP COLUMN privacy_version",
        "DELETE FROM _sqlx_migrations WHERE version IN (33, 36)",
    ] {
        execute(&store, sql).await;
    }
        store.migrate().await.expect("migrated");
        // Without what connections remember of the old table.
        let store = Store::open(&database.url, 2).await.expect("opens");
        let of = async |id| read!(store, |db| subscriptions::by_id(db, id)).expect("there");
        let now = of(agreed.id).await;
        assert_eq!(now.agreed(), Agreed::BOTH);
        assert!(now.opens_since == now.clicks_since && now.opens_since.is_some_and(|at| at.as_millis() == 7));
        assert_eq!(of(other.id).await.agreed(), Agreed::NEITHER);
        let events = read!(store, |db| consents::of_subscriber(db, agreed.subscriber_id));
        assert_eq!(events.last().map(|it| it.event), Some(ConsentEvent::TrackingGiven));
        store.close().await;
    }
);
