//! `/admin/login` and `POST /admin/logout`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::code;
use crate::accounts::login::{LoginError, Origin, Passed, STEP_LIFETIME, log_in};
use crate::accounts::sessions::{self, Visit};
use crate::i18n::{Message, Texts};
use crate::keys::random_token;
use crate::model::Language;
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::{Page, html, see_other};
use crate::web::session::{SESSION_COOKIE, SignedIn, cookie, cookie_name};
use crate::web::{App, PageError, csrf, language};

/// The cookie by which a browser is known again, before [`cookie_name`].
const BROWSER_COOKIE: &str = "postiljon_browser";
/// As long as browsers keep a cookie at most (RFC 6265bis, 5.5).
const BROWSER_LIFETIME: Duration = Duration::from_secs(400 * 24 * 3600);

#[derive(Template)]
#[template(path = "admin/login.html")]
struct LoginPage {
    page: Page,
    address: String,
    mistake: Option<String>,
    /// There is another password now.
    is_reset: bool,
    /// Whether passwords are taken.
    has_passwords: bool,
    /// What the provider is called.
    provider: Option<String>,
    has_passkeys: bool,
}

/// The language of a page that has no user yet.
pub(super) fn texts_of(request: &HttpRequest) -> Texts {
    Texts::new(language::of(request, Language::English))
}

pub(super) fn show(
    request: &HttpRequest,
    app: &App,
    status: StatusCode,
    address: &str,
    error: Option<&Message>,
) -> Result<HttpResponse, PageError> {
    let t = texts_of(request);
    let template = LoginPage {
        page: Page::new(t, t.text("desk-login-title")).with_languages_at("/admin/login"),
        address: address.to_owned(),
        mistake: error.map(|error| error.in_words(t)),
        is_reset: Form::of_query(request).first("done") == "password",
        has_passwords: app.takes_passwords(),
        provider: app.provider_label(),
        has_passkeys: app.passkey_site().is_some(),
    };
    html(status, &template)
}

/// The cookie of the browser, or a new one, and what the browser calls itself.
///
/// # Errors
/// When the system has no randomness to give.
pub(super) fn origin(
    request: &HttpRequest,
    app: &App,
    client: &Client,
) -> Result<(String, String), PageError> {
    let known = request.cookie(&cookie_name(app, BROWSER_COOKIE)).map(|cookie| cookie.value().to_owned());
    let browser = match known {
        Some(known) => known,
        None => random_token().map_err(|error| PageError::internal("a browser could not be named", error))?,
    };
    Ok((browser, client.user_agent.clone()))
}

pub(super) const fn from<'a>(client: &Client, browser: &'a str, user_agent: &'a str) -> Origin<'a> {
    Origin { ip: client.ip, visit: Visit { user_agent, browser } }
}

/// The answer to somebody who is signed in from now on.
///
/// # Errors
/// When a cookie could not be set, which is a defect.
pub(super) fn enter(app: &App, session: String, browser: &str) -> Result<HttpResponse, PageError> {
    let mut response = see_other("/admin");
    for cookie in [
        cookie(app, SESSION_COOKIE, session, sessions::LIFETIME),
        cookie(app, BROWSER_COOKIE, browser.to_owned(), BROWSER_LIFETIME),
    ] {
        response
            .add_cookie(&cookie)
            .map_err(|error| PageError::internal("a cookie could not be set", error))?;
    }
    Ok(response)
}

/// The answer to somebody whom the first factor let through.
///
/// # Errors
/// As [`enter`].
pub(super) fn let_in(app: &App, passed: Passed, browser: &str) -> Result<HttpResponse, PageError> {
    app.wake.notify_one();
    match passed {
        Passed::In(logged_in) => enter(app, logged_in.token, browser),
        Passed::Step(step) => {
            let mut response = see_other(code::PATH);
            response
                .add_cookie(&cookie(app, code::STEP_COOKIE, step, STEP_LIFETIME))
                .map_err(|error| PageError::internal("a cookie could not be set", error))?;
            Ok(response)
        }
    }
}

/// `GET /admin/login`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: Result<SignedIn, PageError>,
) -> Result<HttpResponse, PageError> {
    match signed_in {
        Ok(_) => Ok(see_other("/admin")),
        Err(PageError::NotSetUp) => Err(PageError::NotSetUp),
        Err(_) => show(&request, &app, StatusCode::OK, "", None),
    }
}

/// `POST /admin/login`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    if !app.takes_passwords() {
        return show(&request, &app, StatusCode::FORBIDDEN, "", Some(&Message::new("provider-only")));
    }
    let address = form.first("address");
    let (browser, user_agent) = origin(&request, &app, &client)?;
    match log_in(app.desk(), address, form.first("password"), &from(&client, &browser, &user_agent)).await {
        Ok(passed) => let_in(&app, passed, &browser),
        Err(error @ LoginError::Wrong) => {
            show(&request, &app, StatusCode::UNPROCESSABLE_ENTITY, address, Some(&error.message()))
        }
        Err(error @ LoginError::Throttled { minutes }) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = show(&request, &app, status, address, Some(&error.message()))?;
            response.headers_mut().insert(RETRY_AFTER, (minutes * 60).into());
            Ok(response)
        }
        Err(LoginError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a login failed", error)),
    }
}

/// `POST /admin/logout`.
pub async fn log_out(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    sessions::log_out(&app.store, &signed_in.token_hash).await?;
    let mut response = see_other("/admin/login");
    response
        .add_cookie(&cookie(&app, SESSION_COOKIE, String::new(), Duration::ZERO))
        .map_err(|error| PageError::internal("a cookie could not be removed", error))?;
    Ok(response)
}
