use postiljon::store::tokens;

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, at, newsletter, pending};

both_dbs!(a_token_is_found_also_after_it_expired_or_was_used, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    change!(store, |tx| tokens::insert_confirm(tx, b"hash", subscription.id, "m@x", NOW, at(10)));
    let token = read!(store, |db| tokens::find_confirm(db, b"hash")).expect("there");
    assert_eq!((token.subscription_id, token.message_id.as_str()), (subscription.id, "m@x"));
    assert_eq!((token.created_at, token.expires_at, token.used_at), (NOW, at(10), None));
    assert!(read!(store, |db| tokens::find_confirm(db, b"has")).is_none());

    change!(store, |tx| tokens::mark_used(tx, b"hash", at(1)));
    change!(store, |tx| tokens::mark_used(tx, b"hash", at(2)));
    let token = read!(store, |db| tokens::find_confirm(db, b"hash")).expect("still there");
    assert_eq!(token.used_at, Some(at(1)));
});

both_dbs!(tokens_that_expired_long_ago_are_forgotten, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    change!(store, |tx| tokens::insert_confirm(tx, b"old", subscription.id, "m", NOW, at(10)));
    change!(store, |tx| tokens::insert_confirm(tx, b"new", subscription.id, "m", NOW, at(11)));
    change!(store, |tx| tokens::insert_confirm(tx, b"older", subscription.id, "m", NOW, at(9)));
    assert_eq!(change!(store, |tx| tokens::delete_expired(tx, at(11), 1)), 1);
    assert_eq!(change!(store, |tx| tokens::delete_expired(tx, at(11), 5)), 1);
    for hash in [b"old".as_slice(), b"older"] {
        assert!(read!(store, |db| tokens::find_confirm(db, hash)).is_none());
    }
    assert!(read!(store, |db| tokens::find_confirm(db, b"new")).is_some());
});

both_dbs!(leaving_takes_the_tokens_of_that_subscription_only, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let one = pending(&store, newsletter.id, 1).await;
    let two = pending(&store, newsletter.id, 2).await;
    change!(store, |tx| tokens::insert_confirm(tx, b"one", one.id, "m", NOW, at(10)));
    change!(store, |tx| tokens::insert_confirm(tx, b"two", two.id, "m", NOW, at(10)));
    change!(store, |tx| tokens::delete_of_subscription(tx, one.id));
    assert!(read!(store, |db| tokens::find_confirm(db, b"one")).is_none());
    assert!(read!(store, |db| tokens::find_confirm(db, b"two")).is_some());
});
