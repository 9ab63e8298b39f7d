//! `/confirm/{token}`: the page behind the button in the confirmation mail.
//!
//! GET shows a button and changes nothing. Only in the browser that signed up does a small script press it.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{
    IssueLink, ask_failed, evidence, latest_issue, page, preferences_path, signup_cookie, texts_of_mail,
};
use crate::i18n::Texts;
use crate::model::{Language, Newsletter, Subscription};
use crate::store;
use crate::subscriptions::another::{self, AskError};
use crate::subscriptions::confirm::{self, Confirmation};
use crate::subscriptions::preferences::{self, TopicChoice};
use crate::web::client::Client;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

#[derive(Template)]
#[template(path = "public/confirm.html")]
struct ConfirmPage {
    page: Page,
    newsletter: Newsletter,
    token: String,
    presses_itself: bool,
}

#[derive(Template)]
#[template(path = "public/confirmed.html")]
struct ConfirmedPage {
    page: Page,
    newsletter: Newsletter,
    latest: Option<IssueLink>,
    /// Of the preferences.
    path: String,
    topics: Vec<TopicChoice>,
}

/// For a visit long after the button was pressed.
#[derive(Template)]
#[template(path = "public/already.html")]
struct AlreadyPage {
    page: Page,
    newsletter: Newsletter,
    since: String,
    latest: Option<IssueLink>,
    /// Of the preferences.
    path: String,
}

/// A link that has had its seven days, and the button for a new one.
#[derive(Template)]
#[template(path = "public/expired.html")]
struct ExpiredPage {
    page: Page,
    token: String,
    notice: Option<String>,
}

/// The new link is in a mail.
#[derive(Template)]
#[template(path = "public/renewed.html")]
struct RenewedPage {
    page: Page,
    newsletter: Newsletter,
}

/// A link that is none of ours, or none any more.
#[derive(Template)]
#[template(path = "public/unknown_link.html")]
struct UnknownLinkPage {
    page: Page,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let seen = confirm::look(&app.store, &app.clock, &token).await?;
    show(&request, &app, seen, token.into_inner()).await
}

/// The page of a link as it stands.
async fn show(
    request: &HttpRequest,
    app: &App,
    seen: Confirmation,
    token: String,
) -> Result<HttpResponse, PageError> {
    match seen {
        Confirmation::Open(open) => show_button(request, app, *open, token).await,
        Confirmation::Done(done) => show_done(request, app, *done).await,
        Confirmation::Expired(expired) => show_expired(request, &expired, token, None),
        Confirmation::Renewed(renewed) => show_renewed(request, *renewed),
        Confirmation::Unknown => unknown(request),
    }
}

/// The token is the whole permission: no cookie and no origin is asked for, since the mail may be read on
/// another machine than the form was filled in on.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let evidence = evidence(client, "page");
    match confirm::confirm(&app.store, &app.clock, &app.keys, &token, &evidence).await? {
        Confirmation::Open(_) | Confirmation::Done(_) => Ok(see_other(&address(&request, &token))),
        other => show(&request, &app, other, token.into_inner()).await,
    }
}

/// `POST /confirm/{token}/again`: a new link in place of one that has expired.
pub async fn again(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    match another::renew(&app.store, &app.clock, &app.keys, &token, Some(client.ip)).await {
        Ok(Confirmation::Unknown) => unknown(&request),
        Ok(_) => {
            app.wake.notify_one();
            Ok(see_other(&address(&request, &token)))
        }
        Err(AskError::Enough) => match confirm::look(&app.store, &app.clock, &token).await? {
            Confirmation::Expired(expired) => {
                let notice = Texts::new(language::chosen(&request).unwrap_or(expired.1.language));
                let notice = Some(notice.text("link-enough"));
                show_expired(&request, &expired, token.into_inner(), notice)
            }
            other => show(&request, &app, other, token.into_inner()).await,
        },
        Err(error) => Err(ask_failed(error)),
    }
}

/// `GET /confirm/{token}/again`: a reload.
pub async fn get_again(request: HttpRequest, token: Path<String>) -> HttpResponse {
    see_other(&address(&request, &token))
}

/// The page of a link, in the language that was chosen.
fn address(request: &HttpRequest, token: &str) -> String {
    let query = language::chosen(request).map(|chosen| format!("?lang={chosen}")).unwrap_or_default();
    format!("/confirm/{token}{query}")
}

async fn show_button(
    request: &HttpRequest,
    app: &App,
    (newsletter, subscription): (Newsletter, Subscription),
    token: String,
) -> Result<HttpResponse, PageError> {
    let subscriber =
        store::subscribers::by_id(app.store.read().await?.db(), subscription.subscriber_id).await?;
    let presses_itself =
        subscriber.is_some_and(|person| signup_cookie::is_held(request, app, newsletter.id, &person.address));
    let t = texts_of_mail(request, subscription.language);
    let frame = Page::new(t, t.text("confirm-title")).of_newsletter(&newsletter).with_languages(request);
    page(StatusCode::OK, &ConfirmPage { page: frame, newsletter, token, presses_itself })
}

async fn show_done(
    request: &HttpRequest,
    app: &App,
    (newsletter, subscription): (Newsletter, Subscription),
) -> Result<HttpResponse, PageError> {
    let t = texts_of_mail(request, subscription.language);
    let latest = latest_issue(&mut app.store.read().await?, &newsletter).await?;
    let path = preferences_path(app, subscription.id);
    let frame = |title: &str| Page::new(t, t.text(title)).of_newsletter(&newsletter).with_languages(request);
    if confirm::is_new(&app.clock, &subscription) {
        let page_frame = frame("confirmed-title");
        let seen = preferences::look_at(&app.store, subscription.id).await?;
        let topics = seen.map(|seen| seen.topics(t.language())).unwrap_or_default();
        return page(StatusCode::OK, &ConfirmedPage { page: page_frame, newsletter, latest, path, topics });
    }
    let zone = newsletter.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let since = subscription.confirmed_at.map(|at| t.date(at, zone)).unwrap_or_default();
    let page_frame = frame("already-title");
    page(StatusCode::OK, &AlreadyPage { page: page_frame, newsletter, since, latest, path })
}

fn show_expired(
    request: &HttpRequest,
    (newsletter, subscription): &(Newsletter, Subscription),
    token: String,
    notice: Option<String>,
) -> Result<HttpResponse, PageError> {
    let t = texts_of_mail(request, subscription.language);
    let frame = Page::new(t, t.text("link-expired-title")).of_newsletter(newsletter).with_languages(request);
    let status = if notice.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::GONE };
    page(status, &ExpiredPage { page: frame, token, notice })
}

fn show_renewed(
    request: &HttpRequest,
    (newsletter, subscription): (Newsletter, Subscription),
) -> Result<HttpResponse, PageError> {
    let t = texts_of_mail(request, subscription.language);
    let frame = Page::new(t, t.text("link-renewed-title")).of_newsletter(&newsletter).with_languages(request);
    page(StatusCode::OK, &RenewedPage { page: frame, newsletter })
}

/// A forged, cut or withdrawn link: which of them, nobody is told.
pub(super) fn unknown(request: &HttpRequest) -> Result<HttpResponse, PageError> {
    let t = Texts::new(language::of(request, Language::English));
    let frame = Page::new(t, t.text("link-unknown-title")).with_languages(request);
    page(StatusCode::NOT_FOUND, &UnknownLinkPage { page: frame })
}
