use std::time::Duration;

use postiljon::demo::browser::{Answer, Browser};
use postiljon::model::{Language, OutboxKind};
use postiljon::subscriptions::erase::erase;

use super::Site;
use crate::support::database::{both_dbs, everything};
use crate::support::people;

async fn ask(site: &Site, browser: &Browser, address: &str) -> Answer {
    // The network of all tests is one: its minute must pass.
    site.app.clock.advance(Duration::from_secs(2 * 60));
    browser
        .post("/manage?lang=nl", &[("email", address), ("newsletter", "insights")])
        .await
        .expect("an answer")
}

both_dbs!(the_link_comes_by_mail_and_the_page_says_the_same_in_five_states, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "pending@example.org").await;
    site.subscribed("confirmed@example.org").await;
    let mail = site.subscribed("left@example.org").await;
    site.browser.post(&site.leave_path(&mail), &[]).await.expect("left");
    let app = &site.app.app;
    erase(&app.store, &app.clock, &app.keys, &people::address("erased@example.org")).await.expect("erased");
    site.mails().await;
    site.app.clock.advance(Duration::from_secs(2 * 24 * 3600));
    let mut answers = Vec::new();
    let mut mails = Vec::new();
    for name in ["new", "pending", "confirmed", "left", "erased"] {
        let answer = ask(&site, &site.app.browser(), &format!("{name}@example.org")).await;
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| name.as_str() != "date")
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        answers.push((answer.status, answer.body, headers));
        let kinds: Vec<_> = site.mails().await.iter().map(|mail| mail.kind).collect();
        mails.push(kinds);
    }
    for other in &answers[1..] {
        assert_eq!(&answers[0], other);
    }
    assert_eq!(answers[0].0, 303);
    let expected: [Vec<OutboxKind>; 5] =
        [vec![], vec![OutboxKind::Confirm], vec![OutboxKind::Manage], vec![OutboxKind::Manage], vec![]];
    assert_eq!(mails, expected);
    let sent = site.browser.get("/manage/sent?newsletter=insights&lang=nl").await.expect("an answer");
    assert!(sent.status == 200 && sent.body.contains("Kijk in je mailbox"));
    site.app.stop().await;
});

both_dbs!(a_stranger_leaves_no_row_but_counters, |store| {
    let site = Site::start(&store).await;
    site.subscribed("confirmed@example.org").await;
    site.mails().await;
    let rows = async || {
        let all = everything(&store).await;
        all.into_iter().filter(|row| !row.starts_with("rate_limits:")).collect::<Vec<_>>()
    };
    let before = rows().await;
    assert_eq!(ask(&site, &site.browser, "new@example.org").await.status, 303);
    assert_eq!(before, rows().await);
    site.app.stop().await;
});

both_dbs!(one_address_gets_three_mails_a_day_whatever_is_asked, |store| {
    let site = Site::start(&store).await;
    site.subscribed("jan@example.org").await;
    let mut sent = 1;
    for _ in 0..6 {
        assert_eq!(ask(&site, &site.browser, "j.a.n+x@example.org").await.status, 303);
        assert_eq!(ask(&site, &site.browser, "jan@example.org").await.status, 303);
        sent += site.mails().await.len();
    }
    assert_eq!(sent, 3);
    site.app.stop().await;
});

both_dbs!(a_double_press_sends_one_mail, |store| {
    let site = Site::start(&store).await;
    site.subscribed("jan@example.org").await;
    site.app.clock.advance(Duration::from_secs(2 * 60));
    for _ in 0..2 {
        let fields = [("email", "jan@example.org")];
        assert_eq!(site.browser.post("/manage", &fields).await.expect("an answer").status, 303);
    }
    assert_eq!(site.mails().await.len(), 1);
    site.app.stop().await;
});

both_dbs!(what_is_no_address_and_too_many_requests_keep_what_was_typed, |store| {
    let site = Site::start(&store).await;
    let wrong = site.browser.post("/manage?lang=fr", &[("email", "jan@")]).await.expect("an answer");
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("<html lang=\"fr\"") && wrong.body.contains("aria-describedby=\"email-error\"")
    );
    assert_eq!(wrong.field("email").as_deref(), Some("jan@"));
    let twice = [("email", "a@example.org"), ("email", "b@example.org")];
    assert_eq!(site.browser.post("/manage", &twice).await.expect("an answer").status, 422);
    let mut last = None;
    for n in 0..6 {
        let address = format!("p{n}@example.org");
        last = Some(site.browser.post("/manage", &[("email", &address)]).await.expect("an answer"));
    }
    let last = last.expect("an answer");
    assert_eq!((last.status, last.header("retry-after")), (429, Some("60")));
    assert_eq!(last.field("email").as_deref(), Some("p5@example.org"));
    site.app.stop().await;
});

both_dbs!(the_page_has_the_brand_it_was_opened_from_and_works_without, |store| {
    let site = Site::start(&store).await;
    let page = site.browser.get("/n/insights?lang=de").await.expect("an answer");
    assert!(page.body.contains("href=\"/manage?newsletter=insights&amp;lang=de\""));
    let branded = site.browser.get("/manage?newsletter=insights&lang=de").await.expect("an answer");
    assert!(branded.body.contains("/n/insights/brand.css") && branded.body.contains("name=\"newsletter\""));
    assert!(branded.body.contains("href=\"/manage?newsletter=insights&#38;lang=fr\""), "{}", branded.body);
    for path in ["/manage", "/manage?newsletter=nothing", "/manage?newsletter=%00"] {
        let plain = site.browser.get(path).await.expect("an answer");
        assert!(plain.status == 200 && !plain.body.contains("brand.css"), "{path}");
    }
    // A link that is none leads here.
    let unknown = site.browser.get("/confirm/x?lang=nl").await.expect("an answer");
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("action=\"/manage?lang=nl\"") && unknown.body.contains("name=\"email\""));
    site.app.stop().await;
});

both_dbs!(the_mail_lists_everything_that_the_person_receives_or_has_left, |store| {
    let site = Site::start(&store).await;
    people::newsletter(&store, "sister", Language::English).await;
    site.subscribed("jan@example.org").await;
    site.app.clock.advance(Duration::from_secs(2 * 60));
    let fields = [("email", "jan@example.org"), ("consent", "yes")];
    site.browser.post("/n/sister/subscribe", &fields).await.expect("an answer");
    let mail = site.mails().await.pop().expect("a mail");
    site.browser.post(&site.confirm_path(&mail), &[]).await.expect("confirmed");
    site.browser.post(&site.leave_path(&mail), &[]).await.expect("left");
    let wire = crate::support::keeping::Keeping::new();
    let app = &site.app.app;
    let engine = postiljon::delivery::Engine::start(postiljon::delivery::EngineParts {
        store: store.clone(),
        clock: app.clock.clone(),
        keys: app.keys.clone(),
        wire: wire.clone(),
        settings: postiljon::delivery::EngineSettings::new(&site.app.url, 1),
    });
    ask(&site, &site.browser, "jan@example.org").await;
    engine.wake();
    let mails = wire.wait_with(&app.clock, 1).await;
    let mail = mails.last().expect("a mail");
    assert_eq!(mail.to, "jan@example.org");
    assert!(mail.text.contains("News <insights>") && mail.text.contains("News <sister>"));
    assert!(mail.text.contains("Je hebt je uitgeschreven."), "{}", mail.text);
    assert_eq!(mail.links(&format!("{}/preferences/", site.app.url)).len(), 2);
    assert_eq!(mail.list_unsubscribe, "", "one click could not say which of them is left");
    engine.stop().await;
    site.app.stop().await;
});
