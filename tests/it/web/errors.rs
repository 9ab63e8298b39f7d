use crate::support::app::TestApp;
use crate::support::database::both_dbs;

both_dbs!(an_unknown_page_is_a_friendly_page_in_the_visitors_language, |store| {
    let app = TestApp::start(&store).await;
    let answer =
        app.browser().with_header("accept-language", "nl-BE").get("/nergens").await.expect("an answer");
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("<html lang=\"nl\""), "{}", answer.body);
    assert!(answer.body.contains("Naar de startpagina"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("content-security-policy").is_some_and(|policy| !policy.contains("unsafe-inline")));
    let health = app.browser().get("/healthz").await.expect("an answer");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    let style = app.browser().get("/static/site.css").await.expect("an answer");
    assert_eq!(style.status, 200);
    app.stop().await;
});

both_dbs!(a_wrong_method_says_which_are_right, |store| {
    let app = TestApp::start(&store).await;
    let answer = app.browser().post("/static/site.css", &[]).await.expect("an answer");
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").is_some());
    assert!(answer.body.contains("<h1>"));
    app.stop().await;
});
