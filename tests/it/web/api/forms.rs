use serde_json::Value;

use super::FormSite;
use crate::support::database::both_dbs;
use crate::support::forms::WEBSITE;

both_dbs!(a_form_says_what_it_asks_in_the_asked_language, |store| {
    let site = FormSite::start(&store).await;
    let path = format!("/api/forms/{}?language=en", site.form.public_id);
    let answer = site.site.browser.get(&path).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let form: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((&form["language"], &form["version"]), (&"en".into(), &1.into()));
    assert!(form["consent"].as_str().is_some_and(|words| words.starts_with("Yes")));
    let keys: Vec<_> = form["fields"].as_array().expect("fields").iter().map(|field| &field["key"]).collect();
    assert_eq!(keys, ["company", "size", "since", "role", "customer"]);
    assert_eq!(
        (&form["fields"][0]["label"], &form["fields"][0]["required"]),
        (&"My company".into(), &true.into())
    );
    assert_eq!(form["fields"][3]["options"][1]["value"], "buyer");
    assert!(form["stamp"].as_str().is_some_and(|stamp| stamp.contains('.')));
    assert!(answer.header("set-cookie").is_none());
    site.site.app.stop().await;
});

both_dbs!(only_the_websites_of_the_form_may_call_it_by_script, |store| {
    let site = FormSite::start(&store).await;
    let own = site.site.app.url.clone();
    let table = [
        (Some(WEBSITE), true),
        (Some("http://localhost:8080"), true),
        (Some(own.as_str()), true),
        (Some("https://company.example"), false),
        (Some("http://www.company.example"), false),
        (Some("https://www.company.example:8443"), false),
        (Some("https://www.company.example.evil.example"), false),
        (Some("https://WWW.company.example"), false),
        (Some("null"), false),
        (Some("*"), false),
        (Some(""), false),
        (None, true),
    ];
    let describe = format!("/api/forms/{}", site.form.public_id);
    for (origin, is_allowed) in table {
        let browser = match origin {
            Some(origin) => site.site.app.browser().with_header("origin", origin),
            None => site.site.app.browser(),
        };
        let body = Some(("application/json", b"{}".to_vec()));
        for (method, path, body, good) in [
            ("OPTIONS", site.api(), None, 204),
            ("OPTIONS", describe.clone(), None, 204),
            ("GET", describe.clone(), None, 200),
            // An empty sign-up: past the door, and refused for what it lacks.
            ("POST", site.api(), body, 422),
        ] {
            site.site.app.clock.advance(std::time::Duration::from_secs(3600));
            let answer = browser.send(method, &path, body).await.expect("an answer");
            let what = format!("{method} {path} from {origin:?}: {}", answer.body);
            assert_eq!(answer.status, if is_allowed { good } else { 403 }, "{what}");
            let named = answer.header("access-control-allow-origin");
            assert_eq!(named, origin.filter(|_| is_allowed), "{what}");
            assert!(answer.headers.get_all("vary").iter().any(|value| value == "Origin"), "{what}");
            assert!(answer.header("access-control-allow-credentials").is_none(), "{what}");
            assert!(answer.header("set-cookie").is_none(), "{what}");
            if method == "OPTIONS" && is_allowed {
                assert_eq!(answer.header("access-control-allow-headers"), Some("content-type"));
                assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST"));
            }
        }
    }
    site.site.app.stop().await;
});

both_dbs!(the_script_is_small_and_needs_nothing_that_a_strict_policy_forbids, |store| {
    use std::io::Write;
    let site = FormSite::start(&store).await;
    let script = site.site.browser.get("/static/signup.js").await.expect("an answer");
    assert_eq!((script.status, script.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(script.body.as_bytes()).expect("written");
    let octets = gzip.finish().expect("packed").len();
    assert!(octets <= 6 * 1024, "{octets} octets");
    for forbidden in [
        "eval(",
        "new Function",
        "cookie =",
        ".cookie",
        "localStorage",
        "setAttribute(\"style",
        ".style",
        "innerHTML",
        "document.write",
    ] {
        assert!(!script.body.contains(forbidden), "{forbidden}");
    }
    site.site.app.stop().await;
});
