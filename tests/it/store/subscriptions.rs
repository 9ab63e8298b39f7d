use postiljon::model::{Language, SubscriptionStatus};
use postiljon::store::subscriptions::{self, Asked};
use postiljon::store::{subscribers, tokens};

use crate::support::database::{both_dbs, change, read};
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
