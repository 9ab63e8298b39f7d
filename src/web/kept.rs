//! A password that was typed into a form with a mistake elsewhere: it comes along sealed in a hidden field, so that nobody
//! types it twice, and no page shows it.

use data_encoding::BASE64URL_NOPAD;

use super::form::Form;
use super::{App, PageError};
use crate::keys::Purpose;

/// The hidden field.
pub const FIELD: &str = "kept_password";

/// The password of a form: as typed, or as it was typed the last time. `place` says which form of whom: what was sealed
/// for another one is worth nothing.
pub fn password(app: &App, form: &Form, place: &str) -> String {
    let typed = form.first("password");
    if !typed.is_empty() {
        return typed.to_owned();
    }
    let sealed = BASE64URL_NOPAD.decode(form.first(FIELD).as_bytes()).unwrap_or_default();
    let opened = app.keys.unseal(Purpose::TypedPassword, place.as_bytes(), &sealed);
    opened.and_then(|text| String::from_utf8(text).ok()).unwrap_or_default()
}

/// What stands in the hidden field; empty for no password.
///
/// # Errors
/// When the system has no randomness to give.
pub fn sealed(app: &App, password: &str, place: &str) -> Result<String, PageError> {
    if password.is_empty() {
        return Ok(String::new());
    }
    let sealed = app.keys.seal(Purpose::TypedPassword, place.as_bytes(), password.as_bytes());
    let sealed = sealed.map_err(|error| PageError::internal("a password could not be sealed", error))?;
    Ok(BASE64URL_NOPAD.encode(&sealed))
}
