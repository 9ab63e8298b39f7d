use postiljon::accounts::users::{NewUser, add_user_as};
use postiljon::model::{Grant, Language, Role};
use postiljon::store::audit;

use super::{PASSWORD, get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, read};
use crate::support::samples::newsletter;

const LESSONS: [(&str, &str); 7] = [
    ("title", "Zes <b>lessen</b>"),
    ("author", "An"),
    ("language", "nl"),
    ("teaser", "Kort."),
    ("body", "Een *goed* verhaal.\r\n\r\n<script>alert(1)</script>"),
    ("canonical_url", ""),
    ("slug", ""),
];

fn with<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form: Vec<_> = LESSONS.to_vec();
    for (name, value) in fields {
        match form.iter_mut().find(|(known, _)| known == name) {
            Some(field) => field.1 = value,
            None => form.push((name, value)),
        }
    }
    form
}

both_dbs!(an_article_is_written_published_found_and_taken_back, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let answer = post(&browser, "/admin/articles", &with(&[("then", "publish")])).await;
    assert_eq!((answer.status, answer.location()), (303, "/admin/articles/1?done=published"));
    let page = get(&browser, answer.location()).await.body;
    assert!(page.contains("Zes &#60;b&#62;lessen") && !page.contains("<b>lessen"), "{page}");
    for (query, is_found) in [
        ("q=GOED", true),
        ("q=slecht", false),
        ("status=published&language=nl", true),
        ("status=draft", false),
        ("language=fr", false),
    ] {
        let list = get(&browser, &format!("/admin/articles?{query}")).await.body;
        assert_eq!(list.contains("href=\"/admin/articles/1\""), is_found, "{query}");
    }
    let answer = post(&browser, "/admin/articles/1", &with(&[("version", "1"), ("then", "draft")])).await;
    assert_eq!(answer.location(), "/admin/articles/1?done=drafted");
    assert!(get(&browser, "/admin/articles?status=draft").await.body.contains("/admin/articles/1"));
    app.stop().await;
});

both_dbs!(a_form_that_cannot_be_saved_comes_back_filled_with_each_mistake_beside_its_field, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let form = with(&[("title", " "), ("canonical_url", "javascript:x"), ("body", "Veel werk")]);
    let answer = post(&browser, "/admin/articles", &form).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("Veel werk"));
    assert!(answer.body.contains("id=\"title-error\"") && answer.body.contains("id=\"canonical_url-error\""));
    assert_eq!(answer.body.matches("autofocus").count(), 1);
    assert_eq!(answer.field("canonical_url").as_deref(), Some("javascript:x"));
    app.stop().await;
});

both_dbs!(a_field_given_twice_is_a_mistake_beside_it, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let mut form = with(&[]);
    form.push(("title", "Een andere"));
    let answer = post(&browser, "/admin/articles", &form).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("id=\"title-error\""));
    app.stop().await;
});

both_dbs!(two_who_edit_at_once_lose_nothing, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    post(&browser, "/admin/articles", &with(&[])).await;
    let theirs = with(&[("version", "1"), ("body", "Hun versie")]);
    assert_eq!(post(&browser, "/admin/articles/1", &theirs).await.status, 303);
    let mine = with(&[("version", "1"), ("body", "Mijn versie")]);
    let conflict = post(&browser, "/admin/articles/1", &mine).await;
    assert_eq!(conflict.status, 409);
    assert!(conflict.body.contains("Hun</del> versie") && conflict.body.contains("Mijn versie"));
    assert!(get(&browser, "/admin/articles/1").await.body.contains("Hun versie"));
    // Saved again from the page of the conflict, which is a choice.
    let version = conflict.field("version").expect("a version");
    let mine = with(&[("version", version.as_str()), ("body", "Mijn versie")]);
    assert_eq!(post(&browser, "/admin/articles/1", &mine).await.status, 303);
    assert!(get(&browser, "/admin/articles/1").await.body.contains("Mijn versie"));
    app.stop().await;
});

both_dbs!(a_preview_is_what_readers_see_and_runs_nothing, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let answer = post(&browser, "/admin/articles/preview", &LESSONS).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("<em>goed</em>") && !answer.body.contains("<script"), "{}", answer.body);
    assert!(answer.body.contains("Zes &#60;b&#62;lessen"));
    assert!(answer.header("content-security-policy").is_some_and(|policy| policy.ends_with("sandbox")));
    let answer = post(&browser, "/admin/articles/preview", &[("body", "Dag {{naam}}")]).await;
    assert!(answer.body.contains("There is no field “naam”"), "{}", answer.body);
    app.stop().await;
});

both_dbs!(an_article_is_put_away_and_brought_back, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    post(&browser, "/admin/articles", &with(&[("then", "publish")])).await;
    post(&browser, "/admin/issues", &[("newsletter", "1"), ("subject", "Leeg")]).await;
    let is_listed = async |path: &str| get(&browser, path).await.body.contains("Zes &#60;b&#62;lessen");
    assert!(is_listed("/admin/articles").await && is_listed("/admin/issues/1").await);
    for _ in 0..2 {
        let answer = post(&browser, "/admin/articles/1/archive", &[("do", "archive")]).await;
        assert_eq!(answer.location(), "/admin/articles?done=article-archived&undo=1");
    }
    let list = get(&browser, "/admin/articles?done=article-archived&undo=1").await.body;
    assert!(list.contains("action=\"/admin/articles/1/archive\"") && list.contains("Undo"), "{list}");
    // No list offers it; it stays where it can be read.
    assert!(
        !is_listed("/admin/articles").await
            && !is_listed("/admin/issues/1").await
            && !is_listed("/admin").await
    );
    assert!(is_listed("/admin/articles?status=archived").await);
    assert!(get(&browser, "/admin/articles/1").await.body.contains("This article is archived"));
    assert_eq!(browser.get("/a/zes-b-lessen-b").await.expect("an answer").status, 200);
    let answer = post(&browser, "/admin/articles/1/archive", &[("do", "restore")]).await;
    assert_eq!(answer.location(), "/admin/articles?done=article-restored");
    assert!(is_listed("/admin/articles").await && !is_listed("/admin/articles?status=archived").await);
    assert_eq!(post(&browser, "/admin/articles/9/archive", &[("do", "archive")]).await.status, 404);
    let log = read!(store, |db| audit::list(db, &audit::AuditFilter::default()));
    assert_eq!(log.iter().filter(|row| row.act.contains("archived")).count(), 2, "a second press is none");
    app.stop().await;
});

both_dbs!(an_issue_begins_with_an_article_that_was_just_published, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let fields = with(&[("title", "Zes lessen"), ("teaser", ""), ("then", "publish")]);
    let answer = post(&browser, "/admin/articles", &fields).await;
    let page = get(&browser, answer.location()).await.body;
    assert!(
        page.contains("Make an issue of it") && page.contains("name=\"newsletter\" value=\"1\""),
        "{page}"
    );
    let made = post(&browser, "/admin/issues", &[("newsletter", "1"), ("article", "1")]).await;
    assert_eq!(made.location(), "/admin/issues/1");
    let issue = get(&browser, "/admin/issues/1").await;
    assert_eq!(issue.field("subject").as_deref(), Some("Zes lessen"));
    assert!(
        issue.field("preheader").is_some_and(|words| words.starts_with("Een goed verhaal.")),
        "{}",
        issue.body
    );
    assert_eq!(issue.field("article").as_deref(), Some("1"));
    // It is in an issue: nothing is offered a second time.
    assert!(!get(&browser, "/admin/articles/1").await.body.contains("Make an issue of it"));
    // The words of whoever has typed some stay.
    let typed = [("newsletter", "1"), ("article", "1"), ("subject", "Eigen woorden")];
    post(&browser, "/admin/issues", &typed).await;
    let issue = get(&browser, "/admin/issues/2").await;
    assert_eq!(issue.field("subject").as_deref(), Some("Eigen woorden"));
    // Which newsletter is asked for where there are several.
    newsletter(&store, "tips").await;
    post(&browser, "/admin/articles", &with(&[("title", "Nog een"), ("then", "publish")])).await;
    let asked = get(&browser, "/admin/articles/2").await.body;
    assert!(asked.contains("method=\"get\" action=\"/admin/issues/new\""), "{asked}");
    let asked = get(&browser, "/admin/issues/new?article=2").await;
    assert_eq!(asked.field("article").as_deref(), Some("2"));
    app.stop().await;
});

both_dbs!(who_only_reads_gets_no_form_that_is_refused, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    post(&browser, "/admin/articles", &with(&[("then", "publish")])).await;
    post(&browser, "/admin/issues", &[("newsletter", "1"), ("article", "1")]).await;
    let new =
        NewUser { address: "vic@example.org", name: "Vic", language: Language::Dutch, password: PASSWORD };
    add_user_as(&store, &app.clock, new, &[Grant::of_all(Role::Viewer)]).await.expect("added");
    let vic = app.browser();
    let answer = vic.post("/admin/login", &[("address", "vic@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(answer.expect("an answer").status, 303);
    let issue = get(&vic, "/admin/issues/1").await.body;
    assert!(
        issue.contains("Je kunt dit lezen")
            && !issue.contains("compose.js")
            && !issue.contains("data-autosave"),
        "{issue}"
    );
    assert!(!issue.contains("value=\"save\">") && !issue.contains("value=\"add\""), "{issue}");
    let article = get(&vic, "/admin/articles/1").await.body;
    assert!(article.contains("Je kunt dit lezen") && !article.contains("editor.js"), "{article}");
    assert!(!get(&vic, "/admin/articles").await.body.contains("/archive\""));
    assert!(!get(&vic, "/admin/newsletters/1/digests").await.body.contains("digests/new"));
    app.stop().await;
});
