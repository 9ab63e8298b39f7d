use postiljon::clock::Clock;
use postiljon::demo::browser::Browser;
use postiljon::store::Store;

use super::{get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::both_dbs;
use crate::support::people::People;

/// Jan, who is confirmed, and the address of his page.
async fn jan(store: &Store, clock: &Clock, browser: &Browser) -> String {
    let people = People { clock: clock.clone(), ..People::of(store).await };
    people.confirmed("jan@example.org", 1).await;
    let found = post(browser, "/admin/subscribers", &[("address", " JAN@example.org ")]).await;
    assert_eq!(found.status, 303, "{}", found.body);
    found.location().to_owned()
}

both_dbs!(a_reader_is_looked_up_by_post_and_the_address_is_in_no_url, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let page = jan(&store, &app.clock, &browser).await;
    assert!(page.starts_with("/admin/subscribers/") && !page.contains("jan") && !page.contains('@'));
    let shown = get(&browser, &page).await.body;
    assert!(shown.contains("jan@example.org") && shown.contains("News &#60;insights&#62;"), "{shown}");
    let unknown = post(&browser, "/admin/subscribers", &[("address", "piet@example.org")]).await;
    assert_eq!((unknown.status, unknown.location()), (404, ""));
    assert!(unknown.body.contains("Nobody has this address") && unknown.body.contains("piet@example.org"));
    let part = post(&browser, "/admin/subscribers", &[("address", "Janneke@exam")]).await;
    assert!(part.status == 303 && !part.location().to_lowercase().contains("janneke"), "{}", part.location());
    assert!(!part.location().contains('@') && !part.location().contains("%40"), "{}", part.location());
    for path in ["/admin/subscribers/x", "/admin/subscribers/00000000-0000-0000-0000-000000000000"] {
        assert_eq!(browser.get(path).await.expect("an answer").status, 404, "{path}");
    }
    app.stop().await;
});

both_dbs!(a_receipt_is_a_page_and_json_and_a_document_of_its_own, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let page = format!("{}/receipt/insights", jan(&store, &app.clock, &browser).await);
    let shown = get(&browser, &page).await.body;
    for part in ["Proof of consent", "10.0.1.7", "SHA-256", "Asked for the newsletter", "Confirmed it"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json = get(&browser, &format!("{page}.json")).await;
    let value: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
    assert_eq!(value["subscriber"]["address"], "jan@example.org");
    let paper = get(&browser, &format!("{page}/print")).await;
    let policy = paper.header("content-security-policy").expect("a policy");
    assert!(policy.contains("style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    for outside in ["<link", "<script", " src=", "url("] {
        assert!(!paper.body.contains(outside), "{outside}");
    }
    assert!(paper.body.contains("@page { size: A4"));
    let other = browser.get(&page.replace("insights", "other")).await.expect("an answer");
    assert_eq!(other.status, 404);
    let stranger = app.browser();
    for path in [page.clone(), format!("{page}.json"), format!("{page}/print")] {
        assert_eq!(stranger.get(&path).await.expect("an answer").location(), "/admin/login", "{path}");
    }
    app.stop().await;
});

both_dbs!(erasing_at_the_desk_asks_first, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let page = jan(&store, &app.clock, &browser).await;
    let asked = post(&browser, &format!("{page}/erase"), &[]).await;
    assert!(asked.status == 422 && asked.body.contains("id=\"sure-error\""), "{}", asked.body);
    assert_eq!(get(&browser, &page).await.status, 200);
    let erased = post(&browser, &format!("{page}/erase"), &[("sure", "yes")]).await;
    assert_eq!((erased.status, erased.location()), (303, "/admin/subscribers?done=erased"));
    assert_eq!(browser.get(&page).await.expect("an answer").status, 404);
    let looked = post(&browser, "/admin/subscribers", &[("address", "jan@example.org")]).await;
    assert!(looked.body.contains("was erased"), "{}", looked.body);
    app.stop().await;
});

both_dbs!(a_list_that_cannot_be_what_was_asked_for_is_an_error_and_not_everybody, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    jan(&store, &app.clock, &browser).await;
    assert!(get(&browser, "/admin/subscribers").await.body.contains("jan@example.org"));
    for (path, status) in [("newsletter=99", 404), ("newsletter=1", 200), ("find=x", 400), ("find=", 200)] {
        let answer = browser.get(&format!("/admin/subscribers?{path}")).await.expect("an answer");
        assert_eq!(answer.status, status, "{path}");
    }
    let signs = post(&browser, "/admin/subscribers", &[("address", "!?")]).await;
    assert!(!get(&browser, signs.location()).await.body.contains("jan@example.org"));
    app.stop().await;
});
