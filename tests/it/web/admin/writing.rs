//! What the editor's script asks for, and the pages of versions and translations.

use postiljon::demo::browser::{Answer, Browser};
use serde_json::Value;

use super::{get, post, signed_in, signed_in_as};
use crate::support::app::TestApp;
use crate::support::database::both_dbs;

fn article<'a>(title: &'a str, body: &'a str, version: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("title", title), ("body", body), ("language", "nl"), ("version", version)]
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

async fn autosave(browser: &Browser, path: &str, form: &[(&str, &str)]) -> Value {
    let answer = post(browser, path, form).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    json(&answer)
}

both_dbs!(a_new_article_has_its_row_with_the_first_autosave, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let said = autosave(&browser, "/admin/articles/autosave", &article("", "Begin", "0")).await;
    assert_eq!((said["id"].as_i64(), said["version"].as_i64()), (Some(1), Some(1)));
    assert!(said["saved"].as_str().is_some_and(|words| words.contains("Saved at")), "{said}");
    let said = autosave(&browser, "/admin/articles/1/autosave", &article("Titel", "Verder", "1")).await;
    assert_eq!(said["version"], 2);
    let page = get(&browser, "/admin/articles/1").await;
    assert!(page.body.contains("Verder") && page.field("version").as_deref() == Some("2"));
    app.stop().await;
});

both_dbs!(what_is_autosaved_of_a_published_article_is_told_and_discarded_or_published, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let form: Vec<_> = article("Zes", "Gepubliceerd", "0").into_iter().chain([("then", "publish")]).collect();
    post(&browser, "/admin/articles", &form).await;
    autosave(&browser, "/admin/articles/1/autosave", &article("Zes", "Nog niet", "1")).await;
    let page = get(&browser, "/admin/articles/1").await.body;
    assert!(page.contains("changes that readers do not see yet") && page.contains("Nog niet"), "{page}");
    assert!(get(&browser, "/admin/articles").await.body.contains("Unpublished changes"));
    assert!(get(&browser, "/admin/articles/1/preview").await.body.contains("Nog niet"));
    let compared = get(&browser, "/admin/articles/1/versions/1?with=latest").await.body;
    assert!(compared.contains("<del>") && compared.contains("<ins>"), "{compared}");
    let answer = post(&browser, "/admin/articles/1/versions/1", &[("over", "2")]).await;
    assert_eq!(answer.location(), "/admin/articles/1?done=version-restored");
    let page = get(&browser, answer.location()).await.body;
    assert!(page.contains("Gepubliceerd") && !page.contains("do not see yet"), "{page}");
    let list = get(&browser, "/admin/articles/1/versions").await.body;
    assert!(list.contains("Brought back by An") && list.contains("Readers see this one"), "{list}");
    app.stop().await;
});

both_dbs!(an_autosave_that_cannot_be_is_answered_with_its_reason, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    autosave(&browser, "/admin/articles/autosave", &article("Zes", "Begin", "0")).await;
    let long = "x".repeat(201);
    let answer = post(&browser, "/admin/articles/1/autosave", &article(&long, "x", "1")).await;
    assert_eq!(answer.status, 422);
    assert!(json(&answer)["error"].as_str().is_some_and(|why| why.contains("200")), "{}", answer.body);
    let answer = post(&browser, "/admin/articles/1/autosave", &article("Zes", "x", "7")).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(post(&browser, "/admin/articles/9/autosave", &article("Zes", "x", "1")).await.status, 404);
    let without =
        browser.post("/admin/articles/1/autosave", &article("Zes", "x", "1")).await.expect("an answer");
    assert_eq!(without.status, 403);
    app.stop().await;
});

both_dbs!(a_conflict_shows_what_would_change, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    autosave(&browser, "/admin/articles/autosave", &article("Zes", "Het was een goed jaar.", "0")).await;
    autosave(&browser, "/admin/articles/1/autosave", &article("Zes", "Het was een slecht jaar.", "1")).await;
    let conflict = post(&browser, "/admin/articles/1", &article("Zes", "Het was een lang jaar.", "1")).await;
    assert_eq!(conflict.status, 409);
    assert!(conflict.body.contains("slecht") && conflict.body.contains("<ins>"), "{}", conflict.body);
    assert_eq!(conflict.field("version").as_deref(), Some("2"));
    app.stop().await;
});

both_dbs!(two_editors_know_of_each_other, |store| {
    let app = TestApp::start(&store).await;
    let an = signed_in(&app).await;
    let bo = signed_in_as(&app, "bo@example.org").await;
    autosave(&an, "/admin/articles/autosave", &article("Zes", "Begin", "0")).await;
    assert_eq!(json(&post(&an, "/admin/articles/1/presence", &[]).await)["others"], serde_json::json!([]));
    let said = json(&post(&bo, "/admin/articles/1/presence", &[]).await);
    assert_eq!((said["others"][0].as_str(), said["version"].as_i64()), (Some("An"), Some(1)));
    let page = get(&bo, "/admin/articles/1").await.body;
    assert!(page.contains("<span data-names>An</span>"), "{page}");
    assert_eq!(post(&an, "/admin/articles/1/presence", &[("left", "1")]).await.status, 204);
    assert!(get(&bo, "/admin/articles/1").await.body.contains("id=\"together\" hidden"));
    assert_eq!(post(&bo, "/admin/articles/9/presence", &[]).await.status, 404);
    app.stop().await;
});

both_dbs!(pasted_html_is_answered_in_markdown, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let html =
        "<h2>Kop</h2><p>Een <b>goed</b> <script>x</script>verhaal</p><img src='data:image/png;base64,A'>";
    let said = json(&post(&browser, "/admin/articles/paste", &[("html", html)]).await);
    assert_eq!(said["markdown"], "## Kop\n\nEen **goed** verhaal");
    assert!(said["notice"].as_str().is_some_and(|words| words.contains("Pictures")), "{said}");
    let answer =
        post(&browser, "/admin/articles/paste", &[("html", &"<p>x</p>".repeat(10 * 1024 * 1024 / 8))]).await;
    assert_eq!(answer.status, 413, "{}", &answer.body[..200.min(answer.body.len())]);
    let without = browser.post("/admin/articles/paste", &[("html", html)]).await.expect("an answer");
    assert_eq!(without.status, 403);
    app.stop().await;
});

both_dbs!(a_translation_is_made_and_shown_on_both, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let form: Vec<_> =
        article("Zes lessen", "Tekst", "0").into_iter().chain([("tags", "Werk, thuis")]).collect();
    post(&browser, "/admin/articles", &form).await;
    let answer = post(&browser, "/admin/articles/1/translations", &[("language", "fr")]).await;
    assert_eq!(answer.location(), "/admin/articles/2?done=translated");
    let page = get(&browser, answer.location()).await.body;
    assert!(page.contains("href=\"/admin/articles/1\"") && page.contains("value=\"Werk, thuis\""), "{page}");
    assert!(get(&browser, "/admin/articles/1").await.body.contains("href=\"/admin/articles/2\""));
    let again = post(&browser, "/admin/articles/1/translations", &[("language", "fr")]).await;
    assert_eq!(again.location(), "/admin/articles/2?done=translated");
    let list = get(&browser, "/admin/articles?tag=werk&language=fr").await.body;
    assert!(list.contains("/admin/articles/2") && !list.contains("href=\"/admin/articles/1\""), "{list}");
    app.stop().await;
});

both_dbs!(versions_of_no_article_are_not_found, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    for path in ["/admin/articles/1/versions", "/admin/articles/1/versions/1", "/admin/articles/x/versions/1"]
    {
        assert_eq!(browser.get(path).await.expect("an answer").status, 404, "{path}");
    }
    app.stop().await;
});
