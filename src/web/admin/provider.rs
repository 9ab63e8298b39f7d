//! `/admin/login/provider`: going to the provider, and `/admin/login/provider/return`: coming back.
//!
//! Who goes there presses a button, and gets a page that leads on: a redirect after a form would need the provider, and
//! whomever it asks in turn, in our policy for forms. Coming back is the one GET that changes something: it works once, and
//! only in the browser whose cookie it belongs to.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, TryIntoHeaderValue as _};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::login::{enter, from, let_in, origin, texts_of};
use crate::accounts::provider::Provider;
use crate::accounts::provider::login::{self as verbs, Begun, Brought, Came, ProviderError, VISIT_LIFETIME};
use crate::i18n::Texts;
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::{Page, html, see_other};
use crate::web::session::{SignedIn, cookie, cookie_name};
use crate::web::{App, PageError, csrf};

/// The cookie of who went to the provider, before [`cookie_name`].
const VISIT_COOKIE: &str = "postiljon_provider";

#[derive(Template)]
#[template(path = "admin/provider_go.html")]
struct GoPage {
    page: Page,
    url: String,
    provider: String,
}

#[derive(Template)]
#[template(path = "admin/provider_failed.html")]
struct FailedPage {
    page: Page,
    message: String,
    /// Where one can try again, or do something else.
    back: &'static str,
    is_signed_in: bool,
}

/// The page that leads to the provider.
///
/// # Errors
/// When a header could not be set, which is a defect.
pub(super) fn go(app: &App, provider: &Provider, t: Texts, begun: &Begun) -> Result<HttpResponse, PageError> {
    let label = provider.label();
    let page = Page::new(t, t.with("provider-go", "provider", label));
    let template = GoPage { page, url: begun.url.clone(), provider: label.to_owned() };
    let mut response = html(StatusCode::OK, &template)?;
    let refresh = format!("0; url={}", begun.url);
    let refresh =
        refresh.try_into_value().map_err(|error| PageError::internal("a page could not lead on", error))?;
    response.headers_mut().insert(actix_web::http::header::HeaderName::from_static("refresh"), refresh);
    response
        .add_cookie(&cookie(app, VISIT_COOKIE, begun.token.clone(), VISIT_LIFETIME))
        .map_err(|error| PageError::internal("a cookie could not be set", error))?;
    Ok(response)
}

/// The page that says why it did not work, and where to go on.
///
/// # Errors
/// Of the database.
pub(super) fn failed(
    app: &App,
    t: Texts,
    is_signed_in: bool,
    error: ProviderError,
) -> Result<HttpResponse, PageError> {
    let status = match &error {
        ProviderError::Over | ProviderError::Cancelled => StatusCode::BAD_REQUEST,
        ProviderError::Stranger => StatusCode::FORBIDDEN,
        ProviderError::Taken => StatusCode::CONFLICT,
        ProviderError::Gone => StatusCode::NOT_FOUND,
        ProviderError::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        ProviderError::Failed(_) => StatusCode::BAD_GATEWAY,
        ProviderError::Unconfirmed(_) | ProviderError::Session(_) | ProviderError::Store(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    if let ProviderError::Failed(failure) = &error {
        // What it is about, and never what it holds.
        tracing::warn!(cause = %failure, "signing in through the provider failed");
    }
    let wait = match &error {
        ProviderError::Throttled(wait) => Some(wait.minutes * 60),
        _ => None,
    };
    let message = error.message().in_words(t);
    match error {
        ProviderError::Store(error) => return Err(error.into()),
        ProviderError::Session(error) => {
            return Err(PageError::internal("a login through the provider failed", error));
        }
        _ => {}
    }
    let back = if is_signed_in { "/admin/account" } else { "/admin/login" };
    let page = Page::new(t, t.text("provider-failed-title"));
    let mut response = html(status, &FailedPage { page, message, back, is_signed_in })?;
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    forget(app, &mut response)?;
    Ok(response)
}

fn forget(app: &App, response: &mut HttpResponse) -> Result<(), PageError> {
    response
        .add_cookie(&cookie(app, VISIT_COOKIE, String::new(), Duration::ZERO))
        .map_err(|error| PageError::internal("a cookie could not be removed", error))
}

/// `POST /admin/login/provider`.
pub async fn begin(request: HttpRequest, app: Data<App>, client: Client) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    let provider = app.provider.as_ref().ok_or(PageError::NotFound)?;
    let t = texts_of(&request);
    match verbs::begin(app.desk(), provider, client.ip).await {
        Ok(begun) => go(&app, provider, t, &begun),
        Err(error) => failed(&app, t, false, error),
    }
}

/// `POST /admin/link/{token}/provider`.
pub async fn begin_to_join(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
    client: Client,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    let provider = app.provider.as_ref().ok_or(PageError::NotFound)?;
    let t = texts_of(&request);
    match verbs::begin_to_join(app.desk(), provider, &token, client.ip).await {
        Ok(begun) => go(&app, provider, t, &begun),
        Err(error) => failed(&app, t, false, error),
    }
}

/// `GET /admin/login/provider/return`.
pub async fn come_back(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    signed_in: Result<SignedIn, PageError>,
) -> Result<HttpResponse, PageError> {
    let provider = app.provider.as_ref().ok_or(PageError::NotFound)?;
    let signed_in = signed_in.ok();
    let t = signed_in.as_ref().map_or_else(|| texts_of(&request), SignedIn::texts);
    let query = Form::of_query(&request);
    let one = |name| query.one(name).unwrap_or_default();
    let visit = request.cookie(&cookie_name(&app, VISIT_COOKIE));
    let brought = Brought {
        token: visit.as_ref().map_or("", |cookie| cookie.value()),
        state: one("state"),
        code: one("code"),
        issuer: query.has("iss").then(|| one("iss")),
        error: query.has("error").then(|| one("error")),
    };
    let (browser, user_agent) = origin(&request, &app, &client)?;
    let from = from(&client, &browser, &user_agent);
    let who = signed_in.as_ref().map(|signed_in| (&signed_in.user, signed_in.token_hash.as_slice()));
    let came = verbs::come_back(app.desk(), provider, brought, who, &from).await;
    app.wake.notify_one();
    let mut response = match came {
        Ok(Came::Passed(passed)) => let_in(&app, passed, &browser)?,
        Ok(Came::Joined(logged_in)) => enter(&app, logged_in.token, &browser)?,
        Ok(Came::Linked) => see_other("/admin/account?done=linked"),
        Err(error) => return failed(&app, t, signed_in.is_some(), error),
    };
    forget(&app, &mut response)?;
    Ok(response)
}
