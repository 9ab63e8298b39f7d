//! `GET /n/{slug}/feed.rss`, `feed.atom`, `feed.json`: the newest issues with all that they say (RSS 2.0, RFC 4287,
//! JSON Feed 1.1).
//!
//! To add a form: its line in [`super::FEEDS`], and a way to write [`Feed`] in [`Feed::written`].

use std::time::{Duration, UNIX_EPOCH};

use actix_web::http::header::{
    ETAG, EntityTag, HttpDate, IfModifiedSince, IfNoneMatch, LAST_MODIFIED, TryIntoHeaderValue as _,
};
use actix_web::web::{Data, Path};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use askama::Template;
use serde_json::json;

use super::{FEEDS, archive_path, found_by, newsletter_with_archive};
use crate::keys::sha256_hex;
use crate::mail::slot::line_for_anyone;
use crate::mail::web_copy;
use crate::model::{Newsletter, Timestamp};
use crate::store;
use crate::store::archive::ArchivedCopy;
use crate::web::{App, PageError};

/// Issues in a feed: readers come by often enough not to miss one, and a feed of long issues stays below 1 MB.
const ISSUES_MAX: i64 = 20;
/// Feed readers ask often; an issue is not news of the second.
const CACHE: &str = "public, max-age=300";

/// What all forms of the feed say. Texts hold nothing that XML cannot.
struct Feed {
    title: String,
    description: String,
    language: &'static str,
    author: String,
    /// The archive.
    home_url: String,
    /// Of the feed itself.
    own_url: String,
    /// Of the newest issue, or of the newsletter.
    updated: Timestamp,
    issues: Vec<FeedIssue>,
}

struct FeedIssue {
    /// The same for ever, whatever becomes of addresses.
    id: String,
    url: String,
    title: String,
    summary: String,
    language: &'static str,
    at: Timestamp,
    /// Safe HTML with absolute addresses.
    html: String,
}

#[derive(Template)]
#[template(path = "public/feed_rss.xml")]
struct Rss<'a> {
    feed: &'a Feed,
}

#[derive(Template)]
#[template(path = "public/feed_atom.xml")]
struct Atom<'a> {
    feed: &'a Feed,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (slug, format) = path.into_inner();
    let known = FEEDS.into_iter().find(|(ending, ..)| *ending == format);
    let (ending, media_type, _) = known.ok_or(PageError::NotFound)?;
    let newsletter = newsletter_with_archive(&app, &slug).await?;
    let mut reader = app.store.read().await?;
    let newest = store::archive::newest(reader.db(), newsletter.id, newsletter.language, ISSUES_MAX).await?;
    drop(reader);
    let feed = Feed::of(&app, &newsletter, ending, &newest);
    let body = feed.written(ending)?;
    // Weak: what compresses an answer changes its octets.
    let etag = EntityTag::new_weak(sha256_hex(body.as_bytes())[..16].to_owned());
    let modified = http_date(feed.updated);
    let is_known = is_known(&request, &etag, modified);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, etag.to_string()));
    if let Ok(modified) = modified.try_into_value() {
        response.insert_header((LAST_MODIFIED, modified));
    }
    let response = match is_known {
        true => response.finish(),
        false => response.content_type(format!("{media_type}; charset=utf-8")).body(body),
    };
    Ok(found_by(response, newsletter.archive.is_public(), CACHE))
}

/// Whether the reader has this feed already (RFC 9110, 13.2.2: the tag decides, where there is one).
fn is_known(request: &HttpRequest, etag: &EntityTag, modified: HttpDate) -> bool {
    match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(etag)),
        None => request.get_header::<IfModifiedSince>().is_some_and(|since| modified <= since.0),
    }
}

/// To the second, as HTTP knows it.
fn http_date(moment: Timestamp) -> HttpDate {
    let seconds = u64::try_from(moment.as_millis() / 1000).unwrap_or(0);
    HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds))
}

impl Feed {
    fn of(app: &App, newsletter: &Newsletter, ending: &str, newest: &[ArchivedCopy]) -> Self {
        let description = match newsletter.description.as_str() {
            "" => &newsletter.name,
            description => description,
        };
        Self {
            title: for_xml(&newsletter.name),
            description: for_xml(description),
            language: newsletter.language.as_str(),
            author: for_xml(&newsletter.sender_name),
            home_url: app.url(&archive_path(newsletter)),
            own_url: app.url(&format!("/n/{}/feed.{ending}", newsletter.slug)),
            updated: newest.first().map_or(newsletter.created_at, |copy| copy.issue.started_at),
            issues: newest.iter().map(|copy| FeedIssue::of(app, newsletter, copy)).collect(),
        }
    }

    fn written(&self, ending: &str) -> Result<String, PageError> {
        let written = match ending {
            "rss" => Rss { feed: self }.render(),
            "atom" => Atom { feed: self }.render(),
            _ => return Ok(self.as_json().to_string()),
        };
        written.map_err(|error| PageError::internal("a feed could not be rendered", error))
    }

    fn as_json(&self) -> serde_json::Value {
        let items: Vec<_> = self.issues.iter().map(FeedIssue::as_json).collect();
        json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.title,
            "home_page_url": self.home_url,
            "feed_url": self.own_url,
            "description": self.description,
            "language": self.language,
            "authors": [{ "name": self.author }],
            "items": items,
        })
    }
}

impl FeedIssue {
    fn of(app: &App, newsletter: &Newsletter, copy: &ArchivedCopy) -> Self {
        let issue = &copy.issue;
        Self {
            id: format!("urn:uuid:{}", issue.public_id),
            url: app.url(&format!("/i/{}", issue.public_id)),
            title: for_xml(&line_for_anyone(&issue.subject, &newsletter.name)),
            summary: for_xml(&line_for_anyone(&issue.preheader, &newsletter.name)),
            language: copy.language.as_str(),
            at: issue.started_at,
            html: for_xml(&web_copy::content(&copy.web_html)),
        }
    }

    fn as_json(&self) -> serde_json::Value {
        json!({
            "id": self.id,
            "url": self.url,
            "title": self.title,
            "summary": self.summary,
            "content_html": self.html,
            "date_published": self.at.rfc3339(),
            "language": self.language,
        })
    }

    /// As RSS writes a moment (RFC 822, with four digits of the year).
    fn rfc822(&self) -> String {
        self.at.to_utc().to_rfc2822()
    }
}

/// Text without the characters that no XML document may hold, escaped or not (XML 1.0, 2.2).
fn for_xml(text: &str) -> String {
    let is_allowed =
        |c: &char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    text.chars().filter(is_allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_left_out() {
        assert_eq!(for_xml("a\0b\u{b}c\u{1b}d\u{fffe}\u{ffff}e\tf 😀]]>"), "abcde\tf 😀]]>");
    }
}
