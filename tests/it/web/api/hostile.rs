//! What nobody well-meaning sends to the API: the table of the page's form, and what only JSON can say.

use std::time::Duration;

use postiljon::demo::browser::Answer;
use postiljon::subscriptions::show::dossier;
use postiljon::subscriptions::stamp::stamp;
use serde_json::{Value, json};

use super::{FormSite, errors, post};
use crate::support::database::both_dbs;
use crate::support::people::address;
use crate::web::public::hostile::{Answer as Expected, FIELDS};

/// What a body is, the body, the status of the answer, and field and code of each error.
type Row = (&'static str, Vec<u8>, u16, &'static [(&'static str, &'static str)]);

/// A sign-up that is right: all that the form insists on.
fn good() -> Value {
    json!({
        "email": "good@example.org", "name": "Jan", "language": "nl", "shown_in": "nl", "consent": true,
        "website": "", "fields": {"company": "Meridiaan"},
    })
}

/// An hour later, beyond the limits of a network in an hour, and with a stamp of five seconds ago.
fn fresh(site: &FormSite, mut body: Value) -> Value {
    let app = &site.site.app;
    app.clock.advance(Duration::from_secs(3601));
    body["stamp"] = json!(stamp(&app.app.keys, app.clock.now()));
    app.clock.advance(Duration::from_secs(5));
    body
}

async fn send(site: &FormSite, body: Vec<u8>) -> Answer {
    site.site.app.clock.advance(Duration::from_secs(3601));
    let sent = Some(("application/json", body));
    site.site.app.browser().send("POST", &site.api(), sent).await.expect("an answer")
}

async fn is_known(site: &FormSite, at: &str) -> bool {
    dossier(&site.site.app.app.store, &address(at)).await.expect("read").is_some()
}

both_dbs!(a_hostile_field_gets_the_same_answer_by_json_as_on_the_page, |store| {
    let site = FormSite::start(&store).await;
    let taken = post(&site.site.app.browser(), &site.api(), &fresh(&site, good())).await;
    assert_eq!(taken.status, 202, "{}", taken.body);
    for (field, value, expected) in FIELDS {
        let mut body = fresh(&site, good());
        // A box is ticked or not: words for it are the plain form's.
        body[*field] = if *field == "consent" { json!(false) } else { json!(value) };
        let answer = post(&site.site.app.browser(), &site.api(), &body).await;
        let case = format!("{field}={value:?}: {} {}", answer.status, answer.body);
        match expected {
            Expected::Taken(at) => {
                assert_eq!(answer.status, 202, "{case}");
                assert!(is_known(&site, at).await, "{case}");
            }
            // A program that fills in every field learns nothing from the answer.
            Expected::Dropped => assert_eq!((answer.status, &answer.body), (202, &taken.body), "{case}"),
            Expected::Mistake(fields) => {
                assert_eq!(answer.status, 422, "{case}");
                let said: Vec<_> = errors(&answer).into_iter().map(|(field, _)| field).collect();
                assert_eq!(said, *fields, "{case}");
            }
            Expected::Notice | Expected::Page(_) => unreachable!("not of a field: {case}"),
        }
        assert!(!answer.body.contains("<script>") && !answer.body.contains("victim"), "{case}");
        assert!(answer.headers.iter().all(|(name, _)| *name != "bcc"), "{case}");
    }
    for at in ["victim@example.org", "piet@example.org"] {
        assert!(!is_known(&site, at).await, "{at}");
    }
    let person = dossier(&store, &address("good@example.org")).await.expect("read").expect("known");
    assert!(!person.subscriber.name.chars().any(char::is_control), "{:?}", person.subscriber.name);
    site.site.app.stop().await;
});

both_dbs!(a_hostile_body_gets_its_answer_and_breaks_nothing, |store| {
    let site = FormSite::start(&store).await;
    let nested = |open: &str, close: &str, depth: usize| {
        format!(
            "{{\"email\":\"a@example.org\",\"fields\":{{\"company\":{}1{}}}}}",
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    let many = |name: &str, count: usize| {
        let entries: Vec<_> = (0..count).map(|n| format!("\"f{n}\":\"x\"")).collect();
        format!("{{\"email\":\"a@example.org\",\"{name}\":{{{}}}}}", entries.join(","))
    };
    let of = |text: &str| text.as_bytes().to_vec();
    let rows: Vec<Row> = vec![
        ("nothing", of(""), 400, &[("", "not_json")]),
        ("spaces", of(" \n\t"), 400, &[("", "not_json")]),
        ("null", of("null"), 400, &[("", "not_json")]),
        ("a number", of("1"), 400, &[("", "not_json")]),
        ("a text", of("\"email\""), 400, &[("", "not_json")]),
        ("a list of values", of("[\"a@example.org\",\"Jan\",\"nl\",\"nl\",true]"), 400, &[("", "not_json")]),
        ("a list of objects", of("[{\"email\":\"a@example.org\"}]"), 400, &[("", "not_json")]),
        ("two objects", of("{}{}"), 400, &[("", "not_json")]),
        ("something behind", of("{} x"), 400, &[("", "not_json")]),
        ("a comma too many", of("{\"email\":\"a@example.org\",}"), 400, &[("", "not_json")]),
        ("single quotes", of("{'email':'a@example.org'}"), 400, &[("", "not_json")]),
        ("a comment", of("{/*x*/\"email\":\"a@example.org\"}"), 400, &[("", "not_json")]),
        ("a mark of byte order", of("\u{feff}{}"), 400, &[("", "not_json")]),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).collect(), 400, &[("", "not_json")]),
        ("half a pair", of("{\"email\":\"\\ud800@example.org\"}"), 400, &[("", "not_json")]),
        ("no UTF-8", b"{\"email\":\"\xff@example.org\"}".to_vec(), 400, &[("", "not_json")]),
        (
            "a naked line break",
            of("{\"email\":\"a@example.org\nBcc: b@example.org\"}"),
            400,
            &[("", "not_json")],
        ),
        ("a naked NUL", of("{\"email\":\"a\0@example.org\"}"), 400, &[("", "not_json")]),
        (
            "an address that is a list",
            of("{\"email\":[\"a@example.org\",\"b@example.org\"]}"),
            400,
            &[("", "not_json")],
        ),
        ("an address that is an object", of("{\"email\":{\"$ne\":\"\"}}"), 400, &[("", "not_json")]),
        ("an address that is null", of("{\"email\":null}"), 400, &[("", "not_json")]),
        ("a name that is a number", of("{\"email\":\"a@example.org\",\"name\":7}"), 400, &[("", "not_json")]),
        (
            "a consent in words",
            of("{\"email\":\"a@example.org\",\"consent\":\"yes\"}"),
            400,
            &[("", "not_json")],
        ),
        ("a consent that is 1", of("{\"email\":\"a@example.org\",\"consent\":1}"), 400, &[("", "not_json")]),
        (
            "a consent that is null",
            of("{\"email\":\"a@example.org\",\"consent\":null}"),
            400,
            &[("", "not_json")],
        ),
        (
            "fields that are a list",
            of("{\"email\":\"a@example.org\",\"fields\":[\"company\"]}"),
            400,
            &[("", "not_json")],
        ),
        (
            "fields that are a text",
            of("{\"email\":\"a@example.org\",\"fields\":\"company\"}"),
            400,
            &[("", "not_json")],
        ),
        (
            "a campaign of numbers",
            of("{\"email\":\"a@example.org\",\"utm\":{\"utm_source\":1}}"),
            400,
            &[("", "not_json")],
        ),
        (
            "an address twice",
            of("{\"email\":\"a@example.org\",\"email\":\"b@example.org\",\"consent\":true}"),
            400,
            &[("", "not_json")],
        ),
        (
            "a consent twice",
            of("{\"email\":\"a@example.org\",\"consent\":false,\"consent\":true}"),
            400,
            &[("", "not_json")],
        ),
        (
            "an answer twice",
            of("{\"email\":\"a@example.org\",\"fields\":{\"size\":1,\"size\":2}}"),
            400,
            &[("", "not_json")],
        ),
        (
            "a campaign twice",
            of("{\"utm\":{\"utm_source\":\"a\",\"utm_source\":\"b\"}}"),
            400,
            &[("", "not_json")],
        ),
        ("an answer that is a list", of(&nested("[", "]", 1)), 400, &[("", "not_json")]),
        ("an answer 20,000 lists deep", of(&nested("[", "]", 20_000)), 400, &[("", "not_json")]),
        ("an answer 9,000 objects deep", of(&nested("{\"a\":", "}", 9_000)), 400, &[("", "not_json")]),
        ("a number beyond all bounds", of("{\"fields\":{\"size\":1e999}}"), 400, &[("", "not_json")]),
        ("more answers than any form asks", of(&many("fields", 201)), 413, &[("", "too_large")]),
        ("more of a campaign than there is", of(&many("utm", 201)), 413, &[("", "too_large")]),
        ("too long", vec![b' '; 64 * 1024 + 1], 413, &[("", "too_large")]),
        (
            "a name that fills it",
            of(&format!("{{\"name\":\"{}\"}}", "x".repeat(65_000))),
            422,
            &[
                ("email", "address_empty"),
                ("name", "name_too_long"),
                ("company", "required"),
                ("consent", "consent_missing"),
            ],
        ),
        (
            "an empty object",
            of("{}"),
            422,
            &[("email", "address_empty"), ("company", "required"), ("consent", "consent_missing")],
        ),
        (
            "a header in the address",
            of(
                "{\"email\":\"a@example.org\\r\\nBcc: b@example.org\",\"consent\":true,\"fields\":{\"company\":\"x\"}}",
            ),
            422,
            &[("email", "address_no_at")],
        ),
        (
            "answers of other kinds",
            of(
                "{\"email\":\"a@example.org\",\"consent\":true,\"fields\":{\"company\":\"\\u0000\\r\\n\",\"size\":12.5,\"role\":7,\"since\":20200131,\"customer\":2}}",
            ),
            422,
            &[
                ("company", "required"),
                ("size", "not_a_number"),
                ("since", "not_a_date"),
                ("role", "not_an_option"),
                ("customer", "not_yes_or_no"),
            ],
        ),
    ];
    for (what, body, status, expected) in rows {
        let answer = send(&site, body).await;
        let expected: Vec<_> =
            expected.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect();
        assert_eq!((answer.status, errors(&answer)), (status, expected), "{what}: {}", answer.body);
    }
    // Nothing was sent to anybody, and the service is well.
    assert!(site.site.mails().await.is_empty());
    for at in ["a@example.org", "b@example.org"] {
        assert!(!is_known(&site, at).await, "{at}");
    }
    // What is new to us is left alone, however deep it is; what is dangerous in a text is only text.
    let mut odd = fresh(&site, good());
    odd["name"] = json!("Jan\r\nBcc: b@example.org\0\u{202e}");
    odd["__proto__"] = json!({"consent": true});
    odd["fields"]["company"] = json!("x\r\nSubject: y");
    odd["page"] = json!("javascript:alert(1)");
    odd["referrer"] = json!("https://example.org/\r\nX: y");
    odd["utm"] = json!({"utm_source": "<b>\r\n"});
    let odd = serde_json::to_string(&odd).expect("JSON");
    let deep = format!("{{\"new\":{}{},{}", "[".repeat(5_000), "]".repeat(5_000), &odd[1..]);
    let (browser, sent) = (site.site.app.browser(), Some(("application/json", deep.into_bytes())));
    let answer = browser.send("POST", &site.api(), sent).await.expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.body);
    let person = dossier(&store, &address("good@example.org")).await.expect("read").expect("known");
    let consent = &person.consents[0];
    for text in
        [&person.subscriber.name, &person.answers[0].value, &consent.page, &consent.referrer, &consent.utm]
    {
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    assert_eq!(person.answers[0].value, "x Subject: y");
    assert!(!consent.page.starts_with("javascript:"), "{}", consent.page);
    assert_eq!(site.site.mails().await.len(), 1);
    site.site.app.stop().await;
});
