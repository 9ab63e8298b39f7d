//! Following links: where they lead, what is counted, what is kept of whom, and what is forgotten.

use std::time::Duration;

use futures_util::StreamExt as _;
use postiljon::delivery::EngineSettings;
use postiljon::keys::Purpose;
use postiljon::model::{Agreed, HitKind, HitRule, Subscription, Tracking};
use postiljon::publishing::articles;
use postiljon::store::{mailing_links, reports};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::erase::erase;
use postiljon::subscriptions::preferences::data::personal_data;
use postiljon::subscriptions::unsubscribe::{resubscribe, undo_link};

use super::World;
use crate::support::database::{TestDatabase, both_dbs, execute, read};
use crate::support::dice::Dice;
use crate::support::people::address;
use crate::support::press::piece;

const JAN: &str = "jan@example.org";

both_dbs!(a_link_leads_where_it_did_when_it_was_mailed, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    world.people.confirmed(JAN, 1).await;
    let (_, mailing, mail) = world.sent_to("Waarheen", JAN).await;
    let links = read!(store, |db| mailing_links::of_mailing(db, mailing.id));
    let mut changed = piece("Over bruggen", "Nu [elders](https://elders.example/).");
    changed.slug = world.article.slug.to_string();
    articles::save(&store, &world.site.app.clock, world.article.id, world.article.version, &changed)
        .await
        .expect("saved");
    for (path, link) in mail.clicks().iter().zip(&links) {
        let answer = world.open(path).await;
        assert_eq!((answer.status, answer.location()), (302, link.url.as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        world.rest();
    }
    let picture = world.open(&mail.open().expect("a picture")).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/gif")));
    assert_eq!(picture.header("cache-control"), Some("no-store"));
    assert!(picture.body.starts_with("GIF89a"));
    world.site.app.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_altered_tokens_none_leads_anywhere() {
    let database = TestDatabase::sqlite().await;
    let world = World::start(&database.store, Tracking::Person).await;
    let jan = world.people.confirmed(JAN, 1).await;
    world.agrees(&jan, true).await;
    let (_, mailing, mail) = world.sent_to("Tienduizend", JAN).await;
    let good = mail.clicks().remove(0);
    let mut dice = Dice::new();
    let mut below = |end: usize| {
        let number = dice.below(u64::try_from(end).expect("small"));
        usize::try_from(number).expect("small")
    };
    let letters: Vec<char> = ('a'..='z').chain('2'..='7').chain(['-', '.', '0', 'A']).collect();
    let altered: Vec<String> = (0..10_000)
        .map(|_| {
            let mut token: Vec<char> = good.chars().collect();
            let at = "/c/".len() + below(token.len() - "/c/".len());
            match below(4) {
                0 => {
                    token.remove(at);
                }
                1 => token.insert(at, letters[below(letters.len())]),
                _ => token[at] = letters[below(letters.len())],
            }
            token.into_iter().collect::<String>()
        })
        // Letters of either case are the same to us, as they are to who reads a link aloud.
        .filter(|path: &String| !path.eq_ignore_ascii_case(&good))
        .collect();
    assert!(altered.len() > 9_000);
    let visitor = world.visitor();
    let answers = futures_util::stream::iter(altered.into_iter().map(|path| {
        let visitor = visitor.clone();
        async move { (visitor.get(&path).await.expect("an answer").status, path) }
    }))
    .buffer_unordered(8)
    .collect::<Vec<_>>()
    .await;
    let wrong: Vec<_> = answers.iter().filter(|(status, _)| *status != 404).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let counts = world.counted(&mailing).await;
    assert_eq!((counts.clicks, counts.machine_clicks), (0, 0));
    assert_eq!(world.open(&good).await.status, 302, "the one that was not altered");
    // The purpose is part of the signature: a token of one door opens no other.
    let leave = world.people.keys.sign_link(Purpose::Unsubscribe, jan.id);
    for path in
        [good.replace("/c/", "/o/") + ".gif", format!("/c/{leave}"), good.replace("/c/", "/unsubscribe/")]
    {
        assert_eq!(world.open(&path).await.status, 404, "{path}");
    }
    world.site.app.stop().await;
}

both_dbs!(clicks_of_people_are_counted_by_link_hour_and_rule, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    world.people.confirmed(JAN, 1).await;
    let (_, mailing, mail) = world.sent_to("Tellen", JAN).await;
    let clicks = mail.clicks();
    for path in [&clicks[0], &clicks[1], &clicks[1]] {
        world.open(path).await;
        world.rest();
    }
    world.site.app.clock.advance(Duration::from_secs(3600));
    world.open(&clicks[1]).await;
    world.open(&mail.open().expect("a picture")).await;
    let counts = world.counted(&mailing).await;
    assert_eq!((counts.clicks, counts.machine_clicks, counts.opens), (4, 0, 1));
    assert_eq!((counts.click_readers, world.rows("reader_hits").await), (0, 0), "of nobody in particular");
    let links = read!(store, |db| mailing_links::of_mailing(db, mailing.id));
    assert_eq!((links[0].clicks, links[1].clicks), (1, 3));
    let hours = read!(store, |db| reports::hours(db, mailing.id, 0, i64::MAX));
    assert_eq!(hours.iter().map(|hour| hour.clicks).collect::<Vec<_>>(), [3, 1]);
    let rules = read!(store, |db| reports::rules(db, mailing.id));
    assert_eq!(rules, [(HitKind::Click, HitRule::Human, 4), (HitKind::Open, HitRule::Human, 1)]);
    world.site.app.stop().await;
});

both_dbs!(the_trace_of_a_scanner_has_no_click_of_a_person, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let jan = world.people.confirmed(JAN, 1).await;
    world.agrees(&jan, true).await;
    let (_, mailing, mail) = world.sent_to("Scanner", JAN).await;
    let clicks = mail.clicks();
    // It asks whether the pages are there, then opens all, as a browser.
    for path in &clicks {
        let answer = world.visitor().send("HEAD", path, None).await.expect("an answer");
        assert_eq!(answer.status, 302);
    }
    for path in &clicks {
        world.open(path).await;
    }
    // Others say who they are, or what they do.
    world.rest();
    let named = world.site.app.browser().with_header("user-agent", "Slackbot-LinkExpanding 1.0");
    named.get(&clicks[0]).await.expect("an answer");
    let ahead = world.visitor().with_header("sec-purpose", "prefetch;prerender");
    ahead.get(&clicks[0]).await.expect("an answer");
    let apple = world.site.app.browser().with_header("user-agent", "Mozilla/5.0");
    apple.get(&mail.open().expect("a picture")).await.expect("an answer");
    let counts = world.counted(&mailing).await;
    assert_eq!((counts.clicks, counts.opens, counts.click_readers, counts.open_readers), (0, 0, 0, 0));
    let of_links = i64::try_from(clicks.len()).expect("few");
    assert_eq!((counts.machine_clicks, counts.machine_opens), (2 * of_links + 2, 1));
    let rules = read!(store, |db| reports::rules(db, mailing.id));
    assert_eq!(
        rules,
        [
            (HitKind::Click, HitRule::Burst, of_links),
            (HitKind::Click, HitRule::Head, of_links),
            (HitKind::Click, HitRule::Prefetch, 1),
            (HitKind::Click, HitRule::Scanner, 1),
            (HitKind::Open, HitRule::Scanner, 1),
        ]
    );
    // Then the reader comes.
    world.rest();
    world.open(&clicks[2]).await;
    let counts = world.counted(&mailing).await;
    assert_eq!((counts.clicks, counts.click_readers), (1, 1));
    world.site.app.stop().await;
});

both_dbs!(a_burst_that_was_half_written_is_taken_back, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    world.people.confirmed(JAN, 1).await;
    let (_, mailing, mail) = world.sent_to("Half", JAN).await;
    let clicks = mail.clicks();
    world.open(&clicks[0]).await;
    world.open(&clicks[1]).await;
    assert_eq!(world.counted(&mailing).await.clicks, 2, "so far it could be a person");
    world.open(&clicks[2]).await;
    let counts = world.counted(&mailing).await;
    assert_eq!((counts.clicks, counts.machine_clicks), (0, 3));
    world.site.app.stop().await;
});

both_dbs!(both_links_of_a_mail_with_two_at_once_are_a_machines, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    world.people.confirmed(JAN, 1).await;
    let (_, mailing, mail) = world.sent_to("Twee", JAN).await;
    let clicks = mail.clicks();
    execute(&store, "DELETE FROM mailing_links WHERE number > 2").await;
    world.open(&clicks[0]).await;
    world.open(&clicks[1]).await;
    let counts = world.counted(&mailing).await;
    assert_eq!((counts.clicks, counts.machine_clicks), (0, 2));
    // A reader takes a moment for each.
    world.rest();
    world.open(&clicks[0]).await;
    world.rest();
    world.open(&clicks[1]).await;
    assert_eq!(world.counted(&mailing).await.clicks, 2);
    world.site.app.stop().await;
});

both_dbs!(a_click_at_the_moment_of_delivery_is_a_machines, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let jan = world.people.confirmed(JAN, 1).await;
    world.agrees(&jan, true).await;
    let (_, mailing, mail) = world.sent_to("Snel", JAN).await;
    let delivered = read!(store, |db| postiljon::store::hits::delivered_at(db, mailing.id, jan.id));
    world.site.app.clock.set(delivered.expect("delivered").plus(Duration::from_secs(9)));
    world.open(&mail.clicks()[0]).await;
    assert_eq!(world.counted(&mailing).await.clicks, 0);
    world.site.app.clock.set(delivered.expect("delivered").plus(Duration::from_secs(11)));
    world.open(&mail.clicks()[0]).await;
    assert_eq!(world.counted(&mailing).await.clicks, 1);
    let rules = read!(store, |db| reports::rules(db, mailing.id));
    assert_eq!(rules, [(HitKind::Click, HitRule::Human, 1), (HitKind::Click, HitRule::Soon, 1)]);
    // Also of a mail of which nobody knows whether it arrived: it did.
    execute(&store, "UPDATE deliveries SET outcome = 'uncertain'").await;
    world.site.app.clock.set(delivered.expect("delivered").plus(Duration::from_secs(60)));
    world.open(&mail.clicks()[1]).await;
    assert_eq!(world.counted(&mailing).await.clicks, 2);
    world.site.app.stop().await;
});

both_dbs!(withdrawing_deletes_what_was_kept_and_old_links_are_everybodys, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let jan = world.people.confirmed(JAN, 1).await;
    world.agrees(&jan, true).await;
    let (_, mailing, mail) = world.sent_to("Intrekken", JAN).await;
    let (click, picture) = (mail.clicks().remove(0), mail.open().expect("a picture"));
    world.open(&click).await;
    world.open(&click).await;
    world.open(&picture).await;
    let before = world.counted(&mailing).await;
    assert_eq!((before.clicks, before.click_readers, before.opens, before.open_readers), (2, 1, 1, 1));
    assert_eq!(world.rows("reader_hits").await, 2);
    world.agrees(&jan, false).await;
    assert_eq!(world.rows("reader_hits").await, 0);
    world.rest();
    let answer = world.open(&click).await;
    assert_eq!(answer.status, 302, "the link works as before");
    let picture = world.open(&picture).await;
    assert_eq!(picture.status, 200, "the picture too");
    let after = world.counted(&mailing).await;
    assert_eq!((after.clicks, after.opens), (3, 1), "the click is everybody's, the opening nobody's");
    assert_eq!((after.click_readers, world.rows("reader_hits").await), (1, 0));
    world.site.app.stop().await;
});

both_dbs!(each_consent_is_withdrawn_alone_for_old_mails_too_and_the_other_stands, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let no_opens = world.people.confirmed(JAN, 1).await;
    let no_clicks = world.people.confirmed("an@example.org", 2).await;
    world.agrees(&no_opens, true).await;
    world.agrees(&no_clicks, true).await;
    let (_, mailing, mails) = world.sent("Half ingetrokken").await;
    let followed_and_opened = async || {
        for (_, mail) in &mails {
            world.rest();
            assert_eq!(world.open(&mail.clicks()[0]).await.status, 302, "the link works as before");
            assert_eq!(world.open(&mail.open().expect("a picture")).await.status, 200);
        }
        let counts = world.counted(&mailing).await;
        (counts.clicks, counts.opens)
    };
    // Rows of one reader: of links, and of the mail.
    let kept = async |reader: &Subscription| {
        let of =
            |number: &str| format!("reader_hits WHERE subscription_id = {} AND number {number}", reader.id);
        (world.rows(&of("> 0")).await, world.rows(&of("= 0")).await)
    };
    assert_eq!(followed_and_opened().await, (2, 2));
    assert_eq!((kept(&no_opens).await, kept(&no_clicks).await), ((1, 1), (1, 1)));
    world.agrees_to(&no_opens, Agreed { opens: false, clicks: true }).await;
    world.agrees_to(&no_clicks, Agreed { opens: true, clicks: false }).await;
    assert_eq!((kept(&no_opens).await, kept(&no_clicks).await), ((1, 0), (0, 1)), "only that kind goes");
    // A click of who withdrew is everybody's, an opening nobody's; what is agreed to still counts as theirs.
    assert_eq!(followed_and_opened().await, (4, 3));
    assert_eq!((kept(&no_opens).await, kept(&no_clicks).await), ((1, 0), (0, 1)));
    assert_eq!(world.rows("reader_hits WHERE hits = 2").await, 2);
    world.site.app.stop().await;
});

both_dbs!(who_is_erased_or_asks_for_the_data_finds_the_clicks_gone_or_there, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let jan = world.people.confirmed(JAN, 1).await;
    world.agrees(&jan, true).await;
    let (_, mailing, mail) = world.sent_to("Mijn gegevens", JAN).await;
    world.open(&mail.clicks()[2]).await;
    world.rest();
    world.open(&mail.open().expect("a picture")).await;
    world.counted(&mailing).await;
    let link = world.people.keys.sign_link(Purpose::Preferences, jan.id);
    let data = personal_data(&store, &world.people.keys, &link).await.expect("read").expect("there");
    let links = read!(store, |db| mailing_links::of_mailing(db, mailing.id));
    let told: Vec<_> =
        data.hits.iter().map(|hit| (hit.subject.as_str(), hit.link.as_deref(), hit.times)).collect();
    assert_eq!(told, [("Mijn gegevens", Some(links[2].url.as_str()), 1), ("Mijn gegevens", None, 1)]);
    let csv = String::from_utf8(data.to_csv().expect("written")).expect("UTF-8");
    assert!(csv.contains(&format!(",link,{}", links[2].url)) && csv.contains("open 2,"), "{csv}");
    let one = &data.subscriptions[0];
    assert!(one.opens_agreed_at.is_some() && one.clicks_agreed_at == one.opens_agreed_at);
    for kind in ["opens", "clicks"] {
        assert!(csv.contains(&format!("counting of {kind} agreed at,20")), "{csv}");
    }
    erase(&store, &world.people.clock, &world.people.keys, &address(JAN)).await.expect("erased");
    assert_eq!(world.rows("reader_hits").await, 0);
    world.rest();
    assert_eq!(world.open(&mail.clicks()[2]).await.status, 302);
    assert_eq!((world.counted(&mailing).await.clicks, world.rows("reader_hits").await), (2, 0));
    world.site.app.stop().await;
});

both_dbs!(what_readers_did_is_forgotten_after_its_period_and_totals_stay, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let jan = world.people.confirmed(JAN, 1).await;
    world.agrees(&jan, true).await;
    let (_, mailing, mail) = world.sent_to("Vergeten", JAN).await;
    world.open(&mail.clicks()[0]).await;
    world.counted(&mailing).await;
    let kept = EngineSettings::new("https://news.example", 1).retention.hits;
    let clock = &world.site.app.clock;
    for (rest, expected) in [(kept - Duration::from_secs(3600), 1), (Duration::from_secs(2 * 3600), 0)] {
        clock.advance(rest);
        let before = clock.now().minus(kept);
        let gone = crate::support::database::change!(store, |tx| postiljon::store::hits::delete_before(
            tx, before, 500
        ));
        assert_eq!((gone, world.rows("reader_hits").await), (u64::from(expected == 0), expected));
    }
    assert_eq!(world.counted(&mailing).await.clicks, 1);
    world.site.app.stop().await;
});

both_dbs!(who_leaves_counts_for_the_issue_received_last_and_the_undo_takes_it_back, |store| {
    let world = World::start(&store, Tracking::Off).await;
    let jan = world.people.confirmed(JAN, 1).await;
    let an = world.people.confirmed("an@example.org", 2).await;
    let (_, first, _) = world.sent("Eerste").await;
    world.site.app.clock.advance(Duration::from_secs(3600));
    let (_, second, _) = world.sent("Tweede").await;
    world.people.leave(&jan).await;
    let departures =
        async || (world.counted(&first).await.departures, world.counted(&second).await.departures);
    assert_eq!(departures().await, (0, 1));
    let undo = undo_link(&world.people.keys, &jan);
    resubscribe(&store, &world.people.clock, &world.people.keys, &undo, &Evidence::command())
        .await
        .expect("back");
    assert_eq!(departures().await, (0, 0));
    world.site.app.clock.advance(Duration::from_secs(15 * 24 * 3600));
    world.people.leave(&an).await;
    assert_eq!(departures().await, (0, 0), "two weeks later it was not because of the issue");
    world.site.app.stop().await;
});

both_dbs!(who_leaves_takes_along_what_was_kept_and_comes_back_without_it, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let jan = world.people.confirmed(JAN, 1).await;
    world.agrees(&jan, true).await;
    let (_, mailing, mail) = world.sent_to("Tot ziens", JAN).await;
    world.open(&mail.clicks()[0]).await;
    world.counted(&mailing).await;
    assert_eq!(world.rows("reader_hits").await, 1);
    world.people.leave(&jan).await;
    assert_eq!(world.rows("reader_hits").await, 0);
    world.people.clock.advance(Duration::from_secs(3600));
    let back = world.people.confirmed(JAN, 1).await;
    assert_eq!(
        (back.id, back.agreed()),
        (jan.id, Agreed::NEITHER),
        "a new yes to the newsletter is none to this"
    );
    world.site.app.stop().await;
});
