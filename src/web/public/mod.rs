//! What visitors and subscribers meet: one file per page.
//!
//! - Language: the visitor's choice (`?lang=`), then what the browser prefers of ours, then the newsletter's.
//!   A page behind a link in a mail speaks the language of that mail instead of the browser's: the reader
//!   chose it, and may have opened the link on another machine.
//! - These pages set no session, ask for no CSRF token, and show no address: a link may be forwarded.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, VARY};
use actix_web::web::{PayloadConfig, ServiceConfig, head, resource};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::client::Client;
use super::{App, PageError, language, layout};
use crate::i18n::Texts;
use crate::keys::Purpose;
use crate::mail::slot::{escape_html, line_for_anyone};
use crate::model::{Language, Mailing, MailingStatus, Newsletter, NewsletterId, Slug, SubscriptionId};
use crate::store;
use crate::store::archive::ArchivedIssue;
use crate::subscriptions::Evidence;
use crate::subscriptions::another::AskError;

pub mod address;
pub mod archive;
pub mod article;
pub mod brand;
pub mod check_inbox;
pub mod confirm;
pub mod contact;
pub mod digest;
pub mod door;
pub mod feed;
pub mod health;
pub mod home;
pub mod inbox_cookie;
pub mod issue;
pub mod leaving_reason;
pub mod manage;
pub mod preferences;
pub mod signup_cookie;
pub mod signup_page;
pub mod subscribe;
pub mod tracked;
pub mod unsubscribe;
mod webmail;

/// Largest sign-up form: each field at its longest, several times over.
pub(super) const SIGNUP_MAX_OCTETS: usize = 64 * 1024;
/// Minutes until the mails of a mailbox are counted anew.
const DAY_MINUTES: i64 = 24 * 60;
/// For so many newsletters a browser has cookies of their own. Beyond them the newest goes before, so that what a browser
/// sends stays short.
const COOKIES_MAX: i64 = 8;

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/").get(home::get).route(head().to(home::get)))
        .service(resource("/n/{slug}").get(subscribe::get).route(head().to(subscribe::get)))
        .service(resource("/n/{slug}/brand.css").get(brand::get))
        .service(
            resource("/n/{slug}/subscribe")
                .app_data(PayloadConfig::new(SIGNUP_MAX_OCTETS))
                .get(subscribe::get_again)
                .post(subscribe::post),
        )
        .service(
            resource("/n/{slug}/check-inbox")
                .get(check_inbox::get)
                .route(head().to(check_inbox::get))
                .post(check_inbox::post),
        )
        .service(resource("/n/{slug}/archive").get(archive::get).route(head().to(archive::get)))
        .service(resource("/n/{slug}/feed.{format}").get(feed::get).route(head().to(feed::get)))
        .service(resource("/n/{slug}/contact.vcf").get(contact::get).route(head().to(contact::get)))
        .service(resource("/f/{form}").get(subscribe::get).route(head().to(subscribe::get)))
        .service(
            resource("/f/{form}/subscribe")
                .app_data(PayloadConfig::new(SIGNUP_MAX_OCTETS))
                .get(subscribe::get_again)
                .post(subscribe::post),
        )
        .service(
            resource("/f/{form}/check-inbox")
                .get(check_inbox::get)
                .route(head().to(check_inbox::get))
                .post(check_inbox::post),
        )
        .service(
            resource("/confirm/{token}").get(confirm::get).route(head().to(confirm::get)).post(confirm::post),
        )
        .service(resource("/confirm/{token}/again").get(confirm::get_again).post(confirm::again))
        .service(
            resource("/unsubscribe/{token}/reason")
                .app_data(PayloadConfig::new(SIGNUP_MAX_OCTETS))
                .get(unsubscribe::get_again)
                .post(leaving_reason::post),
        )
        .service(
            resource("/manage")
                .app_data(PayloadConfig::new(SIGNUP_MAX_OCTETS))
                .get(manage::get)
                .route(head().to(manage::get))
                .post(manage::post),
        )
        .service(resource("/manage/sent").get(manage::sent).route(head().to(manage::sent)))
        .service(
            resource("/unsubscribe/{token}")
                .get(unsubscribe::get)
                .route(head().to(unsubscribe::get))
                .post(unsubscribe::post),
        )
        .service(resource("/resubscribe/{token}").post(unsubscribe::undo))
        .configure(preferences::configure)
        .service(
            resource("/address/{token}").get(address::get).route(head().to(address::get)).post(address::post),
        )
        .service(resource("/c/{token}").get(tracked::click).route(head().to(tracked::click)))
        .service(resource("/o/{token}.gif").get(tracked::open).route(head().to(tracked::open)))
        .service(resource("/digest/{token}").get(digest::get).route(head().to(digest::get)))
        .service(resource("/digest/{token}/{act}").get(digest::get_again).post(digest::post))
        .service(resource("/i/{public_id}").get(issue::get).route(head().to(issue::get)))
        .service(resource("/a/{slug}").get(article::get).route(head().to(article::get)));
}

/// The name of a cookie about one newsletter: somebody may sign up for two of them in one visit.
fn of_newsletter(name: &str, newsletter: NewsletterId) -> String {
    format!("{name}_{}", newsletter.0.rem_euclid(COOKIES_MAX))
}

/// The newsletter of a URL.
async fn newsletter(app: &App, slug: &str) -> Result<Newsletter, PageError> {
    let slug = Slug::parse(slug).map_err(|_| PageError::NotFound)?;
    let mut reader = app.store.read().await?;
    store::newsletters::by_slug(reader.db(), &slug).await?.ok_or(PageError::NotFound)
}

/// The texts of a page that someone came to by a link of ours in a mail.
fn texts_of_mail(request: &HttpRequest, mail: Language) -> Texts {
    Texts::new(language::chosen(request).unwrap_or(mail))
}

/// Answers with a page that depends on the visitor's language.
fn page(status: StatusCode, template: &impl Template) -> Result<HttpResponse, PageError> {
    let mut response = layout::html(status, template)?;
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Language"));
    Ok(response)
}

/// Why a mail was not asked for, where the page cannot say it beside a field.
fn ask_failed(error: AskError) -> PageError {
    match error {
        AskError::Store(error) => error.into(),
        AskError::TooMany { minutes } => PageError::TooMany { minutes },
        AskError::Address(_) => PageError::BadRequest,
        AskError::Enough => PageError::TooMany { minutes: DAY_MINUTES },
        AskError::NoRandomness(error) => PageError::internal("a mail could not be asked for", error),
    }
}

/// The path of the page where a reader changes what comes and how often.
fn preferences_path(app: &App, id: SubscriptionId) -> String {
    format!("/preferences/{}", app.keys.sign_link(Purpose::Preferences, id))
}

/// What a browser's request leaves behind as evidence.
fn evidence(client: Client, source: &'static str) -> Evidence {
    Evidence { source, page: client.page, ip: Some(client.ip), user_agent: client.user_agent }
}

/// The newsletter of a URL below its archive, which must be there.
async fn newsletter_with_archive(app: &App, slug: &str) -> Result<Newsletter, PageError> {
    let newsletter = newsletter(app, slug).await?;
    if newsletter.archive.is_open() { Ok(newsletter) } else { Err(PageError::NotFound) }
}

fn archive_path(newsletter: &Newsletter) -> String {
    format!("/n/{}/archive", newsletter.slug)
}

/// A feed of a newsletter: the ending of its address, its media type, and what it is called.
const FEEDS: [(&str, &str, &str); 3] = [
    ("rss", "application/rss+xml", "RSS"),
    ("atom", "application/atom+xml", "Atom"),
    ("json", "application/feed+json", "JSON Feed"),
];

/// What was published may be kept for a while; search engines are asked to leave it out unless it `is_indexed`.
fn found_by(mut response: HttpResponse, is_indexed: bool, cache: &'static str) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    if !is_indexed {
        headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    }
    response
}

/// Links by which feed readers find the feeds of a newsletter, for the head of a page: safe HTML.
fn feed_links(app: &App, newsletter: &Newsletter) -> String {
    let link = |(ending, media_type, name): (&str, &str, &str)| {
        let title = escape_html(&format!("{} ({name})", newsletter.name));
        let url = app.url(&format!("/n/{}/feed.{ending}", newsletter.slug));
        format!(
            "<link rel=\"alternate\" type=\"{media_type}\" title=\"{title}\" href=\"{}\">\n",
            escape_html(&url)
        )
    };
    FEEDS.into_iter().map(link).collect()
}

/// An issue that anyone may read, as a link.
struct IssueLink {
    subject: String,
    href: String,
}

impl IssueLink {
    fn of(newsletter: &Newsletter, issue: &ArchivedIssue) -> Self {
        Self {
            subject: line_for_anyone(&issue.subject, &newsletter.name),
            href: format!("/i/{}", issue.public_id),
        }
    }
}

/// The last issue of a newsletter that has begun to be sent; none where there is no archive.
async fn latest_issue(
    reader: &mut store::Reader,
    newsletter: &Newsletter,
) -> Result<Option<IssueLink>, PageError> {
    if !newsletter.archive.is_open() {
        return Ok(None);
    }
    let latest = store::archive::latest(reader.db(), newsletter.id).await?;
    Ok(latest.map(|issue| IssueLink::of(newsletter, &issue)))
}

/// Whether an issue may be read by anyone: not before its mailing has begun.
const fn is_public(status: MailingStatus) -> bool {
    matches!(status, MailingStatus::Sending | MailingStatus::Paused | MailingStatus::Sent)
}

/// Whether the archive leads to an issue that may be read: not to what was for a segment only.
const fn is_listed(mailing: &Mailing) -> bool {
    mailing.segment_filter.is_none()
}
