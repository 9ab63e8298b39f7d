//! `/admin/settings/sources`: feeds of which the entries become articles.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;

use crate::i18n::Texts;
use crate::model::{Language, Source, SourceId};
use crate::publishing::sources::fetch::{Reader, fetch_now};
use crate::publishing::sources::{self as verbs, INTERVAL_MINUTES, SourceError, SourceInput};
use crate::store::sources as table;
use crate::web::admin::{Frame, Mistakes, desk_zone, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const LIST: &str = "/admin/settings/sources";
/// Articles that changed there and are named here.
const CHANGED_SHOWN: i64 = 20;

#[derive(Template)]
#[template(path = "admin/sources.html")]
struct SourcesPage {
    page: Frame,
    sources: Vec<Row>,
}

struct Row {
    href: String,
    name: String,
    url: String,
    is_on: bool,
    words: String,
    error: Option<String>,
    changed: Vec<ArticleLink>,
}

struct ArticleLink {
    title: String,
    href: String,
}

#[derive(Template)]
#[template(path = "admin/source.html")]
struct SourcePage {
    page: Frame,
    action: String,
    version: Option<i64>,
    input: SourceInput,
    languages: Vec<Language>,
    mistakes: Mistakes,
}

/// `GET /admin/settings/sources`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let zone = desk_zone(&mut reader).await?;
    let counts = table::counts(reader.db()).await?;
    let mut sources = Vec::new();
    for source in table::all(reader.db()).await? {
        let count = counts.iter().find(|(id, _)| *id == source.id).map_or(0, |(_, count)| *count);
        let changed = table::changed(reader.db(), source.id, CHANGED_SHOWN).await?;
        let link = |one: table::Changed| ArticleLink {
            title: one.title,
            href: format!("/admin/articles/{}", one.article_id),
        };
        sources.push(Row {
            href: format!("{LIST}/{}", source.id),
            words: words(t, &source, count, zone),
            error: error(t, &source),
            changed: changed.into_iter().map(link).collect(),
            name: source.name,
            url: source.url,
            is_on: source.is_on,
        });
    }
    drop(reader);
    let page = Frame::new(&request, &signed_in, "settings", t.text("desk-sources"));
    html(StatusCode::OK, &SourcesPage { page, sources })
}

fn words(t: Texts, source: &Source, count: i64, zone: Tz) -> String {
    let mut words = vec![t.with("source-articles", "count", count)];
    words.push(t.text(&format!("source-short-{}", source.intake)));
    if let Some(at) = source.fetched_at {
        words.push(t.with("source-asked", "moment", t.date_time(at, zone)));
    }
    if source.is_on {
        words.push(t.with("source-next", "moment", t.date_time(source.next_at, zone)));
    }
    words.join(" · ")
}

fn error(t: Texts, source: &Source) -> Option<String> {
    if source.error.is_empty() {
        return None;
    }
    Some(t.with(&source.error, "status", source.error_status.to_string()))
}

/// `GET /admin/settings/sources/new`.
pub async fn new(request: HttpRequest, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let input = SourceInput {
        language: t.language().to_string(),
        intake: "draft".into(),
        interval_minutes: INTERVAL_MINUTES.to_string(),
        is_on: true,
        ..SourceInput::default()
    };
    form(&request, &signed_in, None, input, Mistakes::none(t), StatusCode::OK)
}

fn form(
    request: &HttpRequest,
    signed_in: &SignedIn,
    source: Option<&Source>,
    input: SourceInput,
    mistakes: Mistakes,
    status: StatusCode,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let title = source.map_or_else(|| t.text("source-add"), |source| source.name.clone());
    let template = SourcePage {
        page: Frame::new(request, signed_in, "settings", title),
        action: source.map_or_else(|| LIST.to_owned(), |source| format!("{LIST}/{}", source.id)),
        version: source.map(|source| source.version),
        input,
        languages: Language::ALL.to_vec(),
        mistakes,
    };
    html(status, &template)
}

fn input(form: &Form) -> SourceInput {
    let field = |name: &str| form.first(name).to_owned();
    SourceInput {
        name: field("name"),
        url: field("url"),
        language: field("language"),
        tags: field("tags"),
        intake: field("intake"),
        interval_minutes: field("interval_minutes"),
        is_on: form.has("is_on"),
    }
}

async fn source_of(app: &App, id: &str) -> Result<Source, PageError> {
    let id = SourceId(id_of(id)?);
    table::by_id(app.store.read().await?.db(), id).await?.ok_or(PageError::NotFound)
}

/// `GET /admin/settings/sources/{id}`.
pub async fn edit(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let source = source_of(&app, &id).await?;
    let mistakes = Mistakes::none(signed_in.texts());
    form(&request, &signed_in, Some(&source), verbs::input_of(&source), mistakes, StatusCode::OK)
}

/// `POST /admin/settings/sources`.
pub async fn add(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    posted: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    let input = input(&posted);
    match verbs::create(&app.store, &app.clock, &input).await {
        Ok(_) => Ok(see_other(&format!("{LIST}?done=source-added"))),
        Err(error) => refused(&request, &signed_in, error, None, input),
    }
}

/// `POST /admin/settings/sources/{id}`.
pub async fn save(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    posted: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    let source = source_of(&app, &id).await?;
    let (input, version) = (input(&posted), posted.first("version").parse().unwrap_or(0));
    match verbs::save(&app.store, &app.clock, source.id, version, &input).await {
        Ok(_) => Ok(see_other(&format!("{LIST}?done=saved"))),
        Err(error) => refused(&request, &signed_in, error, Some(&source), input),
    }
}

/// The form again, with everything that was typed and what is wrong.
fn refused(
    request: &HttpRequest,
    signed_in: &SignedIn,
    error: SourceError,
    source: Option<&Source>,
    input: SourceInput,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let (mistakes, status) = match error {
        SourceError::Invalid(errors) => (Mistakes::of(t, errors), StatusCode::UNPROCESSABLE_ENTITY),
        SourceError::NotFound => return Err(PageError::NotFound),
        SourceError::Store(error) => return Err(error.into()),
        error => (Mistakes::notice(t, &error.message()), StatusCode::CONFLICT),
    };
    form(request, signed_in, source, input, mistakes, status)
}

/// `POST /admin/settings/sources/{id}/fetch`: asks it now, and says what came of it.
pub async fn fetch(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    posted: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    let source = source_of(&app, &id).await?;
    let reader = Reader { store: &app.store, clock: &app.clock, http: &app.http, images: &app.images };
    let report = fetch_now(reader, source.id).await?.ok_or(PageError::NotFound)?;
    if !report.error.is_empty() {
        // It says why, and when it is asked next.
        return Ok(see_other(LIST));
    }
    Ok(see_other(&format!("{LIST}?done=source-asked")))
}

/// `POST /admin/settings/sources/{id}/remove`.
pub async fn remove(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    posted: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    match verbs::delete(&app.store, SourceId(id_of(&id)?)).await {
        Ok(()) | Err(SourceError::NotFound) => Ok(see_other(&format!("{LIST}?done=source-removed"))),
        Err(SourceError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a source could not be removed", error)),
    }
}
