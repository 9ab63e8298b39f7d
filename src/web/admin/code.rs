//! `/admin/login/code`: the second factor of a login, after the password.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::login::{enter, origin, texts_of};
use crate::accounts::login::{LoginError, is_waiting, log_in_with_code};
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::{Page, html, see_other};
use crate::web::session::{cookie, cookie_name};
use crate::web::{App, PageError, csrf};

pub const PATH: &str = "/admin/login/code";
/// The cookie between the password and the code, before [`cookie_name`].
pub const STEP_COOKIE: &str = "postiljon_login";

#[derive(Template)]
#[template(path = "admin/login_code.html")]
struct CodePage {
    page: Page,
    mistake: Option<String>,
}

fn step_of(request: &HttpRequest, app: &App) -> String {
    request.cookie(&cookie_name(app, STEP_COOKIE)).map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

fn show(
    request: &HttpRequest,
    status: StatusCode,
    error: Option<&LoginError>,
) -> Result<HttpResponse, PageError> {
    let t = texts_of(request);
    let page = Page::new(t, t.text("factor-login-title")).with_languages(request);
    html(status, &CodePage { page, mistake: error.map(|error| error.message().in_words(t)) })
}

pub async fn get(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, PageError> {
    if is_waiting(app.desk(), &step_of(&request, &app)).await? {
        show(&request, StatusCode::OK, None)
    } else {
        Ok(see_other("/admin/login"))
    }
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    let (browser, user_agent) = origin(&request, &app, &client)?;
    let from = super::login::from(&client, &browser, &user_agent);
    match log_in_with_code(app.desk(), &step_of(&request, &app), form.first("code"), &from).await {
        Ok(logged_in) => {
            app.wake.notify_one();
            let mut response = enter(&app, logged_in.token, &browser)?;
            response
                .add_cookie(&cookie(&app, STEP_COOKIE, String::new(), Duration::ZERO))
                .map_err(|error| PageError::internal("a cookie could not be removed", error))?;
            Ok(response)
        }
        Err(LoginError::StepOver) => Ok(see_other("/admin/login")),
        Err(error @ LoginError::WrongCode) => show(&request, StatusCode::UNPROCESSABLE_ENTITY, Some(&error)),
        Err(error @ LoginError::Throttled { minutes }) => {
            let mut response = show(&request, StatusCode::TOO_MANY_REQUESTS, Some(&error))?;
            response.headers_mut().insert(RETRY_AFTER, (minutes * 60).into());
            Ok(response)
        }
        Err(LoginError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a login failed", error)),
    }
}
