//! One's own account, the second step of signing in and forgotten passwords, through real HTTP.

use postiljon::accounts::authenticator::{code, period_of};
use postiljon::demo::browser::Browser;
use postiljon::keys::Purpose;

use super::{ADDRESS, PASSWORD, get, post, signed_in, signed_in_as};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, read};
use crate::support::people::take_mails;
use crate::support::samples::newsletter;

const NEW: &str = "vier losse woorden hier";
const FACTOR: &str = "/admin/account/second-factor";

async fn log_in(app: &TestApp, password: &str) -> (Browser, String) {
    let browser = app.browser();
    let form = [("address", ADDRESS), ("password", password)];
    let answer = browser.post("/admin/login", &form).await.expect("an answer");
    let location = answer.location().to_owned();
    (browser, location)
}

/// The code that an authenticator shows, which has read the page.
fn shown_code(app: &TestApp, page: &str) -> String {
    let spelled = page.split("<code>").nth(1).expect("a key").split('<').next().expect("a key");
    let secret = data_encoding::BASE32_NOPAD.decode(spelled.replace(' ', "").as_bytes()).expect("base32");
    code(&secret, period_of(app.clock.now()))
}

both_dbs!(name_language_and_password_are_changed_and_sessions_ended, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "mine").await;
    let page = get(&browser, "/admin/account").await.body;
    assert!(
        page.contains(ADDRESS) && page.contains("This one") && page.contains("Unknown browser"),
        "{page}"
    );
    let saved = post(&browser, "/admin/account", &[("name", "An P."), ("language", "en")]).await;
    assert_eq!(saved.location(), "/admin/account?done=saved");
    assert!(get(&browser, "/admin/account").await.body.contains("value=\"An P.\""));
    let long = "x".repeat(500);
    let wrong = post(&browser, "/admin/account", &[("name", &long), ("language", "en")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("id=\"name-error\"") && wrong.body.contains(&long));
    let (other, _) = log_in(&app, PASSWORD).await;
    let wrong = post(&browser, "/admin/account/password", &[("password", "x"), ("new", NEW)]).await;
    assert!(wrong.status == 422 && wrong.body.contains("id=\"password-error\""), "{}", wrong.body);
    assert!(!wrong.body.contains(NEW), "a password is in no page");
    let changed = post(&browser, "/admin/account/password", &[("password", PASSWORD), ("new", NEW)]).await;
    assert_eq!(changed.location(), "/admin/account?done=password", "{}", changed.body);
    assert_eq!(other.get("/admin").await.expect("an answer").location(), "/admin/login");
    let (third, _) = log_in(&app, NEW).await;
    let ended = post(&browser, "/admin/account/sessions", &[("session", "others")]).await;
    assert_eq!(ended.location(), "/admin/account?done=sessions-ended");
    assert_eq!(third.get("/admin").await.expect("an answer").location(), "/admin/login");
    assert_eq!(get(&browser, "/admin/account").await.status, 200);
    assert_eq!(browser.get("/admin/account/sessions").await.expect("an answer").location(), "/admin/account");
    app.stop().await;
});

both_dbs!(a_second_step_is_set_up_asked_for_and_turned_off, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "mine").await;
    assert!(get(&browser, FACTOR).await.body.contains("Any app for such codes works"));
    let refused = post(&browser, FACTOR, &[("do", "begin"), ("password", "fout")]).await;
    assert!(refused.status == 422 && refused.body.contains("id=\"password-error\""), "{}", refused.body);
    let begin = [("do", "begin"), ("password", PASSWORD)];
    assert_eq!(post(&browser, FACTOR, &begin).await.location(), FACTOR);
    let page = get(&browser, FACTOR).await.body;
    assert!(page.contains("<svg") && page.contains("role=\"img\""), "{page}");
    let wrong = post(&browser, FACTOR, &[("do", "on"), ("code", "123")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("id=\"code-error\""), "{}", wrong.body);
    let on = post(&browser, FACTOR, &[("do", "on"), ("code", &shown_code(&app, &page))]).await;
    assert_eq!((on.status, on.body.matches("<li><code>").count()), (200, 10), "{}", on.body);
    let kept =
        on.body.split("<li><code>").nth(1).expect("a code").split('<').next().expect("a code").to_owned();
    assert!(!get(&browser, FACTOR).await.body.contains(&kept), "shown once");

    let (stranger, location) = log_in(&app, PASSWORD).await;
    assert_eq!(location, "/admin/login/code");
    assert_eq!(stranger.get("/admin").await.expect("an answer").location(), "/admin/login", "no session yet");
    assert!(get(&stranger, &location).await.body.contains("autocomplete=\"one-time-code\""));
    let wrong = stranger.post(&location, &[("code", "000000")]).await.expect("an answer");
    assert!(wrong.status == 422 && wrong.body.contains("not right"), "{}", wrong.body);
    let right = stranger.post(&location, &[("code", &kept)]).await.expect("an answer");
    assert_eq!((right.status, right.location()), (303, "/admin"), "{}", right.body);
    get(&stranger, "/admin").await;
    assert_eq!(stranger.cookie("postiljon_login"), None);
    // A flag of the client skips nothing (Ghost's CVE-2026-22594), and without a password there is no second step.
    let form = [
        ("address", ADDRESS),
        ("password", PASSWORD),
        ("skip", "1"),
        ("code", "1"),
        ("second_factor", "off"),
    ];
    let answer = app.browser().post("/admin/login", &form).await.expect("an answer");
    assert_eq!(answer.location(), "/admin/login/code");
    let answer = app.browser().post("/admin/login/code", &[("code", "000000")]).await.expect("an answer");
    assert_eq!(answer.location(), "/admin/login");
    assert_eq!(app.browser().get("/admin/login/code").await.expect("an answer").location(), "/admin/login");

    let refused = post(&browser, FACTOR, &[("do", "off"), ("password", "x")]).await;
    assert!(refused.status == 422 && refused.body.contains("id=\"password-error\""), "{}", refused.body);
    assert_eq!(post(&browser, FACTOR, &[("do", "off"), ("password", PASSWORD)]).await.location(), FACTOR);
    assert_eq!(
        stranger.get("/admin").await.expect("an answer").location(),
        "/admin/login",
        "all other sessions end"
    );
    assert_eq!(log_in(&app, PASSWORD).await.1, "/admin");
    app.stop().await;
});

both_dbs!(where_everybody_needs_a_second_step_nothing_else_is_open_without, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let csrf = get(&browser, "/admin").await.field("csrf").expect("a token");
    let saved = post(&browser, "/admin/people/rules", &[("second_factor", "on")]).await;
    assert_eq!(saved.location(), "/admin/people?done=saved");
    for path in ["/admin", "/admin/people", "/admin/account", "/admin/articles/new", "/setup/newsletter"] {
        assert_eq!(browser.get(path).await.expect("an answer").location(), FACTOR, "{path}");
    }
    let form = [("csrf", csrf.as_str()), ("title", "x"), ("language", "nl")];
    assert_eq!(browser.post("/admin/articles", &form).await.expect("an answer").location(), FACTOR);
    assert!(get(&browser, FACTOR).await.body.contains("Everybody here needs a second step"));
    browser
        .post(FACTOR, &[("csrf", &csrf), ("do", "begin"), ("password", PASSWORD)])
        .await
        .expect("an answer");
    let page = get(&browser, FACTOR).await.body;
    let typed = shown_code(&app, &page);
    let on =
        browser.post(FACTOR, &[("csrf", &csrf), ("do", "on"), ("code", &typed)]).await.expect("an answer");
    assert_eq!(on.status, 200, "{}", on.body);
    get(&browser, "/admin").await;
    app.stop().await;
});

both_dbs!(a_forgotten_password_has_one_answer_for_everybody_and_its_link_works_once, |store| {
    let app = TestApp::start(&store).await;
    signed_in(&app).await;
    newsletter(&store, "mine").await;
    let visitor = app.browser();
    assert!(get(&visitor, "/admin/login").await.body.contains("href=\"/admin/forgot\""));
    let mut answers = Vec::new();
    for address in [ADDRESS, "zo@example.org", "nonsense", ""] {
        let answer = app.browser().post("/admin/forgot", &[("address", address)]).await.expect("an answer");
        let mut headers: Vec<String> =
            answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        headers.retain(|header| !header.starts_with("date:"));
        headers.sort();
        answers.push((answer.status, headers, answer.body));
    }
    assert_eq!(answers[0].0, 303);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    assert!(get(&visitor, "/admin/forgot?sent").await.body.contains("If this address is known here"));
    let mails = take_mails(&store, &app.clock).await;
    assert_eq!(mails.len(), 1);
    let path = format!("/admin/link/{}", app.app.keys.derive_token(Purpose::AccountLink, &mails[0].nonce));
    let page = get(&visitor, &path).await.body;
    assert!(
        page.contains("Choose another password for an@example.org") && !page.contains("name=\"name\""),
        "{page}"
    );
    let reset = visitor.post(&path, &[("password", NEW)]).await.expect("an answer");
    assert_eq!((reset.status, reset.location()), (303, "/admin/login?done=password"), "{}", reset.body);
    assert!(get(&visitor, reset.location()).await.body.contains("Your new password is saved"));
    assert_eq!(
        visitor.get("/admin").await.expect("an answer").location(),
        "/admin/login",
        "nobody is signed in by it"
    );
    assert_eq!(visitor.post(&path, &[("password", NEW)]).await.expect("an answer").status, 404);
    assert_eq!(log_in(&app, NEW).await.1, "/admin");
    for _ in 0..10 {
        app.browser().post("/admin/forgot", &[("address", "zo@example.org")]).await.expect("an answer");
    }
    let often = app.browser().post("/admin/forgot", &[("address", ADDRESS)]).await.expect("an answer");
    assert!(often.status == 429 && often.header("retry-after").is_some(), "{}", often.body);
    app.stop().await;
});

const KEYS: &str = "/admin/account/keys";

both_dbs!(a_key_of_the_api_is_made_shown_once_and_revoked, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "mine").await;
    assert!(get(&browser, "/admin/account").await.body.contains("No program acts in your name."));
    let page = get(&browser, KEYS).await.body;
    assert!(page.contains("You have no keys yet.") && page.contains("value=\"publish_articles\""), "{page}");
    let form = [
        ("name", "Website <b>"),
        ("permission", "write_articles"),
        ("permission", "see_newsletter"),
        ("lifetime", "year"),
        ("password", PASSWORD),
    ];
    let mut wrong = form;
    (wrong[0].1, wrong[4].1) = ("", "not this one");
    let answer = post(&browser, KEYS, &wrong).await;
    assert!(answer.status == 422 && answer.body.contains("id=\"name-error\""), "{}", answer.body);
    assert!(!answer.body.contains("not this one"), "a password is in no page");
    assert!(answer.body.contains("value=\"write_articles\" checked"), "nothing that was chosen is lost");
    let answer = post(&browser, KEYS, &form[..4]).await;
    assert!(answer.status == 422 && answer.body.contains("id=\"password-error\""), "{}", answer.body);
    let made = post(&browser, KEYS, &form).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let secret = made.body.split("value=\"pj_").nth(1).and_then(|rest| rest.split('"').next());
    let secret = format!("pj_{}", secret.expect("the key, in a field that can be read"));
    assert!(made.body.contains("Website &#60;b&#62;") && !made.body.contains("Website <b>"), "{}", made.body);
    let page = get(&browser, KEYS).await.body;
    assert!(!page.contains(&secret[3..]) && page.contains("never used"), "shown once: {page}");
    assert!(page.contains("Hand in and change drafts") && page.contains("works until"), "{page}");
    let program = app.browser().with_header("authorization", &format!("Bearer {secret}"));
    let read = async |path: &str| program.get(path).await.expect("an answer").status;
    assert_eq!((read("/api/v1/articles").await, read("/api/v1/issues").await), (200, 200));
    let page = get(&browser, KEYS).await.body;
    assert!(page.contains("last used on"), "{page}");
    assert!(get(&browser, "/admin/account").await.body.contains("One program can act by a key."));

    let href = page.split("href=\"").find(|rest| rest.starts_with(&format!("{KEYS}/"))).expect("a link");
    let href = href.split('"').next().expect("a link").to_owned();
    assert!(get(&browser, &href).await.body.contains("cannot be brought back"));
    assert_eq!(read("/api/v1/articles").await, 200, "a question revokes nothing");
    let colleague = signed_in_as(&app, "bo@example.org").await;
    assert_eq!(colleague.get(&href).await.expect("an answer").status, 404, "keys are one's own");
    assert_eq!(post(&colleague, &href, &[]).await.status, 404);
    assert_eq!(post(&browser, &href, &[]).await.location(), "/admin/account/keys?done=key-revoked");
    assert_eq!(read("/api/v1/articles").await, 401);
    assert_eq!(post(&browser, &href, &[]).await.status, 404);
    // An owner sees to the keys of others.
    post(&colleague, KEYS, &form).await;
    let bo = read!(store, |db| postiljon::store::users::all(db)).pop().expect("Bo").id;
    let person = get(&browser, &format!("/admin/people/{bo}")).await.body;
    assert!(person.contains("One program can act by a key."), "{person}");
    let revoked = post(&browser, &format!("/admin/people/{bo}/keys"), &[]).await;
    assert_eq!(revoked.location(), format!("/admin/people/{bo}?done=keys-revoked"));
    assert!(get(&colleague, KEYS).await.body.contains("You have no keys yet."));
    app.stop().await;
});
