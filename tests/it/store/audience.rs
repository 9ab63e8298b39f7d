//! Mailings to a segment: who is in it at the start gets it, and the account balances.

use std::collections::BTreeSet;

use postiljon::model::{Condition, Filter, Language, Mailing, Segment, Subscription, WorkerId};
use postiljon::store::{Store, deliveries, mailing_audience, mailings, segments, subscriptions};

use crate::support::database::{both_dbs, change, read};
use crate::support::people::People;
use crate::support::samples::{NOW, at, claim_next, confirmed, newsletter, scheduled};

async fn french(store: &Store, of: &Subscription) -> Segment {
    let filter = Filter::all(vec![Condition::Language { is: true, language: Language::French }]).to_json();
    change!(store, |tx| segments::insert(tx, of.newsletter_id, "French", &filter, NOW))
}

async fn speaks_french(store: &Store, subscription: &Subscription) {
    change!(store, |tx| subscriptions::choose_language(tx, subscription.id, Language::French));
}

async fn begun(store: &Store, segment: &Segment) -> Mailing {
    let mailing = scheduled(store, segment.newsletter_id).await;
    change!(store, |tx| mailings::set_segment(tx, mailing.id, segment));
    change!(store, |tx| mailings::start(tx, mailing.id, NOW)).expect("begun")
}

both_dbs!(a_mailing_to_a_segment_goes_to_who_was_in_it_at_the_start, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mut all = Vec::new();
    for n in 1..=4 {
        all.push(confirmed(&store, newsletter.id, n).await);
    }
    for one in &all[..2] {
        speaks_french(&store, one).await;
    }
    let segment = french(&store, &all[0]).await;
    let mailing = begun(&store, &segment).await;
    assert_eq!((mailing.account.audience, mailing.audience_end), (2, all[1].id));
    // Who comes into the segment now is not in the audience, and who leaves it is.
    speaks_french(&store, &all[2]).await;
    change!(store, |tx| subscriptions::choose_language(tx, all[0].id, Language::Dutch));
    // The frozen filter counts, whatever becomes of the segment.
    assert!(change!(store, |tx| segments::delete(tx, segment.id)));
    let claimed = change!(store, |tx| claim_next(tx, &mailing, WorkerId(1), 10, NOW));
    let claimed: BTreeSet<_> = claimed.iter().map(|one| one.subscription_id).collect();
    assert_eq!(claimed, BTreeSet::from([all[0].id, all[1].id]));
    for one in &all[..2] {
        let found = read!(store, |db| deliveries::recipient(db, mailing.id, one.subscriber_id));
        assert!(found.expect("there").1, "still in the audience");
    }
});

both_dbs!(a_segment_that_cannot_be_read_reaches_nobody, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let one = confirmed(&store, newsletter.id, 1).await;
    let mut segment = french(&store, &one).await;
    segment.filter = "{\"version\":9}".into();
    let mailing = begun(&store, &segment).await;
    assert_eq!(mailing.account.audience, 0);
});

both_dbs!(who_leaves_a_mailing_to_a_segment_is_skipped_and_the_account_balances, |store| {
    let people = People::of(&store).await;
    let mut all = Vec::new();
    for n in 1..=3 {
        all.push(people.confirmed(&format!("reader{n}@example.org"), n).await);
    }
    for one in &all[..2] {
        speaks_french(&store, one).await;
    }
    let segment = french(&store, &all[0]).await;
    let (_, mailing) = people.scheduled().await;
    change!(store, |tx| mailings::set_segment(tx, mailing.id, &segment));
    let mailing = people.start(&mailing).await;
    assert_eq!(mailing.account.audience, 2);
    // One of the audience, and one who is not in it.
    people.leave(&all[0]).await;
    people.leave(&all[2]).await;
    let now = read!(store, |db| mailings::by_id(db, mailing.id)).expect("there");
    assert_eq!(now.account.skipped, 1);
    let claimed = change!(store, |tx| claim_next(tx, &now, WorkerId(1), 10, people.clock.now()));
    assert_eq!(claimed.iter().map(|one| one.subscription_id).collect::<Vec<_>>(), [all[1].id]);
    assert!(read!(store, |db| mailing_audience::contains(db, mailing.id, all[1].id)));
    change!(store, |tx| deliveries::release(tx, WorkerId(1), at(5)));
    change!(store, |tx| deliveries::skip_waiting(tx, mailing.id, 10, people.clock.now()));
    assert!(read!(store, |db| mailing_audience::of_ended(db)).is_empty());
    let ended = change!(store, |tx| mailings::finish(tx, mailing.id, people.clock.now())).expect("ended");
    assert!(ended.account.balances(), "{:?}", ended.account);
    // Emptied by and by.
    assert_eq!(read!(store, |db| mailing_audience::of_ended(db)), [mailing.id]);
    let empty = async || change!(store, |tx| mailing_audience::empty(tx, mailing.id, 1));
    assert_eq!((empty().await, empty().await, empty().await), (1, 1, 0));
    assert!(read!(store, |db| mailing_audience::of_ended(db)).is_empty());
});
