use super::{get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::both_dbs;

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
