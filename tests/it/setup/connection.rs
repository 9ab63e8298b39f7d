//! The test of a connection against a server that misbehaves: each trouble has a sentence of its own.

use std::net::SocketAddr;
use std::time::Duration;

use postiljon::i18n::Texts;
use postiljon::mail::relay::Stage;
use postiljon::model::{AuthMethod, Credentials, Language, NamedRelay, RelaySettings, TlsMode};
use postiljon::setup::connection::{StageState, Tested, test, test_within};

use crate::mail::smtp::settings;
use crate::support::smtp_server::{At, Options, SmtpServer, Tls};

/// For a server that never answers: long enough for the stages before.
const LIMIT: Duration = Duration::from_millis(800);

fn relay(addr: SocketAddr, change: impl FnOnce(&mut RelaySettings)) -> NamedRelay {
    let mut settings = settings(addr);
    settings.credentials = Some(Credentials {
        method: AuthMethod::Password,
        username: "user".to_owned(),
        password: "secret".to_owned(),
    });
    change(&mut settings);
    NamedRelay { name: "main".into(), weight: 1, settings }
}

/// The key of the sentence, and the stage at which it ended.
fn trouble(tested: &Tested) -> (&'static str, Stage) {
    let failure = tested.outcome.as_ref().expect_err("it cannot be used");
    for text in [&failure.detail, &failure.sentence] {
        assert!(!text.contains("secret"), "{text}");
    }
    let failed: Vec<_> = tested.stages.iter().filter(|stage| stage.state == StageState::Failed).collect();
    assert_eq!(failed.len(), 1, "{tested:?}");
    (failure.message.key(), failed[0].stage)
}

#[tokio::test]
async fn a_relay_that_takes_us_passes_every_stage() {
    let server = SmtpServer::start(Options { auth: true, ..Options::default() }).await;
    let tested = test(&relay(server.addr, |_| {})).await;
    assert!(tested.outcome.is_ok_and(|offers| offers.contains("PIPELINING")));
    let stages: Vec<_> = tested.stages.iter().map(|stage| (stage.stage, stage.state)).collect();
    let passed = StageState::Passed;
    assert_eq!(stages, [(Stage::Connect, passed), (Stage::Hello, passed), (Stage::Login, passed)]);
    assert!(server.accepted().is_empty() && !server.commands().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn a_wrong_host_and_a_wrong_port_are_told_apart() {
    let server = SmtpServer::start(Options::default()).await;
    let unknown = relay(server.addr, |settings| settings.host = "no-such-host.invalid".to_owned());
    assert_eq!(trouble(&test(&unknown).await), ("relay-test-no-such-host", Stage::Connect));
    let closed = relay(([127, 0, 0, 1], 1).into(), |_| {});
    assert_eq!(trouble(&test(&closed).await), ("relay-test-nobody-listens", Stage::Connect));
}

#[tokio::test]
async fn a_wrong_password_is_the_login_and_not_the_server() {
    let refusing = Options { auth: true, at_auth: At::Say("535 5.7.8 wrong"), ..Options::default() };
    let server = SmtpServer::start(refusing).await;
    let tested = test(&relay(server.addr, |_| {})).await;
    assert_eq!(trouble(&tested), ("relay-test-login-refused", Stage::Login));
    assert!(tested.outcome.is_err_and(|failure| failure.detail.contains("535")));
    let later = Options { auth: true, at_auth: At::Say("454 4.7.0 later"), ..Options::default() };
    let server = SmtpServer::start(later).await;
    assert_eq!(trouble(&test(&relay(server.addr, |_| {})).await), ("relay-test-not-now", Stage::Login));
    let server = SmtpServer::start(Options::default()).await;
    assert_eq!(trouble(&test(&relay(server.addr, |_| {})).await), ("relay-test-no-login", Stage::Login));
}

#[tokio::test]
async fn a_relay_without_tls_gets_no_password() {
    let server = SmtpServer::start(Options { auth: true, ..Options::default() }).await;
    let starttls = relay(server.addr, |settings| settings.tls = TlsMode::StartTls);
    assert_eq!(trouble(&test(&starttls).await), ("relay-test-no-starttls", Stage::Tls));
    let implicit = relay(server.addr, |settings| settings.tls = TlsMode::Implicit);
    assert_eq!(trouble(&test(&implicit).await), ("relay-test-no-tls", Stage::Tls));
    assert!(!server.commands().iter().any(|line| line.starts_with("AUTH")));
}

#[tokio::test]
async fn a_certificate_of_nobody_we_know_is_not_trusted() {
    for (tls, mode) in [(Tls::Implicit, TlsMode::Implicit), (Tls::Upgrade, TlsMode::StartTls)] {
        let server = SmtpServer::start(Options { auth: true, tls, ..Options::default() }).await;
        let strange = relay(server.addr, |settings| settings.tls = mode);
        assert_eq!(trouble(&test(&strange).await), ("relay-test-bad-certificate", Stage::Tls));
        assert!(!server.commands().iter().any(|line| line.starts_with("AUTH")));
    }
}

#[tokio::test]
async fn a_relay_that_says_nothing_is_given_up_in_time() {
    let server = SmtpServer::start(Options { at_greeting: At::Hang, ..Options::default() }).await;
    let tested = test_within(&relay(server.addr, |_| {}), LIMIT).await;
    assert_eq!(trouble(&tested), ("relay-test-silent", Stage::Hello));
    let server = SmtpServer::start(Options { auth: true, at_auth: At::Hang, ..Options::default() }).await;
    let tested = test_within(&relay(server.addr, |_| {}), LIMIT).await;
    assert_eq!(trouble(&tested), ("relay-test-timed-out", Stage::Login));
}

#[tokio::test]
async fn a_relay_that_wants_nothing_of_us_is_told_as_such() {
    let server =
        SmtpServer::start(Options { at_greeting: At::Say("554 5.7.1 go away"), ..Options::default() });
    let server = server.await;
    assert_eq!(trouble(&test(&relay(server.addr, |_| {})).await), ("relay-test-refused", Stage::Hello));
    server.change(|options| options.at_greeting = At::Drop);
    assert_eq!(trouble(&test(&relay(server.addr, |_| {})).await), ("relay-test-broken", Stage::Hello));
}

#[tokio::test]
async fn the_sentence_names_the_server_in_the_language_of_who_reads_it() {
    let closed = relay(([127, 0, 0, 1], 1).into(), |_| {});
    let failure = test(&closed).await.outcome.expect_err("it cannot be used");
    let dutch = failure.message.in_words(Texts::new(Language::Dutch));
    assert_eq!(dutch, "localhost is er, maar op poort 1 luistert niemand. Kijk de poort na.");
}
