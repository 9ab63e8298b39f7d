//! The relay against a server that misbehaves: one test for each failure.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use postiljon::mail::relay::{Attempt, Outgoing, Relay, Stage, Unreachable};
use postiljon::mail::reply::Verdict;
use postiljon::model::{AuthMethod, Credentials, EmailAddress, RelaySettings, StageTimeouts, TlsMode};

use crate::support::smtp_server::{At, Options, SmtpServer, Tls};

/// Scaled: long enough for a busy machine, short enough for a test that waits for one.
const STAGE: Duration = Duration::from_millis(300);
/// A hanging relay must be given up within its stage and this.
const SLACK: Duration = Duration::from_millis(700);

pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub fn settings(addr: SocketAddr) -> RelaySettings {
    RelaySettings {
        host: "localhost".to_owned(),
        port: addr.port(),
        tls: TlsMode::None,
        credentials: None,
        hello_name: "sender.example".to_owned(),
        extra_roots_pem: None,
        connections: 4,
        messages_per_connection: 100,
        mails_per_hour: None,
        timeouts: StageTimeouts {
            connect: STAGE,
            command: STAGE,
            data: STAGE,
            block: STAGE,
            final_dot: STAGE,
            quit: STAGE,
            idle: Duration::from_secs(20),
        },
    }
}

const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nA line\r\n.a dot\r\n";

async fn send(relay: &Relay, local: &str) -> Result<Attempt, Unreachable> {
    send_bytes(relay, &address(&format!("{local}@example.be")), MESSAGE).await
}

async fn send_bytes(relay: &Relay, to: &EmailAddress, bytes: &[u8]) -> Result<Attempt, Unreachable> {
    let from = address("news@sender.example");
    relay.send(&Outgoing { envelope_from: Some(&from), to, envelope_id: Some("0198-abc"), bytes }).await
}

async fn server_and_relay(options: Options) -> (SmtpServer, Relay) {
    let server = SmtpServer::start(options).await;
    let relay = Relay::new("main", settings(server.addr)).unwrap();
    (server, relay)
}

/// The attempt in short: what, where, which code.
pub fn short(attempt: &Attempt) -> String {
    match attempt {
        Attempt::Accepted(reply) => format!("accepted {}", reply.code),
        Attempt::Refused { stage, reply } => format!("refused at {stage:?} {}", reply.code),
        Attempt::Lost { stage, .. } => format!("lost at {stage:?}"),
        Attempt::Uncertain(_) => "uncertain".to_owned(),
    }
}

/// What the server does to a recipient, and what becomes of the message.
pub const CASES: [(&str, &str); 12] = [
    ("ok", "accepted 250"),
    ("defer", "refused at Recipient 451"),
    ("reject", "refused at Recipient 550"),
    ("reject-data", "refused at FinalDot 554"),
    ("defer-dot", "refused at FinalDot 452"),
    ("close-421", "refused at Recipient 421"),
    ("drop-at-rcpt", "lost at Recipient"),
    ("drop-at-data", "lost at Data"),
    ("drop-after-dot", "uncertain"),
    ("hang-at-rcpt", "lost at Recipient"),
    ("hang-at-data", "lost at Data"),
    ("hang-at-dot", "uncertain"),
];

#[tokio::test]
async fn with_and_without_pipelining_the_results_are_the_same() {
    for (local, expected) in CASES {
        for pipelining in [true, false] {
            let (server, relay) = server_and_relay(Options { pipelining, ..Options::default() }).await;
            let start = Instant::now();
            let attempt = send(&relay, local).await.unwrap();
            assert_eq!(short(&attempt), expected, "{local}, pipelining {pipelining}: {attempt:?}");
            assert!(start.elapsed() < STAGE + SLACK, "{local}: {:?}", start.elapsed());
            let taken = matches!(local, "ok" | "drop-after-dot");
            assert_eq!(server.accepted().len(), usize::from(taken), "{local}");
            if taken {
                assert_eq!(server.accepted()[0].bytes, MESSAGE);
                assert_eq!(server.accepted()[0].from, "news@sender.example");
            }
        }
    }
}

#[tokio::test]
async fn the_envelope_goes_in_one_flight_only_when_pipelining_is_offered() {
    let (server, relay) = server_and_relay(Options { pipelining: false, ..Options::default() }).await;
    send(&relay, "reject").await.unwrap();
    assert!(!server.commands().contains(&"DATA".to_owned()), "{:?}", server.commands());
    let (server, relay) = server_and_relay(Options::default()).await;
    send(&relay, "reject").await.unwrap();
    assert!(server.commands().contains(&"DATA".to_owned()));
    assert_eq!(server.commands().last().map(String::as_str), Some("RSET"));
}

#[tokio::test]
async fn a_behaviour_with_a_number_ends() {
    let (server, relay) = server_and_relay(Options::default()).await;
    for expected in ["refused at Recipient 451", "refused at Recipient 451", "accepted 250"] {
        assert_eq!(short(&send(&relay, "defer-2").await.unwrap()), expected);
    }
    assert_eq!(server.accepted().len(), 1);
}

#[tokio::test]
async fn refused_recipients_cost_no_connection() {
    for pipelining in [true, false] {
        let (server, relay) = server_and_relay(Options { pipelining, ..Options::default() }).await;
        let sending = (0..100).map(|n| {
            let relay = relay.clone();
            let local = if n % 5 == 0 { format!("reject+{n}") } else { format!("ok+{n}") };
            tokio::spawn(async move { send(&relay, &local).await.unwrap() })
        });
        let (mut taken, mut bounced) = (0, 0);
        for attempt in sending.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Attempt::Accepted(_) => taken += 1,
                Attempt::Refused { reply, .. } if reply.classify() == Verdict::Bounced => bounced += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((taken, bounced, server.accepted().len()), (80, 20, 80));
        assert!(server.connections() <= 4, "{} connections", server.connections());
    }
}

#[tokio::test]
async fn a_connection_ends_with_quit_after_its_last_message() {
    let server = SmtpServer::start(Options::default()).await;
    let relay = Relay::new(
        "main",
        RelaySettings { connections: 1, messages_per_connection: 2, ..settings(server.addr) },
    )
    .unwrap();
    for _ in 0..4 {
        send(&relay, "ok").await.unwrap();
    }
    assert_eq!((server.connections(), server.most_open()), (2, 1));
    assert_eq!(server.commands().iter().filter(|line| *line == "QUIT").count(), 2);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = SmtpServer::start(Options::default()).await;
    let mut settings = settings(server.addr);
    settings.timeouts.idle = Duration::from_millis(50);
    let relay = Relay::new("main", settings).unwrap();
    send(&relay, "ok").await.unwrap();
    let quit = async {
        while server.commands().last().map(String::as_str) != Some("QUIT") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), quit).await.unwrap();
    // And the next one after that is served as the first was.
    assert_eq!(short(&send(&relay, "ok").await.unwrap()), "accepted 250");
    relay.close().await;
    assert_eq!(server.commands().last().map(String::as_str), Some("QUIT"));
    assert!(send(&relay, "ok").await.is_err());
}

#[tokio::test]
async fn a_kept_connection_that_the_relay_closed_is_replaced_without_counting() {
    let (server, relay) =
        server_and_relay(Options { closes_after_messages: Some(1), ..Options::default() }).await;
    for _ in 0..5 {
        assert_eq!(short(&send(&relay, "ok").await.unwrap()), "accepted 250");
    }
    assert_eq!((server.connections(), server.accepted().len()), (5, 5));
}

#[tokio::test]
async fn dropped_at_mail_is_lost_and_not_tried_for_ever() {
    let (server, relay) = server_and_relay(Options { at_mail: At::Drop, ..Options::default() }).await;
    assert_eq!(short(&send(&relay, "ok").await.unwrap()), "lost at Mail");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_drop_in_the_middle_of_a_large_message_is_lost_and_not_uncertain() {
    let (server, relay) = server_and_relay(Options { keywords: &["SIZE 0"], ..Options::default() }).await;
    let large = "0123456789abcdef\r\n".repeat(1_000_000);
    for local in ["drop-in-data", "hang-in-data"] {
        let attempt =
            send_bytes(&relay, &address(&format!("{local}@example.be")), large.as_bytes()).await.unwrap();
        assert_eq!(short(&attempt), "lost at Message", "{attempt:?}");
    }
    assert!(server.accepted().is_empty());
}

#[tokio::test]
async fn a_slow_answer_to_the_final_dot_is_waited_for() {
    let server = SmtpServer::start(Options::default()).await;
    let mut settings = settings(server.addr);
    settings.timeouts.block = Duration::from_millis(50);
    settings.timeouts.final_dot = Duration::from_secs(30);
    let relay = Relay::new("main", settings).unwrap();
    let sending = tokio::spawn(async move { send(&relay, "slow").await });
    // Longer than the time for writing.
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!sending.is_finished());
    server.release();
    server.wait_for_accepted(1).await;
    assert_eq!(short(&sending.await.unwrap().unwrap()), "accepted 250");
}

#[tokio::test]
async fn the_lie_of_354_to_a_refused_recipient_is_answered_with_a_lone_dot() {
    let (server, relay) = server_and_relay(Options { lies: true, ..Options::default() }).await;
    assert_eq!(short(&send(&relay, "reject").await.unwrap()), "refused at Recipient 550");
    assert_eq!(short(&send(&relay, "ok").await.unwrap()), "accepted 250");
    assert_eq!((server.connections(), server.accepted().len()), (1, 1));
}

#[tokio::test]
async fn a_421_pauses_new_connections() {
    let (server, relay) = server_and_relay(Options::default()).await;
    assert_eq!(short(&send(&relay, "close-421").await.unwrap()), "refused at Recipient 421");
    let error = send(&relay, "ok").await.unwrap_err();
    assert!(error.retry_at > tokio::time::Instant::now());
    assert_eq!(server.connections(), 1);
    relay.wait_until_usable().await;
    assert_eq!(short(&send(&relay, "ok").await.unwrap()), "accepted 250");
}

#[tokio::test]
async fn a_421_on_every_connection_at_once_is_one_failure() {
    let server =
        SmtpServer::start(Options { answers_after: Duration::from_millis(60), ..Options::default() });
    let server = server.await;
    let relay = Relay::new("main", settings(server.addr)).unwrap();
    let sends = (0..4).map(|n| {
        let relay = relay.clone();
        async move { send(&relay, &format!("close-421+{n}")).await }
    });
    for sent in futures_util::future::join_all(sends).await {
        assert_eq!(short(&sent.unwrap()), "refused at Recipient 421");
    }
    let begun = Instant::now();
    relay.wait_until_usable().await;
    assert!(begun.elapsed() <= Duration::from_millis(1_250), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_relay_that_hangs_or_refuses_before_mail_is_unreachable() {
    for (options, stage) in [
        (Options { at_greeting: At::Hang, ..Options::default() }, Stage::Hello),
        (Options { at_greeting: At::Drop, ..Options::default() }, Stage::Hello),
        (Options { at_greeting: At::Say("554 5.3.2 no"), ..Options::default() }, Stage::Hello),
        (Options { at_greeting: At::Say("421 4.3.2 busy"), ..Options::default() }, Stage::Hello),
        (Options { at_hello: At::Hang, ..Options::default() }, Stage::Hello),
        (Options { at_hello: At::Say("502 5.5.1 no"), ..Options::default() }, Stage::Hello),
        (Options { at_mail: At::Say("530 5.7.0 log in"), ..Options::default() }, Stage::Login),
    ] {
        let (server, relay) = server_and_relay(options).await;
        let start = Instant::now();
        let error = send(&relay, "ok").await.unwrap_err();
        assert_eq!(error.stage, stage, "{error}");
        assert!(error.to_string().contains(&format!("localhost:{}", server.addr.port())), "{error}");
        assert!(start.elapsed() < STAGE + SLACK);
    }
}

#[tokio::test]
async fn a_hang_at_mail_on_a_kept_connection_is_lost_in_time() {
    let (server, relay) = server_and_relay(Options::default()).await;
    send(&relay, "ok").await.unwrap();
    server.change(|options| options.at_mail = At::Hang);
    let start = Instant::now();
    assert_eq!(short(&send(&relay, "ok").await.unwrap()), "lost at Mail");
    assert!(start.elapsed() < STAGE + SLACK);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_dead_relay_sees_one_connection_in_each_pause() {
    let (server, relay) =
        server_and_relay(Options { at_greeting: At::Say("421 4.3.2 busy"), ..Options::default() }).await;
    assert!(send(&relay, "ok").await.is_err());
    for _ in 0..50 {
        assert!(send(&relay, "ok").await.is_err());
    }
    assert_eq!(server.connections(), 1);
    relay.wait_until_usable().await;
    let errors = (0..20).map(|_| {
        let relay = relay.clone();
        tokio::spawn(async move { send(&relay, "ok").await.unwrap_err() })
    });
    for error in errors.collect::<Vec<_>>() {
        error.await.unwrap();
    }
    assert_eq!(server.connections(), 2);
    relay.wait_until_usable().await;
    server.change(|options| options.at_greeting = At::Fine);
    assert_eq!(short(&send(&relay, "ok").await.unwrap()), "accepted 250");
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let addr = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = send(&Relay::new("main", settings(addr)).unwrap(), "ok").await.unwrap_err();
    assert_eq!(error.stage, Stage::Connect);
}

fn with_login(settings: RelaySettings) -> RelaySettings {
    let credentials = Some(Credentials {
        method: AuthMethod::Password,
        username: "user".to_owned(),
        password: "secret".to_owned(),
    });
    RelaySettings { credentials, ..settings }
}

#[tokio::test]
async fn a_refused_login_is_unreachable_and_says_no_password() {
    for answer in ["535 5.7.8 wrong", "454 4.7.0 later"] {
        let options = Options { auth: true, at_auth: At::Say(answer), ..Options::default() };
        let server = SmtpServer::start(options).await;
        let relay = Relay::new("main", with_login(settings(server.addr))).unwrap();
        let error = send(&relay, "ok").await.unwrap_err();
        assert_eq!(error.stage, Stage::Login);
        assert!(error.to_string().contains(answer), "{error}");
        assert!(!format!("{error:?}").contains("secret"));
        assert!(!server.commands().iter().any(|line| line.starts_with("MAIL")));
    }
}

#[tokio::test]
async fn with_the_right_authority_implicit_tls_and_starttls_work() {
    for (tls, mode) in [(Tls::Implicit, TlsMode::Implicit), (Tls::Upgrade, TlsMode::StartTls)] {
        let server = SmtpServer::start(Options { tls, auth: true, ..Options::default() }).await;
        let relay = Relay::new(
            "main",
            with_login(RelaySettings {
                tls: mode,
                extra_roots_pem: Some(server.authority_pem.clone()),
                ..settings(server.addr)
            }),
        )
        .unwrap();
        let large = "0123456789abcdef\r\n".repeat(20_000);
        let to = address("ok@example.be");
        assert_eq!(short(&send(&relay, "ok").await.unwrap()), "accepted 250");
        assert_eq!(short(&send_bytes(&relay, &to, large.as_bytes()).await.unwrap()), "accepted 250");
        assert_eq!(server.accepted()[1].bytes, large.as_bytes());
        assert_eq!(server.connections(), 1);
        let offers = relay.test_connection().await.unwrap();
        assert!(offers.starts_with("test: PIPELINING, 8BITMIME, SIZE 1000000, AUTH"), "{offers}");
        // The boundary at the final dot is where it is without TLS.
        for (local, expected) in
            [("drop-after-dot", "uncertain"), ("drop-at-data", "lost at Data"), ("hang-at-dot", "uncertain")]
        {
            // Three in a row that broke would pause the relay.
            assert_eq!(short(&send(&relay, "ok").await.unwrap()), "accepted 250");
            assert_eq!(short(&send(&relay, local).await.unwrap()), expected);
        }
        let larger = large.repeat(50);
        server.change(|options| options.keywords = &["SIZE 0"]);
        let attempt = send_bytes(&relay, &address("hang-in-data@example.be"), larger.as_bytes()).await;
        assert_eq!(short(&attempt.unwrap()), "lost at Message");
    }
}

#[tokio::test]
async fn without_proof_of_who_the_relay_is_nothing_is_said() {
    let injected = "\r\n250-evil\r\n250 AUTH PLAIN";
    for (options, mode, trusted) in [
        // STARTTLS stripped.
        (Options { auth: true, ..Options::default() }, TlsMode::StartTls, true),
        // Self-signed, or of an authority nobody knows.
        (Options { tls: Tls::Upgrade, auth: true, ..Options::default() }, TlsMode::StartTls, false),
        (Options { tls: Tls::Implicit, auth: true, ..Options::default() }, TlsMode::Implicit, false),
        // Another name.
        (
            Options { tls: Tls::Upgrade, certificate_name: "other.example", ..Options::default() },
            TlsMode::StartTls,
            true,
        ),
        (
            Options { tls: Tls::Implicit, certificate_name: "other.example", ..Options::default() },
            TlsMode::Implicit,
            true,
        ),
        // Answers put in before TLS, to be read after it.
        (Options { tls: Tls::Upgrade, injected, ..Options::default() }, TlsMode::StartTls, true),
    ] {
        let server = SmtpServer::start(options.clone()).await;
        let relay = Relay::new(
            "main",
            with_login(RelaySettings {
                tls: mode,
                extra_roots_pem: trusted.then(|| server.authority_pem.clone()),
                ..settings(server.addr)
            }),
        )
        .unwrap();
        let error = send(&relay, "ok").await.unwrap_err();
        assert_eq!(error.stage, Stage::Tls, "{options:?}: {error}");
        let said = server.commands();
        let allowed = |line: &String| line.starts_with("EHLO") || line == "STARTTLS";
        assert!(said.iter().all(allowed), "{options:?}: {said:?}");
    }
}

#[tokio::test]
async fn a_domain_beyond_ascii_goes_as_a_labels() {
    let (server, relay) = server_and_relay(Options::default()).await;
    let attempt = send_bytes(&relay, &address("user@münchen.example"), MESSAGE).await.unwrap();
    assert_eq!(short(&attempt), "accepted 250");
    assert!(server.commands().contains(&"RCPT TO:<user@xn--mnchen-3ya.example>".to_owned()));
}

#[tokio::test]
async fn a_local_part_beyond_ascii_needs_smtputf8() {
    let (server, relay) = server_and_relay(Options::default()).await;
    let to = address("zoë@example.nl");
    let attempt = send_bytes(&relay, &to, MESSAGE).await.unwrap();
    assert_eq!(short(&attempt), "refused at Recipient 553");
    assert!(!server.commands().iter().any(|line| line.starts_with("MAIL")));
    assert_eq!(short(&send(&relay, "ok").await.unwrap()), "accepted 250");

    let (server, relay) = server_and_relay(Options { keywords: &["SmtpUtf8"], ..Options::default() }).await;
    assert_eq!(short(&send_bytes(&relay, &to, MESSAGE).await.unwrap()), "accepted 250");
    let said = server.commands();
    assert!(said.contains(&"MAIL FROM:<news@sender.example> SMTPUTF8".to_owned()), "{said:?}");
    assert!(said.contains(&"RCPT TO:<zoë@example.nl>".to_owned()), "{said:?}");
}

#[tokio::test]
async fn a_message_larger_than_the_relay_takes_is_not_sent() {
    let (server, relay) = server_and_relay(Options { keywords: &["SIZE 20"], ..Options::default() }).await;
    assert_eq!(short(&send(&relay, "ok").await.unwrap()), "refused at Message 552");
    assert!(!server.commands().iter().any(|line| line.starts_with("MAIL")));
    let small = send_bytes(&relay, &address("ok@example.be"), b"a\r\n").await.unwrap();
    assert_eq!(short(&small), "accepted 250");
    assert!(server.commands().contains(&"MAIL FROM:<news@sender.example> SIZE=3".to_owned()));
}

#[tokio::test]
async fn a_refusal_beyond_ascii_is_a_refusal() {
    let (_server, relay) =
        server_and_relay(Options { at_mail: At::Say("550 5.1.7 Empfänger"), ..Options::default() }).await;
    match send(&relay, "ok").await.unwrap() {
        Attempt::Refused { stage: Stage::Mail, reply } => {
            assert_eq!(reply.to_string(), "550 5.1.7 Empfänger")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bounces_are_asked_for_only_where_the_relay_knows_how() {
    for (keywords, mail, rcpt) in [
        (
            &["dsn"][..],
            "MAIL FROM:<news@sender.example> RET=HDRS ENVID=0198-abc",
            "RCPT TO:<a+b@example.be> NOTIFY=FAILURE ORCPT=rfc822;a+2Bb@example.be",
        ),
        (&[], "MAIL FROM:<news@sender.example>", "RCPT TO:<a+b@example.be>"),
    ] {
        let (server, relay) = server_and_relay(Options { keywords, ..Options::default() }).await;
        assert_eq!(short(&send(&relay, "a+b").await.unwrap()), "accepted 250");
        let said = server.commands();
        assert!(said.contains(&mail.to_owned()) && said.contains(&rcpt.to_owned()), "{said:?}");
    }
}

#[tokio::test]
async fn a_relay_that_talks_for_ever_is_lost_and_not_listened_to() {
    static ENDLESS: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "250-more\r\n".repeat(5_000));
    let (_server, relay) =
        server_and_relay(Options { at_mail: At::Say(&ENDLESS), ..Options::default() }).await;
    match send(&relay, "ok").await.unwrap() {
        Attempt::Lost { stage: Stage::Mail, reason } => assert!(reason.contains("longer than"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_access_token_logs_in_and_an_old_one_is_refused() {
    for (token, expected) in [("right", Ok("accepted 250")), ("old", Err("535"))] {
        let server =
            SmtpServer::start(Options { auth: true, keywords: &["AUTH XOAUTH2"], ..Options::default() })
                .await;
        let credentials = Some(Credentials {
            method: AuthMethod::XOAuth2,
            username: "user".to_owned(),
            password: token.to_owned(),
        });
        let relay = Relay::new("main", RelaySettings { credentials, ..settings(server.addr) }).unwrap();
        match (send(&relay, "ok").await, expected) {
            (Ok(attempt), Ok(expected)) => assert_eq!(short(&attempt), expected),
            (Err(error), Err(code)) => assert!(error.to_string().contains(code), "{error}"),
            (other, _) => panic!("{token}: {other:?}"),
        }
    }
}
