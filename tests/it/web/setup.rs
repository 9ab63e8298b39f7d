//! The first run, through real HTTP and without scripts.

use std::sync::Arc;

use postiljon::accounts::first_user::invite;
use postiljon::accounts::users::{NewUser, add_user_as};
use postiljon::clock::Clock;
use postiljon::demo::browser::{Answer, Browser};
use postiljon::model::{ArticleDisplay, ArticleStatus, Grant, Language, Placed, Role};
use postiljon::publishing::articles;
use postiljon::store::{mailings, newsletters, relays, users};
use postiljon::web::app::WebSettings;

use super::admin::{PASSWORD, get};
use crate::support::app::{START, TestApp};
use crate::support::database::{both_dbs, change, everything, execute, read};
use crate::support::press::{Press, piece, words};
use crate::support::samples::{self, confirmed};
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

/// The first run to its end, with a relay that works.
async fn ready(app: &TestApp) -> (Browser, SmtpServer) {
    let server = SmtpServer::start(Options::default()).await;
    let browser = begin(app).await;
    fill(&browser, "newsletter", &NEWSLETTER).await;
    fill(&browser, "sender", &SENDER).await;
    let port = server.addr.port().to_string();
    let relay = [("host", "localhost"), ("port", port.as_str()), ("tls", "none")];
    let tested = press(&browser, "relay", "test", &relay).await;
    assert!(tested.body.contains("main works"), "{}", tested.body);
    press(&browser, "relay", "next", &[]).await;
    assert_eq!(fill(&browser, "brand", &[("brand_color", "#0f766e")]).await.location(), "/setup/done");
    (browser, server)
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
    assert!(done.contains("Everything is ready") && !done.contains("class=\"skipped\""), "{done}");
    assert!(!done.contains("Most receivers refuse") && !done.contains("only this machine"), "{done}");
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
    // Neither the headline nor the steps say more than is true.
    let done = get(&browser, "/setup/done").await.body;
    assert!(done.contains("Almost ready: the relay is missing") && !done.contains("Everything is ready"));
    assert!(!done.contains("can welcome readers") && done.contains("class=\"button\" href=\"/setup/relay\""));
    let skipped = "<li class=\"skipped\"><a href=\"/setup/relay\">Relay</a> <span class=\"visually-hidden\">left for later";
    for page in ["/setup/done", "/setup/brand"] {
        let body = get(&browser, page).await.body;
        assert!(body.contains(skipped), "{page}: {body}");
    }
    // What was typed waits.
    assert_eq!(get(&browser, "/setup/relay").await.field("host").as_deref(), Some("smtp.example.com"));
    app.stop().await;
});

both_dbs!(a_password_that_is_too_short_is_told_beside_another_mistake_and_is_not_kept, |store| {
    let app = TestApp::start(&store).await;
    let link = link(&app).await;
    let browser = app.browser();
    for address in ["an", "an@example.org"] {
        let fields = [("name", "An"), ("address", address), ("password", "kort")];
        let refused = browser.post(&link, &fields).await.expect("an answer");
        assert_eq!(refused.status, 422, "{address}");
        assert!(refused.body.contains("Please choose at least 8 characters"), "{address}: {}", refused.body);
        assert!(refused.field("kept_password").is_none(), "{address}");
        assert!(!refused.body.contains("Your password was taken"), "{address}: {}", refused.body);
    }
    let fields = [("name", "An"), ("address", "an@"), ("password", "kort"), ("do", "language")];
    let french = browser.post(&format!("{link}?lang=fr"), &fields).await.expect("an answer");
    assert!(french.status == 200 && french.field("kept_password").is_none(), "{}", french.body);
    app.stop().await;
});

both_dbs!(a_mistake_in_one_half_of_the_brand_leaves_the_other_as_typed, |store| {
    let app = TestApp::start(&store).await;
    let (browser, _server) = ready(&app).await;
    let refused = fill(&browser, "brand", &[("brand_color", "#123456"), ("logo_url", "logo")]).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.field("brand_color").as_deref(), Some("#123456"));
    // The previews and what is said of the colour are of the one that was typed.
    assert!(refused.body.contains("brand_color=%23123456"), "{}", refused.body);
    assert!(refused.body.contains("fill=\"#123456\"") && !refused.body.contains("fill=\"#0f766e\""));
    assert!(refused.body.contains("such as https://example.org/logo.png"), "{}", refused.body);
    let notes = "/admin/newsletters/1/brand/notes?brand_color=%23123456&logo_url=logo";
    assert!(get(&browser, notes).await.body.contains("fill=\"#123456\""));
    let logo = "https://meridiaan.example/logo.png";
    let refused = fill(&browser, "brand", &[("brand_color", "rood"), ("logo_url", logo)]).await;
    assert_eq!((refused.status, refused.field("brand_color").as_deref()), (422, Some("rood")));
    assert!(refused.body.contains("brand_color=%230f766e"), "{}", refused.body);
    assert!(refused.body.contains(&format!("class=\"logo-now\" src=\"{logo}\"")), "{}", refused.body);
    app.stop().await;
});

both_dbs!(the_colour_of_the_beginning_is_not_warned_of, |store| {
    let app = TestApp::start(&store).await;
    let (browser, _server) = ready(&app).await;
    let brand = get(&browser, "/setup/brand").await.body;
    assert!(brand.contains("Light: readable as it is"), "{brand}");
    assert!(brand.contains("Dark: links in mails get #") && !brand.contains("too dark"), "{brand}");
    // The words are of what the mail really uses.
    let told = brand.split("links in mails get ").nth(1).and_then(|rest| rest.get(..7)).expect("a colour");
    let mail =
        get(&browser, "/admin/newsletters/1/brand/mail?brand_color=%230f766e&logo_url=&scheme=dark").await;
    assert!(mail.body.contains(told), "{told}: {}", mail.body);
    app.stop().await;
});

both_dbs!(a_sender_at_a_provider_is_warned_of_and_not_refused, |store| {
    let app = TestApp::start(&store).await;
    let (browser, _server) = ready(&app).await;
    let warning = "Most receivers refuse newsletters from an address at gmail.com";
    for page in ["/setup/sender", "/setup/relay", "/setup/done"] {
        assert!(!get(&browser, page).await.body.contains("Most receivers refuse"), "{page}");
    }
    let sender = SENDER.map(|(name, value)| match name {
        "sender_address" => (name, "meridiaan@gmail.com"),
        _ => (name, value),
    });
    assert_eq!(fill(&browser, "sender", &sender).await.location(), "/setup/relay");
    for page in ["/setup/relay", "/setup/sender", "/setup/done"] {
        let body = get(&browser, page).await.body;
        assert!(body.contains(warning), "{page}: {body}");
        assert!(
            page == "/setup/sender" || body.contains("<a href=\"/setup/sender\">Change the sender</a>"),
            "{body}"
        );
    }
    // Nobody here can publish records for it.
    let done = get(&browser, "/setup/done").await.body;
    assert!(!done.contains("postiljon dkim new") && !done.contains("/admin/settings/domains/"), "{done}");
    app.stop().await;
});

both_dbs!(an_address_that_only_this_machine_reaches_is_told_before_the_first_mail, |store| {
    let app = TestApp::start_with(&store, Clock::test(START), |app| {
        let settings = WebSettings::clone(&app.settings);
        app.settings = Arc::new(WebSettings { says_local: true, ..settings });
    })
    .await;
    let (browser, _server) = ready(&app).await;
    let letter = read!(store, |db| newsletters::all(db)).remove(0);
    let press = Press::new(&store, &app.clock, &app.url);
    let article = press.article(&piece("Eén", "Goed nieuws.")).await;
    let placed = [Placed::new(article.id, ArticleDisplay::Full)];
    let issue = press.issue(letter.id, &words("Wat wij lazen"), &placed).await;
    confirmed(&store, letter.id, 1).await;
    let told = format!("Links in your mails lead to {}, which only this machine can reach", app.url);
    let schedule = format!("/admin/issues/{}/schedule", issue.id);
    for page in ["/setup/done", "/admin", &schedule, &format!("{schedule}?when=now")] {
        let body = get(&browser, page).await.body;
        assert!(body.contains(&told) && body.contains("web.public_url"), "{page}: {body}");
    }
    // On Start those are told who can have it changed.
    let new =
        NewUser { address: "bo@example.org", name: "Bo", language: Language::English, password: PASSWORD };
    add_user_as(&app.app.store, &app.clock, new, &[Grant::of_all(Role::Editor)]).await.expect("added");
    let editor = app.browser();
    let fields = [("address", "bo@example.org"), ("password", PASSWORD)];
    assert_eq!(editor.post("/admin/login", &fields).await.expect("an answer").location(), "/admin");
    assert!(!get(&editor, "/admin").await.body.contains("only this machine"));
    assert!(get(&editor, &schedule).await.body.contains(&told));
    app.stop().await;
    // An address that the world reaches needs no words.
    let app = TestApp::start_with(&store, Clock::test(START), |app| {
        let settings = WebSettings::clone(&app.settings);
        let public_url = "https://news.meridiaan.example".to_owned();
        app.settings = Arc::new(WebSettings { says_local: true, public_url, ..settings });
    })
    .await;
    assert_eq!(app.app.local_address(), None);
    app.stop().await;
});

both_dbs!(start_says_no_more_than_is_true, |store| {
    let app = TestApp::start(&store).await;
    let (browser, _server) = ready(&app).await;
    let start = async || get(&browser, "/admin").await.body;
    let letter = read!(store, |db| newsletters::all(db)).remove(0);
    // Nobody reads yet: beside the next step.
    let home = start().await;
    assert!(home.contains("Write your first article"), "{home}");
    assert!(home.contains("<a href=\"/n/insights?email="), "{home}");
    // A draft cannot be sent.
    let article = samples::article(&store, "eerste").await;
    let home = start().await;
    assert!(
        home.contains("“Over eerste” is still a draft") && !home.contains("There are articles"),
        "{home}"
    );
    assert!(home.contains(&format!("class=\"button\" href=\"/admin/articles/{}\"", article.id)), "{home}");
    articles::set_status(&store, &app.clock, article.id, ArticleStatus::Published).await.expect("published");
    let home = start().await;
    assert!(home.contains("There are articles") && home.contains("Sign up yourself first"), "{home}");
    // What went to nobody is not with its readers.
    let mailing = samples::sending(&store, letter.id).await;
    change!(store, |tx| mailings::finish(tx, mailing.id, START)).expect("finished");
    let home = start().await;
    assert!(
        home.contains("The last issue reached nobody") && !home.contains("is with its readers"),
        "{home}"
    );
    assert!(home.contains(&format!("href=\"/admin/mailings/{}\"", mailing.id)), "{home}");
    confirmed(&store, letter.id, 1).await;
    execute(&store, "UPDATE mailings SET audience = 1, sent = 1").await;
    let home = start().await;
    assert!(home.contains("“Nieuws” is with its readers"), "{home}");
    assert!(!home.contains("Sign up yourself first"), "{home}");
    app.stop().await;
});
