use super::{get, post, signed_in};
use crate::publishing::published;
use crate::support::app::TestApp;
use crate::support::database::both_dbs;
use crate::support::samples::newsletter;

const BASE: &str = "/admin/newsletters/1/welcome";

both_dbs!(a_series_is_made_looked_at_switched_on_and_removed, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let article = published(&store, &app.clock, "Het beste stuk").await;
    let empty = get(&browser, BASE).await.body;
    assert!(empty.contains("Say welcome") && empty.contains("Write the welcome mail"), "{empty}");
    let article = article.id.to_string();
    let words = [
        ("days", "0"),
        ("subject-nl", "Welkom bij ons"),
        ("body-nl", "Dag {{name|lezer}},"),
        ("article-nl", &article),
        ("do", "preview"),
    ];
    let made = post(&browser, BASE, &words).await;
    let step = format!("{BASE}/1");
    assert_eq!((made.status, made.location()), (303, format!("{step}/preview").as_str()), "{}", made.body);
    let mail = get(&browser, &format!("{step}/mail?language=nl")).await.body;
    assert!(mail.contains("Het beste stuk") && mail.contains("Dag lezer,"), "{mail}");
    assert!(get(&browser, &format!("{step}/preview?view=text")).await.body.contains("Dag lezer,"));
    let sent = post(&browser, &format!("{step}/test"), &[("to", "an@example.org")]).await;
    assert_eq!(sent.location(), format!("{step}/preview?language=nl&done=tested"));
    let version = get(&browser, &step).await.field("version").expect("a version");
    let on: Vec<_> =
        words[..4].iter().copied().chain([("version", version.as_str()), ("do", "activate")]).collect();
    let saved = post(&browser, &step, &on).await;
    assert_eq!(saved.location(), format!("{step}?done=step-on"), "{}", saved.body);
    let list = get(&browser, BASE).await.body;
    assert!(list.contains("Right after confirming") && list.contains("Is sent"), "{list}");
    let stale = post(&browser, &step, &on).await;
    assert!(stale.status == 409 && stale.body.contains("Welkom bij ons"), "{}", stale.body);
    assert_eq!(browser.get("/admin/newsletters/2/welcome/1").await.expect("an answer").status, 404);
    let gone = post(&browser, &format!("{step}/delete"), &[]).await;
    assert_eq!(gone.location(), format!("{BASE}?done=step-deleted"));
    app.stop().await;
});

both_dbs!(a_wrong_step_comes_back_filled_with_each_mistake_beside_its_field, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let wrong = [("days", "99"), ("subject-nl", ""), ("body-nl", "Zonder onderwerp"), ("body-fr", "{{x}}")];
    let answer = post(&browser, BASE, &wrong).await;
    assert_eq!(answer.status, 422);
    for part in ["id=\"days-error\"", "id=\"subject-nl-error\"", "id=\"body-fr-error\"", "Zonder onderwerp"] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    app.stop().await;
});
