use std::num::NonZeroU32;

use postiljon::dns::Dns;
use postiljon::model::{DkimKeyState, NamedRelay, RelayId, UncertainPolicy};
use postiljon::publishing::newsletters::{SendingInput, set_sending};
use postiljon::store::{dkim_keys, relays};

use super::{get, post, signed_in};
use crate::mail::smtp::settings;
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, read};
use crate::support::dns_server::{DnsServer, Says};
use crate::support::samples::newsletter;
use crate::support::smtp_server::{Options, SmtpServer};

const LIST: &str = "/admin/settings/relays";

both_dbs!(a_relay_is_added_tested_changed_and_removed_at_the_desk, |store| {
    let app = TestApp::start(&store).await;
    let server = SmtpServer::start(Options { auth: true, ..Options::default() }).await;
    let browser = signed_in(&app).await;
    let empty = get(&browser, LIST).await.body;
    assert!(empty.contains("There is no relay yet") && empty.contains(&format!("{LIST}/new")), "{empty}");
    let port = server.addr.port().to_string();
    let mut fields = vec![
        ("name", "Fast!"),
        ("host", "localhost"),
        ("port", &port),
        ("tls", "none"),
        ("username", "user"),
    ];
    fields.push(("password", "secret"));
    let refused = post(&browser, LIST, &fields).await;
    assert!(refused.status == 422 && refused.body.contains("id=\"name-error\""), "{}", refused.body);
    assert!(refused.field("kept_password").is_some() && !refused.body.contains("\"secret\""));
    fields[0] = ("name", "fast");
    let added = post(&browser, LIST, &fields).await;
    assert_eq!(added.location(), format!("{LIST}?done=relay-added&relay=fast"));
    let list = get(&browser, LIST).await.body;
    assert!(list.contains(&format!("localhost:{port} · no encryption · user")), "{list}");
    let tested = post(&browser, &format!("{LIST}/test"), &[("name", "fast")]).await;
    assert!(tested.status == 200 && tested.body.contains("fast works"), "{}", tested.body);
    assert_eq!(post(&browser, &format!("{LIST}/test"), &[("name", "nobody")]).await.status, 422);

    let page = get(&browser, &format!("{LIST}/1")).await;
    assert!(page.body.contains("A password is stored") && !page.body.contains("\"secret\""));
    let change = [
        ("version", "1"),
        ("host", "localhost"),
        ("port", &port),
        ("tls", "none"),
        ("username", "user"),
        ("weight", "5"),
    ];
    assert_eq!(post(&browser, &format!("{LIST}/1"), &change).await.status, 303);
    let late = post(&browser, &format!("{LIST}/1"), &change).await;
    assert!(late.status == 422 && late.body.contains("Somebody else has changed this"), "{}", late.body);
    let fresh = [
        ("version", "2"),
        ("do", "test"),
        ("host", "localhost"),
        ("port", "1"),
        ("tls", "none"),
        ("username", "user"),
    ];
    let tested = post(&browser, &format!("{LIST}/1"), &fresh).await;
    assert!(tested.status == 200 && tested.body.contains("nobody listens on port 1"), "{}", tested.body);

    let letter = newsletter(&store, "insights").await;
    let wish =
        SendingInput { relay: "fast".into(), mails_per_hour: None, on_uncertain: UncertainPolicy::Resend };
    set_sending(&store, letter.id, None, &wish).await.expect("set");
    assert!(get(&browser, &format!("{LIST}/1")).await.body.contains("INSIGHTS prefers this"));
    let removed = post(&browser, &format!("{LIST}/1/remove"), &[]).await;
    assert_eq!(removed.location(), format!("{LIST}?done=relay-removed"));
    assert!(read!(store, |db| relays::by_id(db, RelayId(1))).is_none());
    assert_eq!(browser.get(&format!("{LIST}/1")).await.expect("an answer").status, 404);
    app.stop().await;
});

both_dbs!(a_relay_of_the_configuration_is_shown_and_not_changed, |store| {
    let app = TestApp::start(&store).await;
    let server = SmtpServer::start(Options::default()).await;
    let mut configured = settings(server.addr);
    configured.mails_per_hour = NonZeroU32::new(2000);
    app.app.relays.replace(vec![NamedRelay { name: "main".into(), weight: 0, settings: configured }]);
    let browser = signed_in(&app).await;
    let list = get(&browser, LIST).await.body;
    assert!(list.contains("configuration file") && list.contains("reserve"), "{list}");
    assert!(!list.contains(&format!("href=\"{LIST}/1\"")));
    let tested = post(&browser, &format!("{LIST}/test"), &[("name", "main")]).await;
    assert!(tested.body.contains("main works"), "{}", tested.body);
    newsletter(&store, "insights").await;
    let saved =
        post(&browser, "/admin/newsletters/1/sending", &[("relay", "main"), ("on_uncertain", "resend")])
            .await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert!(!get(&browser, "/admin").await.body.contains("There is no relay yet"));
    app.stop().await;
});

const DOMAINS: &str = "/admin/settings/domains";
const DOMAIN: &str = "/admin/settings/domains/meridiaan.example";

both_dbs!(a_key_is_made_checked_changed_and_removed_at_the_desk, |store| {
    let server = DnsServer::start([]).await;
    let app = TestApp::start_asking(&store, Dns::at(server.address)).await;
    let browser = signed_in(&app).await;
    let empty = get(&browser, DOMAINS).await.body;
    assert!(empty.contains("There is no sender yet"), "{empty}");
    assert_eq!(browser.get(DOMAIN).await.expect("an answer").status, 404);
    newsletter(&store, "insights").await;
    let list = get(&browser, DOMAINS).await.body;
    assert!(list.contains("meridiaan.example") && list.contains("INSIGHTS"), "{list}");
    assert!(list.contains("not signed here"), "{list}");

    let refused = post(&browser, DOMAINS, &[("domain", "nowhere")]).await;
    assert!(refused.status == 422 && refused.body.contains("id=\"domain-error\""), "{}", refused.body);
    let made = post(&browser, DOMAINS, &[("domain", "meridiaan.example")]).await;
    assert_eq!(made.location(), format!("{DOMAIN}?done=domain-key-made"));
    let key = read!(store, |db| dkim_keys::all(db)).remove(0);
    let name = format!("{}._domainkey.meridiaan.example", key.selector);
    let page = get(&browser, DOMAIN).await.body;
    // The value as one line, and in the strings of a zone file.
    assert!(page.contains(&key.record) && page.contains(&name) && page.contains("IN TXT ("), "{page}");
    assert!(page.contains("waits for DNS") && page.contains("v=spf1 mx ~all"), "{page}");
    assert!(page.contains("v=DMARC1; p=none; rua=mailto:postmaster@meridiaan.example"), "{page}");
    assert!(!page.contains("DNS now:"), "nothing is asked before somebody wants to know");

    let checked = post(&browser, &format!("{DOMAIN}/check"), &[]).await;
    assert_eq!(checked.status, 200);
    assert_eq!(checked.body.matches(">missing<").count(), 3, "{}", checked.body);
    assert_eq!(state(&store).await, [DkimKeyState::Waiting]);
    server.say(&name, Says::Txt(vec!["v=DKIM1; p=<b>".into()]));
    let checked = post(&browser, &format!("{DOMAIN}/check"), &[]).await.body;
    assert!(checked.contains(">different<") && !checked.contains("<b>"), "{checked}");
    server.say(&name, Says::Txt(vec![key.record.clone()]));
    server.say("meridiaan.example", Says::Txt(vec!["v=spf1 include:_spf.example -all".into()]));
    let checked = post(&browser, &format!("{DOMAIN}/check"), &[]).await.body;
    assert!(checked.contains("signs from now on") && checked.contains("include:_spf.example"), "{checked}");
    assert_eq!(state(&store).await, [DkimKeyState::Signing]);
    assert!(get(&browser, DOMAINS).await.body.contains(&format!("signed with {}", key.selector)));

    // Another takes its place; the old one goes.
    let keys = format!("{DOMAIN}/keys");
    let wrong = post(&browser, &keys, &[("algorithm", "rsa"), ("selector", "a b")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("value=\"a b\""), "{}", wrong.body);
    let second = post(&browser, &keys, &[("algorithm", "rsa"), ("selector", "next")]).await;
    assert_eq!(second.status, 303, "{}", second.body);
    let button = async |id: i64, act: &str| post(&browser, &format!("{keys}/{id}"), &[("do", act)]).await;
    assert_eq!(button(1, "remove").await.status, 422, "it signs");
    assert_eq!(button(2, "begin").await.location(), format!("{DOMAIN}?done=domain-key-began"));
    assert_eq!(state(&store).await, [DkimKeyState::Signing, DkimKeyState::Retired]);
    assert_eq!(button(1, "remove").await.location(), format!("{DOMAIN}?done=domain-key-removed"));
    assert_eq!(button(2, "retire").await.location(), format!("{DOMAIN}?done=domain-key-retired"));
    assert_eq!(button(2, "sing").await.status, 400);
    assert_eq!(button(1, "begin").await.status, 404);
    let elsewhere = format!("{DOMAINS}/other.example/keys/2");
    assert_eq!(post(&browser, &elsewhere, &[("do", "remove")]).await.status, 404);
    // A reload, or another language, leads back to the page.
    let again = browser.get(&format!("{DOMAIN}/check")).await.expect("an answer");
    assert_eq!((again.status, again.location()), (303, DOMAIN));
    app.stop().await;
});

async fn state(store: &postiljon::store::Store) -> Vec<DkimKeyState> {
    read!(store, |db| dkim_keys::all(db)).into_iter().map(|key| key.state).collect()
}

both_dbs!(a_check_without_an_answer_says_so_and_begins_nothing, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    post(&browser, DOMAINS, &[("domain", "meridiaan.example")]).await;
    let checked = post(&browser, &format!("{DOMAIN}/check"), &[]).await;
    assert_eq!(checked.body.matches(">no answer<").count(), 3, "{}", checked.body);
    assert_eq!(state(&store).await, [DkimKeyState::Waiting]);
    // Who knows better need not wait; and the last key of a domain that nobody uses takes its page along.
    let begun = post(&browser, &format!("{DOMAIN}/keys/1"), &[("do", "begin")]).await;
    assert_eq!(begun.status, 303);
    post(&browser, DOMAINS, &[("domain", "Unused.example")]).await;
    let gone = post(&browser, &format!("{DOMAINS}/unused.example/keys/2"), &[("do", "remove")]).await;
    assert_eq!(gone.location(), format!("{DOMAINS}?done=domain-key-removed"));
    app.stop().await;
});

const RETENTION: &str = "/admin/settings/retention";

both_dbs!(a_period_is_set_and_put_back_at_the_desk, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    newsletter(&store, "insights").await;
    let page = get(&browser, RETENTION).await.body;
    assert!(page.contains("It has not run yet") && page.contains("name=\"days\" value=\"1095\""), "{page}");
    // Ninety days before 24 November 2026.
    assert!(page.contains("from before 26 August 2026") && !page.contains("Set here"), "{page}");
    let set = async |fields: &[(&str, &str)]| post(&browser, RETENTION, fields).await;
    let longer = set(&[("period", "replies"), ("days", "120")]).await;
    assert_eq!(longer.location(), format!("{RETENTION}?done=saved#replies"));
    let page = get(&browser, RETENTION).await.body;
    assert!(page.contains("Set here. The configuration file says 90."), "{page}");
    let shorter = set(&[("period", "replies"), ("days", "10")]).await;
    assert!(shorter.status == 422 && shorter.body.contains("name=\"sure\""), "{}", shorter.body);
    assert!(shorter.body.contains("value=\"10\"") && shorter.body.contains("10 days are fewer"));
    let wrong = set(&[("period", "replies"), ("days", "0"), ("sure", "yes")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("id=\"days-error\""), "{}", wrong.body);
    assert_eq!(set(&[("period", "replies"), ("days", "10"), ("sure", "yes")]).await.status, 303);
    assert_eq!(set(&[("period", "replies"), ("do", "back")]).await.status, 303);
    assert!(!get(&browser, RETENTION).await.body.contains("Set here"));
    assert_eq!(set(&[("period", "everything"), ("days", "1")]).await.status, 400);
    app.stop().await;
});
