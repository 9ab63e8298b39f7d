use std::time::Duration;

use postiljon::model::SubscriptionStatus::{Confirmed, Pending, Unsubscribed};

use super::Site;
use crate::support::database::both_dbs;

const MULTIPART: &str = "multipart/form-data; boundary=x";
const MULTIPART_BODY: &[u8] =
    b"--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";

both_dbs!(one_click_works_in_both_encodings_and_from_anywhere, |store| {
    let site = Site::start(&store).await;
    let bodies = [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click".to_vec()),
        (MULTIPART, MULTIPART_BODY.to_vec()),
        ("application/json", b"{".to_vec()),
    ];
    for (n, (media_type, body)) in (1..).zip(bodies) {
        let path = site.leave_path(&site.subscribed(&format!("p{n}@example.org")).await);
        let provider = site.app.browser().with_header("origin", "https://mail.example");
        for _ in 0..2 {
            let answer =
                provider.send("POST", &path, Some((media_type, body.clone()))).await.expect("an answer");
            assert_eq!(answer.status, 200);
            assert!(answer.header("location").is_none() && answer.header("set-cookie").is_none());
        }
        assert_eq!(site.states().await, [(Pending, 0), (Confirmed, 0), (Unsubscribed, n)]);
    }
    site.app.stop().await;
});

both_dbs!(looking_at_the_page_changes_nothing_and_a_forged_link_is_refused, |store| {
    let site = Site::start(&store).await;
    let path = site.leave_path(&site.subscribed("jan@example.org").await);
    for method in ["GET", "HEAD", "OPTIONS"] {
        site.browser.send(method, &path, None).await.expect("an answer");
    }
    let page = site.browser.get(&path).await.expect("an answer");
    assert!(page.body.contains("<button") && !page.body.contains("<script"));
    assert!(!page.body.contains("jan@example.org"), "the link may be forwarded");
    let forged = if path.ends_with('a') {
        format!("{}b", &path[..path.len() - 1])
    } else {
        format!("{}a", &path[..path.len() - 1])
    };
    for wrong in [forged.as_str(), "/unsubscribe/x", "/resubscribe/x"] {
        assert_eq!(site.browser.post(wrong, &[]).await.expect("an answer").status, 404, "{wrong}");
    }
    assert_eq!(site.states().await, [(Pending, 0), (Confirmed, 1), (Unsubscribed, 0)]);
    site.app.stop().await;
});

both_dbs!(the_goodbye_page_has_an_undo_that_works_for_an_hour, |store| {
    let site = Site::start(&store).await;
    let path = site.leave_path(&site.subscribed("jan@example.org").await);
    let left = site.browser.post(&path, &[]).await.expect("an answer");
    let at = left.body.find("/resubscribe/").expect("an undo");
    let undo = left.body[at..].split('"').next().expect("a link").to_owned();
    let back = site.browser.post(&undo, &[]).await.expect("an answer");
    assert!(back.status == 200 && back.body.contains("Fijn dat je blijft"));
    assert_eq!(site.states().await, [(Pending, 0), (Confirmed, 1), (Unsubscribed, 0)]);
    site.browser.post(&path, &[]).await.expect("an answer");
    site.app.clock.advance(Duration::from_secs(3601));
    assert_eq!(site.browser.post(&undo, &[]).await.expect("an answer").status, 410);
    let late = site.browser.get(&path).await.expect("an answer");
    assert!(late.status == 200 && !late.body.contains("/resubscribe/"));
    assert_eq!(site.browser.get(&undo).await.expect("an answer").status, 405);
    site.app.stop().await;
});
