use std::time::Duration;

use postiljon::model::{Language, SubscriptionStatus};
use postiljon::subscriptions::forms::archive_form;
use postiljon::subscriptions::show::dossier;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{FormSite, errors, post};
use crate::support::database::both_dbs;
use crate::support::forms::{self, WEBSITE};
use crate::support::people;

/// A sign-up that is right, as JSON.
fn good() -> Value {
    json!({
        "email": "jan@example.org", "consent": true, "language": "nl",
        "fields": {"company": "Meridiaan", "size": 12, "since": "2020-01-31", "role": "buyer", "customer": false},
    })
}

both_dbs!(a_sign_up_by_json_is_one_like_any_other, |store| {
    let site = FormSite::start(&store).await;
    let mut body = good();
    body["page"] = json!("https://www.company.example/contact?token=secret#form");
    body["referrer"] = json!("https://search.example/?q=secret");
    body["utm"] = json!({"utm_source": "poster", "utm_evil": "x"});
    body["language"] = json!("fr");
    let script = site.site.app.browser().with_header("origin", WEBSITE);
    let answer = post(&script, &site.api(), &body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let said: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert!(said["title"].is_string() && said["message"].is_string() && said["hint"].is_null());
    assert_eq!(site.site.mails().await.len(), 1);
    let found = dossier(&store, &people::address("jan@example.org")).await.expect("read").expect("known");
    let consent = &found.consents[0];
    assert_eq!((consent.source.as_str(), consent.language), ("script", Language::French));
    assert_eq!(consent.page, "https://www.company.example/contact");
    assert_eq!(
        (consent.referrer.as_str(), consent.utm.as_str()),
        ("https://search.example/", "utm_source=poster")
    );
    assert_eq!((consent.form_id, consent.form_version), (Some(site.form.id), Some(1)));
    let answers: Vec<_> = found.answers.iter().map(|answer| answer.value.as_str()).collect();
    assert_eq!(answers, ["Meridiaan", "12", "2020-01-31", "buyer", "no"]);
    site.site.app.stop().await;
});

both_dbs!(every_door_says_the_same_of_the_same_value, |store| {
    let site = FormSite::start(&store).await;
    let long_name = "x".repeat(121);
    // Field, what was typed, and the code; none: it is taken.
    let table: [(&str, &str, Option<&str>); 26] = [
        ("email", "", Some("address_empty")),
        ("email", "jan", Some("address_no_at")),
        ("email", "jan p@example.org", Some("address_local")),
        ("email", "jan@localhost", Some("address_domain")),
        ("email", "jan@example.org\r\nBcc: x@example.org", Some("address_no_at")),
        ("name", long_name.as_str(), Some("name_too_long")),
        ("name", "<script>alert(1)</script>", None),
        ("consent", "no", Some("consent_missing")),
        ("company", "", Some("required")),
        ("company", " \u{a0}\t", Some("required")),
        ("company", "123456789012345678901", Some("too_long")),
        ("company", "\"><img src=x>", None),
        ("size", "0", Some("too_small")),
        ("size", "501", Some("too_large")),
        ("size", "twelve", Some("not_a_number")),
        ("size", "12.5", Some("not_a_number")),
        ("size", " +12 ", None),
        ("since", "31-01-2020", Some("not_a_date")),
        ("since", "2020-02-30", Some("not_a_date")),
        ("since", "2020-02-29", None),
        ("role", "king", Some("not_an_option")),
        ("role", "editor\nbuyer", Some("not_an_option")),
        ("customer", "perhaps", Some("not_yes_or_no")),
        ("customer", "on", None),
        ("language", "xx", None),
        ("unknown", "x", None),
    ];
    for (field, value, code) in table {
        let what = format!("{field} = {value:?}");
        let set = |base: &str| -> Vec<(String, String)> {
            let pairs = [("email", base), ("name", ""), ("company", "Meridiaan"), ("consent", "yes")];
            let mut pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            pairs.retain(|(name, _)| name != field);
            pairs.push((field.to_owned(), value.to_owned()));
            pairs
        };
        let expected: Vec<_> = code.map(|code| (field.to_owned(), code.to_owned())).into_iter().collect();
        // The API.
        site.site.app.clock.advance(Duration::from_secs(3600));
        let pairs = set("api@example.org");
        let of =
            |name: &str| pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let own = ["company", "size", "since", "role", "customer", "unknown"];
        let fields: serde_json::Map<_, _> = pairs
            .iter()
            .filter(|(key, _)| own.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        let body = json!({
            "email": of("email"), "name": of("name"), "consent": of("consent") == "yes",
            "language": of("language"), "fields": fields,
        });
        let answer = post(&site.site.app.browser(), &site.api(), &body).await;
        let said = if answer.status == 202 { Vec::new() } else { errors(&answer) };
        assert_eq!(said, expected, "API: {what}");
        // The plain form, and our own page with its stamp.
        for stamped in [false, true] {
            site.site.app.clock.advance(Duration::from_secs(3600));
            let browser = site.site.app.browser();
            let mut pairs = set(if stamped { "page@example.org" } else { "plain@example.org" });
            if stamped {
                let page = browser.get(&site.page()).await.expect("a page");
                pairs.push(("stamp".to_owned(), page.field("stamp").expect("a stamp")));
                site.site.app.clock.advance(Duration::from_secs(5));
            }
            let pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let answer =
                browser.post(&format!("{}/subscribe", site.page()), &pairs).await.expect("an answer");
            if code.is_none() {
                assert_eq!(answer.status, 303, "stamped {stamped}: {what}");
                continue;
            }
            assert_eq!(answer.status, 422, "stamped {stamped}: {what}");
            assert!(answer.body.contains(&format!("id=\"{field}-error\"")), "stamped {stamped}: {what}");
            assert_eq!(answer.body.matches("class=\"error\"").count(), 1, "stamped {stamped}: {what}");
            assert!(!answer.body.contains("<img src=x>") && !answer.body.contains("<script>alert"));
        }
    }
    site.site.app.stop().await;
});

both_dbs!(what_is_no_json_sign_up_is_refused_with_its_code, |store| {
    let site = FormSite::start(&store).await;
    let json = serde_json::to_vec(&good()).expect("JSON");
    let large = vec![b' '; 100_000];
    for (media_type, body, status, code) in [
        ("text/plain", json.clone(), 415, "not_json_type"),
        ("application/x-www-form-urlencoded", json.clone(), 415, "not_json_type"),
        ("multipart/form-data; boundary=x", json.clone(), 415, "not_json_type"),
        ("application/json-patch+json", json.clone(), 415, "not_json_type"),
        ("", json.clone(), 415, "not_json_type"),
        ("application/json", b"{".to_vec(), 400, "not_json"),
        ("application/json", b"[]".to_vec(), 400, "not_json"),
        ("application/json", br#"{"email": 1}"#.to_vec(), 400, "not_json"),
        (
            "application/json",
            br#"{"email": "a@b.org", "fields": {"company": {"a": 1}}}"#.to_vec(),
            400,
            "not_json",
        ),
        ("application/json", vec![0xff, 0xfe], 400, "not_json"),
        ("application/json", large, 413, "too_large"),
    ] {
        let answer =
            site.site.browser.send("POST", &site.api(), Some((media_type, body))).await.expect("an answer");
        assert_eq!(
            (answer.status, errors(&answer)),
            (status, vec![(String::new(), code.to_owned())]),
            "{media_type}"
        );
    }
    let typed = "Application/JSON; charset=utf-8";
    let answer = site.site.browser.send("POST", &site.api(), Some((typed, json))).await.expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.body);
    let other = site.site.browser.send("DELETE", &site.api(), None).await.expect("an answer");
    assert_eq!((other.status, other.header("allow")), (405, Some("OPTIONS, POST")));
    site.site.app.stop().await;
});

both_dbs!(too_many_are_told_when_to_come_back, |store| {
    let site = FormSite::start(&store).await;
    let script = site.site.app.browser().with_header("origin", WEBSITE);
    let mut last = None;
    for n in 0..4 {
        let mut body = good();
        body["email"] = json!(format!("p{n}@example.org"));
        last = Some(post(&script, &site.api(), &body).await);
    }
    let last = last.expect("an answer");
    assert_eq!((last.status, last.header("retry-after")), (429, Some("60")));
    assert_eq!(last.header("access-control-expose-headers"), Some("Retry-After"));
    assert_eq!(errors(&last), [(String::new(), "too_many".to_owned())]);
    site.site.app.stop().await;
});

both_dbs!(the_answer_by_json_is_the_same_in_five_states, |store| {
    let site = FormSite::start(&store).await;
    site.site.sign_up(&site.site.browser, "pending@example.org").await;
    site.site.subscribed("confirmed@example.org").await;
    let mail = site.site.subscribed("left@example.org").await;
    site.site.browser.post(&site.site.leave_path(&mail), &[]).await.expect("left");
    let app = &site.site.app.app;
    let erased = people::address("erased@example.org");
    postiljon::subscriptions::erase::erase(&app.store, &app.clock, &app.keys, &erased).await.expect("erased");
    site.site.app.clock.advance(Duration::from_secs(24 * 3600));
    let mut answers = Vec::new();
    for name in ["new", "pending", "confirmed", "left", "erased"] {
        site.site.app.clock.advance(Duration::from_secs(3600));
        let mut body = good();
        body["email"] = json!(format!("{name}@example.org"));
        let answer = post(&site.site.app.browser(), &site.api(), &body).await;
        let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
        let mut headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
        headers.sort();
        answers.push((answer.status, answer.body, headers));
    }
    assert_eq!(answers[0].0, 202);
    for other in &answers[1..] {
        assert_eq!(&answers[0], other);
    }
    site.site.app.stop().await;
});

both_dbs!(an_id_opens_its_own_form_and_an_archived_one_none_whatever_the_door, |store| {
    let site = FormSite::start(&store).await;
    let other = people::newsletter(&store, "sister", Language::English).await;
    let foreign = forms::form(&store, &site.site.app.clock, other.id, &[]).await;
    let archived = forms::form(&store, &site.site.app.clock, site.site.newsletter.id, &[]).await;
    archive_form(&store, &site.site.app.clock, archived.id, true).await.expect("archived");
    let unknown = Uuid::from_u128(0x0190_a5b0_0000_7000_8000_0000_0000_0001).to_string();
    let upper = site.form.public_id.to_string().to_uppercase();
    let simple = site.form.public_id.simple().to_string();
    let archived = archived.public_id.to_string();
    let number = site.form.id.to_string();
    for id in
        [archived.as_str(), &unknown, &upper, &simple, &number, "insights", "0", "..%2fn%2finsights", "%00"]
    {
        site.site.app.clock.advance(Duration::from_secs(3600));
        let browser = site.site.app.browser();
        let form = [("email", "jan@example.org"), ("company", "x"), ("consent", "yes")];
        let plain = browser.post(&format!("/f/{id}/subscribe"), &form).await.expect("an answer");
        let json = post(&browser, &format!("/api/forms/{id}/signups"), &good()).await;
        let mut seen = vec![plain.status, json.status];
        for path in [
            format!("/f/{id}"),
            format!("/f/{id}/check-inbox"),
            format!("/f/{id}/subscribe"),
            format!("/api/forms/{id}"),
        ] {
            seen.push(browser.get(&path).await.expect("an answer").status);
        }
        assert_eq!(seen, [404; 6], "{id}");
    }
    assert!(site.site.mails().await.is_empty());
    // The form of another newsletter subscribes to that one, and asks what that one asks.
    let browser = site.site.app.browser();
    let answer = post(&browser, &format!("/api/forms/{}/signups", foreign.public_id), &good()).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let found = dossier(&store, &people::address("jan@example.org")).await.expect("read").expect("known");
    let [subscription] = found.subscriptions.as_slice() else { panic!("one subscription") };
    assert_eq!((subscription.newsletter_id, subscription.status), (other.id, SubscriptionStatus::Pending));
    assert!(found.answers.is_empty());
    site.site.app.stop().await;
});
