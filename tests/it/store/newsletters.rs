use postiljon::store::newsletters;

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, address, new_newsletter, newsletter, slug};

both_dbs!(a_newsletter_comes_back_as_it_went_in, |store| {
    let mut new = new_newsletter("insights");
    new.reply_to = Some(address("Redactie@Meridiaan.example"));
    let inserted = change!(store, |tx| newsletters::insert(tx, &new, NOW));
    let found = read!(store, |db| newsletters::by_slug(db, &new.slug)).expect("there");
    assert_eq!(format!("{inserted:?}"), format!("{found:?}"));
    assert_eq!(found.created_at, NOW);
    assert_eq!(found.sender_address.as_str(), "insights@meridiaan.example");
    assert_eq!(found.reply_to.expect("kept").as_str(), "Redactie@meridiaan.example");
    assert_eq!(found.postal_address, "Kaai 1\n1000 Brussel");
});

both_dbs!(newsletters_are_listed_in_the_order_they_were_made, |store| {
    let second = newsletter(&store, "zeta").await;
    let third = newsletter(&store, "alfa").await;
    let all = read!(store, |db| newsletters::all(db));
    assert_eq!(all.iter().map(|n| n.id).collect::<Vec<_>>(), [second.id, third.id]);
    assert_eq!(read!(store, |db| newsletters::by_id(db, third.id)).expect("there").slug, slug("alfa"));
    assert!(read!(store, |db| newsletters::by_slug(db, &slug("beta"))).is_none());
});

both_dbs!(a_second_newsletter_of_the_same_slug_is_a_duplicate, |store| {
    newsletter(&store, "insights").await;
    let mut tx = store.begin().await.expect("a transaction");
    let again = newsletters::insert(&mut tx, &new_newsletter("insights"), NOW).await;
    assert!(again.is_err_and(|error| error.is_duplicate()));
});

both_dbs!(a_transaction_that_is_dropped_leaves_nothing, |store| {
    let mut tx = store.begin().await.expect("a transaction");
    newsletters::insert(&mut tx, &new_newsletter("insights"), NOW).await.expect("inserted");
    drop(tx);
    assert!(read!(store, |db| newsletters::all(db)).is_empty());
});
