//! `POST /admin/newsletters/{id}/digests/{rule}/do` and `../runs/{run}`: what the buttons do, a verb each.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::{base, list, rule_of};
use crate::i18n::Message;
use crate::model::{ArticleId, DigestRunId, Newsletter};
use crate::publishing::digest::acts::{self as verbs, ActError, Approved};
use crate::publishing::digest::rules::{self, RuleError};
use crate::publishing::digest::run::Desk;
use crate::web::admin::{Mistakes, id_of};
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// What the verbs of runs need.
pub(in crate::web) fn desk(app: &App) -> Desk<'_> {
    Desk {
        store: &app.store,
        clock: &app.clock,
        keys: &app.keys,
        public_url: app.settings.public_url.trim_end_matches('/'),
    }
}

/// Where the button stood: the list, or one of the calendars.
fn back(form: &Form, newsletter: &Newsletter, done: &str) -> HttpResponse {
    let page = match form.first("from") {
        "calendar" => format!("/admin/newsletters/{}/calendar", newsletter.id),
        "all" => "/admin/calendar".to_owned(),
        _ => base(newsletter.id),
    };
    see_other(&format!("{page}?done={done}"))
}

/// What an approval has done.
const fn done_by(approved: Approved) -> &'static str {
    match approved {
        Approved::Goes => "digest-approved",
        Approved::Half => "digest-half",
        Approved::CanRetry => "digest-approved-again",
    }
}

/// What a verb refused.
enum Refusal {
    Told(Message),
    Page(PageError),
}

impl From<RuleError> for Refusal {
    fn from(error: RuleError) -> Self {
        match error {
            RuleError::NotFound => Self::Page(PageError::NotFound),
            RuleError::Store(error) => Self::Page(error.into()),
            error => Self::Told(error.message()),
        }
    }
}

impl From<ActError> for Refusal {
    fn from(error: ActError) -> Self {
        match error {
            ActError::NotFound => Self::Page(PageError::NotFound),
            ActError::Store(error) => Self::Page(error.into()),
            error => Self::Told(error.message()),
        }
    }
}

pub async fn rule(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let (newsletter, rule) = rule_of(&mut app.store.read().await?, (&path.0, &path.1)).await?;
    let by = Some(signed_in.user.id);
    let article = || form.first("article").parse().map(ArticleId).map_err(|_| PageError::BadRequest);
    let done: Result<&str, Refusal> = match form.first("do") {
        "on" => rules::switch(&app.store, &app.clock, rule.id, true)
            .await
            .map(|_| "digest-on")
            .map_err(Into::into),
        "off" => rules::switch(&app.store, &app.clock, rule.id, false)
            .await
            .map(|_| "digest-off")
            .map_err(Into::into),
        "delete" => rules::delete(&app.store, rule.id).await.map(|()| "digest-deleted").map_err(Into::into),
        "skip-date" => {
            let skipped = verbs::skip_date(&app.store, &app.clock, rule.id, form.first("period"), by).await;
            skipped.map(|()| "digest-skipped").map_err(Into::into)
        }
        "unskip" => {
            let back = verbs::unskip(&app.store, &app.clock, rule.id, form.first("period")).await;
            back.map(|()| "digest-unskipped").map_err(Into::into)
        }
        wanted @ ("pin" | "unpin") => {
            let pinned = rules::pin(&app.store, rule.id, article()?, wanted == "pin").await;
            match pinned {
                Ok(()) => return Ok(see_other(&format!("{}/{}#next", base(newsletter.id), rule.id))),
                Err(error) => Err(error.into()),
            }
        }
        _ => return Err(PageError::BadRequest),
    };
    answer(&request, &app, &signed_in, newsletter, &form, done).await
}

pub async fn run(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let mut reader = app.store.read().await?;
    let (newsletter, rule) = rule_of(&mut reader, (&path.0, &path.1)).await?;
    let run = verbs::run_of(&mut reader, rule.id, DigestRunId(id_of(&path.2)?)).await?;
    let run = run.ok_or(PageError::NotFound)?;
    drop(reader);
    let by = signed_in.user.id;
    let done: Result<&str, Refusal> = match form.first("do") {
        "approve" => {
            let approved = verbs::approve(desk(&app), run.id, by, Some(form.first("seen"))).await;
            approved.map(done_by).map_err(Into::into)
        }
        "skip" => {
            let skipped = verbs::skip(&app.store, &app.clock, run.id, Some(by)).await;
            skipped.map(|()| "digest-skipped").map_err(Into::into)
        }
        "retry" => {
            verbs::retry(desk(&app), run.id, Some(by)).await.map(|()| "digest-retried").map_err(Into::into)
        }
        "desk" => match verbs::to_desk(&app.store, &app.clock, run.id, Some(by)).await {
            Ok(issue) => return Ok(see_other(&format!("/admin/issues/{issue}?done=digest-taken"))),
            Err(error) => Err(error.into()),
        },
        _ => return Err(PageError::BadRequest),
    };
    answer(&request, &app, &signed_in, newsletter, &form, done).await
}

async fn answer(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    newsletter: Newsletter,
    form: &Form,
    done: Result<&str, Refusal>,
) -> Result<HttpResponse, PageError> {
    match done {
        Ok(done) => Ok(back(form, &newsletter, done)),
        Err(Refusal::Page(error)) => Err(error),
        Err(Refusal::Told(message)) => {
            let mistakes = Mistakes::notice(signed_in.texts(), &message);
            list::show(request, app, signed_in, newsletter, mistakes).await
        }
    }
}
