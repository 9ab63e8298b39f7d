//! Which websites' scripts may call: the origins that the owner of the form listed, and our own pages.
//!
//! The answer names the one origin that asked, never `*`, and never allows credentials: there are none.

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderValue, ORIGIN, VARY,
};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::error::ApiError;
use super::texts;
use crate::model::{Form, Language};
use crate::web::App;
use crate::web::public::door::open_form;

/// How long a browser may remember the answer to a preflight, in seconds: an origin that is taken off the
/// list is out soon after.
const MAX_AGE_SECONDS: &str = "600";

/// Who calls.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A script on a page of this origin.
    Script(HeaderValue),
    /// Whatever is no browser.
    Server,
}

/// Who calls, if they may.
///
/// # Errors
/// [`ApiError::Origin`] for a script of a website that the form does not list.
pub fn check(request: &HttpRequest, app: &App, form: &Form) -> Result<Caller, ApiError> {
    let mut origins = request.headers().get_all(ORIGIN);
    let Some(origin) = origins.next() else { return Ok(Caller::Server) };
    let text = origin.to_str().unwrap_or_default();
    let is_allowed = form.allows_origin(text) || text == app.settings.public_url;
    if is_allowed && origins.next().is_none() {
        Ok(Caller::Script(origin.clone()))
    } else {
        Err(ApiError::Origin)
    }
}

/// Lets the script read the answer.
pub fn allow(mut response: HttpResponse, caller: Option<&Caller>) -> HttpResponse {
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(Caller::Script(origin)) = caller {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After"));
    }
    response
}

/// `OPTIONS` of either URL.
pub async fn preflight(request: HttpRequest, app: Data<App>, form: Path<String>) -> HttpResponse {
    let t = texts(&request, Language::English);
    let caller = match open_form(&app, &form).await {
        Ok(Some(open)) => check(&request, &app, &open.form),
        Ok(None) => Err(ApiError::NoForm),
        Err(error) => Err(error.into()),
    };
    match caller {
        Ok(caller) => {
            let response = HttpResponse::NoContent()
                .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
                .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "content-type"))
                .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS))
                .finish();
            allow(response, Some(&caller))
        }
        Err(error) => allow(error.response(t), None),
    }
}
