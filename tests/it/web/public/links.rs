//! D14: whoever opens the links of our mails, with whatever cookies, changes nothing.

use std::time::Duration;

use postiljon::delivery::{Engine, EngineParts, EngineSettings};
use postiljon::store::{Store, issues, mailings};

use super::Site;
use crate::support::database::{both_dbs, change, everything};
use crate::support::keeping::{Keeping, Kept};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// One mail of every kind that a visitor or a reader gets.
async fn every_mail(site: &Site, store: &Store) -> Vec<Kept> {
    let wire = Keeping::new();
    let app = &site.app.app;
    let parts = EngineParts {
        store: store.clone(),
        clock: app.clock.clone(),
        keys: app.keys.clone(),
        wire: wire.clone(),
        settings: EngineSettings::new(&site.app.url, 2),
    };
    let engine = Engine::start(parts);
    site.sign_up(&site.browser, "an@example.org").await;
    engine.wake();
    let mails = wire.wait_with(&app.clock, 1).await;
    let confirm = mails[0].links(&format!("{}/confirm/", site.app.url)).remove(0);
    let stranger = site.app.browser();
    assert_eq!(stranger.post(&confirm, &[]).await.expect("an answer").status, 303);
    // An issue to the one reader.
    let text = issues::IssueText { subject: "Nieuws".into(), ..Default::default() };
    let now = app.clock.now();
    let issue = change!(store, |tx| issues::insert(tx, site.newsletter.id, &text, now));
    let rendered = postiljon::mail::render::render_issue(&postiljon::mail::render::IssueView {
        newsletter: &site.newsletter,
        language: site.newsletter.language,
        number: 1,
        date: Some(now),
        subject: "Nieuws",
        second_subject: "",
        preheader: "Kort",
        intro: "Dag.",
        outro: "",
        theme: site.newsletter.theme,
        articles: Vec::new(),
        base_url: &site.app.url,
        web_url: &format!("{}/i/{}", site.app.url, issue.public_id),
        signup_url: &format!("{}/n/insights", site.app.url),
    })
    .expect("rendered");
    let mailing = change!(store, |tx| mailings::insert(tx, issue.id, site.newsletter.id, now, now));
    let content = mailings::Content {
        language: site.newsletter.language,
        subject: rendered.subject,
        second_subject: String::new(),
        html: rendered.html,
        text: rendered.text,
        web_html: rendered.web_html,
    };
    change!(store, |tx| mailings::insert_content(tx, mailing.id, &content));
    engine.wake();
    wire.wait_with(&site.app.clock, 2).await;
    site.app.clock.advance(DAY);
    // Known already; a link asked for without a mail; somebody who forgets to confirm.
    site.sign_up(&stranger, "an@example.org").await;
    engine.wake();
    wire.wait_with(&site.app.clock, 3).await;
    site.app.clock.advance(Duration::from_secs(120));
    let asked = stranger.post("/manage", &[("email", "an@example.org")]).await.expect("an answer");
    assert_eq!(asked.status, 303);
    engine.wake();
    wire.wait_with(&site.app.clock, 4).await;
    site.sign_up(&site.browser, "bo@example.org").await;
    engine.wake();
    wire.wait_with(&site.app.clock, 5).await;
    // Two days in steps that are longer than a job rests: none sleeps through them.
    let mails = wire.wait_in_steps(&site.app.clock, Duration::from_secs(1200), 6).await;
    engine.stop().await;
    mails
}

both_dbs!(opening_every_link_of_every_mail_changes_no_row, |store| {
    let site = Site::start(&store).await;
    let mails = every_mail(&site, &store).await;
    let mut links: Vec<String> = mails.iter().flat_map(|mail| mail.links(&site.app.url)).collect();
    links.sort();
    links.dedup();
    for path in ["/confirm/", "/unsubscribe/", "/preferences/", "/i/"] {
        assert!(links.iter().any(|link| link.contains(path)), "{path} is in none of {links:?}");
    }
    // What pages behind them lead to, too.
    let more = ["/manage", "/manage/sent", "/n/insights", "/n/insights/check-inbox", "/n/insights?change=1"];
    links.extend(more.map(|path| format!("{}{path}", site.app.url)));
    let before = everything(&store).await;
    // One with the cookie of the sign-up, one with nothing, one that says that it only looks ahead.
    let visitors =
        [site.browser.clone(), site.app.browser(), site.app.browser().with_header("purpose", "prefetch")];
    for link in &links {
        for visitor in &visitors {
            for method in ["GET", "HEAD", "OPTIONS"] {
                let answer = visitor.send(method, link, None).await.expect("an answer");
                assert!(answer.status < 500, "{method} {link}: {}", answer.status);
            }
        }
    }
    assert_eq!(before, everything(&store).await);
    site.app.stop().await;
});

both_dbs!(the_pages_behind_links_are_not_kept_not_indexed_and_tell_nobody_where_they_are, |store| {
    let site = Site::start(&store).await;
    let mails = every_mail(&site, &store).await;
    let stranger = site.app.browser();
    for link in mails.iter().flat_map(|mail| mail.links(&site.app.url)) {
        if link.contains("/i/") || link.contains("/preferences/") {
            continue;
        }
        let page = stranger.get(&link).await.expect("an answer");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{link}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{link}");
        assert!(page.body.contains("content=\"noindex\""), "{link}");
        for person in ["an@example.org", "bo@example.org"] {
            assert!(!page.body.contains(person), "{link}: a link may be forwarded");
        }
        for outside in page.body.split("src=\"").skip(1) {
            assert!(outside.starts_with('/'), "{link}: {outside:.60}");
        }
    }
    site.app.stop().await;
});
