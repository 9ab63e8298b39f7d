//! R12, R13: a relay that cannot be used is told of, once.

use std::time::{Duration, Instant};

use postiljon::clock::Clock;
use postiljon::mail::relay::Outgoing;
use postiljon::mail::relays::Relays;
use postiljon::model::{AuthMethod, Credentials, NamedRelay, RelayCause, RelaySettings, RelayTrouble};
use postiljon::setup::relay_watch::{RelayWatch, troubles};
use postiljon::store::{Store, outbox};
use tokio::time::sleep;

use crate::mail::smtp::settings;
use crate::support::database::{both_dbs, execute, read};
use crate::support::samples::{NOW, address, newsletter, user};
use crate::support::smtp_server::{Options, SmtpServer};

const MINUTE: Duration = Duration::from_secs(60);

fn relay(name: &str, server: &SmtpServer, password: &str) -> NamedRelay {
    let (method, username) = (AuthMethod::Password, "user".to_owned());
    let credentials = Some(Credentials { method, username, password: password.to_owned() });
    NamedRelay {
        name: name.into(),
        weight: 1,
        settings: RelaySettings { credentials, ..settings(server.addr) },
    }
}

async fn server() -> SmtpServer {
    SmtpServer::start(Options { auth: true, ..Options::default() }).await
}

/// Sends a mail over the relay of this name, or else another.
async fn send(relays: &Relays, preferred: &str) -> bool {
    let (from, to) = (address("news@sender.example"), address("ok@example.be"));
    let bytes = b"Subject: hello\r\n\r\nA line\r\n".as_slice();
    let mail = Outgoing { envelope_from: Some(&from), to: &to, envelope_id: None, bytes };
    relays.send(&mail, preferred).await.is_ok()
}

/// Sends mails until a relay has failed more than once: it is tried again after a second.
async fn until_in_trouble(relays: &Relays, preferred: &str) {
    let begin = Instant::now();
    while relays.troubles().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "no trouble");
        send(relays, preferred).await;
        sleep(Duration::from_millis(50)).await;
    }
}

async fn known(store: &Store, clock: &Clock) -> Vec<RelayTrouble> {
    read!(store, |db| troubles(db, clock.now()))
}

both_dbs!(a_relay_that_refuses_the_login_is_told_of_once_and_until_it_is_repaired, |store| {
    user(&store, "ann@example.org").await;
    newsletter(&store, "insights").await;
    let (first, second) = (server().await, server().await);
    let wrong = relay("first", &first, "old");
    let relays = Relays::new(vec![wrong.clone(), relay("second", &second, "secret")]).expect("relays");
    let clock = Clock::test(NOW);
    let mut watch = RelayWatch::new(&store, &clock, &relays, "https://news.example.org");
    assert!(send(&relays, "first").await, "the other one takes it");
    assert!(relays.troubles().is_empty(), "once is no trouble");
    until_in_trouble(&relays, "first").await;
    watch.look().await.expect("looked");
    assert!(known(&store, &clock).await.is_empty(), "it may pass");
    clock.advance(Duration::from_secs(20));
    watch.look().await.expect("looked");
    let found = known(&store, &clock).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let RelayTrouble { relay: name, cause, since, told_at, .. } = &found[0];
    assert_eq!((name.as_str(), *cause, *since, *told_at), ("first", RelayCause::LoginRefused, NOW, None));
    assert!(!found[0].detail.contains("old"), "the password is in no row");
    for _ in 0..12 {
        clock.advance(MINUTE);
        watch.look().await.expect("looked");
    }
    assert_eq!(read!(store, |db| outbox::open_count(db)), 1, "one mail");
    // Another process finds the same.
    let mut other = RelayWatch::new(&store, &clock, &relays, "https://news.example.org");
    for _ in 0..7 {
        other.look().await.expect("looked");
        clock.advance(MINUTE);
    }
    assert_eq!(read!(store, |db| outbox::open_count(db)), 1, "still one");
    assert_eq!(known(&store, &clock).await[0].since, NOW);
    let repaired = relay("first", &first, "secret");
    relays.replace(vec![repaired, relay("second", &second, "secret")]).await.expect("replaced");
    watch.look().await.expect("looked");
    assert_eq!(known(&store, &clock).await.len(), 1, "the other one has said so since");
    other.look().await.expect("looked");
    assert!(known(&store, &clock).await.is_empty(), "it is another relay now");
    relays.close().await;
});

both_dbs!(where_no_other_relay_can_carry_it_no_mail_is_written, |store| {
    user(&store, "ann@example.org").await;
    newsletter(&store, "insights").await;
    let server = server().await;
    let relays = Relays::new(vec![relay("only", &server, "old")]).expect("relays");
    let clock = Clock::test(NOW);
    let mut watch = RelayWatch::new(&store, &clock, &relays, "https://news.example.org");
    assert!(!send(&relays, "").await);
    until_in_trouble(&relays, "").await;
    for _ in 0..10 {
        watch.look().await.expect("looked");
        clock.advance(MINUTE);
    }
    assert_eq!(known(&store, &clock).await.len(), 1);
    assert_eq!(read!(store, |db| outbox::open_count(db)), 0);
    // Its process ended without a word.
    clock.advance(MINUTE * 4);
    assert!(known(&store, &clock).await.is_empty(), "nobody knows any more");
    // One that begins after it was repaired does not show for long what was before.
    execute(&store, "UPDATE relay_troubles SET seen_at = seen_at + 240000").await;
    let works = Relays::new(vec![relay("only", &server, "secret")]).expect("relays");
    let mut begun = RelayWatch::new(&store, &clock, &works, "https://news.example.org");
    begun.look().await.expect("looked");
    assert_eq!(known(&store, &clock).await.len(), 1, "another process may know better");
    clock.advance(MINUTE * 3 / 2);
    begun.look().await.expect("looked");
    assert!(known(&store, &clock).await.is_empty(), "nobody said it again");
    works.close().await;
    execute(&store, "UPDATE relay_troubles SET since = 1").await;
    let mut next = RelayWatch::new(&store, &clock, &relays, "https://news.example.org");
    next.look().await.expect("looked");
    clock.advance(MINUTE);
    next.look().await.expect("looked");
    let found = known(&store, &clock).await;
    assert!(found.len() == 1 && found[0].since > NOW, "it begins anew: {found:?}");
    relays.close().await;
});
