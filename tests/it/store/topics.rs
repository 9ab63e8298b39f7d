use postiljon::model::{Language, TopicId};
use postiljon::store::topics::{self, choose_all, chosen};
use postiljon::store::{issues, mailings, subscriptions};

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, at, confirmed, issue_text, newsletter, pending};

both_dbs!(topics_come_in_their_order_and_keys_are_of_their_newsletter, |store| {
    let insights = newsletter(&store, "insights").await;
    let weekly = newsletter(&store, "weekly").await;
    let one = change!(store, |tx| topics::insert(tx, insights.id, "one", NOW));
    let two = change!(store, |tx| topics::insert(tx, insights.id, "two", NOW));
    change!(store, |tx| topics::insert(tx, weekly.id, "one", NOW));
    let mut tx = store.begin().await.expect("a transaction");
    let twice = topics::insert(&mut tx, insights.id, "one", NOW).await;
    assert!(twice.is_err_and(|error| error.is_duplicate()));
    drop(tx);
    let ids = |topics: Vec<postiljon::model::Topic>| topics.iter().map(|t| t.id).collect::<Vec<TopicId>>();
    assert_eq!(ids(read!(store, |db| topics::of_newsletter(db, insights.id))), [one.id, two.id]);
    change!(store, |tx| topics::set_position(tx, one.id, 9));
    assert_eq!(ids(read!(store, |db| topics::of_newsletter(db, insights.id))), [two.id, one.id]);
    let words = [(Language::Dutch, "Geld".to_owned(), "Wat het kost".to_owned())];
    change!(store, |tx| topics::set_texts(tx, one.id, &words));
    change!(store, |tx| topics::set_texts(tx, one.id, &words));
    let texts = read!(store, |db| topics::texts(db, insights.id));
    assert_eq!((texts.len(), texts[0].name.as_str(), texts[0].topic_id), (1, "Geld", one.id));
    change!(store, |tx| topics::set_archived(tx, one.id, Some(at(5))));
    let archived = read!(store, |db| topics::by_id(db, one.id)).expect("there");
    assert_eq!(archived.archived_at, Some(at(5)));
});

both_dbs!(a_new_topic_goes_to_those_who_have_all_others, |store| {
    let letter = newsletter(&store, "insights").await;
    let all = confirmed(&store, letter.id, 1).await;
    let some = confirmed(&store, letter.id, 2).await;
    let asking = pending(&store, letter.id, 3).await;
    let first = change!(store, |tx| topics::insert(tx, letter.id, "first", NOW));
    assert_eq!(change!(store, |tx| topics::give_to_those_with_all(tx, first.id, letter.id, NOW)), 2);
    change!(store, |tx| topics::unchoose(tx, some.id, first.id));
    let second = change!(store, |tx| topics::insert(tx, letter.id, "second", NOW));
    assert_eq!(change!(store, |tx| topics::give_to_those_with_all(tx, second.id, letter.id, at(1))), 1);
    assert_eq!(read!(store, |db| chosen(db, all.id)), [first.id, second.id]);
    assert!(read!(store, |db| chosen(db, some.id)).is_empty());
    assert!(read!(store, |db| chosen(db, asking.id)).is_empty());
    // What is not offered any more counts for nothing.
    change!(store, |tx| topics::set_archived(tx, first.id, Some(NOW)));
    change!(store, |tx| choose_all(tx, some.id, letter.id, at(2)));
    assert_eq!(read!(store, |db| chosen(db, some.id)), [second.id]);
    assert!(!read!(store, |db| topics::is_chosen_since(db, some.id, second.id, at(1))));
    assert!(read!(store, |db| topics::is_chosen_since(db, some.id, second.id, at(2))));
    // Choosing again keeps the moment.
    change!(store, |tx| topics::choose(tx, some.id, second.id, at(9)));
    assert!(read!(store, |db| topics::is_chosen_since(db, some.id, second.id, at(2))));
    assert_eq!(read!(store, |db| topics::readers(db, letter.id, 10)), [(first.id, 1), (second.id, 2)]);
    assert_eq!(
        read!(store, |db| topics::readers(db, letter.id, 1)),
        [(first.id, 1), (second.id, 2)],
        "more than one"
    );
    assert_eq!(
        read!(store, |db| topics::readers(db, letter.id, 0)),
        [(first.id, 1), (second.id, 1)],
        "more than none"
    );
    assert_eq!(read!(store, |db| subscriptions::count_audience(db, letter.id, Some(first.id))), 1);
    assert_eq!(read!(store, |db| subscriptions::count_audience(db, letter.id, None)), 2);
});

both_dbs!(the_topic_of_a_mailing_is_that_of_its_issue_when_it_was_scheduled, |store| {
    let letter = newsletter(&store, "insights").await;
    let topic = change!(store, |tx| topics::insert(tx, letter.id, "money", NOW));
    let text = issues::IssueText { topic: Some(topic.id), ..issue_text("Geld") };
    let issue = change!(store, |tx| issues::insert(tx, letter.id, &text, NOW));
    assert_eq!(issue.topic_id, Some(topic.id));
    assert_eq!(read!(store, |db| topics::drafts(db, topic.id)), [1]);
    let mailing = change!(store, |tx| mailings::insert(tx, issue.id, letter.id, NOW, NOW));
    assert_eq!(mailing.topic_id, Some(topic.id));
    assert!(read!(store, |db| topics::drafts(db, topic.id)).is_empty());
    let changed = change!(store, |tx| issues::update(tx, issue.id, 1, &issue_text("Geld"), NOW));
    assert!(changed.is_none(), "it is scheduled");
});
