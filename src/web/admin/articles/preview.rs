//! An article as its readers will see it, while it is written: `POST /admin/articles/preview`; and as it is
//! stored: `GET /admin/articles/{id}/preview`. Shown in a sandboxed frame.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::i18n::Texts;
use crate::mail::markdown::{self, Context};
use crate::mail::slot::{escape_html, without_recipient};
use crate::model::{ArticleId, Language};
use crate::publishing::check::markdown_message;
use crate::publishing::versions;
use crate::store;
use crate::web::admin::id_of;
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// Our own stylesheet and pictures; nothing that runs.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' https: http: data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

#[derive(Template)]
#[template(path = "admin/article_preview.html")]
struct PreviewPage {
    language: Language,
    title: String,
    author: String,
    teaser: String,
    /// Safe HTML, or why there is none.
    body: Result<String, String>,
}

struct Draft<'a> {
    language: Language,
    title: &'a str,
    author: &'a str,
    teaser: &'a str,
    body: &'a str,
    canonical_url: &'a str,
}

async fn show(app: &App, t: Texts, draft: Draft<'_>) -> Result<HttpResponse, PageError> {
    let newsletters = store::newsletters::all(app.store.read().await?.db()).await?;
    let newsletter = newsletters.first().map_or("Postiljon", |newsletter| newsletter.name.as_str());
    let is_url = draft.canonical_url.starts_with("http");
    let base_url = if is_url { draft.canonical_url } else { &app.settings.public_url };
    let body =
        markdown::write(draft.body, Context { base_url, site_url: &app.settings.public_url, newsletter })
            .map(|written| without_recipient(&written.html, escape_html))
            .map_err(|error| markdown_message(&error).in_words(t));
    let template = PreviewPage {
        language: draft.language,
        title: draft.title.to_owned(),
        author: draft.author.to_owned(),
        teaser: draft.teaser.to_owned(),
        body,
    };
    let mut response = html(StatusCode::OK, &template)?;
    let policy = actix_web::http::header::HeaderValue::from_static(POLICY);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let draft = Draft {
        language: form.first("language").parse().unwrap_or(signed_in.user.language),
        title: form.first("title"),
        author: form.first("author"),
        teaser: form.first("teaser"),
        body: form.first("body"),
        canonical_url: form.first("canonical_url"),
    };
    show(&app, signed_in.texts(), draft).await
}

pub async fn get(app: Data<App>, signed_in: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let id = ArticleId(id_of(&id)?);
    let mut reader = app.store.read().await?;
    let article = store::articles::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let article = versions::latest(reader.db(), &article).await?;
    drop(reader);
    let draft = Draft {
        language: article.language,
        title: &article.title,
        author: &article.author,
        teaser: &article.teaser,
        body: &article.body,
        canonical_url: &article.canonical_url,
    };
    show(&app, signed_in.texts(), draft).await
}
