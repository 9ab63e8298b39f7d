//! How a newsletter grows, and what a report says of a mailing.

use std::time::Duration;

use postiljon::model::Tracking;
use postiljon::model::calendar::Period;
use postiljon::publishing::schedule::zone_of;
use postiljon::reports::mailing::{HOURS, of_mailing};
use postiljon::reports::newsletter::growth_of;
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::erase::erase;
use postiljon::subscriptions::unsubscribe::{resubscribe, undo_link};

use super::World;
use crate::support::database::both_dbs;
use crate::support::people::address;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

both_dbs!(growth_counts_who_came_and_left_week_by_week, |store| {
    let world = World::start(&store, Tracking::Off).await;
    let (people, clock) = (&world.people, &world.site.app.clock);
    let first = people.confirmed("jan@example.org", 1).await;
    people.confirmed("an@example.org", 2).await;
    // Asked for and never confirmed: has not come.
    people.sign_up("nobody@example.org", 3).await.expect("asked");
    clock.advance(WEEK);
    let bo = people.confirmed("bo@example.org", 4).await;
    people.leave(&first).await;
    people.leave(&bo).await;
    let undo = undo_link(&people.keys, &bo);
    resubscribe(&store, clock, &people.keys, &undo, &Evidence::command()).await.expect("back");
    clock.advance(WEEK);
    erase(&store, clock, &people.keys, &address("an@example.org")).await.expect("erased");
    let zone = zone_of(&world.newsletter);
    let mut reader = store.read().await.expect("a reader");
    let lines =
        growth_of(&mut reader, world.newsletter.id, Period::Week, clock.now(), zone).await.expect("read");
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.span.first.to_string(), line.growth.confirmed, line.growth.departed))
        .collect();
    let expected = [("2026-11-23", 2, 0), ("2026-11-30", 1, 1), ("2026-12-07", 0, 1)];
    assert_eq!(told, expected.map(|(day, came, left)| (day.to_owned(), came, left)));
    let months =
        growth_of(&mut reader, world.newsletter.id, Period::Month, clock.now(), zone).await.expect("read");
    assert_eq!(months.iter().map(|line| line.growth.confirmed).sum::<i64>(), 3);
    drop(reader);
    world.site.app.stop().await;
});

both_dbs!(a_report_compares_with_the_issues_before_from_the_fourth_on, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    for n in 1..=4_u16 {
        world.people.confirmed(&format!("reader{n}@example.org"), n).await;
    }
    let mut last = None;
    for (at, clicks) in [1, 4, 2, 3].into_iter().enumerate() {
        let (_, mailing, mails) = world.sent(&format!("Nummer {at}")).await;
        for _ in 0..clicks {
            world.open(&mails[0].1.clicks()[0]).await;
            world.rest();
        }
        world.counted(&mailing).await;
        world.site.app.clock.advance(WEEK);
        let mut reader = store.read().await.expect("a reader");
        let report = of_mailing(&mut reader, mailing.id).await.expect("read").expect("there");
        assert_eq!(report.usual.is_some(), at == 3);
        assert_eq!(report.hours.len() as i64, HOURS);
        assert_eq!(report.hours.iter().map(|hour| hour.clicks).sum::<i64>(), clicks);
        last = Some(report);
    }
    let report = last.expect("four");
    let usual = report.usual.expect("enough");
    // One, four and two clicks of four mails: the middle is two.
    assert_eq!((usual.mailings, usual.clicks, usual.bounced, usual.departures), (3, Some(500), 0, 0));
    assert_eq!(report.rates().clicks, Some(750));
    world.site.app.stop().await;
});
