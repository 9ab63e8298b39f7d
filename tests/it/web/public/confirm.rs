use std::time::Duration;

use postiljon::model::SubscriptionStatus::{Confirmed, Pending, Unsubscribed};

use super::Site;
use crate::support::database::both_dbs;

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

both_dbs!(an_expired_and_an_unknown_link_lead_back_to_the_form, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "jan@example.org").await;
    let path = site.confirm_path(&site.mails().await[0]);
    site.app.clock.advance(Duration::from_secs(8 * 24 * 3600));
    for answer in [site.browser.get(&path).await, site.browser.post(&path, &[]).await] {
        let answer = answer.expect("an answer");
        assert!(answer.status == 410 && answer.body.contains("href=\"/n/insights\""));
    }
    let cut = &path[..path.len() - 1];
    for answer in [site.browser.get(cut).await, site.browser.post("/confirm/%F0%9F%98%80", &[]).await] {
        let answer = answer.expect("an answer");
        assert!(answer.status == 404 && answer.body.contains("<h1>"));
    }
    assert_eq!(site.states().await, [(Pending, 1), (Confirmed, 0), (Unsubscribed, 0)]);
    site.app.stop().await;
});
