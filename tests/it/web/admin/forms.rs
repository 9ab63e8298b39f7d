use postiljon::demo::browser::Browser;
use postiljon::model::Language;
use postiljon::store;

use super::{get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::both_dbs;
use crate::support::people;

/// The path of the form that was just made.
fn made(answer: &postiljon::demo::browser::Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.location().split('?').next().unwrap_or_default().to_owned()
}

async fn desk(store: &store::Store) -> (TestApp, Browser, String) {
    let app = TestApp::start(store).await;
    let newsletter = people::newsletter(store, "insights", Language::Dutch).await;
    let browser = signed_in(&app).await;
    (app, browser, format!("/admin/newsletters/{}", newsletter.id))
}

both_dbs!(a_field_and_a_form_are_made_changed_and_archived, |store| {
    let (app, browser, base) = desk(&store).await;
    assert!(get(&browser, "/admin").await.body.contains(&format!("{base}/forms")));
    let empty = get(&browser, &format!("{base}/fields")).await;
    assert!(empty.body.contains("Add the first field"));
    let field = [
        ("label_nl", "Functie <b>"),
        ("label_en", "Role"),
        ("kind", "choice"),
        ("options", "editor\nbuyer"),
        ("options_nl", "redacteur\ninkoper"),
    ];
    let answer = post(&browser, &format!("{base}/fields"), &field).await;
    assert_eq!(answer.location(), format!("{base}/fields?done=added"));
    let list = get(&browser, &format!("{base}/fields")).await;
    assert!(list.body.contains("<code>functie_b</code>") && !list.body.contains("<b>"), "{}", list.body);
    let form_page = get(&browser, &format!("{base}/forms/new")).await;
    let at = form_page.body.find("name=\"asked_").expect("an offer") + "name=\"asked_".len();
    let id: String = form_page.body[at..].chars().take_while(char::is_ascii_digit).collect();
    let (asked, required) = (format!("asked_{id}"), format!("required_{id}"));
    let long_name =
        "Foot of the website, with a name that is rather long for a form of one field ".to_owned();
    let fields = [
        ("name", long_name.as_str()),
        ("allowed_origins", "https://www.Company.example/contact"),
        ("disposable_policy", "flag"),
        (asked.as_str(), "yes"),
        (required.as_str(), "yes"),
    ];
    let path = made(&post(&browser, &format!("{base}/forms"), &fields).await);
    for (tab, seen) in [
        ("link", "qr.svg"),
        ("html", "&#60;form class=&#34;postiljon&#34;"),
        ("script", "/static/signup.js"),
        ("api", "curl "),
        ("settings", "https://www.company.example"),
    ] {
        let page = get(&browser, &format!("{path}?tab={tab}&language=nl")).await;
        assert!(page.body.contains(seen), "{tab}: {}", page.body);
    }
    // What is copied has every label, the consent words and the trap, in the chosen language.
    let html = get(&browser, &format!("{path}?tab=html&language=nl")).await.body;
    for part in [
        "Functie",
        "redacteur",
        "name=&#34;website&#34;",
        "Ja, ik",
        "name=&#34;shown_in&#34; value=&#34;nl&#34;",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    // The frame shows the form as it is in light and in dark, whatever the browser prefers.
    let dark = get(&browser, &format!("{path}?tab=link&scheme=dark")).await;
    let at = dark.body.find("src=\"/f/").expect("a frame") + "src=\"".len();
    let src = dark.body[at..].split('"').next().unwrap_or_default().replace("&amp;", "&");
    let hosted = get(&browser, &src).await;
    assert!(
        hosted
            .header("content-security-policy")
            .is_some_and(|policy| policy.contains("frame-ancestors 'self'"))
    );
    assert!(hosted.body.contains("href=\"/static/site.css?scheme=dark\""), "{src}");
    let css = get(&browser, "/static/site.css?scheme=dark").await;
    assert!(css.body.contains("color-scheme: dark;") && !css.body.contains("prefers-color-scheme"));
    let qr = get(&browser, &format!("{path}/qr.svg")).await;
    assert_eq!(qr.header("content-type"), Some("image/svg+xml"));
    let kept = [("name", "Foot"), ("version", "1"), ("redirect_url", "http://company.example/")];
    let wrong = post(&browser, &path, &kept).await;
    assert!(wrong.status == 422 && wrong.body.contains("id=\"redirect_url-error\""));
    assert_eq!(wrong.field("redirect_url").as_deref(), Some("http://company.example/"));
    let saved = post(&browser, &path, &[("name", "Foot"), ("version", "1")]).await;
    assert_eq!(saved.location(), format!("{path}?tab=settings&done=saved"));
    let late = post(&browser, &path, &[("name", "Late"), ("version", "1")]).await;
    assert!(late.status == 409 && late.field("version").as_deref() == Some("2"));
    assert_eq!(post(&browser, &format!("{path}/archive"), &[]).await.status, 303);
    let archived = get(&browser, &path).await;
    assert!(archived.body.contains("takes no sign-ups"));
    assert_eq!(post(&browser, &format!("{path}/archive"), &[("back", "yes")]).await.status, 303);
    assert!(!get(&browser, &path).await.body.contains("takes no sign-ups"));
    app.stop().await;
});

both_dbs!(a_field_with_mistakes_comes_back_filled, |store| {
    let (app, browser, base) = desk(&store).await;
    let fields =
        [("label_nl", ""), ("label_fr", "Rôle"), ("kind", "number"), ("least", "many"), ("key", "email")];
    let answer = post(&browser, &format!("{base}/fields"), &fields).await;
    assert_eq!(answer.status, 422);
    for field in ["label_nl", "least", "key"] {
        assert!(answer.body.contains(&format!("id=\"{field}-error\"")), "{field}");
    }
    assert_eq!(answer.field("label_fr").as_deref(), Some("Rôle"));
    assert_eq!(answer.field("least").as_deref(), Some("many"));
    app.stop().await;
});

both_dbs!(a_form_stands_under_its_own_newsletter_and_behind_the_login, |store| {
    let (app, browser, base) = desk(&store).await;
    let other = people::newsletter(&store, "sister", Language::English).await;
    let mut reader = store.read().await.expect("a reader");
    let foreign = store::forms::default_of(reader.db(), other.id).await.expect("read");
    drop(reader);
    for path in [
        format!("{base}/forms/{}", foreign.id),
        format!("{base}/forms/{}/qr.svg", foreign.id),
        format!("{base}/forms/999"),
        format!("{base}/forms/x"),
        format!("{base}/fields/999"),
        "/admin/newsletters/999/forms".to_owned(),
    ] {
        assert_eq!(browser.get(&path).await.expect("an answer").status, 404, "{path}");
    }
    let path = format!("{base}/forms/{}/archive", foreign.id);
    assert_eq!(post(&browser, &path, &[]).await.status, 404);
    let own = format!("/admin/newsletters/{}/forms/{}", other.id, foreign.id);
    assert_eq!(post(&browser, &format!("{own}/archive"), &[]).await.status, 400);
    // Without the token of the session, and without a session.
    let forged = browser.post(&own, &[("name", "x"), ("version", "1")]).await.expect("an answer");
    assert_eq!(forged.status, 403);
    let stranger = app.browser();
    for path in
        [own.as_str(), &format!("{own}/qr.svg"), &format!("{base}/forms"), &format!("{base}/fields/new")]
    {
        let answer = stranger.get(path).await.expect("an answer");
        assert_eq!((answer.status, answer.location()), (303, "/admin/login"), "{path}");
    }
    app.stop().await;
});
