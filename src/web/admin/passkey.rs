//! `/admin/login/passkey`: signing in with a passkey. The script asks for a challenge, and the device's answer comes as a form.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use data_encoding::BASE64URL_NOPAD;

use super::login::{enter, from, origin, show};
use crate::accounts::passkeys::ceremony::Signed;
use crate::accounts::passkeys::{Answered, Asked, CHALLENGE_LIFETIME, PasskeyError, begin_login, log_in};
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::session::{cookie, cookie_name};
use crate::web::{App, PageError, csrf};

/// The cookie of who was asked for a passkey, before [`cookie_name`].
const COOKIE: &str = "postiljon_passkey";

/// What was asked of this browser.
pub(super) fn asked(request: &HttpRequest, app: &App) -> String {
    request.cookie(&cookie_name(app, COOKIE)).map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

/// Notes in the browser what it was asked.
///
/// # Errors
/// When the cookie could not be set, which is a defect.
pub(super) fn remember(app: &App, response: &mut HttpResponse, asked: &Asked) -> Result<(), PageError> {
    response
        .add_cookie(&cookie(app, COOKIE, asked.token.clone(), CHALLENGE_LIFETIME))
        .map_err(|error| PageError::internal("a cookie could not be set", error))
}

/// # Errors
/// When the cookie could not be removed, which is a defect.
pub(super) fn forget(app: &App, response: &mut HttpResponse) -> Result<(), PageError> {
    response
        .add_cookie(&cookie(app, COOKIE, String::new(), Duration::ZERO))
        .map_err(|error| PageError::internal("a cookie could not be removed", error))
}

/// The octets of a field; those of a field that is none are none.
pub(super) fn octets(form: &Form, field: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(form.one(field).unwrap_or_default().as_bytes()).unwrap_or_default()
}

/// `POST /admin/login/passkey/challenge`.
pub async fn challenge(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    let site = app.passkey_site().ok_or(PageError::NotFound)?;
    let asked = match begin_login(app.desk(), client.ip).await {
        Ok(asked) => asked,
        Err(PasskeyError::Throttled(wait)) => return Err(PageError::TooMany { minutes: wait.minutes }),
        Err(PasskeyError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(PageError::internal("a passkey could not be asked for", error)),
    };
    let challenge = BASE64URL_NOPAD.encode(&asked.challenge);
    let mut response =
        HttpResponse::Ok().json(serde_json::json!({ "challenge": challenge, "site": site.id }));
    remember(&app, &mut response, &asked)?;
    Ok(response)
}

/// `POST /admin/login/passkey`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    let site = app.passkey_site().ok_or(PageError::NotFound)?;
    let (browser, user_agent) = origin(&request, &app, &client)?;
    let field = |name| octets(&form, name);
    let (id, handle) = (field("id"), field("user_handle"));
    let (client_data, data, signature) =
        (field("client_data"), field("authenticator_data"), field("signature"));
    let signed = Signed { client_data: &client_data, authenticator_data: &data, signature: &signature };
    let answered = Answered { credential_id: &id, user_handle: &handle, signed };
    let from = from(&client, &browser, &user_agent);
    let logged_in = log_in(app.desk(), &site, &asked(&request, &app), &answered, &from).await;
    app.wake.notify_one();
    let mut response = match logged_in {
        Ok(logged_in) => enter(&app, logged_in.token, &browser)?,
        Err(PasskeyError::Store(error)) => return Err(error.into()),
        Err(PasskeyError::Session(error)) => {
            return Err(PageError::internal("a login with a passkey failed", error));
        }
        Err(error) => {
            tracing::info!(cause = %error, "a passkey was refused");
            let message = error.message();
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let mut response = show(&request, &app, status, "", Some(&message))?;
            if let PasskeyError::Throttled(wait) = error {
                response.headers_mut().insert(RETRY_AFTER, (wait.minutes * 60).into());
            }
            response
        }
    };
    forget(&app, &mut response)?;
    Ok(response)
}
