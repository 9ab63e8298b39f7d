use std::time::Duration;

use postiljon::demo::browser::Answer;
use postiljon::model::SubscriptionStatus::{Confirmed, Pending, Unsubscribed};
use postiljon::model::{DepartureReason, Language};
use postiljon::store::departures;

use super::Site;
use crate::support::database::{both_dbs, read};
use crate::support::people;

const DAY: Duration = Duration::from_secs(24 * 3600);
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

both_dbs!(a_request_that_was_withdrawn_is_not_asked_again_until_its_owner_wants_it, |store| {
    let site = Site::start(&store).await;
    let stranger = site.app.browser();
    site.sign_up(&stranger, "jan@example.org").await;
    let mail = site.mails().await.pop().expect("a mail");
    let left = site.browser.post(&site.leave_path(&mail), &[]).await.expect("an answer");
    assert!(
        left.status == 200 && left.body.contains("De komende 30 dagen krijg je geen mail"),
        "{}",
        left.body
    );
    // A day later the same stranger tries again: nobody can tell, and nothing comes.
    site.app.clock.advance(DAY);
    let inbox = "/n/insights/check-inbox?lang=nl";
    let asked = async |address: &str| {
        let browser = site.app.browser();
        let answer = site.sign_up(&browser, address).await;
        site.app.clock.advance(Duration::from_secs(60));
        let again = browser.post(inbox, &[]).await.expect("an answer");
        [face(&answer), face(&again)]
    };
    let known = asked("jan@example.org").await;
    assert_eq!(known[0].0, 303);
    assert!(site.mails().await.is_empty());
    assert_eq!(known, asked("els@example.org").await);
    assert_eq!(site.mails().await.len(), 2, "the mail and another");
    assert_eq!(site.states().await, [(Pending, 1), (Confirmed, 0), (Unsubscribed, 1)]);
    // Another newsletter is another question.
    people::newsletter(&store, "sister", Language::Dutch).await;
    let fields = [("email", "jan@example.org"), ("consent", "yes")];
    site.app.browser().post("/n/sister/subscribe", &fields).await.expect("an answer");
    assert_eq!(site.mails().await.len(), 1);
    // The owner thinks otherwise, behind the link of that mail. Looking at it does nothing.
    let page = site.browser.get(&site.leave_path(&mail)).await.expect("an answer").body;
    let undo = page.split("action=\"").find(|rest| rest.starts_with("/resubscribe/")).expect("an undo");
    let undo = undo.split('"').next().unwrap_or_default();
    assert_eq!(site.sign_up(&stranger, "jan@example.org").await.status, 303);
    assert!(site.mails().await.is_empty());
    for _ in 0..2 {
        let undone = site.browser.post(undo, &[]).await.expect("an answer");
        assert!(
            undone.status == 200 && undone.body.contains("href=\"/n/insights?lang=nl\""),
            "{}",
            undone.body
        );
    }
    site.app.clock.advance(Duration::from_secs(20 * 60));
    site.sign_up(&site.browser, "jan@example.org").await;
    let mail = site.mails().await.pop().expect("mail again");
    assert_eq!(site.browser.post(&site.confirm_path(&mail), &[]).await.expect("an answer").status, 303);
    // A reader who leaves may come back by the form.
    site.browser.post(&site.leave_path(&mail), &[]).await.expect("left");
    site.app.clock.advance(DAY);
    site.sign_up(&site.browser, "jan@example.org").await;
    assert_eq!(site.mails().await.len(), 1);
    site.app.stop().await;
});

both_dbs!(who_withdrew_a_request_is_asked_again_after_thirty_days, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "jan@example.org").await;
    let mail = site.mails().await.pop().expect("a mail");
    // By the mail program's button, twice: it is said once.
    for _ in 0..2 {
        site.browser.post(&site.leave_path(&mail), &[]).await.expect("an answer");
        site.app.clock.advance(10 * DAY);
    }
    site.app.clock.advance(9 * DAY);
    site.sign_up(&site.browser, "jan@example.org").await;
    assert!(site.mails().await.is_empty());
    site.app.clock.advance(DAY);
    site.sign_up(&site.browser, "jan@example.org").await;
    assert_eq!(site.mails().await.len(), 1);
    site.app.stop().await;
});

/// What a stranger sees of an answer.
fn face(answer: &Answer) -> (u16, String, Vec<String>, Vec<usize>) {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.len());
    let others = answer.headers.iter().filter(|(name, _)| !["date", "set-cookie"].contains(&name.as_str()));
    let mut others: Vec<_> = others.map(|(name, value)| format!("{name}: {value:?}")).collect();
    others.sort();
    (answer.status, answer.body.clone(), others, cookies.collect())
}

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

both_dbs!(a_reason_is_kept_once_changed_at_will_and_forgotten_with_the_undo, |store| {
    let site = Site::start(&store).await;
    let mail = site.subscribed("jan@example.org").await;
    let (path, id) = (site.leave_path(&mail), mail.subscription_id.expect("a subscription"));
    let why = format!("{path}/reason");
    let said = async || read!(store, |db| departures::of_subscription(db, id));
    // Not before leaving.
    let early = site.browser.post(&why, &[("reason", "too_many")]).await.expect("an answer");
    assert_eq!((early.status, said().await.is_none()), (303, true));
    let page = site.browser.get(&path).await.expect("an answer");
    assert!(page.body.contains("/preferences/"), "fewer mails are offered");
    let left = site.browser.post(&path, &[]).await.expect("an answer");
    assert!(left.body.contains(&format!("action=\"{why}?lang=nl\"")) && left.body.contains("/resubscribe/"));
    let empty = site.browser.post(&why, &[]).await.expect("an answer");
    assert!(empty.status == 422 && empty.body.contains("id=\"why-error\""));
    let long = "a".repeat(1_001);
    let too_long = [("reason", "other"), ("remark", long.as_str())];
    let too_long = site.browser.post(&why, &too_long).await.expect("an answer");
    assert!(too_long.status == 422 && too_long.body.contains(&long), "nothing is lost");
    assert!(said().await.is_none());
    for (reason, remark) in
        [("too_many", ""), ("too_many", ""), ("looks_bad", " <b>Klein</b>\r\nlettertje\u{7} ")]
    {
        let fields = [("reason", reason), ("remark", remark)];
        let answer = site.browser.post(&why, &fields).await.expect("an answer");
        assert_eq!((answer.status, answer.location()), (303, path.as_str()));
    }
    let kept = said().await.expect("a reason");
    assert_eq!((kept.reason, kept.remark.as_str()), (DepartureReason::LooksBad, "<b>Klein</b>\nlettertje"));
    let page = site.browser.get(&path).await.expect("an answer");
    assert!(page.body.contains("Dank je wel") && !page.body.contains("<b>Klein"));
    assert!(page.body.contains("value=\"looks_bad\" checked"));
    let words = [("remark", "Zomaar"), ("reason", "nonsense")];
    site.browser.post(&why, &words).await.expect("an answer");
    assert_eq!(said().await.expect("a reason").reason, DepartureReason::Other);
    assert_eq!(site.browser.get(&why).await.expect("an answer").location(), path);
    let at = left.body.find("/resubscribe/").expect("an undo");
    let undo = left.body[at..].split('"').next().expect("a link");
    assert_eq!(site.browser.post(undo, &[]).await.expect("an answer").status, 200);
    assert!(said().await.is_none());
    assert_eq!(
        site.browser.post("/unsubscribe/x/reason", &[("reason", "other")]).await.expect("an answer").status,
        404
    );
    site.app.stop().await;
});

both_dbs!(withdrawing_a_request_is_no_departure, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "jan@example.org").await;
    let mail = site.mails().await.pop().expect("a mail");
    let path = site.leave_path(&mail);
    let page = site.browser.get(&path).await.expect("an answer");
    assert!(page.body.contains("Aanvraag intrekken") && !page.body.contains("/preferences/"));
    // The header of the confirmation mail does what it says (D16).
    let one_click = Some(("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click".to_vec()));
    let answer = site.app.browser().send("POST", &path, one_click).await.expect("an answer");
    assert!(answer.status == 200 && answer.body.contains("De aanvraag is ingetrokken"));
    assert!(!answer.body.contains("/reason"));
    assert_eq!(site.states().await, [(Pending, 0), (Confirmed, 0), (Unsubscribed, 1)]);
    let confirm = site.browser.post(&site.confirm_path(&mail), &[]).await.expect("an answer");
    assert_eq!(confirm.status, 404, "the link of the mail is dead");
    site.browser.post(&format!("{path}/reason"), &[("reason", "other")]).await.expect("an answer");
    let id = mail.subscription_id.expect("a subscription");
    assert!(read!(store, |db| departures::of_subscription(db, id)).is_none());
    site.app.stop().await;
});
