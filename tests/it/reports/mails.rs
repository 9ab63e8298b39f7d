//! What counting changes in a mail, and what it leaves alone.

use postiljon::mail::issue::render;
use postiljon::model::{Agreed, Tracking, calendar};
use postiljon::store::{issues, mailing_links, mailings};

use super::World;
use crate::support::database::{both_dbs, read};

const JAN: &str = "jan@example.org";
const AN: &str = "an@example.org";

both_dbs!(a_newsletter_that_counts_nothing_mails_what_was_rendered, |store| {
    let world = World::start(&store, Tracking::Off).await;
    world.people.confirmed(JAN, 1).await;
    let (issue, mailing, mail) = world.sent_to("Niets", JAN).await;
    let articles = read!(store, |db| issues::articles(db, issue.id));
    let rendered = render(
        &world.newsletter,
        &issue,
        &articles,
        world.newsletter.language,
        mailing.due_at,
        &world.site.app.url,
    )
    .expect("rendered");
    let content = read!(store, |db| mailings::contents(db, mailing.id)).remove(0);
    assert_eq!((content.html, content.text), (rendered.html, rendered.text));
    assert!(read!(store, |db| mailing_links::of_mailing(db, mailing.id)).is_empty());
    assert!(mail.clicks().is_empty() && mail.open().is_none());
    assert!(mail.html.contains("href=\"https://drie.example/c\""));
    world.site.app.stop().await;
});

both_dbs!(totals_only_is_one_link_for_everybody_and_none_of_the_mails_own, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    world.people.confirmed(JAN, 1).await;
    let an = world.people.confirmed(AN, 2).await;
    world.agrees(&an, true).await;
    let (issue, mailing, mails) = world.sent("Samen").await;
    let links = read!(store, |db| mailing_links::of_mailing(db, mailing.id));
    let urls: Vec<_> = links.iter().map(|link| link.url.as_str()).collect();
    for url in [
        "https://een.example/a?x=1&y=2",
        "https://twee.example/",
        "https://drie.example/c",
        "https://vier.example/d",
    ] {
        assert!(urls.contains(&url), "{url} in {urls:?}");
    }
    assert!(!urls.contains(&"https://www.vijf.example/"), "its words are an address");
    assert_eq!(
        links.iter().find(|link| link.url.contains("drie")).map(|link| link.heading.as_str()),
        Some("Over bruggen")
    );
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].1.clicks(), mails[1].1.clicks());
    assert_eq!(mails[0].1.open(), mails[1].1.open());
    let mail = &mails[0].1;
    assert_eq!(mail.clicks().len(), links.len());
    // Leaving, preferences, the copy on the web, and what is an address in words.
    for kept in ["/unsubscribe/", "/preferences/", &format!("/i/{}", issue.public_id), "www.vijf.example"] {
        assert!(mail.html.contains(kept) && mail.text.contains(kept), "{kept}");
    }
    assert!(mail.html.contains("href=\"https://www.vijf.example/\""));
    for hidden in ["een.example", "twee.example", "drie.example"] {
        assert!(!mail.html.contains(hidden) && !mail.text.contains(hidden), "{hidden}");
    }
    for link in mail.clicks() {
        let is_token = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
        assert!(link["/c/".len()..].chars().all(is_token), "{link}: no destination, no query");
    }
    // The same links in the text part.
    let first = mail.clicks().into_iter().find(|link| mail.text.contains(link.as_str()));
    assert!(first.is_some(), "{}", mail.text);
    // The picture stands behind everything that an inbox could show (H5).
    let picture = mail.html.find("/o/").expect("a picture");
    assert!(mail.html.find("Drie verhalen").expect("the preheader") < picture);
    assert!(mail.html[picture..].find("<a ").is_none());
    let web = world.open(&format!("/i/{}", issue.public_id)).await;
    assert!(
        web.body.contains("href=\"https://drie.example/c\"")
            && !web.body.contains("/c/")
            && !web.body.contains("/o/")
    );
    world.site.app.stop().await;
});

both_dbs!(links_of_ones_own_go_to_who_agrees_at_the_moment_of_sending, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let jan = world.people.confirmed(JAN, 1).await;
    let an = world.people.confirmed(AN, 2).await;
    world.people.confirmed("bo@example.org", 3).await;
    world.agrees(&an, true).await;
    world.agrees(&jan, true).await;
    world.agrees(&jan, false).await;
    let (_, _, mails) = world.sent("Eigen").await;
    let of = |who: &str| &mails.iter().find(|(to, _)| to == who).expect("a mail").1;
    assert_eq!(of(JAN).clicks(), of("bo@example.org").clicks(), "who withdrew has everybody's");
    assert!(of(JAN).clicks().iter().zip(of(AN).clicks()).all(|(everybodys, own)| *everybodys != own));
    assert_ne!(of(JAN).open(), of(AN).open());
    assert!(of(AN).clicks().iter().any(|link| of(AN).text.contains(link.as_str())));
    world.site.app.stop().await;
});

both_dbs!(who_agrees_to_one_kind_has_an_own_address_of_that_kind_only, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let opens = world.people.confirmed(JAN, 1).await;
    let clicks = world.people.confirmed(AN, 2).await;
    world.people.confirmed("bo@example.org", 3).await;
    world.agrees_to(&opens, Agreed { opens: true, clicks: false }).await;
    world.agrees_to(&clicks, Agreed { opens: false, clicks: true }).await;
    let (_, mailing, mails) = world.sent("Half").await;
    let of = |who: &str| &mails.iter().find(|(to, _)| to == who).expect("a mail").1;
    let everybodys = of("bo@example.org");
    assert_eq!(of(JAN).clicks(), everybodys.clicks());
    assert_ne!(of(JAN).open(), everybodys.open());
    assert_eq!(of(AN).open(), everybodys.open());
    assert!(of(AN).clicks().iter().zip(everybodys.clicks()).all(|(own, all)| *own != all));
    // What each let be seen is kept, and nothing else.
    for (mail, opened) in [(of(JAN), 1), (of(AN), 2)] {
        world.open(&mail.clicks()[0]).await;
        world.rest();
        world.open(&mail.open().expect("a picture")).await;
        world.rest();
        assert_eq!(world.counted(&mailing).await.opens, opened);
    }
    let counts = world.counted(&mailing).await;
    assert_eq!((counts.clicks, counts.click_readers, counts.open_readers), (2, 1, 1));
    assert_eq!(world.rows("reader_hits WHERE number = 0").await, 1);
    assert_eq!(world.rows("reader_hits").await, 2);
    world.site.app.stop().await;
});

both_dbs!(what_is_scheduled_stays_as_it_was_when_the_newsletter_changes, |store| {
    let world = World::start(&store, Tracking::Off).await;
    let (_, mailing) = world
        .press
        .scheduled(world.newsletter.id, &crate::support::press::words("Eerst"), &[&world.article])
        .await;
    postiljon::publishing::newsletters::set_tracking(&store, world.newsletter.id, None, Tracking::Person)
        .await
        .expect("set");
    let mailing = read!(store, |db| mailings::by_id(db, mailing.id)).expect("there");
    assert_eq!(mailing.tracking, Tracking::Off);
    assert_eq!(calendar::hour_of(mailing.due_at), calendar::hour_of(world.site.app.clock.now()));
    world.site.app.stop().await;
});
