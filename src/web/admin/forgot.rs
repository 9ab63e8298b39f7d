//! `/admin/forgot`: another password by mail. The answer is the same for every address.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::login::texts_of;
use crate::accounts::links::forgot;
use crate::accounts::login::LoginError;
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::{Page, html, see_other};
use crate::web::{App, PageError, csrf};

const SENT: &str = "/admin/forgot?sent";

#[derive(Template)]
#[template(path = "admin/forgot.html")]
struct ForgotPage {
    page: Page,
    is_sent: bool,
    mistake: Option<String>,
    address: String,
}

pub async fn get(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, PageError> {
    if !app.takes_passwords() {
        return Ok(see_other("/admin/login"));
    }
    let is_sent = Form::of_query(&request).has("sent");
    show(&request, StatusCode::OK, is_sent, "", None)
}

fn show(
    request: &HttpRequest,
    status: StatusCode,
    is_sent: bool,
    address: &str,
    error: Option<&LoginError>,
) -> Result<HttpResponse, PageError> {
    let t = texts_of(request);
    let page = Page::new(t, t.text("forgot-title"));
    let mistake = error.map(|error| error.message().in_words(t));
    html(status, &ForgotPage { page, is_sent, mistake, address: address.to_owned() })
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    if !app.takes_passwords() {
        return Ok(see_other("/admin/login"));
    }
    let address = form.first("address");
    match forgot(app.desk(), address, client.ip).await {
        Ok(()) => {
            app.wake.notify_one();
            Ok(see_other(SENT))
        }
        Err(error @ LoginError::Throttled { minutes }) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = show(&request, status, false, address, Some(&error))?;
            response.headers_mut().insert(RETRY_AFTER, (minutes * 60).into());
            Ok(response)
        }
        Err(LoginError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a forgotten password could not be mailed", error)),
    }
}
