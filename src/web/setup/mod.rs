//! The first run: owner, newsletter, sender, relay, brand; each step a page with an address of its own.
//!
//! - How far it has come is what is in the database ([`Progress`]): a step can be opened when those before it are done, and
//!   `/setup` leads to the first that is left. What was typed and is not stored yet is kept as the step's draft.
//! - The owner's page opens by the link that `serve` prints; the others need a session, as the desk does.
//!
//! To add a step: a value of [`SetupStep`], a file here, its template and its lines in [`configure`] and [`path_of`].

use actix_web::http::StatusCode;
use actix_web::web::{Data, PayloadConfig, ServiceConfig, resource};
use actix_web::{HttpRequest, HttpResponse};

use super::form::Form;
use super::layout::see_other;
use super::session::SignedIn;
use super::{App, PageError};
use crate::i18n::Texts;
use crate::model::{Language, SetupStep};
use crate::setup::steps::{self, Progress};

pub mod brand;
pub mod done;
pub mod newsletter;
pub mod owner;
pub mod profile;
pub mod relay;
pub mod sender;
pub mod start;

/// Largest form of a step: each field at its longest, several times over.
const STEP_MAX_OCTETS: usize = 64 * 1024;
/// Fields that are no part of a draft: the token, the button, and what is never written down.
const NOT_DRAFTED: [&str; 4] = ["csrf", "do", "password", super::kept::FIELD];

pub fn configure(config: &mut ServiceConfig) {
    let limit = || PayloadConfig::new(STEP_MAX_OCTETS);
    config
        .service(resource("/setup").get(start::get))
        .service(resource("/setup/owner").app_data(limit()).get(profile::get).post(profile::post))
        .service(resource("/setup/newsletter").app_data(limit()).get(newsletter::get).post(newsletter::post))
        .service(resource("/setup/sender").app_data(limit()).get(sender::get).post(sender::post))
        .service(resource("/setup/relay").app_data(limit()).get(relay::get).post(relay::post))
        .service(resource("/setup/brand").app_data(limit()).get(brand::get).post(brand::post))
        .service(resource("/setup/done").get(done::get))
        .service(resource("/setup/{token}").app_data(limit()).get(owner::get).post(owner::post));
}

const OWNER: &str = "/setup/owner";
const DONE: &str = "/setup/done";

const fn path_of(step: SetupStep) -> &'static str {
    match step {
        SetupStep::Newsletter => "/setup/newsletter",
        SetupStep::Sender => "/setup/sender",
        SetupStep::Relay => "/setup/relay",
        SetupStep::Brand => "/setup/brand",
    }
}

/// What every page of the first run has; templates hold it as `page`.
#[derive(Debug, Clone)]
pub struct Frame {
    pub t: Texts,
    pub title: String,
    /// Empty for the owner's page, which has no session yet.
    pub csrf: String,
    pub steps: Vec<StepLink>,
    /// The step before.
    pub back: Option<&'static str>,
    /// Where a change of language comes back to.
    pub path: String,
    /// Where the owner's form is posted to for the same page in each language: there is no user yet whose language it is.
    pub languages: Vec<(Language, String)>,
}

/// One of the steps at the top of the page.
#[derive(Debug, Clone)]
pub struct StepLink {
    pub words: String,
    /// `done`, `skipped`, `current` or `open`.
    pub state: &'static str,
    /// Where it is, once it can be opened.
    pub href: Option<&'static str>,
}

impl Frame {
    /// `current`: `None` is the owner.
    fn new(t: Texts, title: &str, progress: Option<&Progress>, current: Option<SetupStep>) -> Self {
        let has_owner = progress.is_some();
        let link = |words: String, href: &'static str, state: &'static str, can_open: bool| StepLink {
            words,
            state,
            href: (can_open && state != "current").then_some(href),
        };
        let owner = match (current, has_owner) {
            (None, _) => "current",
            (Some(_), true) => "done",
            (Some(_), false) => "open",
        };
        let mut links = vec![link(t.text("setup-step-owner"), OWNER, owner, has_owner)];
        for step in SetupStep::ALL {
            let state = match progress {
                _ if current == Some(*step) => "current",
                Some(progress) if progress.is_put_off(*step) => "skipped",
                Some(progress) if progress.is_done(*step) => "done",
                _ => "open",
            };
            let can_open = progress.is_some_and(|progress| can_open(progress, *step));
            links.push(link(t.text(&format!("setup-step-{step}")), path_of(*step), state, can_open));
        }
        Self {
            t,
            title: t.text(title),
            csrf: String::new(),
            steps: links,
            back: current.map(before),
            path: current.map_or(OWNER, path_of).to_owned(),
            languages: Vec::new(),
        }
    }

    fn of(signed_in: &SignedIn, title: &str, progress: &Progress, current: SetupStep) -> Self {
        let frame = Self::new(signed_in.texts(), title, Some(progress), Some(current));
        Self { csrf: signed_in.csrf.clone(), ..frame }
    }

    /// "Step 2 of 5".
    pub fn place(&self) -> String {
        let at = self.steps.iter().position(|step| step.state == "current").unwrap_or_default() + 1;
        self.t.with2("setup-place", "at", at.to_string(), "of", self.steps.len().to_string())
    }
}

fn before(step: SetupStep) -> &'static str {
    let at = SetupStep::ALL.iter().position(|known| *known == step).unwrap_or_default();
    at.checked_sub(1).and_then(|at| SetupStep::ALL.get(at)).map_or(OWNER, |step| path_of(*step))
}

fn after(step: SetupStep) -> &'static str {
    let at = SetupStep::ALL.iter().position(|known| *known == step).unwrap_or_default();
    SetupStep::ALL.get(at + 1).map_or(DONE, |step| path_of(*step))
}

/// Whether every step before is done.
fn can_open(progress: &Progress, step: SetupStep) -> bool {
    progress.next().is_none_or(|next| step <= next)
}

async fn progress(app: &App) -> Result<Progress, PageError> {
    let has_configured_relay = !app.relays.relays().is_empty();
    Ok(Progress::of(&mut app.store.read().await?, has_configured_relay).await?)
}

/// How far it has come, or the way to the step that is next.
async fn opened(app: &App, step: SetupStep) -> Result<Result<Progress, HttpResponse>, PageError> {
    let progress = progress(app).await?;
    Ok(if can_open(&progress, step) { Ok(progress) } else { Err(see_other("/setup")) })
}

/// What was typed before, or what is stored.
fn typed(progress: &Progress, step: SetupStep, stored: impl FnOnce() -> Form) -> Form {
    match progress.draft(step) {
        "" => stored(),
        draft => Form::decoded(draft),
    }
}

/// Keeps what was typed, for whoever comes back to the step.
async fn keep(app: &Data<App>, step: SetupStep, form: &Form) -> Result<(), PageError> {
    Ok(steps::keep_draft(&app.store, step, &form.encoded(&NOT_DRAFTED)).await?)
}

/// The button that leads back: what was typed is kept, right or wrong.
async fn went_back(app: &Data<App>, step: SetupStep, form: &Form) -> Result<Option<HttpResponse>, PageError> {
    if form.first("do") != "back" {
        return Ok(None);
    }
    keep(app, step, form).await?;
    Ok(Some(see_other(before(step))))
}

/// On to the next step.
async fn passed(app: &Data<App>, step: SetupStep) -> Result<HttpResponse, PageError> {
    steps::pass(&app.store, &app.clock, step).await?;
    Ok(see_other(after(step)))
}

const fn status_of(is_wrong: bool) -> StatusCode {
    if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

/// The language of a page that has no user yet.
fn texts_of(request: &HttpRequest) -> Texts {
    Texts::new(super::language::of(request, Language::English))
}
