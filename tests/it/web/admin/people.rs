//! People, invitations and the log, through real HTTP.

use postiljon::demo::browser::Browser;
use postiljon::keys::Purpose;
use postiljon::model::OutboxMail;

use super::{ADDRESS, PASSWORD, get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::both_dbs;
use crate::support::people::take_mails;
use crate::support::samples::newsletter;

const BO: &str = "bo@example.org";
const NEW: &str = "vier losse woorden hier";

/// The path in the mail to Bo.
async fn link(app: &TestApp) -> String {
    let mails = take_mails(&app.app.store, &app.clock).await;
    let is_link = |mail: &&OutboxMail| !mail.nonce.is_empty();
    let nonce = &mails.iter().find(is_link).expect("a mail with a link").nonce;
    format!("/admin/link/{}", app.app.keys.derive_token(Purpose::AccountLink, nonce))
}

async fn invite(browser: &Browser, fields: &[(&str, &str)]) -> postiljon::demo::browser::Answer {
    let form = [("address", BO), ("name", "Bo"), ("language", "en")];
    let form: Vec<_> = form.iter().chain(fields).copied().collect();
    post(browser, "/admin/people", &form).await
}

both_dbs!(somebody_is_invited_comes_works_and_is_shut_out, |store| {
    let app = TestApp::start(&store).await;
    let owner = signed_in(&app).await;
    for name in ["mine", "theirs"] {
        newsletter(&store, name).await;
    }
    let wrong = post(&owner, "/admin/people", &[("address", "bo"), ("name", "Bo"), ("language", "en")]).await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("id=\"address-error\"") && wrong.body.contains("value=\"bo\""),
        "{}",
        wrong.body
    );
    let nothing = invite(&owner, &[]).await;
    assert!(nothing.status == 422 && nothing.body.contains("id=\"role-error\""), "{}", nothing.body);
    let sent = invite(&owner, &[("role-1", "editor")]).await;
    assert_eq!((sent.status, sent.location()), (303, "/admin/people?done=invited"), "{}", sent.body);
    let page = get(&owner, "/admin/people").await.body;
    assert!(page.contains("Invited") && page.contains("Editor of MINE"), "{page}");
    let path = link(&app).await;
    let token = path.rsplit('/').next().expect("a token");
    for page in ["/admin/people", "/admin/people/2", "/admin/people/log"] {
        assert!(!get(&owner, page).await.body.contains(token), "no page shows a token");
    }

    let bo = app.browser();
    let form = get(&bo, &path).await;
    assert!(form.body.contains(BO) && form.header("referrer-policy") == Some("no-referrer"), "{}", form.body);
    get(&bo, &path).await;
    let weak = bo
        .post(&path, &[("name", "Bo J"), ("password", "kort"), ("language", "en")])
        .await
        .expect("an answer");
    assert!(
        weak.status == 422
            && weak.body.contains("value=\"Bo J\"")
            && weak.body.contains("id=\"password-error\"")
    );
    let elsewhere = bo.with_header("origin", "https://evil.example");
    let crossed = elsewhere.post(&path, &[("name", "Bo"), ("password", NEW)]).await.expect("an answer");
    assert_eq!(crossed.status, 403);
    let come =
        bo.post(&path, &[("name", "Bo J"), ("password", NEW), ("language", "en")]).await.expect("an answer");
    assert_eq!((come.status, come.location()), (303, "/admin"), "{}", come.body);
    let home = get(&bo, "/admin").await.body;
    assert!(home.contains("Bo J") && home.contains("MINE") && !home.contains("THEIRS"), "{home}");
    assert!(!home.contains("/admin/settings/relays") && home.contains("/admin/subscribers"), "{home}");
    let again = app.browser().get(&path).await.expect("an answer");
    assert!(again.status == 404 && again.body.contains("does not work any more"), "{}", again.body);

    // Another role counts at once.
    assert_eq!(bo.get("/admin/newsletters/2").await.expect("an answer").status, 404);
    let saved = post(&owner, "/admin/people/2", &[("role-all", "viewer")]).await;
    assert_eq!(saved.location(), "/admin/people/2?done=saved", "{}", saved.body);
    assert_eq!(bo.get("/admin/newsletters/2").await.expect("an answer").status, 200);
    assert_eq!(bo.get("/admin/subscribers").await.expect("an answer").status, 403);

    let gone = post(&owner, "/admin/people/2/disable", &[]).await;
    assert_eq!(gone.location(), "/admin/people/2?done=disabled");
    assert_eq!(bo.get("/admin").await.expect("an answer").location(), "/admin/login");
    assert!(get(&owner, "/admin/people").await.body.contains("Disabled"));
    post(&owner, "/admin/people/2/enable", &[]).await;
    let back = bo.post("/admin/login", &[("address", BO), ("password", NEW)]).await.expect("an answer");
    assert_eq!(back.location(), "/admin");
    assert_eq!(
        post(&owner, "/admin/people/2/remove", &[]).await.location(),
        "/admin/people?done=person-removed"
    );
    assert_eq!(owner.get("/admin/people/2").await.expect("an answer").status, 404);
    assert_eq!(bo.get("/admin").await.expect("an answer").location(), "/admin/login");
    app.stop().await;
});

both_dbs!(nobody_shuts_out_oneself_or_the_last_owner, |store| {
    let app = TestApp::start(&store).await;
    let owner = signed_in(&app).await;
    newsletter(&store, "mine").await;
    for way in ["disable", "remove"] {
        let refused = post(&owner, &format!("/admin/people/1/{way}"), &[]).await;
        assert!(
            refused.status == 422 && refused.body.contains("shut yourself out"),
            "{way}: {}",
            refused.body
        );
    }
    let refused = post(&owner, "/admin/people/1", &[("role-all", "editor")]).await;
    assert!(refused.status == 422 && refused.body.contains("must always remain"), "{}", refused.body);
    assert_eq!(get(&owner, "/admin/people").await.status, 200);
    let none = post(&owner, "/admin/people/99", &[("role-all", "editor")]).await;
    assert_eq!(none.status, 404);
    assert_eq!(post(&owner, "/admin/people/1/nonsense", &[]).await.status, 404);
    app.stop().await;
});

both_dbs!(the_log_tells_who_did_what_and_is_searched, |store| {
    let app = TestApp::start(&store).await;
    let owner = signed_in(&app).await;
    newsletter(&store, "mine").await;
    post(
        &owner,
        "/admin/articles",
        &[("title", "Bruggen"), ("language", "nl"), ("body", "Tekst."), ("do", "draft")],
    )
    .await;
    invite(&owner, &[("role-all", "viewer")]).await;
    invite(&owner, &[("role-1", "editor")]).await;
    let log = get(&owner, "/admin/people/log").await.body;
    for words in ["Invited a person: Viewer", "Invited a person: Editor, MINE"] {
        assert!(log.contains(words), "{words}: {log}");
    }
    for words in ["Added an article", "Invited a person", "Signed in", "Command line", "Article 1"] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert!(!log.contains(BO) && !log.contains(ADDRESS), "no address stands in it");
    let find = async |query: &str| get(&owner, &format!("/admin/people/log?{query}")).await.body;
    let articles = find("kind=article&object=1").await;
    assert!(articles.contains("Added an article") && !articles.contains("Signed in"), "{articles}");
    let hers = find("person=1").await;
    assert!(hers.contains("Signed in") && !hers.contains("Added a person"), "{hers}");
    let command = find("person=operator").await;
    assert!(command.contains("Added a person") && !command.contains("Signed in"), "{command}");
    assert!(find("until=2026-11-23").await.contains("nothing about this"));
    assert!(find("from=2026-11-24&until=2026-11-24").await.contains("Signed in"));
    for nonsense in ["kind=x&person=x&object=x&from=x&until=x&before=x", "object=99999999999999999999"] {
        assert!(find(nonsense).await.contains("Signed in"), "{nonsense}");
    }
    app.stop().await;
});

both_dbs!(the_log_turns_pages, |store| {
    let app = TestApp::start(&store).await;
    let owner = signed_in(&app).await;
    for _ in 0..60 {
        post(&owner, "/admin/account", &[("name", "An"), ("language", "en")]).await;
    }
    let first = get(&owner, "/admin/people/log?kind=person").await.body;
    let older = first.split("class=\"paging\"><a href=\"").nth(1).expect("a next page").split('"').next();
    let older = older.expect("an address").replace("&amp;", "&").replace("&#38;", "&");
    assert!(older.contains("kind=person"), "{older}");
    let second = get(&owner, &older).await.body;
    assert!(second.contains("Signed in") && !second.contains("class=\"paging\""), "{second}");
    app.stop().await;
});

both_dbs!(without_a_newsletter_nobody_is_invited_and_the_page_says_why, |store| {
    let app = TestApp::start(&store).await;
    let owner = signed_in(&app).await;
    assert!(get(&owner, "/admin/people").await.body.contains("Mails come in the name of a newsletter"));
    let refused = invite(&owner, &[("role-all", "viewer")]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(PASSWORD.len(), 27);
    app.stop().await;
});
