//! The pages of the desk, through real HTTP.

use std::time::Instant;

use postiljon::model::{ArticleDisplay, ArticleStatus, Language, Placed, Tracking};
use postiljon::publishing::articles::{self, ArticleInput};
use postiljon::publishing::translations::{self, TranslationInput};
use postiljon::store::{Pools, Store, newsletters};

use super::World;
use crate::support::database::{both_dbs, execute, read};
use crate::support::press::{piece, words};
use crate::web::admin::{get, post, signed_in};

const JAN: &str = "jan@example.org";

both_dbs!(a_report_shows_numbers_links_and_the_mail_with_them, |store| {
    let world = World::start(&store, Tracking::Person).await;
    let jan = world.people.confirmed(JAN, 1).await;
    world.agrees(&jan, true).await;
    let (_, mailing, mail) = world.sent_to("Dag & nacht", JAN).await;
    for _ in 0..3 {
        world.open(&mail.clicks()[1]).await;
    }
    world.counted(&mailing).await;
    let browser = signed_in(&world.site.app).await;
    let path = format!("/admin/mailings/{}/report", mailing.id);
    let page = get(&browser, &path).await;
    for part in [
        "<h1>Dag &#38; nacht</h1>",
        "https://twee.example/",
        "class=\"chart wide\"",
        "unreliable",
        "From the fourth issue on",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains(" style="), "no style of its own");
    assert!(page.body.contains("sandbox=\"allow-popups"), "the mail stands in a frame that runs nothing");
    assert!(!page.body.contains("#on-mail"), "one language, no choice");
    let frame = get(&browser, &format!("{path}/mail")).await;
    assert!(frame.body.contains("title=\"3 clicks\">3</span>"), "{}", frame.body);
    assert!(
        frame.body.contains("href=\"https://drie.example/c\"")
            && !frame.body.contains("/o/")
            && !frame.body.contains("/c/")
    );
    assert!(frame.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
    let csv = get(&browser, &format!("{path}/links.csv")).await;
    assert!(csv.body.starts_with("number,label,heading,url,clicks,machine_clicks,readers\n"), "{}", csv.body);
    assert!(csv.body.contains("https://twee.example/,3,0,1\n"), "{}", csv.body);
    assert!(csv.header("content-disposition").is_some_and(|value| value.contains("insights-1-links.csv")));
    assert!(get(&browser, &format!("{path}/hours.csv")).await.body.contains(",3,0,0,0\n"));
    assert!(get(&browser, &format!("{path}/rules.csv")).await.body.contains("click,human,3\n"));
    assert_eq!(browser.get(&format!("{path}/other.csv")).await.expect("an answer").status, 404);
    let reports =
        get(&browser, &format!("/admin/newsletters/{}/reports?by=month", world.newsletter.id)).await;
    for part in ["Dag &#38; nacht", "3 (300.0%)", "2026-11", "class=\"chart narrow\""] {
        assert!(reports.body.contains(part), "{part}: {}", reports.body);
    }
    let all =
        get(&browser, &format!("/admin/newsletters/{}/reports/mailings.csv", world.newsletter.id)).await;
    assert!(all.body.contains(",person,1,1,0,0,3,0,1,0,0\n"), "{}", all.body);
    let growth =
        get(&browser, &format!("/admin/newsletters/{}/reports/growth.csv?by=month", world.newsletter.id))
            .await;
    assert_eq!(growth.body, "month,confirmed,departed,bounced\n2026-11-01,1,0,0\n");
    world.site.app.stop().await;
});

both_dbs!(where_nothing_is_counted_a_report_is_friendly_and_shows_no_zeros, |store| {
    let world = World::start(&store, Tracking::Off).await;
    let browser = signed_in(&world.site.app).await;
    let empty = get(&browser, &format!("/admin/newsletters/{}/reports", world.newsletter.id)).await;
    assert!(
        empty.body.contains("No issue has been sent yet.") && !empty.body.contains("<svg class=\"chart wide")
    );
    world.people.confirmed(JAN, 1).await;
    let (_, mailing, _) = world.sent_to("Stil", JAN).await;
    let page = get(&browser, &format!("/admin/mailings/{}/report", mailing.id)).await;
    assert!(page.body.contains("This issue counted no clicks"), "{}", page.body);
    for absent in ["<svg class=\"chart", "Opened", "unreliable", "<iframe"] {
        assert!(!page.body.contains(absent), "{absent}");
    }
    let frame = browser.get(&format!("/admin/mailings/{}/report/mail", mailing.id)).await.expect("an answer");
    assert_eq!(frame.status, 404);
    let all = get(&browser, &format!("/admin/newsletters/{}/reports", world.newsletter.id)).await;
    assert!(all.body.contains("not counted") && !all.body.contains("Opened"));
    world.site.app.stop().await;
});

both_dbs!(reports_are_for_those_who_are_signed_in, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    world.people.confirmed(JAN, 1).await;
    let (_, mailing, _) = world.sent_to("Dicht", JAN).await;
    signed_in(&world.site.app).await;
    let stranger = world.site.app.browser();
    for path in ["/report", "/report/mail", "/report/links.csv"] {
        let answer = stranger.get(&format!("/admin/mailings/{}{path}", mailing.id)).await.expect("an answer");
        assert_eq!((answer.status, answer.location()), (303, "/admin/login"), "{path}");
    }
    for path in ["/reports", "/reports/growth.csv"] {
        let path = format!("/admin/newsletters/{}{path}", world.newsletter.id);
        assert_eq!(stranger.get(&path).await.expect("an answer").status, 303, "{path}");
    }
    world.site.app.stop().await;
});

both_dbs!(what_is_counted_is_a_section_of_the_newsletter, |store| {
    let world = World::start(&store, Tracking::Off).await;
    let browser = signed_in(&world.site.app).await;
    let home = format!("/admin/newsletters/{}", world.newsletter.id);
    let page = get(&browser, &home).await;
    for words in ["Count nothing", "Totals only", "Per reader too, with consent", "What the law asks"] {
        assert!(page.body.contains(words), "{words}");
    }
    let tracking =
        async || read!(store, |db| newsletters::by_id(db, world.newsletter.id)).expect("there").tracking;
    let saved = post(&browser, &format!("{home}/tracking"), &[("tracking", "person")]).await;
    assert_eq!((saved.status, tracking().await), (303, Tracking::Person));
    let late =
        post(&browser, &format!("{home}/tracking"), &[("tracking", "off"), ("seen", "something else")]).await;
    assert_eq!((late.status, tracking().await), (422, Tracking::Person), "somebody else changed it");
    let strange = post(&browser, &format!("{home}/tracking"), &[("tracking", "everything")]).await;
    assert_eq!((strange.status, tracking().await), (400, Tracking::Person));
    let no_token =
        browser.post(&format!("{home}/tracking"), &[("tracking", "off")]).await.expect("an answer");
    assert_eq!((no_token.status, tracking().await), (403, Tracking::Person));
    world.site.app.stop().await;
});

both_dbs!(the_summary_is_asked_for_and_given_up, |store| {
    let world = World::start(&store, Tracking::Off).await;
    let browser = signed_in(&world.site.app).await;
    let path = format!("/admin/newsletters/{}/reports/summary", world.newsletter.id);
    for (value, rows) in [("on", 1), ("on", 1), ("off", 0), ("off", 0)] {
        assert_eq!(post(&browser, &path, &[("summary", value)]).await.status, 303);
        assert_eq!(world.rows("summary_readers").await, rows, "{value}");
    }
    assert_eq!(browser.get(&path).await.expect("an answer").status, 303, "a GET changes nothing");
    world.site.app.stop().await;
});

/// So many more issues of the only newsletter, with a mailing each: the first an hour before the one that there is.
async fn more(store: &Store, count: i64) {
    let id = match store.pools() {
        Pools::Sqlite { .. } => "randomblob(16)",
        Pools::Postgres(_) => "gen_random_uuid()",
    };
    for statement in [
        "INSERT INTO issues (public_id, newsletter_id, number, subject, preheader, intro, version, created_at, updated_at)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < COUNT)
            SELECT ID, s.newsletter_id, 1000 + n.i, 'Nummer', '', '', 1, s.created_at, s.created_at
            FROM n, (SELECT newsletter_id, created_at FROM issues LIMIT 1) s",
        "INSERT INTO mailings (public_id, issue_id, newsletter_id, status, due_at, started_at, cursor, audience_end, audience,
                sent, deferred, bounced, uncertain, skipped, expired, created_at, tracking)
            SELECT i.public_id, i.id, i.newsletter_id, 'sent', s.due_at - i.number * 3600000, s.due_at - i.number * 3600000, 0, 0,
                1000000, 999000, 0, 1000, 0, 0, 0, s.created_at, 'aggregate'
            FROM issues i, (SELECT due_at, created_at FROM mailings LIMIT 1) s WHERE i.number > 1000",
        "INSERT INTO mailing_counts (mailing_id, clicks, departures, opens, machine_opens)
            SELECT id, 1234, 12, 5678, 90 FROM mailings WHERE sent > 1",
    ] {
        let sql = statement.replace("ID,", &format!("{id},")).replace("COUNT", &count.to_string());
        execute(store, Box::leak(sql.into_boxed_str())).await;
    }
}

both_dbs!(opens_stand_over_time_marked_as_unreliable_and_the_table_has_every_mailing, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    world.people.confirmed(JAN, 1).await;
    let (_, mailing, mail) = world.sent_to("Geopend", JAN).await;
    world.open(&mail.open().expect("a picture")).await;
    world.counted(&mailing).await;
    more(&store, 50).await;
    let browser = signed_in(&world.site.app).await;
    let path = format!("/admin/newsletters/{}/reports", world.newsletter.id);
    let page = get(&browser, &path).await.body;
    assert!(page.contains("Opened (unreliable)") && page.contains("5\u{202f}678"), "{page}");
    let csv = get(&browser, &format!("{path}/mailings.csv")).await;
    let lines: Vec<&str> = csv.body.lines().collect();
    assert_eq!(lines.len(), 1 + 51, "more than a page of the list: {}", csv.body);
    assert!(lines[0].ends_with(",click_readers,opens,machine_opens"), "{}", lines[0]);
    assert!(lines[1].contains(",Geopend,") && lines[1].ends_with(",1,0"), "the latest first: {}", lines[1]);
    assert!(lines[51].ends_with(",5678,90"), "{}", lines[51]);
    let numbers: std::collections::BTreeSet<_> = lines.iter().map(|line| line.split(',').next()).collect();
    assert_eq!(numbers.len(), lines.len(), "each once");
    world.site.app.stop().await;
});

both_dbs!(the_mail_with_its_links_is_shown_in_each_of_its_languages, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    let clock = &world.site.app.clock;
    let french = articles::translate(&store, clock, None, world.article.id, Language::French)
        .await
        .expect("translated");
    let text = ArticleInput {
        language: "fr".into(),
        slug: french.slug.to_string(),
        ..piece("Des ponts", "Lisez [le premier](https://un.example/).")
    };
    articles::save(&store, clock, french.id, french.version, &text).await.expect("saved");
    articles::set_status(&store, clock, french.id, ArticleStatus::Published).await.expect("published");
    let placed = [Placed::new(world.article.id, ArticleDisplay::Full)];
    let issue = world.press.issue(world.newsletter.id, &words("Twee talen"), &placed).await;
    let text = TranslationInput {
        subject: "Deux langues".into(),
        preheader: "Trois histoires".into(),
        ..TranslationInput::default()
    };
    translations::save(&store, clock, issue.id, Language::French, 0, &text).await.expect("saved");
    let mailing = world.press.schedule(&issue).await.expect("scheduled");
    world.press.start(&mailing).await;
    let browser = signed_in(&world.site.app).await;
    let path = format!("/admin/mailings/{}/report", mailing.id);
    let (own, other) = ("het eerste", "le premier");
    for (query, shown, hidden) in [
        ("", own, other),
        ("?language=fr", other, own),
        ("?language=nl", own, other),
        ("?language=de", own, other),
    ] {
        let frame = get(&browser, &format!("{path}/mail{query}")).await.body;
        assert!(frame.contains(shown) && !frame.contains(hidden), "{query}: {frame}");
        assert!(frame.contains("title=\"0 clicks\">0</span>"), "{query}: {frame}");
    }
    let page = get(&browser, &path).await.body;
    for part in ["href=\"?language=fr#on-mail\"", "/report/mail?language=nl\"", "id=\"on-mail\"><summary>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = get(&browser, &format!("{path}?language=fr")).await.body;
    for part in ["aria-current=\"true\">Français", "/report/mail?language=fr\"", "id=\"on-mail\" open>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    world.site.app.stop().await;
});

both_dbs!(the_pages_read_totals_however_many_issues_there_are, |store| {
    let world = World::start(&store, Tracking::Aggregate).await;
    world.people.confirmed(JAN, 1).await;
    let (_, mailing, _) = world.sent_to("Vijfhonderd", JAN).await;
    more(&store, 500).await;
    // Two years of hours.
    execute(
        &store,
        "INSERT INTO newsletter_hours (newsletter_id, hour, confirmed, departed)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 17000)
            SELECT s.newsletter_id, s.hour - n.i, 60, 1 FROM n, (SELECT newsletter_id, hour FROM newsletter_hours LIMIT 1) s",
    )
    .await;
    let browser = signed_in(&world.site.app).await;
    let report = format!("/admin/mailings/{}/report", mailing.id);
    let all = format!("/admin/newsletters/{}/reports?by=month", world.newsletter.id);
    let mut slowest = Vec::new();
    for path in [&report, &all] {
        get(&browser, path).await;
        let begun = Instant::now();
        let page = get(&browser, path).await;
        slowest.push(begun.elapsed().as_millis());
        assert!(page.body.contains("</html>"));
    }
    println!("milliseconds of {report} and {all}: {slowest:?}");
    let page = get(&browser, &all).await;
    assert_eq!(page.body.matches("/report\">").count(), 50, "a page of the list");
    assert!(page.body.contains("1\u{202f}234 (0.1%)") && page.body.contains("rel=\"next\""));
    let path = format!("/admin/newsletters/{}/reports/mailings.csv", world.newsletter.id);
    assert_eq!(get(&browser, &path).await.body.lines().count(), 1 + 501, "in several parts");
    // Far above what it takes without optimisation on a machine that is busy: rows that are counted take longer.
    assert!(slowest.iter().all(|millis| *millis < 2_000), "{slowest:?}");
    world.site.app.stop().await;
});
