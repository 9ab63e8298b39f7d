use super::{ADDRESS, PASSWORD, get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::both_dbs;

/// Every page of the desk that needs no row.
const PAGES: [&str; 5] =
    ["/admin", "/admin/articles", "/admin/articles/new", "/admin/issues", "/admin/issues/new"];

both_dbs!(without_a_session_every_page_leads_to_the_login, |store| {
    let app = TestApp::start(&store).await;
    // As long as there is nobody, to the page that says how the first one is made.
    let nobody = app.browser().get("/admin").await.expect("an answer");
    assert_eq!((nobody.status, nobody.location()), (303, "/setup"));
    signed_in(&app).await;
    for page in PAGES {
        let answer = app.browser().get(page).await.expect("an answer");
        assert_eq!((answer.status, answer.location()), (303, "/admin/login"), "{page}");
    }
    let answer = app.browser().post("/admin/articles", &[("title", "x")]).await.expect("an answer");
    assert_eq!((answer.status, answer.location()), (303, "/admin/login"));
    app.stop().await;
});

both_dbs!(signing_in_opens_the_desk_and_signing_out_closes_it, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    for page in PAGES {
        let answer = get(&browser, page).await;
        assert!(answer.body.contains("<h1>"), "{page}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let kept = browser.cookie("postiljon_session").expect("a session");
    assert_eq!(post(&browser, "/admin/logout", &[]).await.location(), "/admin/login");
    assert_eq!(browser.cookie("postiljon_session"), None);
    let old = app.browser().with_header("cookie", &format!("postiljon_session={kept}"));
    assert_eq!(old.get("/admin").await.expect("an answer").status, 303);
    app.stop().await;
});

both_dbs!(the_session_cookie_is_out_of_reach_of_scripts_and_other_sites, |store| {
    let app = TestApp::start(&store).await;
    signed_in(&app).await;
    let fields = [("address", ADDRESS), ("password", PASSWORD)];
    let answer = app.browser().post("/admin/login", &fields).await.expect("an answer");
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    app.stop().await;
});

both_dbs!(a_wrong_password_keeps_the_address_and_says_the_same_as_an_unknown_one, |store| {
    let app = TestApp::start(&store).await;
    signed_in(&app).await;
    let mut bodies = Vec::new();
    for address in [ADDRESS, "zo@example.org"] {
        let fields = [("address", address), ("password", "fout")];
        let answer = app.browser().post("/admin/login", &fields).await.expect("an answer");
        assert_eq!(answer.status, 422);
        assert_eq!(answer.field("address").as_deref(), Some(address));
        bodies.push(answer.body.replace(address, ""));
    }
    assert!(bodies[0].contains("role=\"alert\""));
    assert_eq!(bodies[0], bodies[1]);
    app.stop().await;
});

both_dbs!(the_sixth_try_waits, |store| {
    let app = TestApp::start(&store).await;
    let browser = app.browser().with_header("accept-language", "nl");
    let fields = [("address", ADDRESS), ("password", "fout")];
    for _ in 0..5 {
        assert_eq!(browser.post("/admin/login", &fields).await.expect("an answer").status, 422);
    }
    let answer = browser.post("/admin/login", &fields).await.expect("an answer");
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
    assert!(answer.body.contains("Probeer het opnieuw over 16 minuten"), "{}", answer.body);
    app.stop().await;
});

both_dbs!(a_form_without_the_sessions_token_or_from_elsewhere_is_refused, |store| {
    let app = TestApp::start(&store).await;
    // With an object behind each address: what is not there is told before the form is looked at.
    let letter = crate::support::samples::newsletter(&store, "insights").await;
    crate::support::samples::scheduled(&store, letter.id).await;
    let browser = signed_in(&app).await;
    let csrf = get(&browser, "/admin").await.field("csrf").expect("a token");
    let forms: [&[(&str, &str)]; 3] =
        [&[("title", "x")], &[("title", "x"), ("csrf", "")], &[("title", "x"), ("csrf", "aaaa")]];
    let paths = [
        "/admin/articles",
        "/admin/articles/1",
        "/admin/articles/preview",
        "/admin/issues",
        "/admin/issues/1",
        "/admin/issues/1/test",
        "/admin/issues/1/schedule",
        "/admin/mailings/1/cancel",
        "/admin/language",
        "/admin/logout",
    ];
    for path in paths {
        for form in forms {
            assert_eq!(browser.post(path, form).await.expect("an answer").status, 403, "{path}");
        }
        let foreign = browser.with_header("origin", "https://kwaad.example");
        let answer = foreign.post(path, &[("csrf", &csrf)]).await.expect("an answer");
        assert_eq!(answer.status, 403, "{path}");
    }
    let foreign = app.browser().with_header("sec-fetch-site", "cross-site");
    let fields = [("address", ADDRESS), ("password", PASSWORD)];
    assert_eq!(foreign.post("/admin/login", &fields).await.expect("an answer").status, 403);
    app.stop().await;
});

both_dbs!(the_desk_speaks_the_language_that_its_user_chose, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let fields = [("language", "fr"), ("back", "/admin/issues")];
    assert_eq!(post(&browser, "/admin/language", &fields).await.location(), "/admin/issues");
    assert!(get(&browser, "/admin/issues").await.body.contains("<html lang=\"fr\""));
    let fields = [("language", "de"), ("back", "//kwaad.example")];
    assert_eq!(post(&browser, "/admin/language", &fields).await.location(), "/admin");
    app.stop().await;
});
