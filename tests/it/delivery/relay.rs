//! The engine and the real relay against a server that misbehaves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use postiljon::mail::relay::Relay;
use postiljon::mail::relays::Relays;
use postiljon::model::{Language, RelaySettings, StageTimeouts, TlsMode};
use postiljon::store::{subscribers, subscriptions};

use super::{Bench, CONNECTIONS, mailing_of};
use crate::support::database::{both_dbs, change};
use crate::support::samples::{NOW, address, newsletter};
use crate::support::smtp_server::{Options, SmtpServer};

/// What happens to readers of each kind, and how many copies they end with.
const KINDS: [(&str, usize); 8] = [
    ("fine", 1),
    ("defer-1", 1),
    ("reject", 0),
    ("reject-data", 0),
    ("drop-at-rcpt-1", 1),
    ("drop-in-data-1", 1),
    ("close-421-1", 1),
    ("drop-after-dot-1", 2),
];

both_dbs!(a_server_that_drops_and_refuses_loses_nobody, |store| {
    let server = SmtpServer::start(Options::default()).await;
    let newsletter = newsletter(&store, "insights").await;
    for (kind, _) in KINDS {
        let reader = address(&format!("{kind}@example.org"));
        let person = change!(store, |tx| subscribers::find_or_insert(tx, &reader, "", Language::Dutch, NOW));
        let subscription = change!(store, |tx| subscriptions::find_or_insert(
            tx,
            person.id,
            newsletter.id,
            Language::Dutch,
            NOW
        ));
        change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::Dutch, NOW));
    }
    let mailing = mailing_of(&store, &newsletter, 0).await;
    let relay = Relay::new(
        "main",
        RelaySettings {
            host: server.addr.ip().to_string(),
            port: server.addr.port(),
            tls: TlsMode::None,
            credentials: None,
            hello_name: "test.example.org".into(),
            extra_roots_pem: None,
            connections: CONNECTIONS,
            messages_per_connection: 100,
            mails_per_hour: None,
            timeouts: StageTimeouts::default(),
        },
    )
    .expect("a relay");
    let bench = Bench::new(&store, Arc::new(Relays::from(relay)));
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(60)).await;
    assert_eq!((sent.account.audience, sent.account.sent, sent.account.bounced), (8, 6, 2));
    let mut copies = HashMap::<String, usize>::new();
    for mail in server.accepted() {
        *copies.entry(mail.to).or_default() += 1;
    }
    for (kind, expected) in KINDS {
        assert_eq!(copies.get(&format!("{kind}@example.org")).copied().unwrap_or(0), expected, "{kind}");
    }
    engine.stop().await;
});
