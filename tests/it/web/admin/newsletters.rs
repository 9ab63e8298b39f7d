use postiljon::model::{ArchivePolicy, NewsletterId};
use postiljon::store::{newsletters, topics};
use postiljon::subscriptions::fields::archive_field;

use super::{get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, change, read};
use crate::support::forms;
use crate::support::samples::{confirmed, newsletter, pending};

const HUB: &str = "/admin/newsletters/1";

both_dbs!(newsletters_are_listed_with_their_readers_and_lead_to_their_hub, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let empty = get(&browser, "/admin/newsletters").await.body;
    assert!(
        empty.contains("postiljon newsletter add --help") && empty.contains("There is no newsletter yet")
    );
    let letter = newsletter(&store, "insights").await;
    newsletter(&store, "weekly").await;
    confirmed(&store, letter.id, 1).await;
    pending(&store, letter.id, 2).await;
    let list = get(&browser, "/admin/newsletters").await.body;
    assert!(list.contains("href=\"/admin/newsletters/1\">INSIGHTS</a>"), "{list}");
    assert!(list.contains("one confirmed reader") && list.contains("0 confirmed readers"), "{list}");
    assert!(list.contains("href=\"/admin/newsletters\" aria-current=\"true\""), "{list}");
    let home = get(&browser, "/admin").await.body;
    for below in ["", "/forms", "/topics", "/welcome"] {
        assert!(home.contains(&format!("href=\"{HUB}{below}\"")), "{below}: {home}");
    }
    app.stop().await;
});

both_dbs!(the_pages_of_a_newsletter_have_the_same_tabs_and_menu, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    for tab in ["", "/forms", "/fields", "/topics", "/welcome"] {
        let page = get(&browser, &format!("{HUB}{tab}")).await.body;
        for other in ["", "/forms", "/fields", "/topics", "/welcome"] {
            let current = if tab == other { " aria-current=\"page\"" } else { "" };
            let link = format!("<a href=\"{HUB}{other}\"{current}>");
            assert!(page.contains(&link), "{tab}: {link}: {page}");
        }
        assert!(page.contains("<a href=\"/admin/newsletters\">← Newsletters</a>"), "{tab}: {page}");
        assert!(page.contains("href=\"/admin/newsletters\" aria-current=\"true\""), "{tab}: {page}");
        assert!(page.contains("INSIGHTS"), "{tab}: {page}");
    }
    // What lies deeper is under the same entry of the menu.
    for deep in ["/forms/new", "/forms/1", "/fields/new", "/welcome/new"] {
        let page = get(&browser, &format!("{HUB}{deep}")).await.body;
        assert!(page.contains("href=\"/admin/newsletters\" aria-current=\"true\""), "{deep}: {page}");
    }
    for nowhere in ["/admin/newsletters/9", "/admin/newsletters/x", "/admin/newsletters/-1"] {
        assert_eq!(browser.get(nowhere).await.expect("an answer").status, 404, "{nowhere}");
    }
    let stranger = app.browser().get(HUB).await.expect("an answer");
    assert_eq!((stranger.status, stranger.location()), (303, "/admin/login"));
    app.stop().await;
});

both_dbs!(the_overview_says_what_a_newsletter_is_and_counts_what_is_in_use, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let letter = newsletter(&store, "insights").await;
    for n in 1..=3 {
        confirmed(&store, letter.id, n).await;
    }
    pending(&store, letter.id, 4).await;
    let fields = forms::fields(&store, &app.clock, letter.id).await;
    archive_field(&store, &app.clock, fields[0].id, true).await.expect("archived");
    change!(store, |tx| topics::insert(tx, letter.id, "money", app.clock.now()));
    let welcome = [("days", "0"), ("subject-nl", "Welkom"), ("body-nl", "Dag."), ("do", "save")];
    assert_eq!(post(&browser, &format!("{HUB}/welcome"), &welcome).await.status, 303);
    let page = get(&browser, HUB).await.body;
    let counts: Vec<_> =
        page.split("<dd>").skip(1).take(5).map(|rest| rest.split('<').next().unwrap_or_default()).collect();
    // Readers, forms, fields, topics, and of the welcome series only what is sent.
    assert_eq!(counts, ["3", "1", "4", "1", "0"], "{page}");
    for part in [
        &format!("<a href=\"{0}/n/insights\">{0}/n/insights</a>", app.url),
        "Meridiaan &lt;insights@meridiaan.example&gt;",
        "the sender",
        "Nederlands",
        "Europe/Brussels",
        "Kaai 1\n1000 Brussel",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    app.stop().await;
});

both_dbs!(the_address_of_the_privacy_notice_is_set_and_taken_away, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let stored =
        async || read!(store, |db| newsletters::by_id(db, NewsletterId(1))).expect("there").privacy_url;
    let saved = post(&browser, HUB, &[("privacy_url", " https://meridiaan.example/privacy ")]).await;
    assert_eq!((saved.status, saved.location()), (303, "/admin/newsletters/1?done=saved"));
    assert_eq!(stored().await, "https://meridiaan.example/privacy");
    let page = get(&browser, saved.location()).await;
    assert!(page.body.contains("<p>Saved.</p>"), "{}", page.body);
    assert_eq!(page.field("privacy_url").as_deref(), Some("https://meridiaan.example/privacy"));
    let door = app.browser().get("/n/insights").await.expect("a page");
    assert!(door.body.contains("href=\"https://meridiaan.example/privacy\""), "{}", door.body);
    // What is wrong comes back beside its field, as it was typed, and changes nothing.
    for wrong in ["javascript:alert(1)", "meridiaan.example/\"><b>"] {
        let refused = post(&browser, HUB, &[("privacy_url", wrong)]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains("id=\"privacy_url-error\"") && !refused.body.contains("<b>"));
        let typed = wrong.replace('"', "&#34;").replace('<', "&#60;").replace('>', "&#62;");
        assert!(refused.body.contains(&format!("value=\"{typed}\"")), "{}", refused.body);
    }
    let twice = [("privacy_url", "https://a.example"), ("privacy_url", "https://b.example")];
    assert_eq!(post(&browser, HUB, &twice).await.status, 422);
    assert_eq!(browser.post(HUB, &[("privacy_url", "")]).await.expect("an answer").status, 403, "no token");
    assert_eq!(post(&browser, "/admin/newsletters/9", &[("privacy_url", "")]).await.status, 404);
    assert_eq!(stored().await, "https://meridiaan.example/privacy");
    assert_eq!(post(&browser, HUB, &[("privacy_url", "")]).await.status, 303);
    assert_eq!(stored().await, "");
    app.stop().await;
});

both_dbs!(who_finds_the_archive_is_set_on_the_overview, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let path = format!("{HUB}/archive");
    let stored = async || read!(store, |db| newsletters::by_id(db, NewsletterId(1))).expect("there").archive;
    let page = get(&browser, HUB).await.body;
    assert!(page.contains("name=\"archive\" value=\"unlisted\" checked"), "{page}");
    assert!(page.contains(&format!("{}/n/insights/archive", app.url)));
    for policy in [ArchivePolicy::Public, ArchivePolicy::Off] {
        let saved = post(&browser, &path, &[("archive", policy.as_str())]).await;
        assert_eq!((saved.status, saved.location()), (303, "/admin/newsletters/1?done=saved"));
        assert_eq!(stored().await, policy);
        let page = get(&browser, HUB).await.body;
        assert!(page.contains(&format!("value=\"{policy}\" checked")), "{page}");
        assert_eq!(page.contains("/n/insights/archive\""), policy.is_open());
    }
    for wrong in [&[][..], &[("archive", "secret")], &[("archive", "off"), ("archive", "public")]] {
        assert_eq!(post(&browser, &path, wrong).await.status, 400, "{wrong:?}");
    }
    assert_eq!(browser.post(&path, &[("archive", "public")]).await.expect("an answer").status, 403);
    assert_eq!(post(&browser, "/admin/newsletters/9/archive", &[("archive", "off")]).await.status, 404);
    assert_eq!(stored().await, ArchivePolicy::Off);
    app.stop().await;
});
