//! `/unsubscribe/{token}` and `/resubscribe/{token}`: leaving, and undoing it.
//!
//! The POST is also the one-click address of the `List-Unsubscribe` header (RFC 8058): it reads no body,
//! cookie or origin, answers 200 without a redirect and sets no cookie. The link is the whole permission.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::confirm::unknown;
use super::{evidence, page, texts_of_mail};
use crate::i18n::Texts;
use crate::model::{Language, Newsletter, Subscription, SubscriptionStatus};
use crate::subscriptions::unsubscribe::{self, Departure};
use crate::web::client::Client;
use crate::web::layout::Page;
use crate::web::{App, PageError, language};

#[derive(Template)]
#[template(path = "public/unsubscribe.html")]
struct LeavePage {
    page: Page,
    newsletter: Newsletter,
    token: String,
    /// Not confirmed yet: leaving withdraws the request.
    is_pending: bool,
}

#[derive(Template)]
#[template(path = "public/left.html")]
struct LeftPage {
    page: Page,
    message: String,
    /// Where the undo posts to, while it works.
    undo: Option<String>,
    /// Where to sign up again.
    href: String,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    match unsubscribe::look(&app.store, &app.keys, &token).await? {
        Departure::Open(open) => {
            let (newsletter, subscription) = *open;
            let t = texts_of_mail(&request, subscription.language);
            let is_pending = subscription.status == SubscriptionStatus::Pending;
            let key = if is_pending { "leave-pending-title" } else { "leave-title" };
            let title = t.with(key, "newsletter", newsletter.name.clone());
            let frame = Page::new(t, title).of_newsletter(&newsletter).with_languages(&request);
            let token = token.into_inner();
            page(StatusCode::OK, &LeavePage { page: frame, newsletter, token, is_pending })
        }
        Departure::Done(done) => show_left(&request, &app, *done),
        Departure::Gone => show_gone(&request),
        Departure::Unknown => unknown(&request),
    }
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    // Only browsers say where a form came from; a mail provider's one-click has no such header.
    let is_browser = request.headers().contains_key("sec-fetch-site");
    let evidence = evidence(client, if is_browser { "page" } else { "one-click" });
    match unsubscribe::unsubscribe(&app.store, &app.clock, &app.keys, &token, &evidence).await? {
        Departure::Open(left) | Departure::Done(left) => show_left(&request, &app, *left),
        Departure::Gone => show_gone(&request),
        Departure::Unknown => unknown(&request),
    }
}

/// `POST /resubscribe/{token}`.
pub async fn undo(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let evidence = evidence(client, "page");
    match unsubscribe::resubscribe(&app.store, &app.clock, &app.keys, &token, &evidence).await? {
        Departure::Open(open) if open.1.status == SubscriptionStatus::Confirmed => {
            let (newsletter, subscription) = *open;
            let t = texts_of_mail(&request, subscription.language);
            let frame = Page::new(t, t.text("undone-title")).of_newsletter(&newsletter);
            let message = t.with("undone", "newsletter", newsletter.name.clone());
            let href = format!("/n/{}", newsletter.slug);
            page(StatusCode::OK, &UndonePage { page: frame, message, href })
        }
        Departure::Open(late) | Departure::Done(late) => {
            let (newsletter, subscription) = *late;
            let t = texts_of_mail(&request, subscription.language);
            let frame = Page::new(t, t.text("link-expired-title")).of_newsletter(&newsletter);
            let message = t.text("undo-too-late");
            let href = format!("/n/{}", newsletter.slug);
            page(StatusCode::GONE, &super::confirm::DeadLinkPage { page: frame, message, href })
        }
        Departure::Gone | Departure::Unknown => unknown(&request),
    }
}

#[derive(Template)]
#[template(path = "public/undone.html")]
struct UndonePage {
    page: Page,
    message: String,
    href: String,
}

fn show_left(
    request: &HttpRequest,
    app: &App,
    (newsletter, subscription): (Newsletter, Subscription),
) -> Result<HttpResponse, PageError> {
    let t = texts_of_mail(request, subscription.language);
    let frame = Page::new(t, t.text("left-title")).of_newsletter(&newsletter).with_languages(request);
    let template = LeftPage {
        page: frame,
        message: t.with("left", "newsletter", newsletter.name.clone()),
        undo: unsubscribe::can_undo(&app.clock, &subscription)
            .then(|| format!("/resubscribe/{}", unsubscribe::undo_link(&app.keys, &subscription))),
        href: format!("/n/{}", newsletter.slug),
    };
    page(StatusCode::OK, &template)
}

/// The link is ours, and nothing is known of the person any more.
fn show_gone(request: &HttpRequest) -> Result<HttpResponse, PageError> {
    let t = Texts::new(language::of(request, Language::English));
    let template = LeftPage {
        page: Page::new(t, t.text("left-title")),
        message: t.text("left-gone"),
        undo: None,
        href: "/".to_owned(),
    };
    page(StatusCode::OK, &template)
}
