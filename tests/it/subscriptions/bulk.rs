use postiljon::model::{
    BulkAct, BulkActKind, BulkActStatus, Condition, Filter, Grant, Language, Role, Selection, Subscription,
    SubscriptionStatus, TopicId,
};
use postiljon::store::audit::{self, AuditFilter};
use postiljon::store::{bulk_acts, grants, topics, users};
use postiljon::subscriptions::bulk::{self, BulkError, Wanted};

use crate::support::database::{both_dbs, change, read};
use crate::support::people::{People, address, newsletter};
use crate::support::samples::{confirmed, user};

fn wanted(people: &People, kind: BulkActKind, topic: Option<TopicId>) -> Wanted {
    Wanted {
        kind,
        newsletter: people.newsletter.id,
        topic,
        selection: Selection::default(),
        typed_count: None,
        user: None,
    }
}

async fn worked_off(people: &People) {
    while bulk::work_off(&people.store, &people.clock, &people.keys, "test").await.expect("a step") {}
}

async fn done(people: &People, wanted: Wanted) -> BulkAct {
    let act = bulk::begin(&people.store, &people.clock, wanted).await.expect("begun");
    worked_off(people).await;
    read!(people.store, |db| bulk_acts::by_id(db, act.id)).expect("there")
}

async fn undone(people: &People, act: &BulkAct) -> BulkAct {
    bulk::undo(&people.store, act.id).await.expect("undoing");
    worked_off(people).await;
    read!(people.store, |db| bulk_acts::by_id(db, act.id)).expect("there")
}

async fn three(people: &People) -> Vec<Subscription> {
    let mut all = Vec::new();
    for n in 1..=3 {
        all.push(people.confirmed(&format!("reader{n}@example.org"), n).await);
    }
    people.clock.advance(std::time::Duration::from_secs(60));
    all
}

async fn status(people: &People, n: usize) -> SubscriptionStatus {
    people.subscription(&format!("reader{n}@example.org")).await.expect("there").status
}

both_dbs!(an_undo_restores_who_was_changed_and_has_not_changed_since, |store| {
    let people = People::of(&store).await;
    let all = three(&people).await;
    people.leave(&all[0]).await;
    let act = done(&people, wanted(&people, BulkActKind::Unsubscribe, None)).await;
    assert_eq!((act.status, act.total, act.changed), (BulkActStatus::Done, 3, 2));
    for n in 1..=3 {
        assert_eq!(status(&people, n).await, SubscriptionStatus::Unsubscribed);
    }
    // The second says no in person, by the link in an old mail.
    people.leave(&all[1]).await;
    let act = undone(&people, &act).await;
    assert_eq!((act.status, act.restored), (BulkActStatus::Undone, 1));
    assert_eq!(status(&people, 1).await, SubscriptionStatus::Unsubscribed, "had left before");
    assert_eq!(status(&people, 2).await, SubscriptionStatus::Unsubscribed, "left since");
    assert_eq!(status(&people, 3).await, SubscriptionStatus::Confirmed);
    assert!(matches!(bulk::undo(&store, act.id).await, Err(BulkError::NotPossible)), "once");
});

both_dbs!(topics_are_added_and_removed_and_given_back, |store| {
    let people = People::of(&store).await;
    let all = three(&people).await;
    let topic = change!(store, |tx| topics::insert(tx, people.newsletter.id, "ai", people.clock.now())).id;
    change!(store, |tx| topics::choose(tx, all[0].id, topic, people.clock.now()));
    people.clock.advance(std::time::Duration::from_secs(60));
    let has = async || {
        let mut has = Vec::new();
        for one in &all {
            has.push(read!(store, |db| topics::chosen(db, one.id)).contains(&topic));
        }
        has
    };
    let added = done(&people, wanted(&people, BulkActKind::AddTopic, Some(topic))).await;
    assert_eq!((added.changed, has().await), (2, vec![true, true, true]));
    let added = undone(&people, &added).await;
    assert_eq!((added.restored, has().await), (2, vec![true, false, false]), "who had it before keeps it");
    let removed = done(&people, wanted(&people, BulkActKind::RemoveTopic, Some(topic))).await;
    assert_eq!((removed.changed, has().await), (1, vec![false, false, false]));
    undone(&people, &removed).await;
    assert_eq!(has().await, [true, false, false]);
    let none = bulk::begin(&store, &people.clock, wanted(&people, BulkActKind::AddTopic, None)).await;
    assert!(matches!(none, Err(BulkError::NoTopic)), "{none:?}");
});

both_dbs!(erasing_many_asks_for_their_number_and_has_no_undo, |store| {
    let people = People::of(&store).await;
    three(&people).await;
    let erase = |count| Wanted { typed_count: count, ..wanted(&people, BulkActKind::Erase, None) };
    for wrong in [None, Some(2)] {
        let refused = bulk::begin(&store, &people.clock, erase(wrong)).await;
        assert!(matches!(refused, Err(BulkError::NotSure { count: 3 })), "{refused:?}");
    }
    let act = done(&people, erase(Some(3))).await;
    assert_eq!((act.status, act.changed), (BulkActStatus::Done, 3));
    let hash = people.keys.address_hash(&address("reader2@example.org"));
    assert!(read!(store, |db| postiljon::store::suppressions::contains(db, &hash)));
    assert!(people.subscription("reader2@example.org").await.is_none());
    assert!(matches!(bulk::undo(&store, act.id).await, Err(BulkError::NotPossible)));
});

both_dbs!(who_erases_many_reaches_nobody_of_a_newsletter_that_is_none_of_theirs, |store| {
    let people = People::of(&store).await;
    three(&people).await;
    let other = newsletter(&store, "other", Language::Dutch).await;
    confirmed(&store, other.id, 2).await;
    let other = People::of_newsletter(&store, other).await;
    let an = user(&store, "an@example.org").await;
    let grant = Grant::of_one(people.newsletter.id, Role::Owner);
    change!(store, |tx| grants::set(tx, an.id, &[grant]));
    let erase = |count| Wanted {
        typed_count: Some(count),
        user: Some(an.id),
        ..wanted(&people, BulkActKind::Erase, None)
    };
    let act = done(&people, erase(3)).await;
    assert_eq!((act.status, act.looked_at, act.changed), (BulkActStatus::Done, 3, 2));
    for one in [&people, &other] {
        let left = one.subscription("reader2@example.org").await.expect("still there");
        assert_eq!(left.status, SubscriptionStatus::Confirmed);
    }
    let log = read!(store, |db| audit::list(db, &AuditFilter::default()));
    let erased: Vec<_> =
        log.iter().filter(|row| row.act == "subscribers_erased").map(|row| row.user_id).collect();
    assert_eq!(erased, [Some(an.id), Some(an.id)], "in the name of who began it");
    // Disabled meanwhile, or removed: then nobody goes.
    confirmed(&store, people.newsletter.id, 7).await;
    change!(store, |tx| users::set_disabled(tx, an.id, Some(people.clock.now())));
    let act = done(&people, erase(2)).await;
    assert_eq!((act.status, act.changed), (BulkActStatus::Done, 0));
    let begun = bulk::begin(&store, &people.clock, erase(2)).await.expect("begun");
    change!(store, |tx| bulk_acts::fail_erasing_of(tx, an.id, people.clock.now()));
    worked_off(&people).await;
    let act = read!(store, |db| bulk_acts::by_id(db, begun.id)).expect("there");
    assert_eq!((act.status, act.changed, act.selection.as_str()), (BulkActStatus::Failed, 0, ""));
    assert_eq!(status(&people, 7).await, SubscriptionStatus::Confirmed);
});

both_dbs!(only_those_are_changed_whom_the_selection_means, |store| {
    let people = People::of(&store).await;
    let all = three(&people).await;
    let ticked = Selection { ids: vec![all[1].id], ..Selection::default() };
    let act =
        done(&people, Wanted { selection: ticked, ..wanted(&people, BulkActKind::Unsubscribe, None) }).await;
    assert_eq!((act.total, act.changed), (1, 1));
    assert_eq!(status(&people, 1).await, SubscriptionStatus::Confirmed);
    let left = Filter::all(vec![Condition::Status { is: true, status: SubscriptionStatus::Pending }]);
    let nobody = Selection { filter: left, ..Selection::default() };
    let refused = bulk::begin(
        &store,
        &people.clock,
        Wanted { selection: nobody, ..wanted(&people, BulkActKind::Unsubscribe, None) },
    )
    .await;
    assert!(matches!(refused, Err(BulkError::Nobody)), "{refused:?}");
});
