//! What the editor's script sends while somebody writes: `POST /admin/articles/autosave` for a new article, and
//! `POST /admin/articles/{id}/autosave`; `POST /admin/articles/{id}/presence` while nothing changes. Answers in JSON.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::edit::{FIELDS, failed};
use super::page::input_of;
use crate::i18n::Texts;
use crate::model::{ArticleId, Timestamp, VersionKind};
use crate::publishing::articles::{self, ArticleError};
use crate::publishing::{presence, versions};
use crate::store;
use crate::web::admin::{desk_zone, given_twice, id_of};
use crate::web::form::Form;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// `POST /admin/articles/autosave`: the first one of a new article, which gets its row.
pub async fn create(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let mut input = input_of(&form);
    if input.title.trim().is_empty() {
        input.title = t.text("writing-untitled");
    }
    let by = Some(signed_in.user.id);
    let result = match given_twice(&form, &FIELDS).or(()) {
        Ok(()) => articles::create_by(&app.store, &app.clock, by, VersionKind::Autosaved, &input).await,
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(article) => {
            let others = presence::here(&app.store, &app.clock, article.id, signed_in.user.id).await?;
            saved(&app, t, article.id, article.version, article.updated_at, others).await
        }
        Err(error) => refused(t, error),
    }
}

/// `POST /admin/articles/{id}/autosave`.
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
    let version = form.first("version").parse().unwrap_or(0);
    let input = input_of(&form);
    let by = signed_in.user.id;
    let result = match given_twice(&form, &FIELDS).or(()) {
        Ok(()) => versions::autosave(&app.store, &app.clock, by, id, version, &input).await,
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(kept) => {
            let others = presence::here(&app.store, &app.clock, id, by).await?;
            saved(&app, t, id, kept.number, kept.updated_at, others).await
        }
        Err(error) => refused(t, error),
    }
}

/// `POST /admin/articles/{id}/presence`: somebody is here, or has `left`.
pub async fn here(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = ArticleId(id_of(&id)?);
    let by = signed_in.user.id;
    if form.has("left") {
        presence::gone(&app.store, id, by).await?;
        return Ok(HttpResponse::NoContent().finish());
    }
    let mut reader = app.store.read().await?;
    let article = store::articles::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let version = versions::latest(reader.db(), &article).await?.number;
    drop(reader);
    let others = presence::here(&app.store, &app.clock, id, by).await?;
    Ok(HttpResponse::Ok().json(json!({ "version": version, "others": others })))
}

async fn saved(
    app: &App,
    t: Texts,
    id: ArticleId,
    version: i64,
    at: Timestamp,
    others: Vec<String>,
) -> Result<HttpResponse, PageError> {
    let zone = desk_zone(&mut app.store.read().await?).await?;
    let time = at.to_utc().with_timezone(&zone).format("%H:%M").to_string();
    Ok(HttpResponse::Ok().json(json!({
        "id": id,
        "version": version,
        "saved": t.with("writing-saved", "time", time),
        "others": others,
    })))
}

/// Why it was not saved, for the line below the editor.
fn refused(t: Texts, error: ArticleError) -> Result<HttpResponse, PageError> {
    let (status, words) = match &error {
        ArticleError::Invalid(errors) => {
            let first = errors.iter().next();
            let words = first.map(|one| format!("{}: {}", label(t, one.field), one.message.in_words(t)));
            (StatusCode::UNPROCESSABLE_ENTITY, words.unwrap_or_default())
        }
        ArticleError::Conflict { .. } => (StatusCode::CONFLICT, error.message().in_words(t)),
        _ => return Err(failed(error)),
    };
    Ok(HttpResponse::build(status).json(json!({ "error": words })))
}

/// What a field is called on the page.
fn label(t: Texts, field: &str) -> String {
    t.text(match field {
        "author" => "desk-article-author",
        "language" => "signup-language",
        "teaser" => "desk-article-teaser",
        "body" => "desk-article-body",
        "canonical_url" => "desk-article-url",
        "slug" => "desk-article-slug",
        "tags" => "writing-tags",
        _ => "desk-article-title",
    })
}
