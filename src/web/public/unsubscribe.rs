//! `/unsubscribe/{token}` and `/resubscribe/{token}`: leaving, and undoing it.
//!
//! The POST is also the one-click address of the `List-Unsubscribe` header (RFC 8058): it reads no body,
//! cookie or origin, answers 200 without a redirect and sets no cookie. The link is the whole permission.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::confirm::unknown;
use super::{evidence, page, preferences_path, texts_of_mail};
use crate::i18n::Texts;
use crate::model::{DepartureReason, Language, Newsletter, Rhythm, Subscription, SubscriptionStatus};
use crate::store::{departures, digests};
use crate::subscriptions::unsubscribe::{self, Departure};
use crate::web::client::Client;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

#[derive(Template)]
#[template(path = "public/unsubscribe.html")]
struct LeavePage {
    page: Page,
    newsletter: Newsletter,
    token: String,
    /// Not confirmed yet: leaving withdraws the request.
    is_pending: bool,
    /// Path of the page where fewer mails can be had.
    preferences: String,
    /// Whether there is a digest a month instead, and it is not chosen already.
    has_monthly: bool,
}

/// What someone says, or said, on leaving.
#[derive(Debug, Default)]
pub(super) struct Filled {
    pub(super) reason: Option<DepartureReason>,
    pub(super) remark: String,
    /// Key and words of what is wrong with it.
    pub(super) mistake: Option<(&'static str, String)>,
    /// It is kept already, and can be changed.
    pub(super) is_said: bool,
}

#[derive(Template)]
#[template(path = "public/left.html")]
struct LeftPage {
    page: Page,
    message: String,
    token: String,
    /// Where the undo posts to, while it works.
    undo: Option<String>,
    /// A request was withdrawn, and not a subscription.
    is_request: bool,
    /// Where to sign up again.
    href: String,
    /// `None` for somebody who never received anything, or of whom nothing is known.
    filled: Option<Filled>,
}

impl LeftPage {
    fn is_chosen(&self, reason: &DepartureReason) -> bool {
        self.filled.as_ref().is_some_and(|filled| filled.reason.as_ref() == Some(reason))
    }
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
            let preferences = preferences_path(&app, subscription.id);
            let has_monthly = subscription.rhythm != Rhythm::Monthly
                && digests::has_monthly(app.store.read().await?.db(), newsletter.id).await?;
            page(
                StatusCode::OK,
                &LeavePage { page: frame, newsletter, token, is_pending, preferences, has_monthly },
            )
        }
        Departure::Done(done) => show_left(&request, &app, *done, &token).await,
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
        Departure::Open(left) | Departure::Done(left) => show_left(&request, &app, *left, &token).await,
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
        Departure::Open(asked) | Departure::Done(asked) if asked.1.confirmed_at.is_none() => {
            let (newsletter, subscription) = *asked;
            let t = texts_of_mail(&request, subscription.language);
            let frame = Page::new(t, t.text("undone-pending-title")).of_newsletter(&newsletter);
            let message = t.with("undone-pending", "newsletter", newsletter.name.clone());
            let href = format!("/n/{}", newsletter.slug);
            page(StatusCode::OK, &AskablePage { page: frame, message, href })
        }
        Departure::Open(late) | Departure::Done(late) => {
            let (newsletter, subscription) = *late;
            let t = texts_of_mail(&request, subscription.language);
            let frame = Page::new(t, t.text("link-expired-title")).of_newsletter(&newsletter);
            let message = t.text("undo-too-late");
            let href = format!("/n/{}", newsletter.slug);
            page(StatusCode::GONE, &TooLatePage { page: frame, message, href })
        }
        Departure::Gone | Departure::Unknown => unknown(&request),
    }
}

/// A request may be made again.
#[derive(Template)]
#[template(path = "public/askable.html")]
struct AskablePage {
    page: Page,
    message: String,
    /// Where to sign up.
    href: String,
}

/// The undo has had its hour.
#[derive(Template)]
#[template(path = "public/too_late.html")]
struct TooLatePage {
    page: Page,
    message: String,
    /// Where to sign up again.
    href: String,
}

#[derive(Template)]
#[template(path = "public/undone.html")]
struct UndonePage {
    page: Page,
    message: String,
    href: String,
}

/// `GET /unsubscribe/{token}/reason`: a reload.
pub async fn get_again(request: HttpRequest, token: Path<String>) -> HttpResponse {
    let query = language::chosen(&request).map(|chosen| format!("?lang={chosen}")).unwrap_or_default();
    see_other(&format!("/unsubscribe/{token}{query}"))
}

/// The goodbye, with what was said already.
async fn show_left(
    request: &HttpRequest,
    app: &App,
    left: (Newsletter, Subscription),
    token: &str,
) -> Result<HttpResponse, PageError> {
    let said = departures::of_subscription(app.store.read().await?.db(), left.1.id).await?;
    let filled = said.map_or_else(Filled::default, |said| Filled {
        reason: Some(said.reason),
        remark: said.remark,
        mistake: None,
        is_said: true,
    });
    show_done(request, app, StatusCode::OK, left, token, filled)
}

/// The goodbye, with the form filled in.
pub(super) fn show_done(
    request: &HttpRequest,
    app: &App,
    status: StatusCode,
    (newsletter, subscription): (Newsletter, Subscription),
    token: &str,
    filled: Filled,
) -> Result<HttpResponse, PageError> {
    let t = texts_of_mail(request, subscription.language);
    let was_reader = subscription.confirmed_at.is_some();
    let (title, message) =
        if was_reader { ("left-title", "left") } else { ("left-pending-title", "left-pending") };
    let mut frame = Page::new(t, t.text(title)).of_newsletter(&newsletter).with_languages(request);
    for link in &mut frame.languages {
        // A form that failed stands under the address that it was posted to.
        link.href = format!("/unsubscribe/{token}?lang={}", link.language);
    }
    let template = LeftPage {
        page: frame,
        message: t.with(message, "newsletter", newsletter.name.clone()),
        token: token.to_owned(),
        undo: (unsubscribe::can_undo(&app.clock, &subscription) || unsubscribe::is_withdrawn(&subscription))
            .then(|| format!("/resubscribe/{}", unsubscribe::undo_link(&app.keys, &subscription))),
        is_request: !was_reader,
        href: format!("/n/{}", newsletter.slug),
        filled: was_reader.then_some(filled),
    };
    page(status, &template)
}

/// The link is ours, and nothing is known of the person any more.
pub(super) fn show_gone(request: &HttpRequest) -> Result<HttpResponse, PageError> {
    let t = Texts::new(language::of(request, Language::English));
    let template = LeftPage {
        page: Page::new(t, t.text("left-title")),
        message: t.text("left-gone"),
        token: String::new(),
        undo: None,
        is_request: false,
        href: "/".to_owned(),
        filled: None,
    };
    page(StatusCode::OK, &template)
}
