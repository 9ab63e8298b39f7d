use std::time::Duration;

use postiljon::model::Language;
use postiljon::model::SubscriptionStatus::{Confirmed, Pending, Unsubscribed};

use super::Site;
use crate::support::database::both_dbs;
use crate::support::people;

both_dbs!(only_the_browser_that_signed_up_presses_the_button_itself, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "jan@example.org").await;
    let path = site.confirm_path(&site.mails().await[0]);
    let own = site.browser.get(&path).await.expect("an answer");
    assert!(own.body.contains("/static/confirm.js"));
    let scanner = site.app.browser();
    let seen = scanner.get(&path).await.expect("an answer");
    assert!(seen.status == 200 && !seen.body.contains("<script"));
    // The cookie of another sign-up is worth nothing here.
    site.sign_up(&scanner, "other@example.org").await;
    assert!(!scanner.get(&path).await.expect("an answer").body.contains("<script"));
    let script = site.browser.get("/static/confirm.js").await.expect("an answer");
    assert!(script.header("content-type").is_some_and(|value| value.starts_with("text/javascript")));
    site.app.stop().await;
});

both_dbs!(two_newsletters_of_one_visit_keep_their_one_click_and_their_page, |store| {
    let site = Site::start(&store).await;
    people::newsletter(&store, "sister", Language::Dutch).await;
    for slug in ["insights", "sister"] {
        let fields = [("email", format!("{slug}@example.org")), ("consent", "yes".to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = site.browser.post(&format!("/n/{slug}/subscribe"), &fields).await.expect("an answer");
        assert_eq!(answer.status, 303);
    }
    let mails = site.mails().await;
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        let page = site.browser.get(&site.confirm_path(mail)).await.expect("an answer");
        assert!(page.body.contains("/static/confirm.js"), "{:?}", mail.newsletter_id);
    }
    for slug in ["insights", "sister"] {
        let inbox = site.browser.get(&format!("/n/{slug}/check-inbox")).await.expect("an answer");
        assert!(inbox.body.contains(&format!("{slug}<wbr>@example.org")), "{}", inbox.body);
    }
    // However many newsletters there are, a browser sends few cookies.
    for n in 0..20 {
        let slug = format!("n{n}");
        people::newsletter(&store, &slug, Language::Dutch).await;
        site.app.clock.advance(Duration::from_secs(5 * 60));
        let fields = [("email", "jan@example.net"), ("consent", "yes")];
        let answer = site.browser.post(&format!("/n/{slug}/subscribe"), &fields).await.expect("an answer");
        assert_eq!(answer.status, 303);
    }
    let held = (0..100).filter(|n| site.browser.cookie(&format!("postiljon_inbox_{n}")).is_some());
    assert_eq!(held.count(), 8);
    site.app.stop().await;
});

both_dbs!(looking_changes_nothing_and_pressing_twice_is_success_twice, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "jan@example.org").await;
    let path = site.confirm_path(&site.mails().await[0]);
    let stranger = site.app.browser();
    for method in ["GET", "HEAD", "OPTIONS"] {
        stranger.send(method, &path, None).await.expect("an answer");
    }
    assert_eq!(site.states().await, [(Pending, 1), (Confirmed, 0), (Unsubscribed, 0)]);
    for _ in 0..2 {
        let pressed = stranger.post(&path, &[]).await.expect("an answer");
        assert_eq!((pressed.status, pressed.location()), (303, path.as_str()));
        let done = stranger.get(pressed.location()).await.expect("an answer");
        assert!(done.status == 200 && done.body.contains("Je bent ingeschreven"));
        assert_eq!(done.header("cache-control"), Some("no-store"));
        assert_eq!(done.header("referrer-policy"), Some("no-referrer"));
    }
    assert_eq!(site.states().await, [(Pending, 0), (Confirmed, 1), (Unsubscribed, 0)]);
    site.app.stop().await;
});

both_dbs!(a_later_visit_hears_that_all_is_well_already, |store| {
    let site = Site::start(&store).await;
    let mail = site.subscribed("jan@example.org").await;
    let path = site.confirm_path(&mail);
    let new = site.browser.get(&path).await.expect("an answer");
    assert!(new.body.contains("Je bent ingeschreven") && new.body.contains("/preferences/"));
    assert!(new.body.contains("href=\"/n/insights/contact.vcf\""));
    site.app.clock.advance(Duration::from_secs(3 * 24 * 3600));
    for _ in 0..2 {
        assert_eq!(site.browser.post(&path, &[]).await.expect("an answer").status, 303);
        let later = site.app.browser().get(&path).await.expect("an answer");
        assert!(later.status == 200 && later.body.contains("Je bent al ingeschreven"));
        assert!(later.body.contains("sinds 24 november 2026") && later.body.contains("/preferences/"));
    }
    // Also when the link has had its days.
    site.app.clock.advance(Duration::from_secs(20 * 24 * 3600));
    let later = site.browser.get(&path).await.expect("an answer");
    assert!(later.status == 200 && later.body.contains("Je bent al ingeschreven"));
    let card = site.browser.get("/n/insights/contact.vcf").await.expect("an answer");
    assert!(card.body.contains("EMAIL;TYPE=INTERNET:insights@meridiaan.example\r\n"), "{}", card.body);
    site.app.stop().await;
});

both_dbs!(an_expired_link_sends_a_new_one_once_and_an_unknown_link_asks_for_the_address, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "jan@example.org").await;
    let path = site.confirm_path(&site.mails().await[0]);
    site.app.clock.advance(Duration::from_secs(7 * 24 * 3600));
    let again = format!("{path}/again");
    for answer in [site.browser.get(&path).await, site.browser.post(&path, &[]).await] {
        let answer = answer.expect("an answer");
        assert!(answer.status == 410 && answer.body.contains(&format!("action=\"{again}?lang=nl\"")));
    }
    assert_eq!(site.browser.get(&again).await.expect("an answer").location(), path);
    assert!(site.mails().await.is_empty(), "looking sends nothing");
    for _ in 0..3 {
        let asked = site.browser.post(&again, &[]).await.expect("an answer");
        assert_eq!((asked.status, asked.location()), (303, path.as_str()));
    }
    let mails = site.mails().await;
    assert_eq!(mails.len(), 1);
    let renewed = site.browser.get(&path).await.expect("an answer");
    assert!(renewed.status == 200 && renewed.body.contains("Er is een nieuwe link onderweg"));
    assert!(!renewed.body.contains("jan@example.org"), "the link may be forwarded");
    let new = site.confirm_path(&mails[0]);
    assert_eq!(site.browser.post(&new, &[]).await.expect("an answer").status, 303);
    for path in [&path, &new] {
        assert!(site.browser.get(path).await.expect("an answer").body.contains("Je bent ingeschreven"));
    }
    let cut = &path[..path.len() - 1];
    for answer in [site.browser.get(cut).await, site.browser.post("/confirm/%F0%9F%98%80", &[]).await] {
        let answer = answer.expect("an answer");
        assert!(answer.status == 404 && answer.body.contains("action=\"/manage"));
    }
    assert_eq!(site.browser.post("/confirm/x/again", &[]).await.expect("an answer").status, 404);
    site.app.stop().await;
});

both_dbs!(a_mailbox_that_had_enough_hears_so_from_its_own_link, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "jan@example.org").await;
    let path = site.confirm_path(&site.mails().await[0]);
    site.app.clock.advance(Duration::from_secs(7 * 24 * 3600));
    // Three mails for another newsletter of the house, today.
    crate::support::people::newsletter(&store, "sister", postiljon::model::Language::Dutch).await;
    for _ in 0..3 {
        site.app.clock.advance(Duration::from_secs(20 * 60));
        let fields = [("email", "jan@example.org"), ("consent", "yes")];
        site.browser.post("/n/sister/subscribe", &fields).await.expect("an answer");
    }
    assert_eq!(site.mails().await.len(), 3);
    let asked = site.browser.post(&format!("{path}/again"), &[]).await.expect("an answer");
    assert!(asked.status == 429 && asked.body.contains("genoeg van deze mails"), "{}", asked.status);
    assert!(site.mails().await.is_empty());
    site.app.stop().await;
});
