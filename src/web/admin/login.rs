//! `/admin/login` and `POST /admin/logout`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::accounts::login::{LoginError, log_in};
use crate::accounts::sessions;
use crate::i18n::Texts;
use crate::model::Language;
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::{Page, html, see_other};
use crate::web::session::{SESSION_COOKIE, SignedIn, cookie};
use crate::web::{App, PageError, csrf, language};

#[derive(Template)]
#[template(path = "admin/login.html")]
struct LoginPage {
    page: Page,
    address: String,
    mistake: Option<String>,
}

fn show(
    request: &HttpRequest,
    status: StatusCode,
    address: &str,
    error: Option<&LoginError>,
) -> Result<HttpResponse, PageError> {
    let t = Texts::new(language::of(request, Language::English));
    let page = Page::new(t, t.text("desk-login-title")).with_languages(request);
    let mistake = error.map(|error| error.message().in_words(t));
    html(status, &LoginPage { page, address: address.to_owned(), mistake })
}

/// `GET /admin/login`.
pub async fn get(
    request: HttpRequest,
    signed_in: Result<SignedIn, PageError>,
) -> Result<HttpResponse, PageError> {
    match signed_in {
        Ok(_) => Ok(see_other("/admin")),
        Err(PageError::NotSetUp) => Err(PageError::NotSetUp),
        Err(_) => show(&request, StatusCode::OK, "", None),
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
    let address = form.first("address");
    match log_in(&app.store, &app.clock, &app.keys, address, form.first("password"), client.ip).await {
        Ok(logged_in) => {
            let mut response = see_other("/admin");
            let cookie = cookie(&app, SESSION_COOKIE, logged_in.token, sessions::LIFETIME);
            response
                .add_cookie(&cookie)
                .map_err(|error| PageError::internal("a cookie could not be set", error))?;
            Ok(response)
        }
        Err(error @ LoginError::Wrong) => {
            show(&request, StatusCode::UNPROCESSABLE_ENTITY, address, Some(&error))
        }
        Err(error @ LoginError::Throttled { minutes }) => {
            let mut response = show(&request, StatusCode::TOO_MANY_REQUESTS, address, Some(&error))?;
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
