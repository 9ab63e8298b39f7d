//! Whether a relay can be used: connects, makes TLS, greets and logs in, and sends no mail. The same for the desk, for
//! `relay test` and for `doctor`.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::i18n::Message;
use crate::mail::relay::{Relay, Stage};
use crate::model::{NamedRelay, RelayCause, StageTimeouts, TlsMode};

/// A relay that takes longer than this for one stage is told as one that does not answer: somebody waits.
const STAGE_LIMIT: Duration = Duration::from_secs(10);
/// Tests at once: each holds a connection for up to four stages.
const TESTS_MAX: usize = 4;

static TESTING: Semaphore = Semaphore::const_new(TESTS_MAX);

/// What became of a test, stage by stage.
#[derive(Debug, Clone)]
pub struct Tested {
    pub stages: Vec<TestedStage>,
    /// What the relay offers, or why it cannot be used.
    pub outcome: Result<String, Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestedStage {
    pub stage: Stage,
    pub state: StageState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageState {
    Passed,
    Failed,
    NotReached,
}

/// Why a relay cannot be used.
#[derive(Debug, Clone)]
pub struct Failure {
    /// In plain words, for who filled in a form.
    pub message: Message,
    /// What was said or went wrong, as it came.
    pub detail: String,
    /// All of it in one English sentence, for who runs the service.
    pub sentence: String,
}

/// Tries a relay.
pub async fn test(relay: &NamedRelay) -> Tested {
    test_within(relay, STAGE_LIMIT).await
}

/// Tries a relay, with so much time for each stage.
pub async fn test_within(relay: &NamedRelay, limit: Duration) -> Tested {
    // Never closed.
    let _permit = TESTING.acquire().await;
    let mut settings = relay.settings.clone();
    settings.timeouts = StageTimeouts { connect: limit, command: limit, ..settings.timeouts };
    let stages = stages(settings.tls, settings.credentials.is_some());
    match Relay::new(relay.name.as_ref(), settings) {
        Ok(tried) => match tried.test_connection().await {
            Ok(offers) => Tested { stages: told(&stages, None), outcome: Ok(offers) },
            Err(error) => Tested {
                stages: told(&stages, Some(error.stage)),
                outcome: Err(Failure {
                    message: in_plain_words(error.cause, &relay.settings.host, relay.settings.port.into()),
                    detail: error.reason.clone(),
                    sentence: tried.sentence(&error),
                }),
            },
        },
        Err(error) => Tested {
            stages: told(&stages, Some(Stage::Connect)),
            outcome: Err(Failure {
                message: Message::new("relay-test-certificates"),
                detail: error.to_string(),
                sentence: format!("{error}."),
            }),
        },
    }
}

/// What a session goes through, in its order.
fn stages(tls: TlsMode, has_login: bool) -> Vec<Stage> {
    let mut stages = match tls {
        TlsMode::Implicit => vec![Stage::Connect, Stage::Tls, Stage::Hello],
        TlsMode::StartTls => vec![Stage::Connect, Stage::Hello, Stage::Tls],
        TlsMode::None => vec![Stage::Connect, Stage::Hello],
    };
    if has_login {
        stages.push(Stage::Login);
    }
    stages
}

fn told(stages: &[Stage], failed: Option<Stage>) -> Vec<TestedStage> {
    let at = failed.and_then(|failed| stages.iter().position(|stage| *stage == failed));
    let state = |place: usize| match at {
        Some(at) if place > at => StageState::NotReached,
        Some(at) if place == at => StageState::Failed,
        _ => StageState::Passed,
    };
    stages
        .iter()
        .enumerate()
        .map(|(place, stage)| TestedStage { stage: *stage, state: state(place) })
        .collect()
}

/// What keeps a relay from being used, in plain words.
pub fn in_plain_words(cause: RelayCause, host: &str, port: i64) -> Message {
    let key = match cause {
        RelayCause::NoSuchHost => "relay-test-no-such-host",
        RelayCause::NobodyListens => "relay-test-nobody-listens",
        RelayCause::TimedOut => "relay-test-timed-out",
        RelayCause::Silent => "relay-test-silent",
        RelayCause::NoStartTls => "relay-test-no-starttls",
        RelayCause::NoTls => "relay-test-no-tls",
        RelayCause::BadCertificate => "relay-test-bad-certificate",
        RelayCause::NoLogin => "relay-test-no-login",
        RelayCause::LoginRefused => "relay-test-login-refused",
        RelayCause::NotNow => "relay-test-not-now",
        RelayCause::Refused => "relay-test-refused",
        RelayCause::Broken => "relay-test-broken",
    };
    Message::new(key).text("host", host).text("port", port.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_failed_divides_those_before_from_those_after() {
        let states = |tls, failed| -> Vec<StageState> {
            told(&stages(tls, true), failed).iter().map(|told| told.state).collect()
        };
        use StageState::{Failed, NotReached, Passed};
        assert_eq!(states(TlsMode::StartTls, Some(Stage::Tls)), [Passed, Passed, Failed, NotReached]);
        assert_eq!(states(TlsMode::Implicit, Some(Stage::Tls)), [Passed, Failed, NotReached, NotReached]);
        assert_eq!(states(TlsMode::None, Some(Stage::Login)), [Passed, Passed, Failed]);
        assert_eq!(states(TlsMode::None, None), [Passed, Passed, Passed]);
    }
}
