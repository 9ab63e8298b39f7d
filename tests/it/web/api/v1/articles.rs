use postiljon::model::{Grant, Permission, Role};
use postiljon::publishing::articles::{self, ArticleInput};
use postiljon::store::articles as table;
use serde_json::{Value, json};

use super::{ALL, Program, article, key, refusal, refused, said};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, read};
use crate::support::samples;
use crate::web::api::errors;

const OWNER: [Grant; 1] = [Grant::of_all(Role::Owner)];
const LIST: &str = "/api/v1/articles";

fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
}

both_dbs!(an_article_is_handed_in_read_changed_and_published, |store| {
    let app = TestApp::start(&store).await;
    let program = Program::of(&app, "an@example.org", &OWNER).await;
    let body = json!({
        "title": "Zes lessen", "language": "nl", "body": "Een *goed* verhaal.", "teaser": "Kort.",
        "author": "An", "tags": ["Werk", "leven; en, niet"], "canonical_url": "https://example.org/zes",
        "external_id": "zes",
    });
    assert_eq!(errors(&program.post(&body).await), [("tags".to_owned(), "not_a_tag".to_owned())]);
    let body = with(body, "tags", json!(["Werk", "leven"]));
    let made = program.post(&body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let shown = said(&made);
    let id = shown["id"].as_i64().expect("an id");
    let path = format!("{LIST}/{id}");
    assert_eq!(made.location(), format!("{}{path}", app.url));
    assert_eq!((shown["result"].as_str(), shown["version"].as_i64()), (Some("created"), Some(1)));
    assert_eq!((shown["slug"].as_str(), shown["status"].as_str()), (Some("zes-lessen"), Some("draft")));
    assert_eq!(shown["tags"], json!(["Werk", "leven"]));
    assert!(
        shown["url"].is_null() && shown["published_version"].is_null() && shown["published_at"].is_null()
    );

    let got = program.get(&path).await;
    assert_eq!((got.status, got.header("etag")), (200, Some("\"1-draft\"")));
    let mut same = said(&got);
    same["result"] = json!("created");
    assert_eq!(same, shown);
    assert_eq!(got.header("access-control-allow-origin"), None);
    assert_eq!(got.header("cache-control"), Some("no-store"));

    let put = program.knowing("\"1-draft\"").send("PUT", &path, &json!({"status": "published"})).await;
    assert_eq!((put.status, put.header("etag")), (200, Some("\"1-published\"")), "{}", put.body);
    assert_eq!(said(&put)["url"], json!(format!("{}/a/zes-lessen", app.url)));
    assert_eq!(app.browser().get("/a/zes-lessen").await.expect("a page").status, 200);
    let put = program.send("PUT", &path, &json!({"version": 1, "title": "Zeven lessen", "tags": []})).await;
    let shown = said(&put);
    assert_eq!((shown["title"].as_str(), shown["version"].as_i64()), (Some("Zeven lessen"), Some(2)));
    assert_eq!(
        (shown["result"].as_str(), shown["tags"].as_array().map(Vec::len)),
        (Some("updated"), Some(0))
    );
    assert_eq!((shown["published_version"].as_i64(), shown["teaser"].as_str()), (Some(2), Some("Kort.")));
    let put = program.send("PUT", &path, &json!({"version": 2, "title": null})).await;
    assert_eq!((put.status, said(&put)["result"].as_str()), (200, Some("same")));
    let put = program.send("PUT", &path, &json!({"version": 2, "status": "draft"})).await;
    assert_eq!(put.header("etag"), Some("\"2-draft\""));
    assert_eq!(app.browser().get("/a/zes-lessen").await.expect("a page").status, 404);
    app.stop().await;
});

both_dbs!(an_external_id_is_one_article_and_an_edit_here_is_kept, |store| {
    let app = TestApp::start(&store).await;
    let program = Program::of(&app, "an@example.org", &OWNER).await;
    let body = with(article("Zes lessen"), "external_id", "https://www.example.org/6");
    let (a, b) = tokio::join!(program.post(&body), program.post(&body));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201], "{} {}", a.body, b.body);
    assert_eq!(said(&a)["id"], said(&b)["id"]);
    let id = said(&a)["id"].as_i64().expect("an id");
    let again = program.post(&with(body.clone(), "title", "Zeven lessen")).await;
    assert_eq!((again.status, said(&again)["result"].as_str()), (200, Some("updated")));
    assert_eq!(said(&again)["external_id"], body["external_id"]);
    let input = ArticleInput { title: "Van Bo".into(), language: "nl".into(), ..ArticleInput::default() };
    let known = postiljon::model::ArticleId(id);
    articles::save(&store, &app.clock, known, 2, &input).await.expect("saved");
    let kept = program.post(&with(body.clone(), "title", "Acht lessen")).await;
    assert_eq!(refusal(&kept), refused(409, "edited_here"));
    assert_eq!(said(&kept)["errors"][0]["field"], json!("external_id"));
    assert!(kept.body.contains(&format!("artikel {id} ")) && kept.body.contains("versie 3"), "{}", kept.body);
    assert_eq!(read!(store, |db| table::by_id(db, known)).expect("there").title, "Van Bo");
    app.stop().await;
});

both_dbs!(who_changes_an_article_says_over_what, |store| {
    let app = TestApp::start(&store).await;
    let program = Program::of(&app, "an@example.org", &OWNER).await;
    let id = said(&program.post(&article("Zes lessen")).await)["id"].as_i64().expect("an id");
    let path = format!("{LIST}/{id}");
    let change = json!({"title": "Anders"});
    assert_eq!(refusal(&program.send("PUT", &path, &change).await), refused(428, "version_missing"));
    for tag in ["\"2-draft\"", "\"1-published\"", "\"1\"", "1-draft", "\"\"", "\"1-draft\", \"2-draft\"", "x"]
    {
        let answer = program.knowing(tag).send("PUT", &path, &change).await;
        assert_eq!(refusal(&answer), refused(412, "precondition_failed"), "{tag}");
        // The header is looked at before the body.
        let answer = program.knowing(tag).send("PUT", &path, &with(change.clone(), "version", 1)).await;
        assert_eq!(refusal(&answer), refused(412, "precondition_failed"), "{tag}");
    }
    for version in [0, 2, -1] {
        let answer = program.send("PUT", &path, &with(change.clone(), "version", version)).await;
        assert_eq!(refusal(&answer), refused(409, "version_conflict"));
    }
    assert_eq!(said(&program.get(&path).await)["title"], json!("Zes lessen"));
    // Of two who know the same, one is told.
    let knowing = program.knowing("W/\"1-draft\"");
    let (one, two) = (json!({"title": "Een"}), json!({"title": "Twee"}));
    let (a, b) = tokio::join!(knowing.send("PUT", &path, &one), knowing.send("PUT", &path, &two));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", a.body, b.body);
    let answer = program.knowing("*").send("PUT", &path, &change).await;
    assert_eq!(answer.header("etag"), Some("\"3-draft\""), "{}", answer.body);
    for path in ["/api/v1/articles/987654", "/api/v1/articles/x", "/api/v1/articles/99999999999999999999"] {
        assert_eq!(refusal(&program.get(path).await), refused(404, "not_found"), "{path}");
        let answer = program.knowing("*").send("PUT", path, &change).await;
        assert_eq!(refusal(&answer), refused(404, "not_found"), "{path}");
    }
    app.stop().await;
});

both_dbs!(what_is_wrong_with_a_body_is_said_with_its_code, |store| {
    let app = TestApp::start(&store).await;
    let program = Program::of(&app, "an@example.org", &OWNER).await;
    program.post(&article("Een")).await;
    let long = |chars: usize| "x".repeat(chars);
    let table: [(Value, &[(&str, &str)]); 22] = [
        (json!({}), &[("language", "not_a_language"), ("title", "required")]),
        (with(article("X"), "titel", "Y"), &[("titel", "unknown_field")]),
        (with(article("X"), "version", 1), &[("version", "unknown_field")]),
        (with(article("X"), "title", 5), &[("title", "not_a_text")]),
        (with(article("X"), "title", json!(["X"])), &[("title", "not_a_text")]),
        (with(article("X"), "title", " \u{a0} "), &[("title", "required")]),
        (with(article("X"), "title", long(201)), &[("title", "too_long")]),
        (with(article("X"), "body", long(200_001)), &[("body", "too_long")]),
        (with(article("X"), "html", "<p>x</p>"), &[("html", "body_and_html")]),
        (with(article("X"), "teaser", long(1001)), &[("teaser", "too_long")]),
        (with(article("X"), "canonical_url", "javascript:alert(1)"), &[("canonical_url", "not_a_url")]),
        (with(article("X"), "language", "xx"), &[("language", "not_a_language")]),
        (with(article("X"), "slug", "Ongeldig!"), &[("slug", "not_a_slug")]),
        (with(article("X"), "slug", "een"), &[("slug", "slug_taken")]),
        (with(article("X"), "status", "live"), &[("status", "not_a_status")]),
        (with(article("X"), "tags", "werk"), &[("tags", "not_a_list")]),
        (with(article("X"), "tags", json!([1])), &[("tags", "not_a_list")]),
        (with(article("X"), "tags", json!(["a\u{0}b"])), &[("tags", "not_a_tag")]),
        (with(article("X"), "tags", json!([""])), &[("tags", "not_a_tag")]),
        (
            with(article("X"), "tags", (0..21).map(|n| n.to_string()).collect::<Vec<_>>()),
            &[("tags", "too_many_tags")],
        ),
        (with(article("X"), "external_id", "a\u{0}"), &[("external_id", "not_an_id")]),
        (with(article("X"), "external_id", long(501)), &[("external_id", "not_an_id")]),
    ];
    for (body, expected) in table {
        let answer = program.post(&body).await;
        let mut found = errors(&answer);
        found.sort();
        let expected: Vec<_> =
            expected.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect();
        assert_eq!((answer.status, &found), (422, &expected), "{:.300}", body.to_string());
    }
    let raw = async |media_type: &str, body: &[u8]| {
        let body = Some((media_type, body.to_vec()));
        refusal(&program.0.send("POST", LIST, body).await.expect("an answer"))
    };
    for body in
        ["", "x", "[]", "null", "\"x\"", "{\"title\": \"a\", \"title\": \"b\"}", "{\"title\": \"\\ud800\"}"]
    {
        assert_eq!(raw("application/json", body.as_bytes()).await, refused(400, "not_json"), "{body}");
    }
    assert_eq!(raw("application/json", b"{\"title\": \"\xff\"}").await, refused(400, "not_json"));
    let deep = format!("{{\"title\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(raw("application/json", deep.as_bytes()).await, refused(400, "not_json"));
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
        assert_eq!(raw(media_type, b"{}").await, refused(415, "not_json_type"), "{media_type}");
    }
    let large = format!("{{\"body\": \"{}\"}}", long(3 * 1024 * 1024));
    assert_eq!(raw("application/json", large.as_bytes()).await, refused(413, "too_large"));
    assert_eq!(
        said(&program.get(LIST).await)["articles"].as_array().map(Vec::len),
        Some(1),
        "nothing was stored"
    );
    app.stop().await;
});

both_dbs!(what_is_hostile_comes_out_as_text_or_not_at_all, |store| {
    let app = TestApp::start(&store).await;
    let program = Program::of(&app, "an@example.org", &OWNER).await;
    let html = "<h2 onclick=\"alert(1)\">Kop</h2><p style=\"color:red\">Een <b>goed</b> verhaal.\
        <script>alert(2)</script></p><p><a href=\"javascript:alert(3)\">hier</a> en \
        <a href=\"https://example.org/b\">daar</a></p><iframe src=\"https://evil.example\"></iframe>\
        <img src=\"https://example.org/p.png\" alt=\"Foto\" onerror=\"alert(4)\"><style>p{}</style>";
    let body = json!({"title": "<img src=x onerror=alert(5)>", "language": "nl", "html": html, "status": "published"});
    let made = program.post(&body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let markdown = said(&made)["body"].as_str().expect("a body").to_owned();
    assert!(markdown.contains("## Kop") && markdown.contains("**goed**"), "{markdown}");
    assert!(markdown.contains("[daar](https://example.org/b)"), "{markdown}");
    assert!(markdown.contains("](https://example.org/p.png)"), "a picture stays where it is: {markdown}");
    for evil in ["alert(", "script", "iframe", "onerror", "style"] {
        assert!(!markdown.contains(evil), "{evil}: {markdown}");
    }
    let raw = "Dag <script>alert(6)</script> [x](javascript:alert(7)) <img src=x onerror=alert(8)>";
    let body = json!({"title": "Ruw", "language": "nl", "body": raw, "status": "published", "slug": "ruw"});
    assert_eq!(program.post(&body).await.status, 201);
    let url = said(&made)["url"].as_str().expect("a page").to_owned();
    for path in [url.as_str(), "/a/ruw"] {
        let page = app.browser().get(path).await.expect("a page").body;
        for evil in ["<script>alert", "<img src=x", "href=\"javascript", "onclick", "<iframe"] {
            assert!(!page.contains(evil), "{path} {evil}: {page}");
        }
    }
    app.stop().await;
});

both_dbs!(the_list_is_turned_page_by_page, |store| {
    let app = TestApp::start(&store).await;
    let program = Program::of(&app, "an@example.org", &OWNER).await;
    for n in 0..5 {
        let status = if n % 2 == 0 { "published" } else { "draft" };
        let body = with(with(article(&format!("Artikel {n}")), "status", status), "tags", json!(["Werk"]));
        assert_eq!(program.post(&body).await.status, 201);
    }
    program.post(&article("Zonder")).await;
    let mut titles = Vec::new();
    let mut path = format!("{LIST}?limit=2&tag=WERK");
    for _ in 0..3 {
        let page = said(&program.get(&path).await);
        for row in page["articles"].as_array().expect("a list") {
            assert_eq!((&row["tags"], row["body"].is_null()), (&json!(["Werk"]), true));
            titles.push(row["title"].as_str().expect("a title").to_owned());
        }
        match page["next_cursor"].as_str() {
            // What comes meanwhile moves nothing.
            Some(cursor) => path = format!("{LIST}?limit=2&tag=WERK&cursor={cursor}"),
            None => break,
        }
        program.post(&with(article("Nieuw"), "tags", json!(["Werk"]))).await;
    }
    assert_eq!(titles, ["Artikel 4", "Artikel 3", "Artikel 2", "Artikel 1", "Artikel 0"]);
    let count = async |query: &str| {
        said(&program.get(&format!("{LIST}?{query}")).await)["articles"].as_array().expect("a list").len()
    };
    assert_eq!((count("status=published").await, count("tag=niets").await), (3, 0));
    for (query, code) in [
        ("cursor=x", "not_a_cursor"),
        ("cursor=-1", "not_a_cursor"),
        ("limit=0", "not_a_limit"),
        ("limit=101", "not_a_limit"),
        ("status=live", "not_a_status"),
        ("tag=a%00b", "not_a_tag"),
        ("stauts=draft", "unknown_field"),
        ("status=draft&status=published", "given_twice"),
    ] {
        assert_eq!(refusal(&program.get(&format!("{LIST}?{query}")).await), refused(422, code), "{query}");
    }
    app.stop().await;
});

both_dbs!(a_key_without_publishing_hands_in_drafts_alone, |store| {
    let app = TestApp::start(&store).await;
    let user = samples::user(&store, "an@example.org").await;
    let writes = [Permission::SeeArticles, Permission::WriteArticles];
    let writer = Program::with(&app, &key(&store, &user, &writes).await);
    let publisher = Program::with(&app, &key(&store, &user, &ALL).await);
    let wanted = with(article("Zes lessen"), "status", "published");
    let answer = writer.post(&wanted).await;
    assert_eq!(refusal(&answer), refused(403, "permission_missing"));
    assert!(answer.body.contains("publish_articles"), "{}", answer.body);
    let id = said(&publisher.post(&with(wanted, "external_id", "6")).await)["id"].as_i64().expect("an id");
    let path = format!("{LIST}/{id}");
    for body in [json!({"version": 1, "title": "Anders"}), json!({"version": 1, "status": "draft"})] {
        assert_eq!(refusal(&writer.send("PUT", &path, &body).await), refused(403, "permission_missing"));
    }
    let changed = with(article("Anders"), "external_id", "6");
    assert_eq!(refusal(&writer.post(&changed).await), refused(403, "permission_missing"));
    assert_eq!(writer.post(&article("Een concept")).await.status, 201);
    let viewer = Program::of(&app, "vic@example.org", &[Grant::of_all(Role::Viewer)]).await;
    assert_eq!(viewer.get(&path).await.status, 200);
    assert_eq!(refusal(&viewer.post(&article("X")).await), refused(403, "permission_missing"));
    let author = Program::of(&app, "ada@example.org", &[Grant::of_all(Role::Author)]).await;
    assert_eq!(author.post(&with(article("X"), "status", "published")).await.status, 201);
    app.stop().await;
});
