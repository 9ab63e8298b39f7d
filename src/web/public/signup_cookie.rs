//! The cookie that lets the confirm page press its own button in the browser that signed up.
//!
//! Mail scanners open links and some run scripts, but none of them holds this cookie: they confirm nothing,
//! and people keep to one click. It is a keyed hash of newsletter and address, so that it says nothing by
//! itself, and is the same whatever is known of the address.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;

use super::of_newsletter;
use crate::keys::{Keys, Purpose, equal};
use crate::model::{EmailAddress, NewsletterId};
use crate::subscriptions::signup::CONFIRM_VALID;
use crate::web::{App, session};

const NAME: &str = "postiljon_signup";
/// As long as the link in the mail works.
const LIFETIME: Duration = CONFIRM_VALID;

pub fn make(app: &App, newsletter: NewsletterId, address: &EmailAddress) -> Cookie<'static> {
    session::cookie(app, &of_newsletter(NAME, newsletter), value(&app.keys, newsletter, address), LIFETIME)
}

/// Whether this browser signed this address up for this newsletter.
pub fn is_held(request: &HttpRequest, app: &App, newsletter: NewsletterId, address: &EmailAddress) -> bool {
    request.cookie(&session::cookie_name(app, &of_newsletter(NAME, newsletter))).is_some_and(|cookie| {
        equal(cookie.value().as_bytes(), value(&app.keys, newsletter, address).as_bytes())
    })
}

fn value(keys: &Keys, newsletter: NewsletterId, address: &EmailAddress) -> String {
    let mac = keys.mac(Purpose::SignupCookie, format!("{newsletter} {}", address.key()).as_bytes());
    data_encoding::BASE32_NOPAD.encode(&mac).to_ascii_lowercase()
}
