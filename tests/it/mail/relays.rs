//! Several relays, of which some misbehave: who takes the mail, and what is said to whom.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use postiljon::mail::relay::{Attempt, Obstacle, Outgoing, Stage, Unreachable};
use postiljon::mail::relays::{Relays, Sent};
use postiljon::model::{AuthMethod, Credentials, NamedRelay, RelaySettings, StageTimeouts, TlsMode};

use super::smtp::{address, settings};
use crate::support::smtp_server::{At, Options, SmtpServer, Tls};

const PATIENCE: Duration = Duration::from_secs(20);

fn named(name: &str, weight: u32, settings: RelaySettings) -> NamedRelay {
    NamedRelay { name: name.into(), weight, settings }
}

fn with_login(method: AuthMethod, password: &str, settings: RelaySettings) -> RelaySettings {
    let credentials = Credentials { method, username: "user".to_owned(), password: password.to_owned() };
    RelaySettings { credentials: Some(credentials), ..settings }
}

async fn healthy() -> SmtpServer {
    SmtpServer::start(Options::default()).await
}

/// Waits for the answer to the final dot as long as the test does.
fn patient(addr: SocketAddr) -> RelaySettings {
    let settings = settings(addr);
    RelaySettings { timeouts: StageTimeouts { final_dot: PATIENCE, ..settings.timeouts }, ..settings }
}

/// An address on which nobody listens.
fn nowhere() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap()
}

async fn send_to(relays: &Relays, local: &str, preferred: &str) -> Result<Sent, Unreachable> {
    let (from, to) = (address("news@sender.example"), address(&format!("{local}@example.be")));
    let mail = Outgoing {
        envelope_from: Some(&from),
        to: &to,
        envelope_id: None,
        bytes: b"Subject: hello\r\n\r\nA line\r\n",
    };
    tokio::time::timeout(PATIENCE, relays.send(&mail, preferred)).await.expect("an answer in time")
}

/// Sends one mail that must be taken, and tells by whom.
async fn taken_by(relays: &Relays, preferred: &str) -> String {
    let sent = send_to(relays, "ok", preferred).await.unwrap();
    assert!(matches!(sent.attempt, Attempt::Accepted(_)), "{sent:?}");
    sent.relay.to_string()
}

/// Eight who send so many mails each, all of which must be taken at the first try.
async fn eight_at_once(relays: &Relays, each: usize) {
    let senders = (0..8).map(|_| {
        let relays = relays.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                taken_by(&relays, "").await;
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("all are taken");
    }
}

#[tokio::test]
async fn when_one_is_down_the_others_take_the_same_message() {
    let up = healthy().await;
    let relays =
        Relays::new(vec![named("down", 100, settings(nowhere())), named("up", 1, settings(up.addr))])
            .unwrap();
    for _ in 0..20 {
        assert_eq!(taken_by(&relays, "").await, "up");
    }
    assert_eq!(up.accepted().len(), 20);
}

#[tokio::test]
async fn a_relay_whose_name_nobody_knows_is_passed_over() {
    let up = healthy().await;
    let unknown = RelaySettings { host: "relay.invalid".to_owned(), ..settings(nowhere()) };
    let relays =
        Relays::new(vec![named("unknown", 100, unknown), named("up", 1, settings(up.addr))]).unwrap();
    for _ in 0..5 {
        assert_eq!(taken_by(&relays, "").await, "up");
    }
}

#[tokio::test]
async fn a_refused_login_pauses_that_relay_and_fails_nobody() {
    for answer in ["535 5.7.8 wrong", "454 4.7.0 later"] {
        let refusing =
            SmtpServer::start(Options { auth: true, at_auth: At::Say(answer), ..Options::default() }).await;
        let up = healthy().await;
        let login = with_login(AuthMethod::Password, "secret", settings(refusing.addr));
        let relays =
            Relays::new(vec![named("refusing", 3, login), named("up", 1, settings(up.addr))]).unwrap();
        assert_eq!(taken_by(&relays, "").await, "up");
        for _ in 0..20 {
            assert_eq!(taken_by(&relays, "refusing").await, "up");
        }
        let said = refusing.commands();
        assert_eq!(said.iter().filter(|line| *line == "AUTH").count(), 1, "{said:?}");
        assert!(!said.iter().any(|line| line.starts_with("MAIL")), "{said:?}");
    }
}

#[tokio::test]
async fn a_relay_that_no_mail_tries_any_more_is_asked_whether_it_can_be_used_again() {
    let server =
        SmtpServer::start(Options { at_greeting: At::Say("421 4.3.2 later"), ..Options::default() }).await;
    let relays = Relays::new(vec![named("only", 1, settings(server.addr))]).unwrap();
    let begin = Instant::now();
    while relays.troubles().is_empty() {
        assert!(begin.elapsed() < PATIENCE);
        assert!(send_to(&relays, "ok", "").await.is_err());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let asked = server.connections();
    relays.try_unless_used(PATIENCE * 3);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.connections(), asked, "it was tried a moment ago");
    server.change(|options| options.at_greeting = At::Fine);
    while !relays.troubles().is_empty() {
        assert!(begin.elapsed() < PATIENCE, "{:?}", relays.troubles());
        relays.try_unless_used(Duration::ZERO);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.connections(), asked + 1, "one connection");
    assert!(!server.commands().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn a_relay_that_bears_fewer_connections_than_it_may_get_is_used_with_those_at_full_speed() {
    let options = Options { most_connections: Some(2), ..Options::default() };
    let server = SmtpServer::start(options).await;
    let relays = Relays::new(vec![named("only", 1, settings(server.addr))]).unwrap();
    assert_eq!(relays.connections(), 4);
    taken_by(&relays, "").await;
    eight_at_once(&relays, 25).await;
    assert_eq!(server.accepted().len(), 201);
    // Three, because one bears a hundred messages, and what was one too many.
    assert!(server.connections() <= 6, "each that is too many once: {}", server.connections());
    assert!(relays.troubles().is_empty());
}

#[tokio::test]
async fn a_relay_that_is_silent_is_not_waited_for_where_another_answers() {
    let silent = SmtpServer::start(Options { at_mail: At::Hang, ..Options::default() }).await;
    let up = healthy().await;
    let mut patient = settings(silent.addr);
    patient.timeouts.command = PATIENCE * 3;
    let relays = Relays::new(vec![named("silent", 1, patient), named("up", 1, settings(up.addr))]).unwrap();
    let waiting = tokio::spawn({
        let relays = relays.clone();
        async move { send_to(&relays, "ok", "silent").await }
    });
    while !waiting.is_finished() {
        assert_eq!(taken_by(&relays, "up").await, "up");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let sent = waiting.await.expect("no panic").expect("it was tried");
    assert!(matches!(sent.attempt, Attempt::Lost { stage: Stage::Mail, .. }), "{sent:?}");
    assert!(silent.accepted().is_empty());
}

#[tokio::test]
async fn weights_hold_over_four_hundred_mails() {
    let (one, two, spare) = (healthy().await, healthy().await, healthy().await);
    let relays = Relays::new(vec![
        named("one", 3, settings(one.addr)),
        named("two", 1, settings(two.addr)),
        named("spare", 0, settings(spare.addr)),
    ])
    .unwrap();
    for _ in 0..400 {
        taken_by(&relays, "").await;
    }
    assert_eq!((one.accepted().len(), two.accepted().len(), spare.accepted().len()), (300, 100, 0));
}

#[tokio::test]
async fn weights_hold_for_many_senders_too() {
    let (one, two) = (healthy().await, healthy().await);
    let relays =
        Relays::new(vec![named("one", 3, settings(one.addr)), named("two", 1, settings(two.addr))]).unwrap();
    assert_eq!(relays.connections(), 8);
    eight_at_once(&relays, 50).await;
    let counts = (one.accepted().len(), two.accepted().len());
    assert_eq!(counts.0 + counts.1, 400);
    assert!((280..=320).contains(&counts.0), "{counts:?}");
    assert!(one.most_open() <= 4 && two.most_open() <= 4, "{} {}", one.most_open(), two.most_open());
}

#[tokio::test]
async fn a_preferred_relay_is_used_while_it_can_be() {
    let (one, two, spare) = (healthy().await, healthy().await, healthy().await);
    let relays = Relays::new(vec![
        named("one", 3, settings(one.addr)),
        named("two", 1, settings(two.addr)),
        named("spare", 0, settings(spare.addr)),
    ])
    .unwrap();
    for _ in 0..10 {
        assert_eq!(taken_by(&relays, "two").await, "two");
        assert_eq!(taken_by(&relays, "spare").await, "spare");
    }
    assert_eq!(taken_by(&relays, "gone").await, "one");
}

#[tokio::test]
async fn a_reserve_is_used_when_no_other_can_be() {
    let spare = healthy().await;
    let relays =
        Relays::new(vec![named("down", 1, settings(nowhere())), named("spare", 0, settings(spare.addr))])
            .unwrap();
    assert_eq!(taken_by(&relays, "").await, "spare");
}

#[tokio::test]
async fn all_down_is_unreachable_with_every_reason_and_ends_when_one_is_back() {
    let busy = At::Say("421 4.3.2 busy");
    let one = SmtpServer::start(Options { at_greeting: busy, ..Options::default() }).await;
    let relays =
        Relays::new(vec![named("one", 1, settings(one.addr)), named("two", 1, settings(nowhere()))]).unwrap();
    for _ in 0..10 {
        let error = send_to(&relays, "ok", "").await.unwrap_err();
        let told = error.to_string();
        assert!(told.contains("relay one") && told.contains("421 4.3.2 busy"), "{told}");
        assert!(told.contains("relay two") && error.obstacle == Obstacle::Down, "{told}");
    }
    assert_eq!(one.connections(), 1, "a relay that is down is left alone");
    one.change(|options| options.at_greeting = At::Fine);
    let wait = relays.ready_in("");
    assert!(!wait.is_zero() && wait <= Duration::from_secs(2), "{wait:?}");
    tokio::time::sleep(wait).await;
    let started = Instant::now();
    // The other may be back in its turn first, and fail once more.
    while started.elapsed() < PATIENCE {
        match send_to(&relays, "ok", "").await {
            Ok(sent) => return assert_eq!(&*sent.relay, "one"),
            Err(error) => tokio::time::sleep_until(error.retry_at).await,
        }
    }
    panic!("the relay that was repaired got no mail");
}

#[tokio::test]
async fn a_relay_that_hangs_at_the_greeting_is_tried_by_one_at_a_time() {
    let server = SmtpServer::start(Options { at_greeting: At::Hang, ..Options::default() }).await;
    let settings = settings(server.addr);
    let timeouts = StageTimeouts { command: Duration::from_secs(2), ..settings.timeouts };
    let relays = Relays::new(vec![named("one", 1, RelaySettings { timeouts, ..settings })]).unwrap();
    let error = send_to(&relays, "ok", "").await.unwrap_err();
    tokio::time::sleep_until(error.retry_at).await;
    let probe = tokio::spawn({
        let relays = relays.clone();
        async move { send_to(&relays, "ok", "").await.unwrap_err() }
    });
    while server.connections() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Longer than the pause, shorter than the probe.
    for _ in 0..15 {
        let started = Instant::now();
        assert!(send_to(&relays, "ok", "").await.is_err() && started.elapsed() < Duration::from_millis(500));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.connections(), 2);
    probe.await.unwrap();
}

#[tokio::test]
async fn a_relay_that_breaks_every_connection_is_given_up() {
    let breaking = SmtpServer::start(Options { at_mail: At::Drop, ..Options::default() }).await;
    let up = healthy().await;
    let relays =
        Relays::new(vec![named("breaking", 9, settings(breaking.addr)), named("up", 1, settings(up.addr))])
            .unwrap();
    let mut lost = 0;
    for _ in 0..50 {
        let sent = send_to(&relays, "ok", "").await.unwrap();
        lost += usize::from(matches!(sent.attempt, Attempt::Lost { .. }));
    }
    // Once more for each pause that a slow machine sees the end of.
    assert!((3..=5).contains(&lost), "{lost}");
    assert_eq!(lost + up.accepted().len(), 50);
}

#[tokio::test]
async fn a_relay_that_hangs_holds_back_nobody_else() {
    let (slow, up) = (healthy().await, healthy().await);
    let one_connection = RelaySettings { connections: 1, ..patient(slow.addr) };
    let relays =
        Relays::new(vec![named("slow", 1, one_connection), named("up", 1, settings(up.addr))]).unwrap();
    let held = tokio::spawn({
        let relays = relays.clone();
        async move { send_to(&relays, "slow", "slow").await.unwrap() }
    });
    while !slow.commands().contains(&"DATA".to_owned()) {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    for _ in 0..50 {
        assert_eq!(taken_by(&relays, "").await, "up");
    }
    // One wait for the connection, and no more of them.
    assert!(started.elapsed() < Duration::from_millis(1900), "{:?}", started.elapsed());
    slow.release();
    assert_eq!(&*held.await.unwrap().relay, "slow");
    assert_eq!(taken_by(&relays, "slow").await, "slow");
}

#[tokio::test]
async fn a_rate_is_kept_and_is_no_failure() {
    let server = healthy().await;
    let rate =
        |per_hour| RelaySettings { mails_per_hour: NonZeroU32::new(per_hour), ..settings(server.addr) };
    // One in 50 ms.
    let relays = Relays::new(vec![named("one", 1, rate(72_000))]).unwrap();
    let started = Instant::now();
    for _ in 0..9 {
        taken_by(&relays, "").await;
    }
    assert!(started.elapsed() >= Duration::from_millis(400), "{:?}", started.elapsed());
    let wait = relays.ready_in("");
    assert!(wait <= Duration::from_millis(50), "{wait:?}");

    // One in a minute: too long to wait for inside a send.
    relays.replace(vec![named("one", 1, rate(60))]).await.unwrap();
    assert_eq!(relays.ready_in(""), Duration::ZERO);
    taken_by(&relays, "").await;
    let error = send_to(&relays, "ok", "").await.unwrap_err();
    assert!(error.obstacle == Obstacle::Busy && error.to_string().contains("60 mails per hour"), "{error}");
    let wait = error.retry_at.saturating_duration_since(tokio::time::Instant::now());
    assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60), "{wait:?}");
    assert!(relays.ready_in("") > Duration::from_secs(50));

    let up = healthy().await;
    relays.replace(vec![named("one", 9, rate(60)), named("up", 1, settings(up.addr))]).await.unwrap();
    assert_eq!(relays.ready_in("one"), Duration::ZERO);
    assert_eq!(taken_by(&relays, "one").await, "up", "a kept relay keeps its rate");
}

#[tokio::test]
async fn a_rate_is_shared_with_other_processes_also_by_relays_that_come_later() {
    let server = healthy().await;
    let hourly = |per_hour| {
        let settings = RelaySettings { mails_per_hour: NonZeroU32::new(per_hour), ..settings(server.addr) };
        vec![named("one", 1, settings)]
    };
    let relays = Relays::new(hourly(360)).unwrap();
    let waits = |from: u64, to: u64| {
        let wait = relays.ready_in("");
        assert!(wait > Duration::from_secs(from) && wait <= Duration::from_secs(to), "{wait:?}");
    };
    taken_by(&relays, "").await;
    waits(5, 10);
    relays.set_share(3);
    waits(25, 30);
    relays.replace(hourly(180)).await.unwrap();
    taken_by(&relays, "").await;
    waits(55, 60);
    relays.set_share(1);
    waits(15, 20);
}

#[tokio::test]
async fn relays_that_stay_keep_their_connections_and_those_that_go_finish_their_message() {
    let (stays, goes, comes) = (healthy().await, healthy().await, healthy().await);
    let relays = Relays::new(vec![
        named("stays", 1, settings(stays.addr)),
        named("goes", 1, RelaySettings { connections: 1, ..patient(goes.addr) }),
    ])
    .unwrap();
    let mut changes = relays.watch_connections();
    assert_eq!(
        (taken_by(&relays, "stays").await, taken_by(&relays, "goes").await),
        ("stays".into(), "goes".into())
    );
    let [held, waiting] = ["slow", "slow+2"].map(|local| {
        let relays = relays.clone();
        tokio::spawn(async move { send_to(&relays, local, "goes").await.unwrap() })
    });
    while goes.commands().iter().filter(|line| *line == "DATA").count() < 2 {
        tokio::task::yield_now().await;
    }
    relays
        .replace(vec![named("stays", 5, settings(stays.addr)), named("comes", 1, settings(comes.addr))])
        .await
        .unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!((*changes.borrow_and_update(), relays.connections()), (8, 8));
    goes.release();
    stays.release();
    comes.release();
    let mut took: Vec<String> = Vec::new();
    for sent in [held.await.unwrap(), waiting.await.unwrap()] {
        assert!(matches!(sent.attempt, Attempt::Accepted(_)), "{sent:?}");
        took.push(sent.relay.to_string());
    }
    assert_eq!(took.iter().filter(|name| *name == "goes").count(), 1, "{took:?}");
    assert_eq!(goes.commands().last().map(String::as_str), Some("QUIT"), "{:?}", goes.commands());
    assert_eq!(taken_by(&relays, "goes").await, "stays");
    assert_eq!(taken_by(&relays, "comes").await, "comes");
    assert_eq!(goes.accepted().len(), 2);
    // The one that waited may have been sent beside the kept connection, never in its place.
    assert!(stays.connections() <= 2, "{}", stays.connections());
}

#[tokio::test]
async fn settings_that_cannot_be_used_change_nothing() {
    let server = healthy().await;
    let relays = Relays::new(vec![named("one", 1, settings(server.addr))]).unwrap();
    let broken = RelaySettings {
        tls: TlsMode::Implicit,
        extra_roots_pem: Some("no certificate".to_owned()),
        ..settings(server.addr)
    };
    let error = relays.replace(vec![named("two", 1, broken)]).await.unwrap_err();
    assert!(error.to_string().contains("relay two"), "{error}");
    assert_eq!(taken_by(&relays, "two").await, "one");
}

#[tokio::test]
async fn after_the_end_nothing_is_sent() {
    let server = healthy().await;
    let relays = Relays::new(vec![named("one", 1, settings(server.addr))]).unwrap();
    taken_by(&relays, "").await;
    relays.close().await;
    assert!(send_to(&relays, "ok", "").await.is_err());
    assert_eq!(server.accepted().len(), 1);
}

#[tokio::test]
async fn an_access_token_is_taken_or_refused() {
    let server = SmtpServer::start(Options { keywords: &["AUTH XOAUTH2"], ..Options::default() }).await;
    let relays = |password| {
        let login = with_login(AuthMethod::XOAuth2, password, settings(server.addr));
        Relays::new(vec![named("one", 1, login)]).unwrap()
    };
    assert_eq!(taken_by(&relays("right"), "").await, "one");
    let error = send_to(&relays("expired"), "ok", "").await.unwrap_err();
    assert_eq!(error.stage, Stage::Login);
    assert!(
        error.to_string().contains("535 5.7.8 wrong") && !error.to_string().contains("expired"),
        "{error}"
    );
}

/// A server that says `answers` one by one, each after something was read, and then closes. Keeps what it read.
fn scripted(answers: Vec<Vec<u8>>) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let read = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&read);
    std::thread::spawn(move || {
        let Ok((mut tcp, _)) = listener.accept() else { return };
        let _ = tcp.set_read_timeout(Some(PATIENCE));
        let mut buffer = [0; 4096];
        for answer in answers {
            if !answer.starts_with(b"220 test") {
                let count = tcp.read(&mut buffer).unwrap_or(0);
                kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
            let _ = tcp.write_all(&answer);
        }
        // Whatever still comes.
        let _ = tcp.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let _ = tcp.read_to_end(&mut rest);
        kept.lock().unwrap().extend(rest);
    });
    (addr, read)
}

/// A ServerHello of TLS 1.1 (RFC 4346, 7.4.1.3), with TLS_RSA_WITH_AES_128_CBC_SHA.
pub fn hello_of_tls_1_1() -> Vec<u8> {
    let mut hello = vec![0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    hello
}

#[tokio::test]
async fn an_old_tls_or_a_cut_handshake_gets_no_word_in_the_clear_and_the_next_relay_the_mail() {
    let alert_protocol_version = vec![0x15, 3, 2, 0, 2, 2, 70];
    for (what, answer) in [
        ("TLS 1.1", hello_of_tls_1_1()),
        ("an alert for TLS 1.1", alert_protocol_version),
        ("cut", Vec::new()),
        ("no TLS at all", b"500 what\r\n".to_vec()),
    ] {
        let clear: [&[u8]; 3] = [b"220 test ESMTP\r\n", b"250-test\r\n250 STARTTLS\r\n", b"220 go ahead\r\n"];
        for mode in [TlsMode::Implicit, TlsMode::StartTls] {
            let mut answers: Vec<Vec<u8>> = Vec::new();
            if mode == TlsMode::StartTls {
                answers.extend(clear.iter().map(|line| line.to_vec()));
            }
            answers.push(answer.clone());
            let (addr, read) = scripted(answers);
            let up = healthy().await;
            let old = RelaySettings { tls: mode, ..settings(addr) };
            let old = with_login(AuthMethod::Password, "secret", old);
            let relays = Relays::new(vec![named("old", 9, old), named("up", 1, settings(up.addr))]).unwrap();
            assert_eq!(taken_by(&relays, "old").await, "up", "{what}");
            let read = read.lock().unwrap().clone();
            let clear =
                if mode == TlsMode::StartTls { &b"EHLO sender.example\r\nSTARTTLS\r\n"[..] } else { b"" };
            assert!(read.starts_with(clear), "{what}: {:?}", String::from_utf8_lossy(&read));
            // A handshake record, or nothing: no command of SMTP.
            assert_eq!(read.get(clear.len()).copied().unwrap_or(0x16), 0x16, "{what}");
            for word in [&b"AUTH"[..], b"MAIL", b"AHVzZXIAc2VjcmV0"] {
                assert!(!read.windows(word.len()).any(|window| window == word), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_that_ended_or_is_for_another_name_gets_no_login() {
    for (certificate_name, certificate_expired) in [("localhost", true), ("other.example", false)] {
        for (tls, mode) in [(Tls::Implicit, TlsMode::Implicit), (Tls::Upgrade, TlsMode::StartTls)] {
            let options =
                Options { tls, auth: true, certificate_name, certificate_expired, ..Options::default() };
            let server = SmtpServer::start(options).await;
            let trusting = RelaySettings {
                tls: mode,
                extra_roots_pem: Some(server.authority_pem.clone()),
                ..settings(server.addr)
            };
            let login = with_login(AuthMethod::Password, "secret", trusting);
            let relays = Relays::new(vec![named("one", 1, login)]).unwrap();
            let error = send_to(&relays, "ok", "").await.unwrap_err();
            assert_eq!(error.stage, Stage::Tls, "{error}");
            let said = server.commands();
            assert!(said.iter().all(|line| line.starts_with("EHLO") || line == "STARTTLS"), "{said:?}");
        }
    }
}
