//! The first run, through real HTTP and without scripts.

use postiljon::accounts::first_user::invite;
use postiljon::demo::browser::{Answer, Browser};
use postiljon::store::{newsletters, relays, users};

use super::admin::{PASSWORD, get};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, everything, read};
use crate::support::smtp_server::{At, Options, SmtpServer};

const OWNER: [(&str, &str); 4] =
    [("name", "An"), ("address", "an@example.org"), ("password", PASSWORD), ("language", "en")];
const NEWSLETTER: [(&str, &str); 5] = [
    ("name", "Insights"),
    ("description", "Every month."),
    ("language", "nl"),
    ("reader_languages", "fr"),
    ("time_zone", "Europe/Brussels"),
];
const SENDER: [(&str, &str); 4] = [
    ("sender_name", "Meridiaan"),
    ("sender_address", "news@meridiaan.example"),
    ("reply_to", ""),
    ("postal_address", "Kaai 1\r\n1000 Brussel"),
];

/// The path of a new link.
async fn link(app: &TestApp) -> String {
    let token = invite(&app.app.store, &app.clock).await.expect("written").expect("a link");
    format!("/setup/{token}")
}

async fn begin(app: &TestApp) -> Browser {
    let browser = app.browser();
    let link = link(app).await;
    let made = browser.post(&link, &OWNER).await.expect("an answer");
    assert_eq!((made.status, made.location()), (303, "/setup/newsletter"), "{}", made.body);
    browser
}

/// Fills in a step, with the token of its page and the button that goes on.
async fn fill(browser: &Browser, step: &str, fields: &[(&str, &str)]) -> Answer {
    press(browser, step, "next", fields).await
}

async fn press(browser: &Browser, step: &str, button: &str, fields: &[(&str, &str)]) -> Answer {
    let path = format!("/setup/{step}");
    let csrf = get(browser, &path).await.field("csrf").expect("a token");
    let own = [("csrf", csrf.as_str()), ("do", button)];
    let fields: Vec<_> = fields.iter().copied().chain(own).collect();
    browser.post(&path, &fields).await.expect("an answer")
}

both_dbs!(the_first_run_leads_from_the_link_to_a_newsletter_that_is_ready, |store| {
    let app = TestApp::start(&store).await;
    let server = SmtpServer::start(Options { auth: true, ..Options::default() }).await;
    let link = link(&app).await;
    let opened = get(&app.browser(), &link).await;
    assert!(opened.body.contains("Step 1 of 5") && opened.header("cache-control") == Some("no-store"));
    assert!(read!(store, |db| users::all(db)).is_empty(), "a GET changes nothing");
    let browser = app.browser();
    assert_eq!(browser.post(&link, &OWNER).await.expect("an answer").location(), "/setup/newsletter");
    // Nothing can be jumped over.
    for later in ["sender", "relay", "brand", "done"] {
        let answer = browser.get(&format!("/setup/{later}")).await.expect("an answer");
        assert_eq!((answer.status, answer.location()), (303, "/setup"), "{later}");
    }
    assert_eq!(browser.get("/setup").await.expect("an answer").location(), "/setup/newsletter");
    assert_eq!(fill(&browser, "newsletter", &NEWSLETTER).await.location(), "/setup/sender");
    assert_eq!(fill(&browser, "sender", &SENDER).await.location(), "/setup/relay");
    let port = server.addr.port().to_string();
    let relay = [
        ("host", "localhost"),
        ("port", &port),
        ("tls", "none"),
        ("username", "user"),
        ("password", "secret"),
    ];
    let tested = press(&browser, "relay", "test", &relay).await;
    assert_eq!(tested.status, 200);
    assert!(tested.body.contains("main works") && tested.body.contains("Signed in"), "{}", tested.body);
    assert!(!tested.body.contains("secret") && server.accepted().is_empty());
    assert_eq!(press(&browser, "relay", "next", &[]).await.location(), "/setup/brand");
    let brand = [("brand_color", "#336699"), ("logo_url", "")];
    assert_eq!(fill(&browser, "brand", &brand).await.location(), "/setup/done");
    let done = get(&browser, "/setup/done").await.body;
    for part in [
        "/admin/articles/new",
        "/n/insights",
        "postiljon dkim new --domain meridiaan.example",
        "postiljon doctor",
    ] {
        assert!(done.contains(part), "{part}: {done}");
    }
    let letter = read!(store, |db| newsletters::all(db)).remove(0);
    assert_eq!((letter.name.as_str(), letter.brand_color.as_str()), ("Insights", "#336699"));
    assert_eq!(letter.postal_address, "Kaai 1\n1000 Brussel");
    assert_eq!(browser.get("/setup").await.expect("an answer").location(), "/setup/done");
    assert!(get(&browser, "/admin").await.body.contains("Write your first article"));
    assert!(!everything(&store).await.join("\n").contains("secret"));
    app.stop().await;
});

both_dbs!(before_there_is_a_user_the_desk_says_where_the_link_is, |store| {
    let app = TestApp::start(&store).await;
    for page in
        ["/admin", "/admin/login", "/admin/newsletters/1/brand/mail", "/setup/newsletter", "/setup/owner"]
    {
        let answer = app.browser().get(page).await.expect("an answer");
        assert_eq!((answer.status, answer.location()), (303, "/setup"), "{page}");
    }
    let page = get(&app.browser(), "/setup").await.body;
    assert!(page.contains("postiljon setup") && page.contains("no default password"), "{page}");
    let dutch = get(&app.browser().with_header("accept-language", "nl-BE"), "/setup").await.body;
    assert!(dutch.contains("wacht op zijn eerste gebruiker"), "{dutch}");
    let guess = app.browser().get("/setup/aaaa").await.expect("an answer");
    assert!(guess.status == 404 && guess.body.contains("This link does not work"), "{}", guess.body);
    let posted = app.browser().post("/setup/aaaa", &OWNER).await.expect("an answer");
    assert_eq!(posted.status, 404);
    assert!(read!(store, |db| users::all(db)).is_empty());
    app.stop().await;
});

both_dbs!(a_second_visitor_with_the_used_link_is_told_so, |store| {
    let app = TestApp::start(&store).await;
    let link = link(&app).await;
    let browser = app.browser();
    browser.post(&link, &OWNER).await.expect("an answer");
    let second = app.browser();
    let shown = second.get(&link).await.expect("an answer");
    assert!(shown.status == 410 && shown.body.contains("/admin/login"), "{}", shown.body);
    let posted = second.post(&link, &[("address", "bo@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(posted.expect("an answer").status, 410);
    assert_eq!(read!(store, |db| users::all(db)).len(), 1);
    // Whoever used it, and comes back to it, goes on.
    let back = browser.get(&link).await.expect("an answer");
    assert_eq!((back.status, back.location()), (303, "/setup"));
    app.stop().await;
});

both_dbs!(a_mistake_of_the_owner_loses_nothing_and_shows_no_password, |store| {
    let app = TestApp::start(&store).await;
    let link = link(&app).await;
    let browser = app.browser();
    let wrong = [("name", "An"), ("address", "an"), ("password", PASSWORD), ("language", "nl")];
    let refused = browser.post(&link, &wrong).await.expect("an answer");
    assert_eq!(refused.status, 422);
    assert_eq!(refused.field("name").as_deref(), Some("An"));
    assert!(refused.body.contains("id=\"address-error\"") && !refused.body.contains(PASSWORD));
    // The password comes along, sealed: typed once is enough.
    let kept = refused.field("kept_password").expect("the sealed password");
    // In another language it is the same form.
    let french = [("name", "An"), ("address", "an@"), ("kept_password", kept.as_str()), ("do", "language")];
    let french = browser.post(&format!("{link}?lang=fr"), &french).await.expect("an answer");
    assert!(french.status == 200 && french.body.contains("Bienvenue"), "{}", french.body);
    assert_eq!(french.field("address").as_deref(), Some("an@"));
    let kept = french.field("kept_password").expect("the sealed password");
    let again = [("name", "An"), ("address", "an@example.org"), ("kept_password", &kept), ("language", "nl")];
    assert_eq!(browser.post(&link, &again).await.expect("an answer").status, 303);
    let fields = [("address", "an@example.org"), ("password", PASSWORD)];
    assert_eq!(app.browser().post("/admin/login", &fields).await.expect("an answer").location(), "/admin");
    app.stop().await;
});

both_dbs!(a_weak_password_is_refused_with_its_reason, |store| {
    let app = TestApp::start(&store).await;
    let link = link(&app).await;
    for weak in ["kort", "wachtwoord", "an@example.org"] {
        let fields = [("address", "an@example.org"), ("password", weak)];
        let refused = app.browser().post(&link, &fields).await.expect("an answer");
        assert!(refused.status == 422 && refused.body.contains("id=\"password-error\""), "{weak}");
        assert!(refused.field("kept_password").is_none());
    }
    let elsewhere = app.browser().with_header("sec-fetch-site", "cross-site");
    assert_eq!(elsewhere.post(&link, &OWNER).await.expect("an answer").status, 403);
    app.stop().await;
});

both_dbs!(back_keeps_what_was_typed_right_or_wrong, |store| {
    let app = TestApp::start(&store).await;
    let browser = begin(&app).await;
    fill(&browser, "newsletter", &NEWSLETTER).await;
    let half = [("sender_name", "Half & half"), ("sender_address", "not yet"), ("postal_address", "")];
    let back = press(&browser, "sender", "back", &half).await;
    assert_eq!((back.status, back.location()), (303, "/setup/newsletter"));
    let newsletter = get(&browser, "/setup/newsletter").await;
    assert_eq!(newsletter.field("name").as_deref(), Some("Insights"));
    assert!(
        newsletter.body.contains("value=\"fr\" checked") && newsletter.body.contains("value=\"nl\" checked")
    );
    let renamed = [("name", "Insights II"), ("language", "nl"), ("time_zone", "Europe/Brussels")];
    assert_eq!(fill(&browser, "newsletter", &renamed).await.location(), "/setup/sender");
    assert_eq!(read!(store, |db| newsletters::all(db)).len(), 1, "the same newsletter");
    let sender = get(&browser, "/setup/sender").await;
    assert_eq!(sender.field("sender_name").as_deref(), Some("Half & half"));
    assert_eq!(sender.field("sender_address").as_deref(), Some("not yet"));
    // Also in another browser, and after a restart: it is in the database.
    let refused = fill(&browser, "sender", &[("sender_name", "Typed"), ("sender_address", "")]).await;
    assert_eq!(refused.status, 422);
    assert_eq!(get(&browser, "/setup/sender").await.field("sender_name").as_deref(), Some("Typed"));
    let back = press(&browser, "newsletter", "back", &NEWSLETTER).await;
    assert_eq!(back.location(), "/setup/owner");
    let csrf = get(&browser, "/setup/owner").await.field("csrf").expect("a token");
    let profile = [("csrf", csrf.as_str()), ("name", "An Peeters"), ("language", "nl")];
    assert_eq!(
        browser.post("/setup/owner", &profile).await.expect("an answer").location(),
        "/setup/newsletter"
    );
    assert!(get(&browser, "/setup/newsletter").await.body.contains("Stap 2 van 5"));
    app.stop().await;
});

both_dbs!(a_relay_that_does_not_work_is_told_beside_the_form, |store| {
    let app = TestApp::start(&store).await;
    let refusing = Options { auth: true, at_auth: At::Say("535 5.7.8 wrong"), ..Options::default() };
    let server = SmtpServer::start(refusing).await;
    let browser = begin(&app).await;
    fill(&browser, "newsletter", &NEWSLETTER).await;
    fill(&browser, "sender", &SENDER).await;
    let port = server.addr.port().to_string();
    let invalid =
        [("host", ""), ("port", &port), ("tls", "none"), ("username", "user"), ("password", "secret")];
    let refused = press(&browser, "relay", "test", &invalid).await;
    assert!(refused.status == 422 && !refused.body.contains("secret"), "{}", refused.body);
    let kept = refused.field("kept_password").expect("the sealed password");
    let fields = [
        ("host", "localhost"),
        ("port", &port),
        ("tls", "none"),
        ("username", "user"),
        ("kept_password", &kept),
    ];
    let tested = press(&browser, "relay", "test", &fields).await;
    assert_eq!(tested.status, 200);
    for part in
        ["does not work yet", "refuses the user name or the password", "535 5.7.8 wrong", "Continue anyway"]
    {
        assert!(tested.body.contains(part), "{part}: {}", tested.body);
    }
    for (field, value) in [("host", "localhost"), ("port", port.as_str()), ("username", "user")] {
        assert_eq!(tested.field(field).as_deref(), Some(value), "{field}");
    }
    assert!(!tested.body.contains("secret"));
    server.change(|options| options.at_auth = At::Fine);
    let mended =
        [("host", "localhost"), ("port", &port), ("tls", "none"), ("username", "user"), ("password", "")];
    let tested = press(&browser, "relay", "test", &mended).await;
    assert!(tested.body.contains("main works"), "{}", tested.body);
    assert_eq!(read!(store, |db| relays::all(db)).len(), 1);
    app.stop().await;
});

both_dbs!(a_relay_may_come_later_and_the_desk_says_so, |store| {
    let app = TestApp::start(&store).await;
    let browser = begin(&app).await;
    fill(&browser, "newsletter", &NEWSLETTER).await;
    fill(&browser, "sender", &SENDER).await;
    let later = press(&browser, "relay", "later", &[("host", "smtp.example.com"), ("tls", "starttls")]).await;
    assert_eq!(later.location(), "/setup/brand");
    fill(&browser, "brand", &[("brand_color", "#0f766e")]).await;
    for page in ["/setup/done", "/admin", "/admin/settings/relays"] {
        let body = get(&browser, page).await.body;
        assert!(body.contains("There is no relay yet"), "{page}: {body}");
    }
    // What was typed waits.
    assert_eq!(get(&browser, "/setup/relay").await.field("host").as_deref(), Some("smtp.example.com"));
    app.stop().await;
});
