use std::num::NonZeroU32;

use postiljon::model::{NamedRelay, RelayId, UncertainPolicy};
use postiljon::publishing::newsletters::{SendingInput, set_sending};
use postiljon::store::relays;

use super::{get, post, signed_in};
use crate::mail::smtp::settings;
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, read};
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
