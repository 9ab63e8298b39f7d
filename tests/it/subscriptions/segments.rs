use postiljon::model::{Condition, Filter, Language};
use postiljon::publishing::schedule::{Scheduling, When, schedule};
use postiljon::store::{mailings, segments as table};
use postiljon::subscriptions::segments::{self, SegmentError};

use crate::support::database::{both_dbs, change, read};
use crate::support::people::People;
use crate::support::press::{Press, piece, words};
use crate::support::samples::cancel;

fn dutch() -> Filter {
    Filter::all(vec![Condition::Language { is: true, language: Language::Dutch }])
}

both_dbs!(a_segment_has_a_name_of_its_own_and_a_filter, |store| {
    let people = People::of(&store).await;
    let id = people.newsletter.id;
    let add = |name: &'static str, filter: Filter| {
        let (store, clock) = (people.store.clone(), people.clock.clone());
        async move { segments::add(&store, &clock, id, name, &filter).await }
    };
    let segment = add(" Dutch ", dutch()).await.expect("added");
    assert_eq!(segment.name, "Dutch");
    for (name, filter, field) in
        [("Dutch", dutch(), "name"), ("", dutch(), "name"), ("All", Filter::default(), "filter")]
    {
        match add(name, filter).await {
            Err(SegmentError::Invalid(errors)) => {
                assert!(errors.field(field).is_some(), "{name}: {errors:?}")
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    segments::change(&store, &people.clock, segment.id, None, "Nederlands", &dutch()).await.expect("changed");
    assert_eq!(read!(store, |db| table::by_id(db, segment.id)).expect("there").name, "Nederlands");
});

both_dbs!(a_segment_stays_while_a_mailing_is_scheduled_to_it, |store| {
    let people = People::of(&store).await;
    people.confirmed("jan@example.org", 1).await;
    let segment =
        segments::add(&store, &people.clock, people.newsletter.id, "Dutch", &dutch()).await.expect("added");
    let press = Press::new(&store, &people.clock, "https://news.example");
    let article = press.article(&piece("Een titel", "Tekst.")).await;
    let placed = [postiljon::model::Placed::new(article.id, postiljon::model::ArticleDisplay::Full)];
    let issue = press.issue(people.newsletter.id, &words("Nieuws"), &placed).await;
    let scheduling = Scheduling { segment: Some(segment.id), ..Scheduling::from(When::Now) };
    let done = schedule(&store, &people.clock, "https://news.example", issue.id, scheduling).await;
    let mailing = done.expect("scheduled").mailing;
    let stored = read!(store, |db| mailings::by_id(db, mailing.id)).expect("there");
    assert_eq!(stored.segment_name.as_deref(), Some("Dutch"));
    assert!(matches!(segments::delete(&store, segment.id).await, Err(SegmentError::InUse)));
    assert!(change!(store, |tx| cancel(tx, mailing.id, people.clock.now())));
    segments::delete(&store, segment.id).await.expect("deleted");
    let stored = read!(store, |db| mailings::by_id(db, mailing.id)).expect("there");
    assert_eq!(stored.segment_name.as_deref(), Some("Dutch"), "a mailing keeps its copy");
});
