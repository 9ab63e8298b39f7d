use std::time::Duration;

use postiljon::demo::browser::Browser;
use postiljon::model::MailingStatus;
use postiljon::publishing::articles;
use postiljon::store::{Store, mailings};

use super::{get, post, signed_in};
use crate::publishing::{input, published};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, change};
use crate::support::samples::newsletter;

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
    assert!(text.contains("Dag lezer") && text.contains("Everything is in order."), "{text}");
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
    issue(&store, &app, &browser).await;
    let final_page = get(&browser, "/admin/issues/1/schedule?when=now").await;
    assert!(final_page.body.contains("goes to 0 confirmed readers of INSIGHTS, right now"));
    let csrf = final_page.field("csrf").expect("a token");
    let clicks: Vec<_> = (0..2)
        .map(|_| {
            let (browser, csrf) = (browser.clone(), csrf.clone());
            tokio::spawn(async move {
                let fields = [("csrf", csrf.as_str()), ("when", "now")];
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
    assert!(page.contains("Ontwerp: This article is a draft. Publish it first."), "{page}");
    let answer = post(&browser, "/admin/issues/1/schedule", &[("when", "now")]).await;
    assert_eq!(answer.status, 422);
    app.stop().await;
});

both_dbs!(a_mailing_is_cancelled_before_it_begins_and_on_the_way_and_not_after, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let fields = [("when", "later"), ("date", "2026-11-24"), ("time", "11:00")];
    post(&browser, "/admin/issues/1/schedule", &fields).await;
    assert!(get(&browser, "/admin/mailings/1").await.body.contains("24 November 2026 at 11:00"));
    let cancelled = post(&browser, "/admin/mailings/1/cancel", &[]).await;
    assert_eq!(cancelled.location(), "/admin/mailings/1?done=cancelled");
    assert_eq!(mailing_status(&store, 1).await, MailingStatus::Cancelled);
    assert_eq!(browser.get("/admin/issues/1").await.expect("an answer").status, 200);

    post(&browser, "/admin/issues/1/schedule", &fields).await;
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
