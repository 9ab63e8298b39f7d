//! The form of a relay, and what a test of its connection found: for the settings and for the first run.

use askama::Template;

use crate::i18n::{FieldErrors, Texts};
use crate::mail::relay::Stage;
use crate::model::{NamedRelay, StoredRelay, TlsMode};
use crate::setup::connection::{StageState, Tested};
use crate::setup::relays::{CONNECTIONS, Password, RelayInput, WEIGHT, is_readable};
use crate::web::admin::{Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::rendered;
use crate::web::{App, PageError, kept};

const FIELDS: [&str; 10] = [
    "name",
    "host",
    "port",
    "tls",
    "auth",
    "username",
    "password",
    "connections",
    "mails_per_hour",
    "weight",
];
/// Those of the folded part of the form.
const INSIDE: [&str; 4] = ["auth", "connections", "weight", "mails_per_hour"];
/// What is never kept in a draft.
pub const SECRETS: [&str; 2] = ["password", kept::FIELD];

#[derive(Template)]
#[template(path = "admin/relay_fields.html")]
struct Fields {
    t: Texts,
    typed: Form,
    mistakes: Mistakes,
    /// The password that was typed, sealed.
    kept: String,
    /// Whether one is stored.
    has_password: bool,
}

impl Fields {
    fn has_mistake_inside(&self) -> bool {
        INSIDE.iter().any(|field| !self.mistakes.line(field).is_empty())
    }

    /// Asked only where it matters: mail would travel readable to another machine.
    fn shows_plaintext(&self) -> bool {
        self.typed.is("tls", "none") && is_readable(self.typed.first("host"), TlsMode::None)
    }
}

/// The fields as HTML. `kept` is a password that was typed and not stored, sealed by [`kept::sealed`].
pub fn fields(
    t: Texts,
    typed: Form,
    mistakes: Mistakes,
    kept: String,
    has_password: bool,
) -> Result<String, PageError> {
    rendered(&Fields { t, typed, mistakes, kept, has_password })
}

/// With what most people have.
pub fn blank() -> Form {
    let (connections, weight) = (CONNECTIONS.to_string(), WEIGHT.to_string());
    Form::of(&[("tls", TlsMode::StartTls.as_str()), ("connections", &connections), ("weight", &weight)])
}

pub fn typed(relay: &StoredRelay) -> Form {
    let rate = relay.mails_per_hour.map(|mails| mails.to_string()).unwrap_or_default();
    let mut form = Form::of(&[
        ("host", &relay.host),
        ("port", &relay.port.to_string()),
        ("tls", relay.tls.as_str()),
        ("auth", relay.auth.as_str()),
        ("username", &relay.username),
        ("connections", &relay.connections.to_string()),
        ("mails_per_hour", &rate),
        ("weight", &relay.weight.to_string()),
    ]);
    if is_readable(&relay.host, relay.tls) {
        form.push("allow_plaintext", "yes");
    }
    form
}

/// What was typed; the password also when it was typed before. `place` as in [`kept::password`].
///
/// # Errors
/// When a field stands in the form twice.
pub fn input(app: &App, form: &Form, place: &str) -> Result<RelayInput, FieldErrors> {
    let text = |field: &str| form.first(field).to_owned();
    let password = kept::password(app, form, place);
    given_twice(form, &FIELDS).or(RelayInput {
        host: text("host"),
        port: text("port"),
        tls: text("tls"),
        allow_plaintext: form.has("allow_plaintext"),
        auth: text("auth"),
        username: text("username"),
        password: if password.is_empty() { Password::Kept } else { Password::Typed(password) },
        connections: text("connections"),
        mails_per_hour: text("mails_per_hour"),
        weight: text("weight"),
    })
}

#[derive(Template)]
#[template(path = "admin/relay_test.html")]
struct TestResult {
    t: Texts,
    is_good: bool,
    title: String,
    lines: Vec<Line>,
    words: String,
    detail: String,
}

struct Line {
    class: &'static str,
    words: String,
    state: String,
}

/// What a test found as HTML, stage by stage.
pub fn test_result(t: Texts, relay: &NamedRelay, tested: &Tested) -> Result<String, PageError> {
    let line = |stage: &crate::setup::connection::TestedStage| {
        let (class, state) = match stage.state {
            StageState::Passed => ("passed", "relay-stage-passed"),
            StageState::Failed => ("failed", "relay-stage-failed"),
            StageState::NotReached => ("not-reached", "relay-stage-not-reached"),
        };
        Line { class, words: t.text(stage_key(stage.stage)), state: t.text(state) }
    };
    let (words, detail) = match &tested.outcome {
        Ok(offers) => (t.text("relay-test-good-words"), offers.clone()),
        Err(failure) => (failure.message.in_words(t), failure.detail.clone()),
    };
    let title = if tested.outcome.is_ok() { "relay-test-good" } else { "relay-test-bad" };
    rendered(&TestResult {
        t,
        is_good: tested.outcome.is_ok(),
        title: t.with(title, "relay", relay.name.to_string()),
        lines: tested.stages.iter().map(line).collect(),
        words,
        detail,
    })
}

const fn stage_key(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "relay-stage-connect",
        Stage::Tls => "relay-stage-tls",
        Stage::Login => "relay-stage-login",
        // A test ends before the others.
        Stage::Hello | Stage::Mail | Stage::Recipient | Stage::Data | Stage::Message | Stage::FinalDot => {
            "relay-stage-hello"
        }
    }
}
