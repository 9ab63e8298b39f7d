//! `GET /api/v1/articles`: the articles, the last added first, without their words.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::page_of;
use crate::i18n::Message;
use crate::model::{ArticleId, ArticleStatus, Language, Tag};
use crate::store::{articles, tags};
use crate::web::App;
use crate::web::api::v1::Page;
use crate::web::api::v1::access::Caller;
use crate::web::api::v1::error::{Problem, Refusal};

#[derive(Serialize)]
struct List {
    articles: Vec<Row>,
    /// Of the next page; `null`: this is the last one.
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Row {
    id: ArticleId,
    status: ArticleStatus,
    slug: String,
    title: String,
    author: String,
    language: Language,
    teaser: String,
    canonical_url: String,
    tags: Vec<String>,
    url: Option<String>,
    created_at: String,
    updated_at: String,
    published_at: Option<String>,
}

pub async fn get(request: HttpRequest, app: Data<App>, caller: Caller) -> HttpResponse {
    list(&request, &app).await.unwrap_or_else(|refusal| refusal.response(caller.t))
}

async fn list(request: &HttpRequest, app: &App) -> Result<HttpResponse, Refusal> {
    let page = Page::of(request, &["status", "tag"])?;
    let mut problems = Vec::new();
    let status = match page.query.first("status") {
        "" => None,
        text => {
            let status: Option<ArticleStatus> = text.parse().ok();
            if status.is_none() {
                problems.push(Problem::new("not_a_status", "status", Message::new("api-status")));
            }
            status
        }
    };
    let tag = match page.query.first("tag") {
        "" => String::new(),
        text => match Tag::parse(text) {
            Ok(tag) => tag.key().to_owned(),
            Err(_) => {
                let shown: String = text.chars().take(60).collect();
                let message = Message::new("error-tag").text("tag", shown);
                problems.push(Problem::new("not_a_tag", "tag", message));
                String::new()
            }
        },
    };
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let mut reader = app.store.read().await?;
    let before = ArticleId(page.before);
    let mut found = articles::before(reader.db(), before, status, &tag, page.rows + 1).await?;
    let next_cursor = page.cut(&mut found, |article| article.id.0);
    let mut rows = Vec::with_capacity(found.len());
    for article in found {
        rows.push(Row {
            id: article.id,
            status: article.status,
            slug: article.slug.to_string(),
            tags: tags::of_article(reader.db(), article.id).await?,
            url: page_of(app, &article),
            title: article.title,
            author: article.author,
            language: article.language,
            teaser: article.teaser,
            canonical_url: article.canonical_url,
            created_at: article.created_at.rfc3339(),
            updated_at: article.updated_at.rfc3339(),
            published_at: article.published_at.map(|at| at.rfc3339()),
        });
    }
    Ok(HttpResponse::Ok().json(List { articles: rows, next_cursor }))
}
