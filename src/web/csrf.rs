//! Against forms that another site posts in the name of someone signed in (S6): the browser's word about
//! the origin, and a token in the form that belongs to the session. A form without a token is refused.

use actix_web::HttpRequest;
use actix_web::http::header::ORIGIN;

use super::form::Form;
use super::session::SignedIn;
use super::{App, PageError};

/// The hidden field.
pub const FIELD: &str = "csrf";

/// Checks a form of the desk.
///
/// # Errors
/// [`PageError::Forbidden`] when it came from elsewhere, or without the session's token.
pub fn check(request: &HttpRequest, app: &App, signed_in: &SignedIn, form: &Form) -> Result<(), PageError> {
    check_origin(request, app)?;
    check_token(signed_in, form.one(FIELD).map_err(|_| PageError::Forbidden)?)
}

/// Checks the token alone, for forms that come in another encoding.
///
/// # Errors
/// [`PageError::Forbidden`] when it is not the session's.
pub fn check_token(signed_in: &SignedIn, token: &str) -> Result<(), PageError> {
    if crate::keys::equal(token.as_bytes(), signed_in.csrf.as_bytes()) {
        Ok(())
    } else {
        Err(PageError::Forbidden)
    }
}

/// Checks where a post came from, for the forms that have no session yet. A client that says nothing about
/// it is not a browser, and carries nobody's cookies by accident.
///
/// # Errors
/// [`PageError::Forbidden`] when a browser says that it came from elsewhere.
pub fn check_origin(request: &HttpRequest, app: &App) -> Result<(), PageError> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = header("sec-fetch-site") {
        return if matches!(site, "same-origin" | "none") { Ok(()) } else { Err(PageError::Forbidden) };
    }
    match header(ORIGIN.as_str()) {
        None => Ok(()),
        Some(origin) if origin == app.settings.public_url => Ok(()),
        Some(_) => Err(PageError::Forbidden),
    }
}
