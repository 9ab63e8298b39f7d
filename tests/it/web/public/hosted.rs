use std::time::Duration;

use postiljon::model::FieldKind;
use postiljon::store::forms;
use postiljon::subscriptions::forms::{FormInput, change_form};
use postiljon::subscriptions::show::dossier;

use crate::support::database::{both_dbs, execute, read};
use crate::support::people;
use crate::web::api::FormSite;

both_dbs!(a_link_fills_in_and_ticks_nothing, |store| {
    let site = FormSite::start(&store).await;
    let link = format!(
        "{}?email=jan%40example.org&name=Jan%22%3E%3Cb%3E&language=de&company=Meridiaan&size=7&role=buyer\
         &customer=yes&consent=yes&utm_source=poster&lang=en",
        site.page()
    );
    let page = site.site.browser.with_header("referer", "https://search.example/?q=x").get(&link).await;
    let page = page.expect("a page");
    assert_eq!(page.field("email").as_deref(), Some("jan@example.org"));
    assert_eq!(page.field("company").as_deref(), Some("Meridiaan"));
    assert_eq!(page.field("utm_source").as_deref(), Some("poster"));
    assert_eq!(page.field("referrer").as_deref(), Some("https://search.example/"));
    assert!(page.body.contains("<option value=\"buyer\" selected>") && page.body.contains("My company"));
    assert!(page.body.contains("<option value=\"de\" lang=\"de\" selected>"));
    assert!(!page.body.contains("checked") && !page.body.contains("<b>"));
    // The other languages keep what the link fills in.
    assert!(page.body.contains("email=jan%40example.org&#38;name="), "{}", page.body);
    site.site.app.stop().await;
});

both_dbs!(a_hosted_page_takes_answers_and_keeps_where_they_came_from, |store| {
    let site = FormSite::start(&store).await;
    let browser = site.site.app.browser();
    let page = browser.get(&format!("{}?utm_source=poster", site.page())).await.expect("a page");
    let stamp = page.field("stamp").expect("a stamp");
    site.site.app.clock.advance(Duration::from_secs(5));
    let fields = [
        ("email", "jan@example.org"),
        ("company", "Meridiaan"),
        ("consent", "yes"),
        ("shown_in", "nl"),
        ("utm_source", "poster"),
        ("stamp", stamp.as_str()),
    ];
    let subscribe = format!("{}/subscribe", site.page());
    let answer = browser.post(&subscribe, &fields).await.expect("an answer");
    assert_eq!(
        (answer.status, answer.location()),
        (303, format!("{}/check-inbox?lang=nl", site.page()).as_str())
    );
    assert_eq!(browser.get(answer.location()).await.expect("a page").status, 200);
    assert_eq!(browser.get(&subscribe).await.expect("an answer").location(), site.page());
    let found = dossier(&store, &people::address("jan@example.org")).await.expect("read").expect("known");
    let consent = &found.consents[0];
    assert_eq!((consent.source.as_str(), consent.utm.as_str()), ("page", "utm_source=poster"));
    assert_eq!(consent.page, format!("{}{}", site.site.app.url, site.page()));
    assert_eq!(found.answers[0].value, "Meridiaan");
    site.site.app.stop().await;
});

both_dbs!(a_form_leads_on_to_its_owners_page_and_to_no_other, |store| {
    let site = FormSite::start(&store).await;
    let input = FormInput {
        name: "Redirecting".into(),
        redirect_url: "https://www.company.example/thanks?from=form".into(),
        ..FormInput::default()
    };
    change_form(&store, &site.site.app.clock, site.form.id, 1, &input).await.expect("changed");
    let fields = [
        ("email", "jan@example.org"),
        ("consent", "yes"),
        ("redirect", "https://evil.example/"),
        ("redirect_url", "https://evil.example/"),
    ];
    let path = format!("{}/subscribe?redirect_url=https://evil.example/", site.page());
    let answer = site.site.browser.post(&path, &fields).await.expect("an answer");
    assert_eq!((answer.status, answer.location()), (303, "https://www.company.example/thanks?from=form"));
    // The browser holds the redirect of our own page against its policy too.
    let page = site.site.browser.get(&site.page()).await.expect("a page");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("form-action 'self' https://www.company.example;"), "{policy}");
    site.site.app.stop().await;
});

both_dbs!(a_form_with_mistakes_keeps_every_answer, |store| {
    let site = FormSite::start(&store).await;
    let fields = [
        ("email", "jan@"),
        ("company", "A company of a name that is too long"),
        ("size", "many"),
        ("since", "2020-01-31"),
        ("role", "buyer"),
        ("customer", "no"),
        ("shown_in", "fr"),
        ("utm_medium", "mail"),
    ];
    let answer =
        site.site.browser.post(&format!("{}/subscribe", site.page()), &fields).await.expect("an answer");
    assert_eq!(answer.status, 422);
    for (name, value) in fields.iter().filter(|(name, _)| !["role", "customer"].contains(name)) {
        assert_eq!(answer.field(name).as_deref(), Some(*value), "{name}");
    }
    assert!(answer.body.contains("<option value=\"buyer\" selected>"));
    assert!(answer.body.contains("value=\"no\" checked"));
    let twice = [("email", "a@example.org"), ("company", "a"), ("company", "b"), ("consent", "yes")];
    let twice =
        site.site.browser.post(&format!("{}/subscribe", site.page()), &twice).await.expect("an answer");
    assert!(twice.status == 422 && twice.body.contains("id=\"company-error\""));
    assert_eq!(FieldKind::ALL.len(), 5, "a new kind needs its place in this test");
    site.site.app.stop().await;
});

both_dbs!(the_page_names_the_script_of_the_proof_where_one_may_be_asked_for, |store| {
    let site = FormSite::start(&store).await;
    let newsletter = site.site.newsletter.id;
    let own = read!(store, |db| forms::default_of(db, newsletter)).public_id;
    for (path, id) in [("/n/insights".to_owned(), own), (site.page(), site.form.public_id)] {
        for (set, is_named) in [
            ("UPDATE forms SET proof_policy = 'auto'", true),
            ("UPDATE forms SET proof_policy = 'always'", true),
            ("UPDATE forms SET proof_policy = 'never'", false),
        ] {
            execute(&store, set).await;
            let page = site.site.browser.get(&path).await.expect("a page").body;
            let names = |text: &str| assert_eq!(page.contains(text), is_named, "{set}, {path}: {text}");
            names("<script src=\"/static/proof.js\" defer></script>");
            names(&format!("data-form=\"{id}\""));
            // A form with mistakes comes back with it.
            let again = site.site.browser.post(&format!("{path}/subscribe"), &[]).await.expect("a page");
            assert_eq!((again.status, again.body.contains("/static/proof.js")), (422, is_named));
        }
    }
    // Not where the desk shows the page, in a frame without scripts.
    execute(&store, "UPDATE forms SET proof_policy = 'always'").await;
    let framed = site.site.browser.with_header("sec-fetch-dest", "iframe").get("/n/insights").await;
    assert!(!framed.expect("a page").body.contains("<script"));
    // One piece of code for both, which is within a function of each.
    let script = async |name: &str| site.site.browser.get(name).await.expect("a script").body;
    for name in ["/static/proof.js", "/static/signup.js"] {
        let script = script(name).await;
        assert!(script.starts_with("(() => {\n") && script.ends_with("})();\n"), "{name}");
        assert_eq!(script.matches("async function solve(").count(), 1, "{name}");
    }
    assert_eq!(site.site.browser.get("/static/work.js").await.expect("an answer").status, 404);
    site.site.app.stop().await;
});
