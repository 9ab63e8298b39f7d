//! What visitors and subscribers meet: one file per page.
//!
//! - Language: the visitor's choice (`?lang=`), then what the browser prefers of ours, then the newsletter's.
//!   A page behind a link in a mail speaks the language of that mail instead of the browser's: the reader
//!   chose it, and may have opened the link on another machine.
//! - These pages set no session, ask for no CSRF token, and show no address: a link may be forwarded.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, VARY};
use actix_web::web::{PayloadConfig, ServiceConfig, head, resource};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::client::Client;
use super::{App, PageError, language, layout};
use crate::i18n::Texts;
use crate::keys::Purpose;
use crate::model::{Issue, Language, MailingStatus, Newsletter, NewsletterId, Slug, SubscriptionId};
use crate::store;
use crate::subscriptions::Evidence;
use crate::subscriptions::another::AskError;

pub mod address;
pub mod brand;
pub mod check_inbox;
pub mod confirm;
pub mod contact;
pub mod door;
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
pub mod unsubscribe;
mod webmail;

/// Largest sign-up form: each field at its longest, several times over.
pub(super) const SIGNUP_MAX_OCTETS: usize = 64 * 1024;
/// Minutes until the mails of a mailbox are counted anew.
const DAY_MINUTES: i64 = 24 * 60;

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
        .service(resource("/i/{public_id}").get(issue::get).route(head().to(issue::get)));
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

/// An issue that anyone may read.
struct LatestIssue {
    subject: String,
    href: String,
}

/// The last issue of a newsletter that has begun to be sent.
async fn latest_issue(db: &mut store::Reader, id: NewsletterId) -> Result<Option<LatestIssue>, PageError> {
    let rows = store::issues::list(db.db(), Some(id), 0).await?;
    let Some(row) = rows.iter().find(|row| row.mailing_status.is_some_and(is_public)) else {
        return Ok(None);
    };
    let issue = store::issues::by_id(db.db(), row.id).await?;
    Ok(issue
        .map(|issue: Issue| LatestIssue { href: format!("/i/{}", issue.public_id), subject: issue.subject }))
}

/// Whether an issue may be read by anyone: not before its mailing has begun.
const fn is_public(status: MailingStatus) -> bool {
    matches!(status, MailingStatus::Sending | MailingStatus::Paused | MailingStatus::Sent)
}
