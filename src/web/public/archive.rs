//! `GET /n/{slug}/archive`: the issues that were sent, the newest first, by year; `?q=` searches in them, `?page=` turns
//! pages. Both are in the address, so that going back in the browser shows what was there.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::Datelike as _;

use super::{IssueLink, archive_path, feed_links, found_by, newsletter_with_archive, page};
use crate::i18n::Texts;
use crate::mail::slot::line_for_anyone;
use crate::model::{Language, Newsletter};
use crate::publishing::schedule::zone_of;
use crate::store::archive::{self, ARCHIVE_ROWS, ArchivedArticle, ArchivedIssue};
use crate::web::form::Form;
use crate::web::layout::Page;
use crate::web::{App, PageError, language};

/// Beyond this nobody turns pages; they search.
const PAGE_MAX: i64 = 10_000;
/// Longest search in characters.
const SEARCH_MAX_CHARS: usize = 100;
/// A new issue is there soon, and going back needs no request.
const CACHE: &str = "public, max-age=60";

#[derive(Template)]
#[template(path = "public/archive.html")]
struct ArchivePage {
    page: Page,
    newsletter: Newsletter,
    /// Of this newsletter, in full.
    canonical: String,
    description: String,
    is_indexed: bool,
    feed_links: String,
    /// As typed.
    search: String,
    years: Vec<Year>,
    newer: Option<String>,
    older: Option<String>,
    /// Whether this is the first page of all.
    is_whole: bool,
}

struct Year {
    year: i32,
    entries: Vec<Entry>,
}

struct Entry {
    link: IssueLink,
    preheader: String,
    /// RFC 3339, for programs.
    moment: String,
    date: String,
    number: String,
    articles: Vec<ArchivedArticle>,
}

/// What the address asks for.
struct Query {
    search: String,
    page: i64,
    language: Option<Language>,
}

impl Query {
    fn of(request: &HttpRequest) -> Self {
        let form = Form::of_query(request);
        let search: String = form.first("q").trim().chars().take(SEARCH_MAX_CHARS).collect();
        Self {
            search,
            page: form.first("page").parse().unwrap_or(0).clamp(0, PAGE_MAX),
            language: language::chosen(request),
        }
    }

    /// The address of a page of the same search, in the same or another language.
    fn href(&self, path: &str, page: i64, language: Option<Language>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(language) = language {
            query.append_pair("lang", language.as_str());
        }
        if !self.search.is_empty() {
            query.append_pair("q", &self.search);
        }
        if page > 0 {
            query.append_pair("page", &page.to_string());
        }
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    slug: Path<String>,
) -> Result<HttpResponse, PageError> {
    let newsletter = newsletter_with_archive(&app, &slug).await?;
    let query = Query::of(&request);
    let mut reader = app.store.read().await?;
    let mut issues = archive::list(reader.db(), newsletter.id, &query.search, query.page).await?;
    let has_older = issues.len() > ARCHIVE_ROWS;
    issues.truncate(ARCHIVE_ROWS);
    let articles = archive::articles(reader.db(), &issues).await?;
    drop(reader);
    let path = archive_path(&newsletter);
    let t = Texts::new(language::of(&request, newsletter.language));
    let mut frame = Page::new(t, t.text("archive-title")).of_newsletter(&newsletter).with_languages(&request);
    for link in &mut frame.languages {
        link.href = query.href(&path, query.page, Some(link.language));
    }
    let is_whole = query.page == 0 && query.search.is_empty();
    let template = ArchivePage {
        canonical: app.url(&path),
        description: description(t, &newsletter),
        is_indexed: newsletter.archive.is_public() && query.search.is_empty(),
        feed_links: feed_links(&app, &newsletter),
        years: by_year(t, &newsletter, issues, &articles),
        newer: (query.page > 0).then(|| query.href(&path, query.page - 1, query.language)),
        older: has_older.then(|| query.href(&path, query.page + 1, query.language)),
        is_whole,
        search: query.search,
        page: frame,
        newsletter,
    };
    Ok(found_by(page(StatusCode::OK, &template)?, template.is_indexed, CACHE))
}

fn description(t: Texts, newsletter: &Newsletter) -> String {
    if newsletter.description.is_empty() { t.text("archive-lead") } else { newsletter.description.clone() }
}

/// The issues as entries, each below the year in which it was sent.
fn by_year(
    t: Texts,
    newsletter: &Newsletter,
    issues: Vec<ArchivedIssue>,
    articles: &[ArchivedArticle],
) -> Vec<Year> {
    let zone = zone_of(newsletter);
    let mut years: Vec<Year> = Vec::new();
    for issue in issues {
        let year = issue.started_at.to_utc().with_timezone(&zone).year();
        let entry = Entry {
            link: IssueLink::of(newsletter, &issue),
            preheader: line_for_anyone(&issue.preheader, &newsletter.name),
            moment: issue.started_at.rfc3339(),
            date: t.date(issue.started_at, zone),
            number: t.with("mail-issue-number", "number", issue.number.to_string()),
            articles: articles.iter().filter(|row| row.mailing_id == issue.mailing_id).cloned().collect(),
        };
        match years.last_mut().filter(|last| last.year == year) {
            Some(last) => last.entries.push(entry),
            None => years.push(Year { year, entries: vec![entry] }),
        }
    }
    years
}
