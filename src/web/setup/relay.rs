//! `/setup/relay`: the SMTP server, with a real test of its connection; or later.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::sender::provider_of;
use super::{Frame, keep, opened, passed, status_of, typed, went_back};
use crate::model::{NamedRelay, SetupStep, StoredRelay};
use crate::setup::connection;
use crate::setup::relays::{self, RelayError, open};
use crate::setup::steps::{Progress, keep_draft};
use crate::store;
use crate::web::admin::Mistakes;
use crate::web::admin::settings::relay_form::{blank, fields, input, test_result, typed as typed_relay};
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf, kept};

const STEP: SetupStep = SetupStep::Relay;

#[derive(Template)]
#[template(path = "setup/relay.html")]
struct RelayPage {
    page: Frame,
    fields: String,
    tested: Option<String>,
    /// Whether the test found that it can be used.
    is_good: bool,
    /// Whether a relay is stored, so that one can go on.
    is_stored: bool,
    /// Those of the configuration, which need nothing here.
    configured: Vec<String>,
    /// The domain of the sender, if most receivers refuse newsletters from it.
    provider: Option<String>,
    mistakes: Mistakes,
}

impl RelayPage {
    /// Whether to go on is the next thing to do: nothing on the page says that it does not work.
    fn can_go_on(&self) -> bool {
        let is_there = self.is_stored || !self.configured.is_empty();
        self.is_good || (is_there && self.tested.is_none() && !self.mistakes.has_any())
    }
}

struct Shown {
    form: Form,
    relay: Option<StoredRelay>,
    kept: String,
    tested: Option<(String, bool)>,
    mistakes: Mistakes,
}

fn place(signed_in: &SignedIn) -> String {
    format!("first relay of user {}", signed_in.user.id)
}

/// The relay of the first run: the oldest.
async fn stored(app: &App) -> Result<Option<StoredRelay>, PageError> {
    let all = store::relays::all(app.store.read().await?.db()).await?;
    Ok(all.into_iter().min_by_key(|relay| relay.id))
}

/// `GET /setup/relay`.
pub async fn get(app: Data<App>, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let progress = match opened(&app, STEP).await? {
        Ok(progress) => progress,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let relay = stored(&app).await?;
    let form = typed(&progress, STEP, || relay.as_ref().map_or_else(blank, typed_relay));
    let mistakes = Mistakes::none(signed_in.texts());
    let shown = Shown { form, relay, kept: String::new(), tested: None, mistakes };
    show(&app, &signed_in, &progress, shown)
}

fn show(
    app: &App,
    signed_in: &SignedIn,
    progress: &Progress,
    shown: Shown,
) -> Result<HttpResponse, PageError> {
    let Shown { form, relay, kept, tested, mistakes } = shown;
    let has_password = relay.as_ref().is_some_and(|relay| !relay.sealed_password.is_empty());
    let page = Frame::of(signed_in, "setup-relay-title", progress, STEP);
    let fields = fields(page.t, form, mistakes.clone(), kept, has_password)?;
    let words = |relay: NamedRelay| format!("{} ({})", relay.name, relay.settings.host);
    let configured = app.relays.relays().into_iter().map(words).collect();
    let is_good = tested.as_ref().is_some_and(|(_, is_good)| *is_good);
    let template = RelayPage {
        page,
        fields,
        tested: tested.map(|(html, _)| html),
        is_good,
        is_stored: relay.is_some(),
        configured,
        provider: progress.newsletter.as_ref().and_then(|newsletter| provider_of(&newsletter.sender_address)),
        mistakes,
    };
    html(status_of(template.mistakes.has_any()), &template)
}

/// `POST /setup/relay`: `do` says whether it is stored and tried, stored alone, or left for later.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    if let Some(back) = went_back(&app, STEP, &form).await? {
        return Ok(back);
    }
    let progress = match opened(&app, STEP).await? {
        Ok(progress) => progress,
        Err(elsewhere) => return Ok(elsewhere),
    };
    match form.first("do") {
        // What was typed waits in the draft; what the configuration has needs nothing.
        "later" => {
            let response = passed(&app, STEP).await?;
            keep(&app, STEP, &form).await?;
            Ok(response)
        }
        "next" => passed(&app, STEP).await,
        _ => save_and_test(&app, &signed_in, &progress, form).await,
    }
}

async fn save_and_test(
    app: &Data<App>,
    signed_in: &SignedIn,
    progress: &Progress,
    form: Form,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let known = stored(app).await?;
    let place = place(signed_in);
    let saved = match (input(app, &form, &place), &known) {
        (Err(errors), _) => Err(errors.into()),
        (Ok(input), Some(known)) => {
            relays::change(&app.store, &app.clock, &app.keys, &app.relays, known.id, None, &input).await
        }
        (Ok(input), None) => relays::add(&app.store, &app.clock, &app.keys, &app.relays, "", &input).await,
    };
    let shown = match saved {
        Ok(relay) => {
            keep_draft(&app.store, STEP, "").await?;
            let tested = match open(&app.keys, &app.relays, &relay) {
                Some(opened) => {
                    let tested = connection::test(&opened).await;
                    Some((test_result(t, &opened, &tested)?, tested.outcome.is_ok()))
                }
                None => None,
            };
            let form = typed_relay(&relay);
            Shown { form, relay: Some(relay), kept: String::new(), tested, mistakes: Mistakes::none(t) }
        }
        Err(RelayError::Invalid(errors)) => {
            keep(app, STEP, &form).await?;
            let kept = kept::sealed(app, &kept::password(app, &form, &place), &place)?;
            Shown { form, relay: known, kept, tested: None, mistakes: Mistakes::of(t, errors) }
        }
        Err(RelayError::Store(error)) => return Err(error.into()),
        Err(error @ (RelayError::Changed | RelayError::NotFound)) => {
            let mistakes = Mistakes::notice(t, &error.message());
            Shown { form, relay: known, kept: String::new(), tested: None, mistakes }
        }
        Err(error) => return Err(PageError::internal("the first relay could not be stored", error)),
    };
    show(app, signed_in, progress, shown)
}
