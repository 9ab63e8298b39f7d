//! `/api/v1/articles`: handing articles in, reading and changing them.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use serde::Serialize;

pub mod change;
pub mod create;
pub mod list;
pub mod show;

use super::access::Caller;
use super::error::Refusal;
use super::json::Names;
use crate::i18n::Message;
use crate::model::{Article, ArticleId, ArticleStatus, ArticleVersion, Language, Tag};
use crate::publishing::handed_in::{HandedIn, Outcome};
use crate::publishing::pictures::Fetcher;
use crate::publishing::{paste, versions};
use crate::store::{self, external_articles};
use crate::web::App;

/// A program waits no longer for pictures than this, and the last of them.
const PICTURES_WITHIN: Duration = Duration::from_secs(15);

/// An article as the last who wrote it left it.
#[derive(Serialize)]
struct ArticleJson {
    id: ArticleId,
    /// Counts what was saved; the next change is over this.
    version: i64,
    status: ArticleStatus,
    slug: String,
    title: String,
    author: String,
    language: Language,
    teaser: String,
    /// Markdown.
    body: String,
    canonical_url: String,
    tags: Vec<String>,
    /// What the owner of the key calls it elsewhere.
    external_id: Option<String>,
    /// Its page here, while it is published.
    url: Option<String>,
    /// The version that readers see.
    published_version: Option<i64>,
    created_at: String,
    updated_at: String,
    published_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
}

/// Answers with an article; `result`: what became of what was handed in.
async fn answer(
    app: &App,
    caller: &Caller,
    id: ArticleId,
    result: Option<Outcome>,
) -> Result<HttpResponse, Refusal> {
    let mut reader = app.store.read().await?;
    let article = store::articles::by_id(reader.db(), id).await?.ok_or(Refusal::NotFound)?;
    let latest = versions::latest(reader.db(), &article).await?;
    let external = external_articles::of_article(reader.db(), caller.user, id).await?;
    let is_published = article.status == ArticleStatus::Published;
    let json = ArticleJson {
        id,
        version: latest.number,
        status: article.status,
        slug: latest.slug.to_string(),
        title: latest.title.clone(),
        author: latest.author.clone(),
        language: latest.language,
        teaser: latest.teaser.clone(),
        body: latest.body.clone(),
        canonical_url: latest.canonical_url.clone(),
        tags: tags_of(&latest),
        external_id: external.map(|external| external.external_id),
        url: page_of(app, &article),
        published_version: is_published.then_some(article.version),
        created_at: article.created_at.rfc3339(),
        updated_at: latest.updated_at.max(article.updated_at).rfc3339(),
        published_at: article.published_at.map(|at| at.rfc3339()),
        result: result.map(Outcome::as_str),
    };
    let is_new = result == Some(Outcome::Created);
    let mut response = HttpResponse::build(if is_new { StatusCode::CREATED } else { StatusCode::OK });
    if is_new {
        response.insert_header(("Location", app.url(&format!("/api/v1/articles/{id}"))));
    }
    response.insert_header((ETAG, format!("\"{}\"", tag_of(latest.number, article.status))));
    Ok(response.json(json))
}

/// What `ETag` and `If-Match` hold of a state.
fn tag_of(version: i64, status: ArticleStatus) -> String {
    format!("{version}-{status}")
}

fn tags_of(version: &ArticleVersion) -> Vec<String> {
    version.tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

fn page_of(app: &App, article: &Article) -> Option<String> {
    (article.status == ArticleStatus::Published).then(|| app.url(&format!("/a/{}", article.slug)))
}

/// How pictures of texts are fetched while a program waits.
fn pictures(app: &App) -> Fetcher<'_> {
    let App { store, clock, http, images, .. } = app;
    Fetcher { store, clock, http, images, within: PICTURES_WITHIN }
}

/// The names that creating and changing have in common.
fn handed_in(names: &mut Names) -> HandedIn {
    let (body, html) = (names.text("body"), names.text("html"));
    let body = match (body, html) {
        (Some(_), Some(_)) => {
            names.add("body_and_html", "html", Message::new("api-body-and-html"));
            None
        }
        // As what somebody pastes.
        (None, Some(html)) => match paste::to_markdown(&html) {
            Ok(pasted) => Some(pasted.markdown),
            Err(paste::TooLarge) => {
                names.add("too_long", "html", Message::new("page-error-too-large"));
                None
            }
        },
        (body, None) => body,
    };
    let status = names.text("status").and_then(|text| match text.parse() {
        Ok(status) => Some(status),
        Err(_) => {
            names.add("not_a_status", "status", Message::new("api-status"));
            None
        }
    });
    HandedIn {
        title: names.text("title"),
        author: names.text("author"),
        language: names.text("language"),
        teaser: names.text("teaser"),
        body,
        canonical_url: names.text("canonical_url"),
        slug: names.text("slug"),
        tags: tags(names),
        status,
    }
}

/// The tags as they are typed at the desk. Each is one, also where it has a sign that parts them there.
fn tags(names: &mut Names) -> Option<String> {
    let given = names.list("tags")?;
    for tag in &given {
        if Tag::parse(tag).is_err() || tag.contains([';', '\n']) {
            let shown: String = tag.chars().take(60).collect();
            names.add("not_a_tag", "tags", Message::new("error-tag").text("tag", shown));
            return None;
        }
    }
    Some(given.join(", "))
}
