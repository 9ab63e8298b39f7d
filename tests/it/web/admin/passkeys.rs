//! Passkeys through real HTTP: the page of one's account, the challenge, and the login.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use postiljon::clock::Clock;
use postiljon::demo::browser::{Answer, Browser};
use postiljon::store::Store;
use postiljon::web::app::WebSettings;

use super::{PASSWORD, get, post, signed_in};
use crate::support::app::{START, TestApp};
use crate::support::authenticator::{Authenticator, ES256, client_data};
use crate::support::database::both_dbs;
use crate::support::samples::newsletter;

const ORIGIN: &str = "http://localhost:8080";
const PAGE: &str = "/admin/account/passkeys";
const LOGIN: &str = "/admin/login/passkey";

/// At an address that has a name: without one browsers have no passkeys.
async fn start(store: &Store) -> TestApp {
    TestApp::start_with(store, Clock::test(START), |app| {
        let settings = WebSettings::clone(&app.settings);
        app.settings = Arc::new(WebSettings { public_url: ORIGIN.to_owned(), ..settings });
    })
    .await
}

fn encoded(octets: &[u8]) -> String {
    BASE64URL_NOPAD.encode(octets)
}

fn decoded(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url")
}

/// What a form hands to its script.
fn data(page: &Answer, name: &str) -> String {
    let value = page.body.split(&format!("data-{name}=\"")).nth(1).expect("a value");
    value.split('"').next().expect("its end").to_owned()
}

/// Makes a passkey; answers it, and how it knows its owner.
async fn make(browser: &Browser) -> (Authenticator, String) {
    let fields = [("do", "begin"), ("name", "Phone"), ("password", PASSWORD)];
    let page = post(browser, PAGE, &fields).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(
        (data(&page, "site").as_str(), data(&page, "algorithms").as_str()),
        ("localhost", "-7,-8,-257")
    );
    let device = Authenticator::new(ES256, "localhost");
    let client = client_data("webauthn.create", &decoded(&data(&page, "challenge")), ORIGIN).to_string();
    let (client, attestation) = (encoded(client.as_bytes()), encoded(&device.make()));
    let fields = [("do", "add"), ("client_data", client.as_str()), ("attestation", &attestation)];
    let added = post(browser, PAGE, &fields).await;
    assert_eq!(added.location(), "/admin/account/passkeys?done=passkey", "{}", added.body);
    (device, data(&page, "user"))
}

async fn log_in(browser: &Browser, device: &mut Authenticator, user: &str, origin: &str) -> Answer {
    let answer = browser.post("/admin/login/passkey/challenge", &[]).await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let asked: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(asked["site"], "localhost");
    let challenge = decoded(asked["challenge"].as_str().expect("a challenge"));
    let client = client_data("webauthn.get", &challenge, origin).to_string();
    device.counter += 1;
    let (data, signature) = device.sign(client.as_bytes());
    let fields = [
        ("id", encoded(&device.credential_id)),
        ("client_data", encoded(client.as_bytes())),
        ("authenticator_data", encoded(&data)),
        ("signature", encoded(&signature)),
        ("user_handle", user.to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.post(LOGIN, &fields).await.expect("an answer")
}

both_dbs!(a_passkey_is_made_at_ones_account_opens_the_desk_and_is_removed, |store| {
    let app = start(&store).await;
    newsletter(&store, "insights").await;
    let an = signed_in(&app).await;
    assert!(get(&an, "/admin/account").await.body.contains("You have none"));
    let (mut device, user) = make(&an).await;
    assert!(get(&an, "/admin/account").await.body.contains("one passkey"));
    let page = get(&an, PAGE).await;
    assert!(page.body.contains("Phone") && page.body.contains("not used yet"), "{}", page.body);
    let browser = app.browser();
    let login = get(&browser, "/admin/login").await.body;
    assert!(login.contains("data-passkey=\"get\"") && login.contains("/static/passkeys.js"), "{login}");
    let elsewhere = log_in(&browser, &mut device, &user, "http://localhost:8081").await;
    assert_eq!(elsewhere.status, 422, "{}", elsewhere.body);
    assert!(elsewhere.body.contains("opens nothing here") && elsewhere.body.contains("id=\"password\""));
    let entered = log_in(&browser, &mut device, &user, ORIGIN).await;
    assert_eq!((entered.status, entered.location()), (303, "/admin"), "{}", entered.body);
    assert_eq!(browser.cookie("postiljon_passkey"), None);
    assert!(get(&browser, PAGE).await.body.contains("last used"));
    let id = page.body.split("name=\"remove\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let id = id.expect("a button");
    let remove = async |password: &str| {
        post(&browser, PAGE, &[("do", "remove"), ("remove", id), ("password", password)]).await
    };
    let refused = remove("x").await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("not your present password"), "{}", refused.body);
    assert_eq!(remove(PASSWORD).await.location(), "/admin/account/passkeys?done=passkey-removed");
    assert_eq!(an.get("/admin").await.expect("an answer").location(), "/admin/login", "others ended");
    assert_eq!(log_in(&app.browser(), &mut device, &user, ORIGIN).await.status, 422);
    app.stop().await;
});

both_dbs!(forms_that_are_none_are_refused_calmly, |store| {
    let app = start(&store).await;
    let an = signed_in(&app).await;
    for fields in [
        vec![("do", "add")],
        vec![("do", "add"), ("client_data", "!"), ("attestation", "é")],
        vec![("do", "begin"), ("name", ""), ("password", PASSWORD)],
        vec![("do", "begin"), ("name", "a"), ("name", "b"), ("password", PASSWORD)],
    ] {
        assert_eq!(post(&an, PAGE, &fields).await.status, 422, "{fields:?}");
    }
    assert_eq!(post(&an, PAGE, &[("do", "remove"), ("remove", "x")]).await.status, 404);
    assert_eq!(post(&an, PAGE, &[("do", "else")]).await.status, 404);
    assert_eq!(an.post(PAGE, &[("do", "add")]).await.expect("an answer").status, 403, "without the token");
    let stranger = app.browser();
    assert_eq!(stranger.post(LOGIN, &[("id", "AAAA")]).await.expect("an answer").status, 422);
    let elsewhere = stranger.with_header("sec-fetch-site", "cross-site");
    for path in [LOGIN, "/admin/login/passkey/challenge"] {
        assert_eq!(elsewhere.post(path, &[]).await.expect("an answer").status, 403, "{path}");
    }
    for _ in 0..100 {
        stranger.post("/admin/login/passkey/challenge", &[]).await.expect("an answer");
    }
    let many = stranger.post("/admin/login/passkey/challenge", &[]).await.expect("an answer");
    assert_eq!(many.status, 429, "{}", many.body);
    app.stop().await;
});

both_dbs!(at_an_address_without_a_name_there_are_none, |store| {
    let app = TestApp::start(&store).await;
    let an = signed_in(&app).await;
    assert!(!get(&an, "/admin/account").await.body.contains(PAGE));
    assert!(!get(&app.browser(), "/admin/login").await.body.contains("passkey"));
    assert_eq!(an.get(PAGE).await.expect("an answer").status, 404);
    for path in [LOGIN, "/admin/login/passkey/challenge"] {
        assert_eq!(an.post(path, &[]).await.expect("an answer").status, 404, "{path}");
    }
    app.stop().await;
});
