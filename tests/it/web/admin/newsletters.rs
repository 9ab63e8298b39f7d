use postiljon::model::{ArchivePolicy, EmailAddress, Language, NewsletterId, UncertainPolicy};
use postiljon::store::{newsletters, topics};
use postiljon::subscriptions::fields::archive_field;

use super::{get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, change, read};
use crate::support::forms;
use crate::support::samples::{confirmed, newsletter, pending};

const HUB: &str = "/admin/newsletters/1";
const PRIVACY: &str = "/admin/newsletters/1/privacy";

both_dbs!(newsletters_are_listed_with_their_readers_and_lead_to_their_hub, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let empty = get(&browser, "/admin/newsletters").await.body;
    assert!(
        empty.contains("href=\"/admin/newsletters/new\"") && empty.contains("There is no newsletter yet")
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
        "Meridiaan &#60;insights@meridiaan.example&#62;",
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
    let notice = [("privacy_url", " https://meridiaan.example/privacy "), ("privacy_version", "2026-05")];
    let saved = post(&browser, PRIVACY, &notice).await;
    assert_eq!((saved.status, saved.location()), (303, "/admin/newsletters/1?done=saved"));
    assert_eq!(stored().await, "https://meridiaan.example/privacy");
    let page = get(&browser, saved.location()).await;
    assert!(page.body.contains("<p>Saved.</p>"), "{}", page.body);
    assert_eq!(page.field("privacy_url").as_deref(), Some("https://meridiaan.example/privacy"));
    assert_eq!(page.field("privacy_version").as_deref(), Some("2026-05"));
    let door = app.browser().get("/n/insights").await.expect("a page");
    assert!(door.body.contains("href=\"https://meridiaan.example/privacy\""), "{}", door.body);
    // What is wrong comes back beside its field, as it was typed, and changes nothing.
    for wrong in ["javascript:alert(1)", "meridiaan.example/\"><b>"] {
        let refused = post(&browser, PRIVACY, &[("privacy_url", wrong)]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains("id=\"privacy_url-error\"") && !refused.body.contains("<b>"));
        let typed = wrong.replace('"', "&#34;").replace('<', "&#60;").replace('>', "&#62;");
        assert!(refused.body.contains(&format!("value=\"{typed}\"")), "{}", refused.body);
    }
    let twice = [("privacy_url", "https://a.example"), ("privacy_url", "https://b.example")];
    assert_eq!(post(&browser, PRIVACY, &twice).await.status, 422);
    assert_eq!(
        browser.post(PRIVACY, &[("privacy_url", "")]).await.expect("an answer").status,
        403,
        "no token"
    );
    assert_eq!(post(&browser, "/admin/newsletters/9/privacy", &[("privacy_url", "")]).await.status, 404);
    assert_eq!(stored().await, "https://meridiaan.example/privacy");
    assert_eq!(post(&browser, PRIVACY, &[("privacy_url", "")]).await.status, 303);
    assert_eq!(stored().await, "");
    app.stop().await;
});

/// The value of the hidden field of a section.
fn seen(page: &str, section: &str) -> String {
    let form = page.split(&format!("action=\"{HUB}/{section}\"")).nth(1).expect("the section");
    let field = form.split("name=\"seen\" value=\"").nth(1).expect("the mark");
    field.split('"').next().unwrap_or_default().to_owned()
}

both_dbs!(each_section_of_a_newsletter_is_saved_by_itself, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let about = [
        ("name", "Inzichten"),
        ("description", "Elke maand."),
        ("language", "fr"),
        ("reader_languages", "nl"),
        ("reader_languages", "de"),
        ("time_zone", "Europe/Paris"),
    ];
    let sender = [
        ("sender_name", "Meridiaan nv"),
        ("sender_address", "post@meridiaan.example"),
        ("reply_to", "antwoord@meridiaan.example"),
        ("postal_address", "Kaai 2\r\n1000 Brussel"),
    ];
    let brand = [("brand_color", "#E4002B"), ("logo_url", "https://meridiaan.example/logo.png#320x64")];
    let sending = [("relay", ""), ("mails_per_hour", "500"), ("on_uncertain", "hold")];
    for (section, fields) in
        [("about", &about[..]), ("sender", &sender), ("brand", &brand), ("sending", &sending)]
    {
        let saved = post(&browser, &format!("{HUB}/{section}"), fields).await;
        assert_eq!((saved.status, saved.location()), (303, "/admin/newsletters/1?done=saved"), "{section}");
    }
    let now = read!(store, |db| newsletters::by_id(db, NewsletterId(1))).expect("there");
    assert_eq!(
        (now.name.as_str(), now.slug.as_str(), now.time_zone.as_str()),
        ("Inzichten", "insights", "Europe/Paris")
    );
    assert_eq!(now.languages_of_readers(), [Language::French, Language::Dutch, Language::German]);
    assert_eq!(
        (now.sender_name.as_str(), now.postal_address.as_str()),
        ("Meridiaan nv", "Kaai 2\n1000 Brussel")
    );
    assert_eq!(now.reply_to.as_ref().map(EmailAddress::as_str), Some("antwoord@meridiaan.example"));
    assert_eq!(now.brand_color, "#e4002b");
    assert_eq!((now.mails_per_hour, now.on_uncertain), (Some(500), UncertainPolicy::Hold));
    // Readers choose among its languages.
    let door = app.browser().get("/n/insights?lang=fr").await.expect("a page").body;
    assert!(door.contains("<option value=\"de\"") && !door.contains("<option value=\"en\""), "{door}");
    assert!(door.contains("brand.css?color=e4002b"), "{door}");
    app.stop().await;
});

both_dbs!(a_section_that_somebody_else_has_changed_is_not_overwritten_unseen, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let page = get(&browser, HUB).await.body;
    let mark = seen(&page, "brand");
    let send = async |color: &str, mark: &str| {
        let fields = [("brand_color", color), ("logo_url", ""), ("seen", mark)];
        post(&browser, &format!("{HUB}/brand"), &fields).await
    };
    assert_eq!(send("#111111", &mark).await.status, 303);
    let late = send("#222222", &mark).await;
    assert_eq!(late.status, 422);
    assert!(late.body.contains("Somebody else has changed this") && late.body.contains("value=\"#222222\""));
    // Another section is not held up by it.
    let privacy = seen(&page, "privacy");
    let fields = [("privacy_url", "https://a.example/p"), ("seen", privacy.as_str())];
    assert_eq!(post(&browser, PRIVACY, &fields).await.status, 303);
    // Whoever has seen it may.
    assert_eq!(send("#222222", &seen(&late.body, "brand")).await.status, 303);
    app.stop().await;
});

both_dbs!(a_section_with_mistakes_comes_back_as_it_was_typed, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    /// A section, what is typed into it, and what of it is wrong.
    type Wrong = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);
    let wrong: [Wrong; 4] = [
        ("about", &[("name", ""), ("language", "nl"), ("time_zone", "Brussel")], &["name", "time_zone"]),
        ("sender", &[("sender_address", "x"), ("sender_name", "An")], &["sender_address", "postal_address"]),
        ("brand", &[("brand_color", "rood"), ("logo_url", "logo")], &["brand_color", "logo_url"]),
        ("sending", &[("relay", "nobody"), ("mails_per_hour", "veel")], &["relay", "mails_per_hour"]),
    ];
    for (section, fields, mistakes) in wrong {
        let refused = post(&browser, &format!("{HUB}/{section}"), fields).await;
        assert_eq!(refused.status, 422, "{section}");
        for field in mistakes {
            assert!(
                refused.body.contains(&format!("id=\"{field}-error\"")),
                "{section}: {field}: {}",
                refused.body
            );
        }
        assert_eq!(refused.body.matches("<details class=\"section\"").count(), 8, "{section}");
        assert!(refused.body.contains(&format!("id=\"{section}\" open")), "{section}");
        // A reload, or another language, leads back to the page.
        let again = browser.get(&format!("{HUB}/{section}")).await.expect("an answer");
        assert_eq!((again.status, again.location()), (303, HUB));
    }
    app.stop().await;
});

both_dbs!(a_brand_is_looked_at_before_it_is_saved, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let looks = [("do", "preview"), ("brand_color", "#ffee00"), ("logo_url", "")];
    let looked = post(&browser, &format!("{HUB}/brand"), &looks).await;
    assert_eq!(looked.status, 200);
    assert!(
        looked.body.contains("a darker shade that can be read")
            && looked.body.contains("brand_color=%23ffee00"),
        "{}",
        looked.body
    );
    let stored = read!(store, |db| newsletters::by_id(db, NewsletterId(1))).expect("there");
    assert_eq!(stored.brand_color, "#0f766e");
    let query = "brand_color=%23336699&logo_url=";
    let mail = get(&browser, &format!("{HUB}/brand/mail?{query}&scheme=dark")).await;
    assert!(mail.body.contains("#336699") && !mail.body.contains("prefers-color-scheme"), "{}", mail.body);
    assert!(mail.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
    let page = get(&browser, &format!("{HUB}/brand/page?{query}&scheme=dark")).await.body;
    assert!(
        page.contains("brand.css?color=336699&#38;scheme=dark")
            || page.contains("brand.css?color=336699&amp;scheme=dark"),
        "{page}"
    );
    let css = get(&browser, "/n/insights/brand.css?color=336699").await.body;
    assert!(css.contains("--brand: #336699"), "{css}");
    let plain = get(&browser, "/n/insights/brand.css?color=red;}body{").await.body;
    assert!(plain.contains("--brand: #0f766e"), "{plain}");
    let notes = get(&browser, &format!("{HUB}/brand/notes?{query}")).await.body;
    assert!(notes.contains("contrast"), "{notes}");
    let stranger = app.browser().get(&format!("{HUB}/brand/mail?{query}")).await.expect("an answer");
    assert_eq!(stranger.status, 303);
    app.stop().await;
});

both_dbs!(a_newsletter_is_added_at_the_desk, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let mut fields = vec![
        ("name", "Insights"),
        ("language", "nl"),
        ("time_zone", "Europe/Brussels"),
        ("sender_name", "Meridiaan"),
        ("sender_address", "news@meridiaan.example"),
        ("slug", "Geen Slug"),
    ];
    let refused = post(&browser, "/admin/newsletters", &fields).await;
    assert_eq!(refused.status, 422);
    for field in ["slug", "postal_address"] {
        assert!(refused.body.contains(&format!("id=\"{field}-error\"")), "{field}");
    }
    assert_eq!(refused.field("sender_address").as_deref(), Some("news@meridiaan.example"));
    fields.pop();
    fields.push(("postal_address", "Kaai 1"));
    let added = post(&browser, "/admin/newsletters", &fields).await;
    assert_eq!(added.location(), "/admin/newsletters/1?done=newsletter-added");
    let again = post(&browser, "/admin/newsletters", &fields).await;
    assert!(again.status == 422 && again.body.contains("This short name is taken"));
    // The next one begins with what the company has.
    let blank = get(&browser, "/admin/newsletters/new").await;
    assert_eq!(blank.field("sender_address").as_deref(), Some("news@meridiaan.example"));
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
