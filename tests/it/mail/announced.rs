//! Messages that are announced behind the one before: what is said there costs nobody anything (RFC 2920, 3.1).

use std::time::{Duration, Instant};

use postiljon::mail::relay::{Always, Announced, Attempt, Outgoing};
use postiljon::mail::relays::Relays;
use postiljon::model::{EmailAddress, NamedRelay, RelaySettings, StageTimeouts};

use super::smtp::{CASES, address, settings, short};
use crate::support::smtp_server::{At, Options, SmtpServer};

const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nA line\r\n.a dot\r\n";

/// Far enough away.
fn far() -> Options {
    Options { hello_after: Duration::from_millis(12), ..Options::default() }
}

fn one(settings: RelaySettings) -> Relays {
    Relays::new(vec![NamedRelay { name: "main".into(), weight: 1, settings }]).unwrap()
}

async fn server_and_relays(options: Options) -> (SmtpServer, Relays) {
    let server = SmtpServer::start(options).await;
    let relays = one(settings(server.addr));
    (server, relays)
}

/// Sends to one with the other behind it.
async fn step(
    relays: &Relays,
    to: &str,
    announced: Option<Announced>,
    next: Option<&str>,
) -> (Attempt, Option<Announced>) {
    let from = address("news@sender.example");
    let to = address(&format!("{to}@example.be"));
    let next = next.map(|next| address(&format!("{next}@example.be")));
    let mail = |to| Outgoing { envelope_from: Some(&from), to, envelope_id: None, bytes: MESSAGE };
    let next: Option<Outgoing<'_>> = next.as_ref().map(|next: &EmailAddress| mail(next));
    let (sent, announced) =
        relays.send_announcing(&mail(&to), "", announced, next.as_ref(), &Always).await.unwrap();
    (sent.attempt, announced)
}

/// One after the other: what became of each, and how many were announced.
async fn all_of(relays: &Relays, of: &[&str]) -> (Vec<String>, usize) {
    let (mut held, mut results, mut announced) = (None, Vec::new(), 0);
    for (at, to) in of.iter().enumerate() {
        let (attempt, then) = step(relays, to, held.take(), of.get(at + 1).copied()).await;
        results.push(short(&attempt));
        announced += usize::from(then.is_some());
        held = then;
    }
    assert!(held.is_none(), "behind the last nothing is announced");
    (results, announced)
}

fn recipients(server: &SmtpServer) -> Vec<String> {
    server.accepted().iter().map(|mail| mail.to.split('@').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_message_arrives_whole_and_once_over_one_connection() {
    let (server, relays) = server_and_relays(far()).await;
    let (results, announced) = all_of(&relays, &["ok+1", "ok+2", "ok+3", "ok+4"]).await;
    assert_eq!((results, announced), (vec!["accepted 250".to_owned(); 4], 3));
    assert_eq!(recipients(&server), ["ok+1", "ok+2", "ok+3", "ok+4"]);
    assert!(server.accepted().iter().all(|mail| mail.bytes == MESSAGE && mail.from == "news@sender.example"));
    assert_eq!(server.connections(), 1);
    let commands = server.commands();
    assert_eq!(commands.iter().filter(|line| *line == "DATA").count(), 4, "{commands:?}");
    assert_eq!(
        server.announced_behind().len(),
        3,
        "one flight for the end of one and the beginning of the next"
    );
    // The connection is as good as any afterwards.
    assert_eq!(all_of(&relays, &["ok+5"]).await.0, ["accepted 250"]);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_happens_to_one_is_the_same_with_another_behind_it() {
    for (what, expected, is_announced) in [
        ("defer", "refused at Recipient 451", false),
        ("reject", "refused at Recipient 550", false),
        ("reject-data", "refused at FinalDot 554", true),
        ("defer-dot", "refused at FinalDot 452", true),
        ("close-421", "refused at Recipient 421", false),
        ("421-at-dot", "refused at FinalDot 421", false),
        ("drop-at-rcpt", "lost at Recipient", false),
        ("drop-at-data", "lost at Data", false),
        ("drop-after-dot", "uncertain", false),
        ("hang-at-data", "lost at Data", false),
        ("hang-at-dot", "uncertain", false),
    ] {
        let (server, relays) = server_and_relays(far()).await;
        let (attempt, held) = step(&relays, what, None, Some("ok")).await;
        assert_eq!((short(&attempt).as_str(), held.is_some()), (expected, is_announced), "{what}");
        // 421 pauses the relay.
        relays
            .replace(vec![NamedRelay { name: "main".into(), weight: 1, settings: settings(server.addr) }])
            .await
            .unwrap();
        let (attempt, _) = step(&relays, "ok", held, None).await;
        assert_eq!(short(&attempt), "accepted 250", "behind {what}");
        assert_eq!(recipients(&server).iter().filter(|to| *to == "ok").count(), 1, "behind {what}");
    }
}

#[tokio::test]
async fn what_happens_to_one_that_was_announced_is_the_same() {
    for (what, expected) in CASES {
        let (server, relays) = server_and_relays(far()).await;
        let (results, announced) = all_of(&relays, &["ok+first", what]).await;
        assert_eq!((results[1].as_str(), announced), (expected, 1), "{what}");
        assert_eq!(results[0], "accepted 250");
        let expected = if matches!(what, "ok" | "drop-after-dot") { 2 } else { 1 };
        assert_eq!(server.accepted().len(), expected, "{what}");
        assert_eq!(server.connections(), 1, "{what}: tried once");
    }
}

#[tokio::test]
async fn an_announced_message_that_does_not_follow_is_not_sent() {
    let (server, relays) = server_and_relays(far()).await;
    let (_, held) = step(&relays, "ok+1", None, Some("ok+2")).await;
    drop(held.expect("announced"));
    server.wait_until_all_closed().await;
    assert_eq!(recipients(&server), ["ok+1"]);
    assert_eq!(all_of(&relays, &["ok+3"]).await.0, ["accepted 250"], "its connection is free again");
}

#[tokio::test]
async fn nothing_is_announced_where_that_cannot_be() {
    for options in [Options { pipelining: false, ..far() }, Options::default()] {
        let (server, relays) = server_and_relays(options).await;
        assert_eq!(all_of(&relays, &["ok+1", "ok+2"]).await.1, 0, "without PIPELINING, or near by");
        assert_eq!(server.connections(), 1);
    }

    let server = SmtpServer::start(far()).await;
    let relays = one(RelaySettings { messages_per_connection: 2, ..settings(server.addr) });
    let (results, announced) = all_of(&relays, &["ok+1", "ok+2", "ok+3", "ok+4", "ok+5"]).await;
    assert_eq!(
        (results, announced),
        (vec!["accepted 250".to_owned(); 5], 2),
        "behind the last of a connection"
    );
    assert_eq!((server.connections(), server.accepted().len()), (3, 5));

    let hourly = RelaySettings { mails_per_hour: std::num::NonZeroU32::new(36_000), ..settings(server.addr) };
    let relays = one(hourly);
    assert!(!relays.announces());
    assert_eq!(all_of(&relays, &["ok+1", "ok+2"]).await.1, 0, "at a rate");

    let both = ["one", "two"].map(|name| NamedRelay {
        name: name.into(),
        weight: 1,
        settings: settings(server.addr),
    });
    let relays = Relays::new(both.into()).unwrap();
    assert_eq!(all_of(&relays, &["ok+1", "ok+2"]).await.1, 0, "where each message chooses its relay");
    assert_eq!(server.accepted().len(), 9);
}

#[tokio::test]
async fn nothing_is_announced_where_somebody_waits_for_the_connection() {
    let server = SmtpServer::start(far()).await;
    let relays = one(RelaySettings { connections: 1, ..settings(server.addr) });
    let (_, held) = step(&relays, "ok+1", None, Some("ok+2")).await;
    assert!(held.is_some());
    let other = tokio::spawn({
        let relays = relays.clone();
        async move { short(&step(&relays, "other", None, None).await.0) }
    });
    // On this one thread it goes as far as it can: to waiting for the connection.
    tokio::task::yield_now().await;
    assert_eq!(recipients(&server), ["ok+1"]);
    let (_, held) = step(&relays, "ok+2", held, Some("ok+3")).await;
    assert!(held.is_none(), "the other one has waited");
    assert_eq!(other.await.unwrap(), "accepted 250");
    assert_eq!(recipients(&server), ["ok+1", "ok+2", "other"]);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_relay_that_closes_behind_each_message_loses_none() {
    let (server, relays) = server_and_relays(Options { closes_after_messages: Some(1), ..far() }).await;
    let all: Vec<String> = (0..6).map(|n| format!("ok+{n}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let (results, announced) = all_of(&relays, &all).await;
    assert_eq!((results, announced), (vec!["accepted 250".to_owned(); 6], 3), "it is tried three times");
    assert_eq!(
        (recipients(&server), server.connections()),
        (all.iter().map(|to| (*to).to_owned()).collect(), 6)
    );
}

#[tokio::test]
async fn a_relay_that_forgets_what_is_said_behind_a_message_is_told_no_more() {
    let options = Options { forgets_behind_messages: true, ..far() };
    let (server, relays) = server_and_relays(options).await;
    let begin = Instant::now();
    let (results, announced) = all_of(&relays, &["ok+1", "ok+2", "ok+3", "ok+4", "ok+5", "ok+6"]).await;
    assert_eq!((results, announced), (vec!["accepted 250".to_owned(); 6], 3));
    assert_eq!((server.accepted().len(), server.connections()), (6, 4));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert!(!relays.announces());
}

/// Postfix says so to who speaks out of turn.
#[tokio::test]
async fn a_relay_that_refuses_what_is_said_behind_a_message_refuses_nobody() {
    let server = SmtpServer::start(far()).await;
    let patient = settings(server.addr);
    let timeouts = StageTimeouts { final_dot: Duration::from_secs(20), ..patient.timeouts };
    let relays = one(RelaySettings { timeouts, ..patient });
    let first = tokio::spawn({
        let relays = relays.clone();
        async move { step(&relays, "slow", None, Some("ok")).await }
    });
    server.wait_for_slow(1).await;
    server.change(|options| {
        options.at_mail = At::Say("554 5.5.0 synchronization");
        options.times = Some(1);
    });
    server.release();
    let (attempt, held) = first.await.unwrap();
    assert_eq!((short(&attempt).as_str(), held.is_some()), ("accepted 250", true));
    let (attempt, _) = step(&relays, "ok", held, None).await;
    assert_eq!(short(&attempt), "accepted 250");
    assert_eq!((recipients(&server), server.connections()), (vec!["slow".to_owned(), "ok".to_owned()], 2));
}
