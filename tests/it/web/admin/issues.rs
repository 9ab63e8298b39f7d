use std::time::Duration;

use postiljon::demo::browser::Browser;
use postiljon::model::{IssueId, MailingStatus, NewsletterId};
use postiljon::publishing::articles;
use postiljon::store::{Store, mailings, outbox};

use super::{get, post, schedule, signed_in, signed_in_as};
use crate::publishing::{input, published};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{confirmed, newsletter};

/// Three published articles and issue 1 of a newsletter, with all of them and nothing to mend.
pub async fn issue(store: &Store, app: &TestApp, browser: &Browser) {
    newsletter(store, "insights").await;
    for title in ["Eén", "Twee", "Drie"] {
        published(store, &app.clock, title).await;
    }
    let made = post(browser, "/admin/issues", &[("newsletter", "1"), ("subject", "Wat wij lazen")]).await;
    assert_eq!((made.status, made.location()), (303, "/admin/issues/1"));
    let fields = [
        ("version", "1"),
        ("subject", "Wat wij lazen"),
        ("preheader", "Drie verhalen"),
        ("intro", "Dag {{name|lezer}},"),
        ("add", "1"),
        ("add", "2"),
        ("add", "3"),
        ("do", "add"),
    ];
    let saved = post(browser, "/admin/issues/1", &fields).await;
    assert_eq!((saved.status, saved.location()), (303, "/admin/issues/1#articles"), "{}", saved.body);
}

/// The same, and somebody who gets it.
pub async fn issue_and_reader(store: &Store, app: &TestApp, browser: &Browser) {
    issue(store, app, browser).await;
    confirmed(store, NewsletterId(1), 1).await;
}

/// Presses a button of the issue's form, its fields as the page has them.
async fn press(browser: &Browser, order: [&str; 3], extra: &[(&str, &str)]) -> String {
    let page = get(browser, "/admin/issues/1").await;
    let version = page.field("version").expect("a version");
    let mut fields = vec![("version", version.as_str()), ("subject", "Wat wij lazen"), ("preheader", "P")];
    fields.extend(order.map(|id| ("article", id)));
    fields.extend(extra);
    let answer = post(browser, "/admin/issues/1", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let page = get(browser, "/admin/issues/1").await.body;
    let ids = page.split("name=\"article\" value=\"").skip(1);
    ids.filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>().join(" ")
}

async fn mailing_status(store: &Store, id: i64) -> MailingStatus {
    let mut reader = store.read().await.expect("a reader");
    let mailing = mailings::by_id(reader.db(), postiljon::model::MailingId(id)).await.expect("read");
    mailing.expect("a mailing").status
}

both_dbs!(articles_are_moved_by_buttons_and_numbers_and_taken_out, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    assert_eq!(press(&browser, ["1", "2", "3"], &[("do", "down-1")]).await, "2 1 3");
    assert_eq!(press(&browser, ["2", "1", "3"], &[("do", "up-3")]).await, "2 3 1");
    let numbers = [("position-2", "3"), ("position-3", "1"), ("position-1", "2"), ("do", "save")];
    assert_eq!(press(&browser, ["2", "3", "1"], &numbers).await, "3 1 2");
    assert_eq!(press(&browser, ["3", "1", "2"], &[("do", "remove-1")]).await, "3 2");
    app.stop().await;
});

both_dbs!(the_issue_is_shown_as_it_will_arrive_and_tested, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let mail = get(&browser, "/admin/issues/1/mail").await;
    assert!(mail.body.contains("<em>goed</em>") && mail.body.contains("Dag lezer"), "{}", mail.body);
    let text = get(&browser, "/admin/issues/1/preview?view=text").await.body;
    assert!(text.contains("Dag lezer") && text.contains("One link has not been checked yet."), "{text}");
    let wrong = post(&browser, "/admin/issues/1/test", &[("to", "collega")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("id=\"to-error\""));
    let sent = post(&browser, "/admin/issues/1/test", &[("to", "collega@example.org")]).await;
    assert_eq!(sent.location(), "/admin/issues/1/preview?done=tested");
    app.stop().await;
});

both_dbs!(a_double_click_on_send_gives_one_mailing, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue_and_reader(&store, &app, &browser).await;
    let final_page = get(&browser, "/admin/issues/1/schedule?when=now").await;
    assert!(final_page.body.contains("goes to one confirmed reader of INSIGHTS, right now"));
    let csrf = final_page.field("csrf").expect("a token");
    let seen = final_page.field("seen").expect("what it shows");
    let clicks: Vec<_> = (0..2)
        .map(|_| {
            let (browser, csrf, seen) = (browser.clone(), csrf.clone(), seen.clone());
            tokio::spawn(async move {
                let fields = [("csrf", csrf.as_str()), ("when", "now"), ("seen", seen.as_str())];
                browser.post("/admin/issues/1/schedule", &fields).await.expect("an answer")
            })
        })
        .collect();
    for click in clicks {
        let answer = click.await.expect("a click");
        assert_eq!((answer.status, answer.location()), (303, "/admin/mailings/1"), "{}", answer.body);
    }
    assert_eq!(browser.get("/admin/issues/1").await.expect("an answer").location(), "/admin/mailings/1");
    let seen = get(&browser, "/admin/articles/1").await.body;
    assert!(seen.contains("INSIGHTS, issue 1"), "{seen}");
    app.stop().await;
});

both_dbs!(an_issue_that_nobody_would_get_is_not_sent_now_and_may_be_later, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let refused = post(&browser, "/admin/issues/1/schedule", &[("when", "now")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("There is nobody yet who would get it."), "{}", refused.body);
    let look = browser.get("/admin/issues/1/schedule?when=now").await.expect("an answer");
    assert!(look.status == 422 && !look.body.contains("class=\"sentence\""), "{}", look.body);
    let fields = [("when", "later"), ("date", "2026-12-01"), ("time", "09:00")];
    let later = schedule(&browser, &fields).await;
    assert_eq!(later.location(), "/admin/mailings/1");
    app.stop().await;
});

both_dbs!(a_time_is_asked_in_the_newsletters_zone_and_the_past_refused, |store| {
    let app = TestApp::start(&store).await; // 2026-11-24 10:00 in Brussels
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let path = "/admin/issues/1/schedule?when=later&date=2027-03-28&time=02%3A30";
    let gap = get(&browser, path).await.body;
    assert!(gap.contains("on 28 March 2027 at 03:00 (Europe/Brussels)"), "{gap}");
    for (date, time) in [("2026-11-24", "09:00"), ("", ""), ("2026-02-30", "09:00")] {
        let fields = [("when", "later"), ("date", date), ("time", time)];
        let answer = post(&browser, "/admin/issues/1/schedule", &fields).await;
        assert_eq!(answer.status, 422, "{date} {time}");
        assert!(answer.body.contains("role=\"alert\""));
    }
    app.stop().await;
});

both_dbs!(an_issue_with_an_unpublished_article_says_so_and_is_not_sent, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let draft = articles::create(&store, &app.clock, &input("Ontwerp")).await.expect("stored");
    press(&browser, ["1", "2", "3"], &[("add", &draft.id.to_string())]).await;
    let page = get(&browser, "/admin/issues/1/schedule").await.body;
    assert!(page.contains("This article is a draft. Publish it first."), "{page}");
    let answer = post(&browser, "/admin/issues/1/schedule", &[("when", "now")]).await;
    assert_eq!(answer.status, 422);
    app.stop().await;
});

both_dbs!(a_mailing_is_cancelled_before_it_begins_and_on_the_way_and_not_after, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let fields = [("when", "later"), ("date", "2026-11-24"), ("time", "11:00")];
    schedule(&browser, &fields).await;
    assert!(get(&browser, "/admin/mailings/1").await.body.contains("24 November 2026 at 11:00"));
    let cancelled = post(&browser, "/admin/mailings/1/cancel", &[]).await;
    assert_eq!(cancelled.location(), "/admin/mailings/1?done=cancelled");
    assert_eq!(mailing_status(&store, 1).await, MailingStatus::Cancelled);
    assert_eq!(browser.get("/admin/issues/1").await.expect("an answer").status, 200);

    schedule(&browser, &fields).await;
    app.clock.advance(Duration::from_secs(3600));
    let mut tx = store.begin().await.expect("a transaction");
    let id = postiljon::model::MailingId(2);
    mailings::start(&mut tx, id, app.clock.now()).await.expect("started").expect("due");
    tx.commit().await.expect("committed");
    let json = get(&browser, "/admin/mailings/2.json").await;
    assert!(json.body.starts_with("{\"status\":\"sending\",\"audience\":0"), "{}", json.body);
    change!(store, |tx| mailings::finish(tx, id, app.clock.now()));
    let late = post(&browser, "/admin/mailings/2/cancel", &[]).await;
    assert_eq!(late.status, 409);
    assert!(late.body.contains("the mailing has moved on"));
    app.stop().await;
});

both_dbs!(an_issue_saves_itself_and_says_what_it_found, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let page = get(&browser, "/admin/issues/1").await;
    let (version, csrf) = (page.field("version").expect("a version"), page.field("csrf").expect("a token"));
    let save = async |version: &str, subject: &str| {
        let fields = [
            ("csrf", csrf.as_str()),
            ("version", version),
            ("subject", subject),
            ("article", "1"),
            ("heading-1", "Nieuws"),
        ];
        browser
            .with_header("accept", "application/json")
            .post("/admin/issues/1", &fields)
            .await
            .expect("an answer")
    };
    let saved = save(&version, "TODO").await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    let json: serde_json::Value = serde_json::from_str(&saved.body).expect("JSON");
    assert_eq!(json["is_ready"], false);
    assert!(
        json["checks"].as_str().expect("checks").contains("It still says \u{201c}TODO\u{201d}."),
        "{json}"
    );
    let late = save(&version, "Anders").await;
    assert_eq!(late.status, 409, "{}", late.body);
    assert!(late.body.contains("message"), "{}", late.body);
    let next = json["version"].to_string();
    assert_eq!(save(&next, &"x".repeat(300)).await.status, 422);
    let page = get(&browser, "/admin/issues/1").await.body;
    assert!(page.contains("value=\"TODO\"") && page.contains("value=\"Nieuws\""), "{page}");
    app.stop().await;
});

both_dbs!(what_a_check_finds_is_mended_where_it_stands, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let draft = articles::create(&store, &app.clock, &input("Ontwerp")).await.expect("stored");
    press(&browser, ["1", "2", "3"], &[("add", &draft.id.to_string())]).await;
    let page = get(&browser, "/admin/issues/1").await.body;
    assert!(page.contains(&format!("value=\"publish-{}\"", draft.id)), "{page}");
    let version = get(&browser, "/admin/issues/1").await.field("version").expect("a version");
    let id = draft.id.to_string();
    let publish = format!("publish-{id}");
    let fields = [("version", version.as_str()), ("subject", ""), ("article", id.as_str()), ("do", &publish)];
    assert_eq!(post(&browser, "/admin/issues/1", &fields).await.status, 303);
    let page = get(&browser, "/admin/issues/1").await;
    assert!(!page.body.contains("This article is a draft"), "{}", page.body);
    assert!(page.body.contains("value=\"take_title\""), "{}", page.body);
    let version = page.field("version").expect("a version");
    let fields = [("version", version.as_str()), ("article", id.as_str()), ("do", "take_title")];
    let filled = post(&browser, "/admin/issues/1", &fields).await;
    assert_eq!(filled.location(), "/admin/issues/1#subject");
    assert!(get(&browser, "/admin/issues/1").await.body.contains("value=\"Ontwerp\""));
    let json = get(&browser, "/admin/issues/1/checks.json").await;
    let json: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
    assert_eq!(json["can_send"], true, "{json}");
    assert!(
        json["findings"].as_array().expect("a list").iter().any(|row| row["key"] == "check-preheader-empty")
    );
    app.stop().await;
});

both_dbs!(an_earlier_issue_is_copied_with_all_that_it_has, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let copied = post(&browser, "/admin/issues/1/copy", &[]).await;
    assert_eq!(copied.location(), "/admin/issues/2?done=copied");
    let page = get(&browser, "/admin/issues/2").await.body;
    assert!(page.contains("value=\"Wat wij lazen\"") && page.contains("issue 2"), "{page}");
    assert_eq!(page.matches("name=\"article\" value=").count(), 3);
    assert_eq!(post(&browser, "/admin/issues/99/copy", &[]).await.status, 404);
    app.stop().await;
});

both_dbs!(an_issue_is_looked_at_as_a_reader_in_the_dark_and_without_pictures, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    confirmed(&store, postiljon::model::NewsletterId(1), 7).await;
    let nobody = post(&browser, "/admin/issues/1/preview", &[("reader", "niemand@example.org")]).await;
    assert_eq!(nobody.status, 422, "{}", nobody.body);
    let seen =
        post(&browser, "/admin/issues/1/preview?view=text", &[("reader", "reader7@example.org")]).await;
    assert_eq!(seen.status, 303, "{}", seen.body);
    let page = get(&browser, seen.location()).await.body;
    assert!(
        page.contains("Dag Name of reader7") && page.contains("As reader7@example.org sees it."),
        "{page}"
    );
    let mail = |query: &str| format!("/admin/issues/1/mail?{query}");
    let dark = get(&browser, &mail("scheme=dark&pictures=off")).await;
    assert!(dark.body.contains("@media all") && !dark.body.contains("prefers-color-scheme"), "{}", dark.body);
    assert!(!dark.body.contains(" src=\""));
    let light = get(&browser, &mail("")).await;
    assert!(light.body.contains("@media not all") && !light.body.contains("prefers-color-scheme"));
    app.stop().await;
});

both_dbs!(a_test_goes_to_a_group_that_was_kept, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let fields = [("to", "an@example.org, bo@example.org"), ("name", "Redactie")];
    assert_eq!(post(&browser, "/admin/issues/1/test", &fields).await.status, 303);
    assert!(get(&browser, "/admin/issues/1/preview").await.body.contains("Redactie (2)"));
    assert_eq!(post(&browser, "/admin/issues/1/test", &[("group", "1"), ("to", "")]).await.status, 303);
    let queued: i64 = {
        let mut reader = store.read().await.expect("a reader");
        outbox::open_count(reader.db()).await.expect("read")
    };
    assert_eq!(queued, 4);
    // One that cannot be kept is told: the mails are on their way.
    let name = "n".repeat(61);
    let long = post(&browser, "/admin/issues/1/test", &[("to", "an@example.org"), ("name", &name)]).await;
    assert_eq!(long.status, 422);
    assert!(long.body.contains("on their way") && long.body.contains("id=\"name-error\""), "{}", long.body);
    assert!(long.body.contains(&name), "what was typed stands there");
    let removed = post(&browser, "/admin/issues/1/groups/1/delete", &[]).await;
    assert_eq!(removed.location(), "/admin/issues/1/preview?done=group-removed");
    assert!(!get(&browser, "/admin/issues/1/preview").await.body.contains("Redactie"));
    app.stop().await;
});

both_dbs!(a_newsletter_with_four_eyes_shows_who_must_look_and_lets_nobody_approve_oneself, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue_and_reader(&store, &app, &browser).await;
    let set =
        post(&browser, "/admin/newsletters/1/issues", &[("theme", "note"), ("needs_approval", "on")]).await;
    assert_eq!(set.location(), "/admin/newsletters/1?done=saved");
    let page = get(&browser, "/admin/issues/1/schedule?when=now").await.body;
    assert!(page.contains("Nobody else here may approve issues of this newsletter"), "{page}");
    assert!(page.contains("You saved this issue last.") && !page.contains("class=\"sentence\""), "{page}");
    let own = post(&browser, "/admin/issues/1/approve", &[]).await;
    assert_eq!(own.status, 422, "{}", own.body);
    assert_eq!(post(&browser, "/admin/issues/1/schedule", &[("when", "now")]).await.status, 422);
    let colleague = signed_in_as(&app, "bo@example.org").await;
    let page = get(&browser, "/admin/issues/1/schedule").await.body;
    assert!(page.contains("These may approve it: Bo."), "{page}");
    let page = get(&colleague, "/admin/issues/1/schedule").await;
    assert!(page.body.contains("action=\"/admin/issues/1/approve\""), "{}", page.body);
    let seen = page.field("seen").expect("what it shows");
    // An fixes one last thing while Bo's page is open.
    change_subject(&browser, "Wat wij lazen, en meer").await;
    for seen in [seen.as_str(), ""] {
        let late = post(&colleague, "/admin/issues/1/approve", &[("seen", seen)]).await;
        assert!(late.status == 409 && late.body.contains("Look at it again."), "{}", late.body);
    }
    let none = read!(store, |db| postiljon::store::issue_approvals::of_issue(db, IssueId(1)));
    assert!(none.is_empty(), "{none:?}");
    let seen = get(&colleague, "/admin/issues/1/schedule").await.field("seen").expect("what it shows");
    let approved = post(&colleague, "/admin/issues/1/approve", &[("seen", &seen)]).await;
    assert_eq!(approved.location(), "/admin/issues/1/schedule?done=approved");
    let page = get(&browser, "/admin/issues/1/schedule?when=now").await.body;
    assert!(page.contains("Approved by") && page.contains("class=\"sentence\""), "{page}");
    assert_eq!(schedule(&browser, &[("when", "now")]).await.location(), "/admin/mailings/1");
    app.stop().await;
});

async fn change_subject(browser: &Browser, subject: &str) {
    let version = get(browser, "/admin/issues/1").await.field("version").expect("a version");
    let mut fields = vec![("version", version.as_str()), ("subject", subject), ("do", "save")];
    fields.extend(["1", "2", "3"].map(|id| ("article", id)));
    let saved = post(browser, "/admin/issues/1", &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
}

both_dbs!(what_a_colleague_saved_behind_the_last_step_is_not_sent, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue_and_reader(&store, &app, &browser).await;
    let page = get(&browser, "/admin/issues/1/schedule?when=now").await;
    let seen = page.field("seen").expect("what it shows");
    change_subject(&browser, "Iets heel anders").await;
    for seen in [seen.as_str(), ""] {
        let late = post(&browser, "/admin/issues/1/schedule", &[("when", "now"), ("seen", seen)]).await;
        assert!(late.status == 409 && late.body.contains("Look at it again."), "{}", late.body);
        assert!(!late.body.contains("class=\"sentence\""), "the sentence is asked for anew: {}", late.body);
    }
    assert!(read!(store, |db| mailings::of_issue(db, IssueId(1))).is_none());
    assert_eq!(schedule(&browser, &[("when", "now")]).await.location(), "/admin/mailings/1");
    app.stop().await;
});

both_dbs!(an_error_that_may_be_overridden_asks_why_and_the_mailing_tells_it, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue_and_reader(&store, &app, &browser).await;
    let version = get(&browser, "/admin/issues/1").await.field("version").expect("a version");
    let fields = [("version", version.as_str()), ("subject", "TODO lijst"), ("article", "1"), ("do", "save")];
    post(&browser, "/admin/issues/1", &fields).await;
    let silent = browser.get("/admin/issues/1/schedule?when=now&reason=").await.expect("an answer");
    assert_eq!(silent.status, 422);
    assert!(silent.body.contains("Say why this issue may go out anyway."), "{}", silent.body);
    let asked = get(&browser, "/admin/issues/1/schedule?when=now&reason=het+gaat+erover").await.body;
    assert!(asked.contains("class=\"sentence\"") && asked.contains("het gaat erover"), "{asked}");
    let sent = schedule(&browser, &[("when", "now"), ("reason", "het gaat erover")]).await;
    assert_eq!(sent.location(), "/admin/mailings/1");
    assert!(get(&browser, "/admin/mailings/1").await.body.contains("het gaat erover"));
    app.stop().await;
});

both_dbs!(a_conflict_names_each_part_that_somebody_else_changed, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    post(&browser, "/admin/newsletters/1/topics", &[("name-nl", "Geld"), ("everyone", "yes")]).await;
    let version = get(&browser, "/admin/issues/1").await.field("version").expect("a version");
    let same =
        [("subject", "Wat wij lazen"), ("preheader", "Drie verhalen"), ("intro", "Dag {{name|lezer}},")];
    let save = async |extra: &[(&str, &str)]| {
        let fields: Vec<_> = [("version", version.as_str())].into_iter().chain(same).collect();
        let fields: Vec<_> = fields.into_iter().chain(extra.iter().copied()).collect();
        post(&browser, "/admin/issues/1", &fields).await
    };
    let theirs = [
        ("article", "3"),
        ("article", "1"),
        ("display-1", "teaser"),
        ("heading-3", "Vooraf"),
        ("topic", "1"),
        ("theme", "letter"),
    ];
    assert_eq!(save(&theirs).await.status, 303);
    let mine = [("article", "1"), ("article", "2"), ("article", "3"), ("theme", "letter")];
    let late = save(&mine).await;
    assert_eq!(late.status, 409, "{}", late.body);
    let (_, rest) = late.body.split_once("class=\"facts\"").expect("what differs");
    let (part, after) = rest.split_once("</dl>").expect("an end");
    assert!(
        part.contains("<dt>Articles</dt>")
            && part.contains("Section heading: Vooraf\n1. Drie · In full\n2. Eén · As a teaser"),
        "{part}"
    );
    assert!(part.contains("<dt>Topic</dt>") && part.contains("Geld"), "{part}");
    assert_eq!(part.matches("<dt>").count(), 2, "only what differs: {part}");
    assert!(after.contains("form=\"composing\"") && after.contains("href=\"/admin/issues/1\""), "{after}");
    // What was pressed twice is no conflict.
    assert_eq!(save(&theirs).await.status, 303);
    app.stop().await;
});

both_dbs!(a_conflict_in_another_language_names_headings_and_the_second_subject, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let save = async |second: &str, heading: &str| {
        let fields = [
            ("version", "0"),
            ("subject", "Lu"),
            ("second_subject", second),
            ("article", "1"),
            ("heading-1", heading),
        ];
        post(&browser, "/admin/issues/1/languages/fr", &fields).await
    };
    assert_eq!(save("Lu et relu", "Avant").await.status, 303);
    let late = save("Relu", "Après").await;
    assert_eq!(late.status, 409, "{}", late.body);
    let (_, rest) = late.body.split_once("class=\"facts\"").expect("what differs");
    let (part, after) = rest.split_once("</dl>").expect("an end");
    assert!(part.contains("Lu et relu") && part.contains("Eén: Avant"), "{part}");
    assert_eq!(part.matches("<dt>").count(), 2, "{part}");
    assert!(after.contains("href=\"/admin/issues/1/languages/fr\""), "{after}");
    app.stop().await;
});

both_dbs!(nobody_is_shown_a_merge_field_where_readers_would_see_a_word, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue_and_reader(&store, &app, &browser).await;
    let version = get(&browser, "/admin/issues/1").await.field("version").expect("a version");
    let fields = [
        ("version", version.as_str()),
        ("subject", "Dag {{name|lezer}}"),
        ("preheader", "Van {{newsletter}} voor {{name|iedereen}}"),
        ("article", "1"),
    ];
    assert_eq!(post(&browser, "/admin/issues/1", &fields).await.status, 303);
    let inbox = async |path: &str| {
        let page = get(&browser, path).await.body;
        let (_, rest) = page.split_once("class=\"inbox-lines\"").expect("an inbox row");
        rest.split_once("</div>").expect("an end").0.to_owned()
    };
    for path in ["/admin/issues/1", "/admin/issues/1/preview"] {
        let row = inbox(path).await;
        assert!(row.contains("Dag lezer") && row.contains("Van INSIGHTS voor iedereen"), "{path}: {row}");
    }
    let seen = post(&browser, "/admin/issues/1/preview", &[("reader", "reader1@example.org")]).await;
    assert!(inbox(seen.location()).await.contains("voor Name of reader1"));
    let list = get(&browser, "/admin/issues").await.body;
    assert!(list.contains("Dag lezer") && !list.contains("{{"), "{list}");
    assert!(!get(&browser, "/admin").await.body.contains("{{"));
    let scheduled = schedule(&browser, &[("when", "now")]).await;
    for path in [scheduled.location().to_owned(), format!("{}/ledger", scheduled.location())] {
        let page = get(&browser, &path).await.body;
        assert!(page.contains("Dag lezer") && !page.contains("{{"), "{path}: {page}");
    }
    app.stop().await;
});

both_dbs!(a_draft_is_thrown_away_once_and_by_nobody_who_has_an_old_page, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue_and_reader(&store, &app, &browser).await;
    let page = get(&browser, "/admin/issues/1").await;
    assert!(page.body.contains("formaction=\"/admin/issues/1/discard\""), "{}", page.body);
    let late = post(&browser, "/admin/issues/1/discard", &[("version", "1")]).await;
    assert!(late.status == 422 && late.body.contains("Someone else has saved this issue"), "{}", late.body);
    let version = late.field("version").expect("a version");
    let gone = post(&browser, "/admin/issues/1/discard", &[("version", &version)]).await;
    assert_eq!(gone.location(), "/admin/issues?done=discarded", "{}", gone.body);
    let list = get(&browser, gone.location()).await.body;
    assert!(list.contains("The draft is discarded.") && !list.contains("Wat wij lazen"), "{list}");
    assert_eq!(post(&browser, "/admin/issues/1/discard", &[("version", &version)]).await.status, 404);
    // Its number is free.
    let made = post(&browser, "/admin/issues", &[("newsletter", "1"), ("subject", "Opnieuw")]).await;
    assert!(get(&browser, made.location()).await.body.contains("issue 1"));
    app.stop().await;
});
