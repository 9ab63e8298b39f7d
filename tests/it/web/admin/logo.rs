//! The logo of a newsletter, handed in as a picture.

use postiljon::accounts::first_user::invite;
use postiljon::demo::browser::{Answer, Browser};
use postiljon::model::{Newsletter, NewsletterId, Theme};
use postiljon::publishing::compose::compose;
use postiljon::publishing::newsletters::{IssuesInput, set_issues};
use postiljon::store::{Store, newsletters};

use super::images::{GIF, multipart_with};
use super::{PASSWORD, get, post, signed_in};
use crate::publishing::{issue, published};
use crate::support::app::{START, TestApp};
use crate::support::database::{both_dbs, read};
use crate::support::samples::newsletter;

const BRAND: &str = "/admin/newsletters/1/brand";
const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

/// Posts a form with a file, with the token of a page.
async fn upload(
    browser: &Browser,
    (page, path): (&str, &str),
    fields: &[(&str, &str)],
    file: &[u8],
) -> Answer {
    let csrf = get(browser, page).await.field("csrf").expect("a token");
    let fields: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
    let (media_type, body) = multipart_with("logo_file", &fields, "logo.gif", file);
    browser.send("POST", path, Some((media_type, body))).await.expect("an answer")
}

async fn stored(store: &Store) -> Newsletter {
    read!(store, |db| newsletters::by_id(db, NewsletterId(1))).expect("there")
}

both_dbs!(a_picture_becomes_the_logo_and_is_removed_again, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let send = async |fields: &[(&str, &str)], file: &[u8]| {
        let fields: Vec<_> = [("brand_color", "#336699"), ("logo_url", "")]
            .into_iter()
            .filter(|(name, _)| fields.iter().all(|(own, _)| own != name))
            .chain(fields.iter().copied())
            .collect();
        upload(&browser, ("/admin", BRAND), &fields, file).await
    };
    // Looked at: kept as a picture, and not as the logo.
    let looked = send(&[("do", "preview")], GIF).await;
    assert_eq!(looked.status, 200, "{}", looked.body);
    let address = looked.field("logo_url").expect("an address");
    assert!(
        address.starts_with(&format!("{}/images/", app.url)) && address.ends_with("/mail.png#1x1"),
        "{address}"
    );
    assert!(looked.body.contains("class=\"logo-now\"") && stored(&store).await.logo_url.is_empty());

    assert_eq!(send(&[("do", "save")], GIF).await.status, 303);
    let letter = stored(&store).await;
    assert_eq!((letter.logo_url.as_str(), letter.brand_color.as_str()), (address.as_str(), "#336699"));
    let path = address.strip_prefix(&app.url).and_then(|path| path.split('#').next()).expect("a path");
    let picture = app.browser().get(path).await.expect("an answer");
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    // Its size in an issue, and what is read where pictures are hidden.
    let clock = &app.clock;
    let article = published(&store, clock, "A").await;
    let issue = issue(&store, clock, letter.id, &[&article]).await;
    let src = address.split('#').next().expect("an address");
    for theme in Theme::ALL {
        let input = IssuesInput { theme: *theme, needs_approval: false };
        set_issues(&store, letter.id, None, &input).await.expect("set");
        let mut reader = store.read().await.expect("a reader");
        let composed = compose(reader.db(), issue.id, START, &app.url).await.expect("read").expect("there");
        drop(reader);
        let html = composed.rendered.expect("rendered").html;
        let tag = html.split("<img").find(|tag| tag.contains(src)).unwrap_or_default();
        for part in ["alt=\"INSIGHTS\"", "width=\"1\"", "height=\"1\""] {
            assert!(tag.contains(part), "{theme}: {html}");
        }
    }
    let page = format!("{BRAND}/page?brand_color=%23336699&logo_url={}", address.replace('#', "%23"));
    let page = get(&browser, &page).await.body;
    assert!(page.contains(src) && page.contains("alt=\"INSIGHTS\""), "{page}");

    // Without a file, and in the usual encoding, it stays.
    let kept = send(&[("logo_url", &address)], b"").await;
    assert_eq!(kept.status, 303);
    let kept = post(&browser, BRAND, &[("brand_color", "#336699"), ("logo_url", &address)]).await;
    assert_eq!((kept.status, stored(&store).await.logo_url), (303, address.clone()));
    let removed = send(&[("logo_url", &address), ("do", "no-logo")], b"").await;
    assert_eq!((removed.status, stored(&store).await.logo_url.as_str()), (303, ""));
    app.stop().await;
});

both_dbs!(what_is_no_picture_is_refused_beside_its_field_and_nothing_typed_is_lost, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let large = vec![0; 10 * 1024 * 1024 + 1];
    for (file, words) in [
        (SVG, "SVG drawings are not shown in mails"),
        (b"%PDF-1.7".as_slice(), "not a picture that can be used"),
        (&GIF[..20], "damaged"),
        (&large, "larger than 10 MB"),
    ] {
        for button in ["save", "preview"] {
            let fields = [("brand_color", "#123456"), ("logo_url", ""), ("do", button)];
            let refused = upload(&browser, ("/admin", BRAND), &fields, file).await;
            assert!(
                refused.body.contains(words) && refused.body.contains("id=\"logo_file-error\""),
                "{words}: {}",
                refused.body
            );
            assert!(refused.body.contains("value=\"#123456\""), "{words}");
            assert_eq!(stored(&store).await.brand_color, "#0f766e");
        }
    }
    let fields = [("brand_color", "#123456"), ("logo_url", ""), ("csrf", "geraden")];
    let (media_type, body) = multipart_with("logo_file", &fields, "x.gif", GIF);
    let forged = browser.send("POST", BRAND, Some((media_type, body))).await.expect("an answer");
    assert_eq!(forged.status, 403);
    app.stop().await;
});

both_dbs!(the_first_run_takes_a_logo, |store| {
    let app = TestApp::start(&store).await;
    let token = invite(&app.app.store, &app.clock).await.expect("written").expect("a link");
    let browser = app.browser();
    let owner = [("name", "An"), ("address", "an@example.org"), ("password", PASSWORD), ("language", "en")];
    let made = browser.post(&format!("/setup/{token}"), &owner).await.expect("an answer");
    assert_eq!(made.status, 303, "{}", made.body);
    let steps: [(&str, &[(&str, &str)]); 3] = [
        (
            "newsletter",
            &[
                ("name", "Insights"),
                ("description", ""),
                ("language", "nl"),
                ("time_zone", "Europe/Brussels"),
            ],
        ),
        (
            "sender",
            &[("sender_name", "M"), ("sender_address", "a@meridiaan.example"), ("postal_address", "Kaai 1")],
        ),
        ("relay", &[("host", "localhost"), ("port", "2525"), ("tls", "none")]),
    ];
    for (step, fields) in steps {
        let path = format!("/setup/{step}");
        let csrf = get(&browser, &path).await.field("csrf").expect("a token");
        let own = [("csrf", csrf.as_str()), ("do", "next")];
        let fields: Vec<_> = fields.iter().copied().chain(own).collect();
        let answer = browser.post(&path, &fields).await.expect("an answer");
        assert_eq!(answer.status, 303, "{step}: {}", answer.body);
    }
    let at = ("/setup/brand", "/setup/brand");
    let fields = [("brand_color", "#336699"), ("logo_url", "")];
    let with = |button: &'static str| [fields[0], fields[1], ("do", button)];
    let refused = upload(&browser, at, &with("next"), SVG).await;
    assert!(refused.status == 422 && refused.body.contains("SVG drawings"), "{}", refused.body);
    let looked = upload(&browser, at, &with("preview"), GIF).await;
    let address = looked.field("logo_url").expect("an address");
    assert!(looked.status == 200 && address.contains("/images/"), "{}", looked.body);
    // It is there when one comes back; removed, one stays at the step.
    assert_eq!(get(&browser, "/setup/brand").await.field("logo_url"), Some(address));
    let removed = upload(&browser, at, &with("no-logo"), b"").await;
    assert_eq!((removed.status, removed.field("logo_url")), (200, Some(String::new())));
    assert_eq!(upload(&browser, at, &with("next"), GIF).await.location(), "/setup/done");
    assert!(stored(&store).await.logo_url.ends_with("/mail.png#1x1"));
    let done = get(&browser, "/setup/done").await.body;
    assert!(done.contains("href=\"/admin/settings/domains/meridiaan.example\""), "{done}");
    assert_eq!(get(&browser, "/admin/settings/domains/meridiaan.example").await.status, 200);
    app.stop().await;
});
