use std::time::Duration;

use postiljon::accounts::{Desk, people};
use postiljon::model::{Grant, Permission, Role};
use postiljon::store::{api_keys, desk_rules, users};

use super::{ALL, Program, article, key, refusal, refused, said};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, change, everything, read};
use crate::support::samples;
use crate::web::admin::signed_in;

const LIST: &str = "/api/v1/articles";

both_dbs!(nothing_but_the_header_lets_a_program_in, |store| {
    let app = TestApp::start(&store).await;
    let user = samples::user(&store, "bo@example.org").await;
    let good = key(&store, &user, &ALL).await;
    // A session of an owner opens nothing here.
    let desk = signed_in(&app).await;
    let missing = desk.get(LIST).await.expect("an answer");
    assert_eq!(refusal(&missing), refused(401, "key_missing"));
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"Postiljon\""));
    let browser = app.browser();
    for (header, code) in [
        (String::new(), "key_missing"),
        ("Bearer".into(), "key_missing"),
        (format!("Basic {good}"), "key_missing"),
        (good.clone(), "key_missing"),
        (format!("Bearer {}", &good[3..]), "key_unknown"),
        (format!("Bearer {good}x"), "key_unknown"),
        (format!("Bearer {good} {good}"), "key_unknown"),
        ("Bearer pj_".into(), "key_unknown"),
    ] {
        let answer = browser.with_header("authorization", &header).get(LIST).await.expect("an answer");
        assert_eq!(refusal(&answer), refused(401, code), "{header}");
    }
    let unknown = browser.with_header("authorization", "Bearer x").get(LIST).await.expect("an answer");
    assert!(unknown.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")));
    for path in [format!("{LIST}?access_token={good}"), format!("{LIST}?key={good}")] {
        assert_eq!(refusal(&browser.get(&path).await.expect("an answer")), refused(401, "key_missing"));
    }
    let twice = Program::with(&app, &good).0.with_header("authorization", &format!("Bearer {good}"));
    assert_eq!(refusal(&twice.get(LIST).await.expect("an answer")), refused(401, "key_missing"));
    let lower = browser.with_header("authorization", &format!("bearer  {good}"));
    assert_eq!(lower.get(LIST).await.expect("an answer").status, 200);
    // A key opens nothing of the desk, and no website's script is let in.
    let program = Program::with(&app, &good);
    assert_eq!(program.get("/admin").await.location(), "/admin/login");
    let script = program.0.with_header("origin", "https://www.company.example");
    let answer = script.get(LIST).await.expect("an answer");
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let asked = app.browser().with_header("origin", "https://www.company.example");
    let preflight = asked.send("OPTIONS", LIST, None).await.expect("an answer");
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (401, None));
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/articles/1/x"] {
        assert_eq!(refusal(&program.get(path).await), refused(404, "not_found"), "{path}");
        assert_eq!(refusal(&browser.get(path).await.expect("x")), refused(401, "key_missing"), "{path}");
    }
    app.stop().await;
});

both_dbs!(no_way_to_write_a_path_leads_past_the_guard, |store| {
    let app = TestApp::start(&store).await;
    samples::article(&store, "piece").await;
    for way in [
        "/api/v1/articles",
        "/api/v1/articles/",
        "/api/v1/articles//",
        "//api/v1/articles",
        "/api//v1/articles",
        "/api/./v1/articles",
        "/%61pi/v1/articles",
        "/api/%761/articles",
        "/api%2Fv1/articles",
        "/API/v1/articles",
        "/api/v1/articles/1",
        "/api/v1/articles/%31",
        "/api/v1/articles%2F1",
        "/api/v1/articles/1%00",
        "/api/v1/articles;x=1",
    ] {
        let answer = app.browser().get(way).await.expect("an answer");
        assert!(matches!(answer.status, 400 | 401 | 404), "{way}: {} {}", answer.status, answer.body);
        assert!(!answer.body.contains("piece"), "{way}: {}", answer.body);
    }
    app.stop().await;
});

both_dbs!(a_key_ends_at_once_with_its_day_its_owner_and_its_factor, |store| {
    let app = TestApp::start(&store).await;
    signed_in(&app).await;
    let user = samples::user(&store, "bo@example.org").await;
    let good = key(&store, &user, &ALL).await;
    let program = Program::with(&app, &good);
    let status = async || program.get(LIST).await.status;
    assert_eq!(status().await, 200);
    change!(store, |tx| desk_rules::set_second_factor(tx, true));
    assert_eq!(refusal(&program.get(LIST).await), refused(403, "second_factor_missing"));
    change!(store, |tx| desk_rules::set_second_factor(tx, false));
    change!(store, |tx| users::set_disabled(tx, user.id, Some(app.clock.now())));
    assert_eq!(refusal(&program.get(LIST).await), refused(401, "key_unknown"));
    change!(store, |tx| users::set_disabled(tx, user.id, None));
    assert_eq!(status().await, 200);
    let ends_at = Some(app.clock.now().plus(Duration::from_secs(60)));
    let token = postiljon::keys::random_token().expect("a token");
    let hash = postiljon::keys::token_hash(&token).expect("a hash");
    change!(store, |tx| api_keys::insert(tx, user.id, "x", &hash, "see_articles", app.clock.now(), ends_at));
    let short = Program::with(&app, &format!("pj_{token}"));
    assert_eq!(short.get(LIST).await.status, 200);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(refusal(&short.get(LIST).await), refused(401, "key_expired"));
    let keys = app.app.keys.clone();
    let desk = Desk { store: &app.app.store, clock: &app.clock, keys: &keys, public_url: &app.url };
    people::set_grants(desk, user.id, &[Grant::of_all(Role::Viewer)]).await.expect("set");
    assert_eq!(refusal(&program.post(&article("X")).await), refused(403, "permission_missing"));
    people::disable(desk, user.id).await.expect("disabled");
    assert_eq!(refusal(&program.get(LIST).await), refused(401, "key_unknown"));
    app.stop().await;
});

both_dbs!(limits_are_told_with_the_time_to_wait, |store| {
    let app = TestApp::start(&store).await;
    let user = samples::user(&store, "bo@example.org").await;
    let program = Program::with(&app, &key(&store, &user, &[Permission::SeeArticles]).await);
    for _ in 0..120 {
        assert_eq!(program.get(LIST).await.status, 200);
    }
    let answer = program.get(LIST).await;
    assert_eq!((refusal(&answer), answer.header("retry-after")), (refused(429, "too_many"), Some("120")));
    let stranger = Program::with(&app, "pj_nothing");
    for _ in 0..30 {
        assert_eq!(stranger.get(LIST).await.status, 401);
    }
    assert_eq!(refusal(&stranger.get(LIST).await), refused(429, "too_many"));
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(program.get(LIST).await.status, 200);
    app.stop().await;
});

both_dbs!(a_key_is_in_no_row_and_the_log_tells_whose_it_was, |store| {
    let app = TestApp::start(&store).await;
    let user = samples::user(&store, "bo@example.org").await;
    let good = key(&store, &user, &ALL).await;
    let made = Program::with(&app, &good).post(&article("Zes lessen")).await;
    assert_eq!(made.status, 201);
    assert!(!made.body.contains(&good[3..15]));
    for row in everything(&store).await {
        assert!(!row.to_lowercase().contains(&good[3..15]), "{row}");
    }
    let log = read!(store, |db| postiljon::store::audit::list(db, &Default::default()));
    assert_eq!((log[0].act.as_str(), log[0].user_name.as_str()), ("article_added", "An (Blog)"));
    assert_eq!(log[0].object_id, said(&made)["id"].as_i64());
    let people = read!(store, |db| postiljon::store::audit::people(db));
    assert_eq!(people, [(user.id, "An (Blog)".to_owned())]);
    app.stop().await;
});
