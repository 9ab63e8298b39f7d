use std::time::Duration;

use postiljon::model::Language;
use postiljon::subscriptions::erase::erase;

use super::Site;
use crate::support::app::TestApp;
use crate::support::database::both_dbs;
use crate::support::people;

both_dbs!(one_newsletter_is_the_start_page_and_several_are_listed, |store| {
    let site = Site::start(&store).await;
    let start = site.browser.get("/?lang=fr").await.expect("an answer");
    assert_eq!((start.status, start.location()), (303, "/n/insights?lang=fr"));
    people::newsletter(&store, "sister", Language::English).await;
    let start = site.browser.get("/").await.expect("an answer");
    assert!(start.body.contains("href=\"/n/insights\"") && start.body.contains("href=\"/n/sister\""));
    let head = site.browser.send("HEAD", "/n/insights", None).await.expect("an answer");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    site.app.stop().await;
});

both_dbs!(the_visitors_choice_goes_before_the_browser_and_the_browser_before_the_newsletter, |store| {
    let site = Site::start(&store).await;
    let dutch = site.browser.get("/n/insights").await.expect("an answer");
    assert!(dutch.body.contains("<html lang=\"nl\"") && dutch.body.contains("Inschrijven"));
    let german = site.browser.with_header("accept-language", "es, de;q=0.5");
    assert!(german.get("/n/insights").await.expect("an answer").body.contains("<html lang=\"de\""));
    let french = german.get("/n/insights?lang=fr").await.expect("an answer");
    assert!(french.body.contains("<html lang=\"fr\""));
    assert!(french.headers.get_all("vary").iter().any(|value| value == "Accept-Language"));
    // The name of the newsletter is text, whatever it holds.
    assert!(french.body.contains("News &#60;insights&#62;") && !french.body.contains("<insights>"));
    site.app.stop().await;
});

both_dbs!(the_answer_over_http_is_the_same_in_five_states, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "pending@example.org").await;
    site.subscribed("confirmed@example.org").await;
    let mail = site.subscribed("left@example.org").await;
    site.browser.post(&site.leave_path(&mail), &[]).await.expect("left");
    let app = &site.app.app;
    erase(&app.store, &app.clock, &app.keys, &people::address("erased@example.org")).await.expect("erased");
    site.app.clock.advance(Duration::from_secs(24 * 3600));
    let mut answers = Vec::new();
    for name in ["new", "pending", "confirmed", "left", "erased"] {
        let answer = site.sign_up(&site.app.browser(), &format!("{name}@example.org")).await;
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| !["date", "set-cookie"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        let cookie = answer.header("set-cookie").map(|cookie| (cookie.len(), cookie.contains("HttpOnly")));
        answers.push((answer.status, answer.body, headers, cookie));
    }
    assert_eq!((answers[0].0, answers[0].3.map(|cookie| cookie.1)), (303, Some(true)));
    for other in &answers[1..] {
        assert_eq!(&answers[0], other);
    }
    let inbox = site.browser.get("/n/insights/check-inbox?lang=nl").await.expect("an answer");
    assert_eq!(inbox.status, 200);
    site.app.stop().await;
});

both_dbs!(a_form_on_any_website_is_taken_without_script_cookie_or_token, |store| {
    let site = Site::start(&store).await;
    let foreign = site
        .browser
        .with_header("origin", "https://company.example")
        .with_header("sec-fetch-site", "cross-site")
        .with_header("referer", "https://company.example/about");
    let fields = [("email", "jan@example.org"), ("consent", "on")];
    let answer = foreign.post("/n/insights/subscribe", &fields).await.expect("an answer");
    assert_eq!((answer.status, answer.location()), (303, "/n/insights/check-inbox?lang=nl"));
    assert_eq!(site.mails().await.len(), 1);
    let dossier = postiljon::subscriptions::show::dossier(&store, &people::address("jan@example.org")).await;
    let consent = &dossier.expect("read").expect("known").consents[0];
    assert_eq!((consent.source.as_str(), consent.page.as_str()), ("form", "https://company.example/about"));
    site.app.stop().await;
});

both_dbs!(a_form_with_mistakes_comes_back_filled_with_each_beside_its_field, |store| {
    let site = Site::start(&store).await;
    let name = "\"><script>alert(1)</script>".repeat(10);
    let fields = [("email", "jan@"), ("name", name.as_str()), ("language", "de"), ("shown_in", "fr")];
    let answer = site.browser.post("/n/insights/subscribe", &fields).await.expect("an answer");
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("<html lang=\"fr\""));
    assert!(!answer.body.contains("<script>alert"));
    assert_eq!(answer.field("email").as_deref(), Some("jan@"));
    for id in ["email-error", "name-error", "consent-error"] {
        assert!(answer.body.contains(&format!("id=\"{id}\"")), "{id}");
        assert!(answer.body.contains(&format!("aria-describedby=\"{id}\"")), "{id}");
    }
    assert!(answer.body.contains("<option value=\"de\" lang=\"de\" selected>"));
    assert!(answer.header("set-cookie").is_none());
    let empty = site.browser.post("/n/insights/subscribe", &[]).await.expect("an answer");
    assert_eq!(empty.status, 422);
    let twice = [("email", "a@example.org"), ("email", "b@example.org"), ("consent", "yes")];
    let twice = site.browser.post("/n/insights/subscribe", &twice).await.expect("an answer");
    assert!(twice.status == 422 && twice.body.contains("id=\"email-error\""));
    assert!(site.mails().await.is_empty());
    site.app.stop().await;
});

both_dbs!(what_is_no_form_gets_a_friendly_page, |store| {
    let site = Site::start(&store).await;
    let path = "/n/insights/subscribe";
    let send = async |method, path, media_type: &str, body: Vec<u8>| {
        site.browser.with_header("accept-language", "nl").send(method, path, Some((media_type, body))).await
    };
    let form = "application/x-www-form-urlencoded";
    let large = send("POST", path, form, vec![b'a'; 100_000]).await.expect("an answer");
    let json = send("POST", path, "application/json", b"{}".to_vec()).await.expect("an answer");
    let delete = site
        .browser
        .with_header("accept-language", "nl")
        .send("DELETE", path, None)
        .await
        .expect("an answer");
    let unknown =
        send("POST", "/n/nothing/subscribe", form, b"email=a%40b.org".to_vec()).await.expect("an answer");
    let binary = send("POST", path, form, vec![0xff, 0x00, b'=', b'%', b'&', b'&']).await.expect("an answer");
    let seen: Vec<_> = [&large, &json, &delete, &unknown, &binary].map(|answer| answer.status).to_vec();
    assert_eq!(seen, [413, 415, 405, 404, 422]);
    assert!(delete.header("allow").is_some_and(|allow| allow.contains("POST")));
    for answer in [large, json, delete, unknown, binary] {
        assert!(
            answer.body.contains("<html lang=\"nl\"") && answer.body.contains("<h1>"),
            "{}",
            answer.status
        );
    }
    for path in ["/n/..%2f", "/n/A", "/n/%00", "/n/insights/x", "/i/1", "/i/x"] {
        assert_eq!(site.browser.get(path).await.expect("an answer").status, 404, "{path}");
    }
    site.app.stop().await;
});

both_dbs!(too_many_from_one_network_keep_what_was_typed_and_hear_how_long_to_wait, |store| {
    let app = TestApp::start(&store).await;
    people::newsletter(&store, "insights", Language::English).await;
    let mut last = None;
    for n in 0..4 {
        let address = format!("p{n}@example.org");
        let fields = [("email", address.as_str()), ("consent", "yes")];
        last = Some(app.browser().post("/n/insights/subscribe", &fields).await.expect("an answer"));
    }
    let last = last.expect("an answer");
    assert_eq!((last.status, last.header("retry-after")), (429, Some("60")));
    assert_eq!(last.field("email").as_deref(), Some("p3@example.org"));
    assert!(last.body.contains("one minute"));
    app.stop().await;
});
