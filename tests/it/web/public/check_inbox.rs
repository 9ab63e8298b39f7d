use std::time::Duration;

use postiljon::demo::browser::Answer;
use postiljon::model::OutboxKind;
use postiljon::subscriptions::erase::erase;

use super::Site;
use crate::support::database::both_dbs;
use crate::support::people;
use crate::web::api::FormSite;

const INBOX: &str = "/n/insights/check-inbox?lang=nl";
const MINUTE: Duration = Duration::from_secs(60);

both_dbs!(the_page_shows_what_was_typed_and_leads_back_to_the_filled_form, |store| {
    let site = Site::start(&store).await;
    let answer = site.sign_up(&site.browser, "jan+nieuws@gmail.com").await;
    assert!(!answer.location().contains("jan"), "no address in a URL");
    let inbox = site.browser.get(answer.location()).await.expect("an answer");
    assert!(inbox.body.contains("jan+nieuws<wbr>@gmail.com"));
    assert!(inbox.body.contains("href=\"https://mail.google.com/"), "the button of a known provider");
    assert!(inbox.body.contains("href=\"/n/insights?change=1&amp;lang=nl\""));
    let form = site.browser.get("/n/insights?change=1&lang=nl").await.expect("an answer");
    assert_eq!(form.field("email").as_deref(), Some("jan+nieuws@gmail.com"));
    assert_eq!(form.field("name").as_deref(), Some("Jan"));
    assert!(!form.body.contains("checked"), "consent is given anew");
    // Only on that way back, and only in that browser.
    let plain = site.browser.get("/n/insights?lang=nl").await.expect("an answer");
    assert_eq!(plain.field("email").as_deref(), Some(""));
    let other = site.app.browser();
    assert!(!other.get(INBOX).await.expect("an answer").body.contains("jan"));
    let form = other.get("/n/insights?change=1").await.expect("an answer");
    assert_eq!(form.field("email").as_deref(), Some(""));
    site.app.clock.advance(61 * MINUTE);
    assert!(!site.browser.get(INBOX).await.expect("an answer").body.contains("jan"), "after an hour");
    site.app.stop().await;
});

both_dbs!(who_probably_meant_another_address_gets_it_filled_in_at_every_door, |store| {
    let forms = FormSite::start(&store).await;
    let site = &forms.site;
    for door in ["/n/insights".to_owned(), forms.page()] {
        site.app.clock.advance(Duration::from_secs(3600));
        let browser = site.app.browser();
        let fields = [
            ("email", "jan@gmial.com"),
            ("name", "Jan"),
            ("language", "nl"),
            ("company", "Meridiaan"),
            ("consent", "yes"),
            ("shown_in", "nl"),
        ];
        let answer = browser.post(&format!("{door}/subscribe"), &fields).await.expect("an answer");
        assert_eq!((answer.status, answer.location()), (303, format!("{door}/check-inbox?lang=nl").as_str()));
        let inbox = browser.get(answer.location()).await.expect("an answer").body;
        let link = format!("{door}?change=1&amp;meant=1&amp;lang=nl");
        assert!(inbox.contains(&format!("<a href=\"{link}\">Bedoelde je jan@gmail.com?</a>")), "{inbox}");
        // The only place where it stands is the page of who typed it.
        let urls = inbox.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        assert!(urls.into_iter().all(|url| !url.contains("jan")), "{inbox}");
        let form = browser.get(&link.replace("&amp;", "&")).await.expect("an answer");
        assert_eq!(form.field("email").as_deref(), Some("jan@gmail.com"));
        assert_eq!(form.field("name").as_deref(), Some("Jan"));
        assert!(!form.body.contains("checked"), "another address means another consent");
        // A browser that typed nothing learns nothing.
        let other = site.app.browser().get(&link.replace("&amp;", "&")).await.expect("an answer");
        assert_eq!(other.field("email").as_deref(), Some(""));
    }
    // Where there is nothing to suggest, nothing is suggested, and the link fills in what was typed.
    let browser = site.app.browser();
    let answer = site.sign_up(&browser, "els@gmail.com").await;
    let inbox = browser.get(answer.location()).await.expect("an answer").body;
    assert!(!inbox.contains("meant=1") && !inbox.contains("Bedoelde"), "{inbox}");
    let form = browser.get("/n/insights?change=1&meant=1&lang=nl").await.expect("an answer");
    assert_eq!(form.field("email").as_deref(), Some("els@gmail.com"));
    forms.site.app.stop().await;
});

both_dbs!(the_mail_comes_again_after_a_minute_and_once_for_a_double_press, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "jan@example.org").await;
    assert_eq!(site.mails().await.len(), 1);
    let soon = site.browser.post(INBOX, &[]).await.expect("an answer");
    assert_eq!(soon.status, 429);
    assert!(soon.body.contains("role=\"alert\"") && soon.header("retry-after").is_some());
    assert!(site.mails().await.is_empty());
    site.app.clock.advance(MINUTE);
    let impatient = site.browser.with_header("x-twice", "yes");
    let (one, two) = tokio::join!(site.browser.post(INBOX, &[]), impatient.post(INBOX, &[]));
    for answer in [one, two] {
        let answer = answer.expect("an answer");
        assert!(answer.status == 303 || answer.status == 429, "{}", answer.status);
    }
    let mails = site.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].kind, OutboxKind::Confirm);
    let page = site.browser.get(INBOX).await.expect("an answer");
    assert!(page.body.contains("role=\"status\"") && page.body.contains("Er is een nieuwe mail onderweg"));
    // Both links work, and both are the same success.
    let confirmed = site.browser.post(&site.confirm_path(&mails[0]), &[]).await.expect("an answer");
    assert_eq!(confirmed.status, 303);
    // Three a day, with the one of the sign-up; the answer stays the same.
    for expected in [1, 1, 0] {
        site.app.clock.advance(2 * MINUTE);
        site.sign_up(&site.browser, "els@example.org").await;
        site.mails().await;
        site.app.clock.advance(2 * MINUTE);
        assert_eq!(site.browser.post(INBOX, &[]).await.expect("an answer").status, 303);
        let sent = site.mails().await.len();
        assert_eq!(sent, expected);
    }
    site.app.stop().await;
});

/// What an answer says, without what must differ.
fn face(answer: &Answer, address: &str) -> (u16, String, Vec<String>) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "set-cookie", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    (answer.status, answer.body.replace("<wbr>", "").replace(address, "ADDRESS"), headers)
}

both_dbs!(asking_again_tells_nothing_in_five_states, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "pending@example.org").await;
    site.subscribed("confirmed@example.org").await;
    let mail = site.subscribed("left@example.org").await;
    site.browser.post(&site.leave_path(&mail), &[]).await.expect("left");
    let app = &site.app.app;
    erase(&app.store, &app.clock, &app.keys, &people::address("erased@example.org")).await.expect("erased");
    site.app.clock.advance(Duration::from_secs(2 * 24 * 3600));
    let mut faces = Vec::new();
    for name in ["new", "pending", "confirmed", "left", "erased"] {
        let address = format!("{name}@example.org");
        let browser = site.app.browser();
        site.sign_up(&browser, &address).await;
        site.app.clock.advance(2 * MINUTE);
        let asked = browser.post(INBOX, &[]).await.expect("an answer");
        assert!(asked.header("set-cookie").is_some_and(|cookie| cookie.contains("HttpOnly")), "{name}");
        let page = browser.get(INBOX).await.expect("an answer");
        faces.push((face(&asked, &address), face(&page, &address)));
    }
    assert_eq!(faces[0].0.0, 303);
    for other in &faces[1..] {
        assert_eq!(&faces[0], other);
    }
    // By mail it is told: nobody who was erased, and no second word to who is subscribed.
    let mut sent = std::collections::BTreeMap::new();
    for mail in site.mails().await {
        *sent.entry(mail.kind.to_string()).or_insert(0) += 1;
    }
    let expected = [("already_subscribed".to_owned(), 1), ("confirm".to_owned(), 6)];
    assert_eq!(sent, expected.into());
    site.app.stop().await;
});
