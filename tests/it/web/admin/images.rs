use postiljon::demo::browser::{Answer, Browser};

use super::{get, signed_in};
use crate::support::app::TestApp;
use crate::support::database::both_dbs;

pub const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// A form with a file, as a browser sends it.
fn multipart(fields: &[(&str, &str)], name: &str, file: &[u8]) -> (&'static str, Vec<u8>) {
    multipart_with("file", fields, name, file)
}

/// The same with another name of the field.
pub fn multipart_with(
    file_field: &str,
    fields: &[(&str, &str)],
    name: &str,
    file: &[u8],
) -> (&'static str, Vec<u8>) {
    let mut body = Vec::new();
    for (field, value) in fields {
        let part = format!("--grens\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--grens\r\ncontent-disposition: form-data; name=\"{file_field}\"; filename=\"{name}\"\r\ncontent-type: image/gif\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--grens--\r\n");
    ("multipart/form-data; boundary=grens", body)
}

async fn upload(browser: &Browser, fields: &[(&str, &str)], name: &str, file: &[u8]) -> Answer {
    let csrf = get(browser, "/admin").await.field("csrf").expect("a token");
    let fields: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
    let (media_type, body) = multipart(&fields, name, file);
    browser.send("POST", "/admin/images", Some((media_type, body))).await.expect("an answer")
}

/// What the editor's script gets.
async fn by_script(browser: &Browser, file: &[u8]) -> Answer {
    let browser = browser.with_header("accept", "application/json");
    upload(&browser, &[("alt", "Een punt")], "x", file).await
}

both_dbs!(a_picture_is_handed_in_and_served_and_can_do_nothing, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let page = upload(&browser, &[("alt", "Een [punt]")], "../../x.gif", GIF).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let at = page.body.find("/images/").expect("an address");
    let path: String = page.body[at..].chars().take_while(|c| *c != '"' && *c != '#').collect();
    assert!(path.ends_with("/mail.png") && !page.body.contains("x.gif"), "{path}");
    assert!(page.body.contains("![Een \\[punt\\]](/images/"), "{}", page.body);
    // Whoever reads a mail is not signed in.
    let picture = app.browser().get(&path).await.expect("an answer");
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    assert_eq!(picture.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(picture.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    assert!(picture.header("cache-control").is_some_and(|value| value.contains("immutable")));
    let web = app.browser().get(&path.replace("mail.png", "web.png")).await.expect("an answer");
    assert_eq!(web.status, 200);
    for wrong in ["mail.gif", "mail.svg", "other.png", "mail", "..%2f..%2fx.png"] {
        let answer = app.browser().get(&path.replace("mail.png", wrong)).await.expect("an answer");
        assert_eq!(answer.status, 404, "{wrong}");
    }
    assert!(get(&browser, "/admin/images").await.body.contains(&path));
    app.stop().await;
});

both_dbs!(hostile_files_are_refused_with_their_reason, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    for (file, words) in [
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec(), "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0".to_vec(), "HEIC"),
        (b"<html><script>alert(1)</script>".to_vec(), "not a picture"),
        (GIF[..20].to_vec(), "damaged"),
        (vec![b'x'; 10 * 1024 * 1024 + 1], "larger than 10 MB"),
    ] {
        let answer = by_script(&browser, &file).await;
        assert!(matches!(answer.status, 413 | 422), "{}: {}", answer.status, answer.body);
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
    }
    let answer = by_script(&browser, GIF).await;
    assert!(answer.status == 200 && answer.body.contains("#1x1"), "{}", answer.body);
    app.stop().await;
});

both_dbs!(a_picture_needs_words_or_says_that_it_is_decoration, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let page = upload(&browser, &[("alt", " ")], "x.gif", GIF).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("id=\"alt-error\"") && !page.body.contains("id=\"file-error\""));
    let page = upload(&browser, &[("alt", ""), ("decorative", "on")], "x.gif", GIF).await;
    assert!(page.status == 200 && page.body.contains(",decorative)"), "{}", page.body);
    let page = upload(&browser, &[("alt", "Wat")], "x.gif", b"").await;
    assert!(
        page.status == 422 && page.body.contains("id=\"file-error\"") && page.body.contains("value=\"Wat\"")
    );
    app.stop().await;
});

both_dbs!(nobody_hands_in_a_picture_from_elsewhere, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let (media_type, body) = multipart(&[("alt", "x"), ("csrf", "geraden")], "x.gif", GIF);
    let answer =
        browser.send("POST", "/admin/images", Some((media_type, body.clone()))).await.expect("an answer");
    assert_eq!(answer.status, 403);
    let answer = browser
        .with_header("sec-fetch-site", "cross-site")
        .send("POST", "/admin/images", Some((media_type, body.clone())))
        .await
        .expect("an answer");
    assert_eq!(answer.status, 403);
    let answer =
        app.browser().send("POST", "/admin/images", Some((media_type, body))).await.expect("an answer");
    assert_eq!((answer.status, answer.location()), (303, "/admin/login"));
    assert!(!get(&browser, "/admin/images").await.body.contains("/images/0"));
    app.stop().await;
});
