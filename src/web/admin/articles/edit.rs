//! Writing an article: `/admin/articles/new` and `/admin/articles/{id}`. Nothing that was typed is ever lost:
//! a form that cannot be saved comes back filled.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::page::{self, Draft, input_of};
use crate::i18n::FieldErrors;
use crate::model::{ArticleId, ArticleStatus, VersionKind};
use crate::publishing::articles::{self as verbs, ArticleError, ArticleInput};
use crate::store;
use crate::web::admin::{Mistakes, given_twice, id_of};
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

pub const FIELDS: [&str; 8] =
    ["title", "author", "language", "teaser", "body", "canonical_url", "slug", "tags"];

/// `GET /admin/articles/new`.
pub async fn new(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let newsletters = store::newsletters::all(app.store.read().await?.db()).await?;
    let language = newsletters.first().map_or(signed_in.user.language, |newsletter| newsletter.language);
    let input = ArticleInput {
        author: signed_in.user.name.clone(),
        language: language.to_string(),
        ..ArticleInput::default()
    };
    page::show_new(&request, &app, &signed_in, input, Mistakes::none(signed_in.texts())).await
}

/// `POST /admin/articles`.
pub async fn create(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let input = input_of(&form);
    let by = Some(signed_in.user.id);
    let result = match given_twice(&form, &FIELDS).or(()) {
        Ok(()) => verbs::create_by(&app.store, &app.clock, by, VersionKind::Saved, &input).await,
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(article) => after_save(&app, article.id, &form).await,
        Err(ArticleError::Invalid(errors)) => {
            page::show_new(&request, &app, &signed_in, input, Mistakes::of(t, errors)).await
        }
        Err(error) => Err(failed(error)),
    }
}

/// What the pressed button asked for beside saving.
async fn after_save(app: &App, id: ArticleId, form: &Form) -> Result<HttpResponse, PageError> {
    let (status, done) = match form.first("then") {
        "publish" => (Some(ArticleStatus::Published), "published"),
        "draft" => (Some(ArticleStatus::Draft), "drafted"),
        _ => (None, "saved"),
    };
    if let Some(status) = status {
        verbs::set_status(&app.store, &app.clock, id, status).await.map_err(failed)?;
    }
    Ok(see_other(&format!("/admin/articles/{id}?done={done}")))
}

/// What no field of a form has to do with.
pub fn failed(error: ArticleError) -> PageError {
    match error {
        ArticleError::NotFound => PageError::NotFound,
        ArticleError::Store(error) => error.into(),
        error => PageError::internal("an article could not be saved", error),
    }
}

/// `GET /admin/articles/{id}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let id = ArticleId(id_of(&id)?);
    let draft = Draft::stored(signed_in.texts());
    page::show(&request, &app, &signed_in, id, StatusCode::OK, draft).await
}

/// `POST /admin/articles/{id}`.
pub async fn save(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = ArticleId(id_of(&id)?);
    let t = signed_in.texts();
    let input = input_of(&form);
    let version = form.first("version").parse().unwrap_or(0);
    let twice: FieldErrors = given_twice(&form, &FIELDS);
    let by = Some(signed_in.user.id);
    let result = match twice.or(()) {
        Ok(()) => verbs::save_by(&app.store, &app.clock, by, VersionKind::Saved, id, version, &input).await,
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(article) => after_save(&app, article.id, &form).await,
        Err(ArticleError::Invalid(errors)) => {
            let draft = Draft::typed(input, version, Mistakes::of(t, errors));
            page::show(&request, &app, &signed_in, id, StatusCode::UNPROCESSABLE_ENTITY, draft).await
        }
        // With their version in the form, saving again is a choice and not an accident.
        Err(ref error @ ArticleError::Conflict { ref theirs }) => {
            let mistakes = Mistakes::notice(t, &error.message());
            let draft = Draft::typed(input, theirs.number, mistakes).beside(theirs);
            page::show(&request, &app, &signed_in, id, StatusCode::CONFLICT, draft).await
        }
        Err(error) => Err(failed(error)),
    }
}
