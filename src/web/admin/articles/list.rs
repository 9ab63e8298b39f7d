//! `GET /admin/articles`: search, filter, turn pages.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;

use crate::i18n::Texts;
use crate::model::{Article, ArticleStatus, Language};
use crate::store;
use crate::store::articles::ArticleFilter;
use crate::web::admin::{Frame, Paging, Status, desk_zone, page_of};
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// Longest text that is searched for.
const SEARCH_MAX_CHARS: usize = 200;

#[derive(Template)]
#[template(path = "admin/articles.html")]
struct ArticlesPage {
    page: Frame,
    filter: ArticleFilter,
    is_filtered: bool,
    articles: Vec<ArticleLine>,
    paging: Paging,
}

impl ArticlesPage {
    fn is_status(&self, status: &ArticleStatus) -> bool {
        self.filter.status == Some(*status)
    }

    fn is_language(&self, language: &Language) -> bool {
        self.filter.language == Some(*language)
    }
}

/// An article in a list.
pub struct ArticleLine {
    pub href: String,
    pub title: String,
    pub author: String,
    pub language: Language,
    pub status: Status,
    pub updated: String,
}

pub fn lines(t: Texts, zone: Tz, articles: Vec<Article>) -> Vec<ArticleLine> {
    let line = |article: Article| ArticleLine {
        href: format!("/admin/articles/{}", article.id),
        title: article.title,
        author: article.author,
        language: article.language,
        status: Status::of_article(t, article.status),
        updated: t.date(article.updated_at, zone),
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
        page: page_of(&query),
    };
    let is_filtered = !filter.search.is_empty() || filter.status.is_some() || filter.language.is_some();
    let mut reader = app.store.read().await?;
    let zone = desk_zone(&mut reader).await?;
    let mut articles = store::articles::list(reader.db(), &filter).await?;
    let base = form_urlencoded::Serializer::new("/admin/articles?".to_owned())
        .append_pair("q", &filter.search)
        .append_pair("status", query.first("status"))
        .append_pair("language", query.first("language"))
        .finish();
    let paging = Paging::of(&mut articles, filter.page, &format!("{base}&"));
    let page = Frame::new(&request, &signed_in, "articles", t.text("desk-articles"));
    let articles = lines(t, zone, articles);
    html(StatusCode::OK, &ArticlesPage { page, filter, is_filtered, articles, paging })
}
