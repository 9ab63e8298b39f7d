//! Writing an article: `/admin/articles/new` and `/admin/articles/{id}`. Nothing that was typed is ever lost:
//! a form that cannot be saved comes back filled.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::i18n::FieldErrors;
use crate::model::{Article, ArticleId, ArticleStatus};
use crate::publishing::articles::{self as verbs, ArticleError, ArticleInput};
use crate::store;
use crate::web::admin::{Frame, Mistakes, Status, desk_zone, given_twice, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const FIELDS: [&str; 7] = ["title", "author", "language", "teaser", "body", "canonical_url", "slug"];

#[derive(Template)]
#[template(path = "admin/article.html")]
struct ArticlePage {
    page: Frame,
    /// Where the form goes.
    action: String,
    input: ArticleInput,
    version: i64,
    mistakes: Mistakes,
    /// The stored article; `None` while it is new.
    stored: Option<Stored>,
    /// What someone else saved in the meantime.
    theirs: Option<Box<Article>>,
}

struct Stored {
    status: Status,
    is_published: bool,
    saved: String,
    preview: String,
    appearances: Vec<Appearance>,
}

struct Appearance {
    href: String,
    words: String,
    date: String,
}

fn input_of(form: &Form) -> ArticleInput {
    let field = |name: &str| form.first(name).to_owned();
    ArticleInput {
        title: field("title"),
        author: field("author"),
        language: field("language"),
        teaser: field("teaser"),
        body: field("body"),
        canonical_url: field("canonical_url"),
        slug: field("slug"),
    }
}

fn input_from(article: &Article) -> ArticleInput {
    ArticleInput {
        title: article.title.clone(),
        author: article.author.clone(),
        language: article.language.to_string(),
        teaser: article.teaser.clone(),
        body: article.body.clone(),
        canonical_url: article.canonical_url.clone(),
        slug: article.slug.to_string(),
    }
}

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
    show_new(&request, &signed_in, input, Mistakes::none(signed_in.texts()))
}

fn show_new(
    request: &HttpRequest,
    signed_in: &SignedIn,
    input: ArticleInput,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let title = signed_in.texts().text("desk-article-new");
    let status = if mistakes.notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = ArticlePage {
        page: Frame::new(request, signed_in, "articles", title),
        action: "/admin/articles".to_owned(),
        input,
        version: 0,
        mistakes,
        stored: None,
        theirs: None,
    };
    html(status, &template)
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
    let result = match given_twice(&form, &FIELDS).or(()) {
        Ok(()) => verbs::create(&app.store, &app.clock, &input).await,
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(article) => after_save(&app, article.id, &form).await,
        Err(ArticleError::Invalid(errors)) => show_new(&request, &signed_in, input, Mistakes::of(t, errors)),
        Err(error) => failed(error),
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
        match verbs::set_status(&app.store, &app.clock, id, status).await {
            Ok(()) => {}
            Err(error) => return failed(error),
        }
    }
    Ok(see_other(&format!("/admin/articles/{id}?done={done}")))
}

fn failed(error: ArticleError) -> Result<HttpResponse, PageError> {
    match error {
        ArticleError::NotFound => Err(PageError::NotFound),
        ArticleError::Store(error) => Err(error.into()),
        error => Err(PageError::internal("an article could not be saved", error)),
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
    show(&request, &app, &signed_in, id, Mistakes::none(signed_in.texts()), None, None).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    id: ArticleId,
    mistakes: Mistakes,
    typed: Option<(ArticleInput, i64)>,
    theirs: Option<Box<Article>>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let article = store::articles::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let zone = desk_zone(&mut reader).await?;
    let appearances = store::articles::appearances(reader.db(), id).await?;
    let appearances = appearances.into_iter().map(|seen| Appearance {
        href: format!("/admin/issues/{}", seen.issue_id),
        words: t.with2(
            "desk-issue-name",
            "number",
            seen.number.to_string(),
            "newsletter",
            seen.newsletter_name,
        ),
        date: t.date(seen.due_at, zone),
    });
    let stored = Stored {
        status: Status::of_article(t, article.status),
        is_published: article.status == ArticleStatus::Published,
        saved: t.date_time(article.updated_at, zone),
        preview: format!("/admin/articles/{id}/preview"),
        appearances: appearances.collect(),
    };
    let status = match (&theirs, &mistakes.notice) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, Some(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, None) => StatusCode::OK,
    };
    let page = Frame::new(request, signed_in, "articles", article.title.clone());
    let (input, version) = typed.unwrap_or_else(|| (input_from(&article), article.version));
    let action = format!("/admin/articles/{id}");
    html(status, &ArticlePage { page, action, input, version, mistakes, stored: Some(stored), theirs })
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
    let result = match twice.or(()) {
        Ok(()) => verbs::save(&app.store, &app.clock, id, version, &input).await,
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(article) => after_save(&app, article.id, &form).await,
        Err(ArticleError::Invalid(errors)) => {
            let typed = Some((input, version));
            show(&request, &app, &signed_in, id, Mistakes::of(t, errors), typed, None).await
        }
        // With their version in the form, saving again is a choice and not an accident.
        Err(ref error @ ArticleError::Conflict { ref theirs }) => {
            let mistakes = Mistakes::notice(t, &error.message());
            let typed = Some((input, theirs.version));
            show(&request, &app, &signed_in, id, mistakes, typed, Some(theirs.clone())).await
        }
        Err(error) => failed(error),
    }
}
