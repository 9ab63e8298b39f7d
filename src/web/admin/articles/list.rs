//! `GET /admin/articles`: search, filter, turn pages.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;

use crate::i18n::Texts;
use crate::model::{Article, ArticleId, ArticleStatus, Language};
use crate::store::articles::ArticleFilter;
use crate::store::{self, Reader};
use crate::web::admin::{Frame, Paging, Status, desk_zone, page_of};
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// Longest text that is searched for.
const SEARCH_MAX_CHARS: usize = 200;
/// Most tags to filter by: those of the most articles.
const TAGS_MAX: i64 = 100;
/// Most articles that are known to have unpublished changes.
const AHEAD_MAX: i64 = 1000;

/// Value of the filter by status for those that were put away.
const ARCHIVED: &str = "archived";

#[derive(Template)]
#[template(path = "admin/articles.html")]
struct ArticlesPage {
    page: Frame,
    filter: ArticleFilter,
    is_filtered: bool,
    articles: Vec<ArticleLine>,
    paging: Paging,
    tags: Vec<String>,
    /// The article that was just put away.
    undo: Option<ArticleId>,
}

impl ArticlesPage {
    fn is_tag(&self, name: &str) -> bool {
        self.filter.tag == name.to_lowercase()
    }

    fn is_status(&self, status: &ArticleStatus) -> bool {
        self.filter.status == Some(*status)
    }

    fn is_language(&self, language: &Language) -> bool {
        self.filter.language == Some(*language)
    }
}

/// An article in a list.
pub struct ArticleLine {
    pub id: ArticleId,
    pub href: String,
    pub title: String,
    pub author: String,
    pub language: Language,
    pub status: Status,
    pub updated: String,
    /// There are words that readers do not see yet.
    pub is_ahead: bool,
    /// The issue in which it was mailed last.
    pub sent_in: Option<String>,
}

pub fn lines(t: Texts, zone: Tz, articles: Vec<Article>) -> Vec<ArticleLine> {
    let line = |article: Article| ArticleLine {
        id: article.id,
        href: format!("/admin/articles/{}", article.id),
        title: article.title,
        author: article.author,
        language: article.language,
        status: Status::of_article(t, article.status),
        updated: t.date(article.updated_at, zone),
        is_ahead: false,
        sent_in: None,
    };
    articles.into_iter().map(line).collect()
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let query = Form::of_query(&request);
    let filter = ArticleFilter {
        search: query.first("q").trim().chars().take(SEARCH_MAX_CHARS).collect(),
        status: query.first("status").parse().ok(),
        language: query.first("language").parse().ok(),
        tag: query.first("tag").trim().to_lowercase(),
        is_archived: query.first("status") == ARCHIVED,
        page: page_of(&query),
    };
    let is_filtered = !filter.search.is_empty()
        || filter.status.is_some()
        || filter.is_archived
        || filter.language.is_some()
        || !filter.tag.is_empty();
    let mut reader = app.store.read().await?;
    let zone = desk_zone(&mut reader).await?;
    let mut articles = store::articles::list(reader.db(), &filter).await?;
    let base = form_urlencoded::Serializer::new("/admin/articles?".to_owned())
        .append_pair("q", &filter.search)
        .append_pair("status", query.first("status"))
        .append_pair("language", query.first("language"))
        .append_pair("tag", query.first("tag"))
        .finish();
    let paging = Paging::of(&mut articles, filter.page, &format!("{base}&"));
    let page = Frame::new(&request, &signed_in, "articles", t.text("desk-articles"));
    let ids: Vec<ArticleId> = articles.iter().map(|article| article.id).collect();
    let mut articles = lines(t, zone, articles);
    tell(&signed_in, &mut reader, &ids, &mut articles).await?;
    let tags = store::tags::used(reader.db(), TAGS_MAX).await?;
    let undo = query.first("undo").parse().ok().map(ArticleId);
    html(StatusCode::OK, &ArticlesPage { page, filter, is_filtered, articles, paging, tags, undo })
}

/// What the list says beside the articles themselves.
async fn tell(
    signed_in: &SignedIn,
    reader: &mut Reader,
    ids: &[ArticleId],
    lines: &mut [ArticleLine],
) -> Result<(), PageError> {
    let t = signed_in.texts();
    let ahead = store::article_versions::pending(reader.db(), AHEAD_MAX).await?;
    let seen = store::articles::last_appearances_for(reader.db(), signed_in.actor(), ids).await?;
    for (id, line) in ids.iter().zip(lines) {
        line.is_ahead = ahead.contains(id);
        line.sent_in = seen.iter().find(|seen| seen.article_id == *id).map(|seen| {
            let (number, newsletter) = (seen.number.to_string(), seen.newsletter_name.as_str());
            t.with2("writing-sent-in", "number", number, "newsletter", newsletter)
        });
    }
    Ok(())
}
