//! Who is signed in. A handler of the desk takes [`SignedIn`]; without a session the browser is sent to the
//! login page, or to the page that says how the first one is made.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::{App, PageError};
use crate::accounts::{first_user, sessions};
use crate::i18n::Texts;
use crate::keys::Purpose;
use crate::model::User;

/// The user of a valid session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user: User,
    pub token_hash: Vec<u8>,
    /// For hidden fields of forms; see [`super::csrf`].
    pub csrf: String,
}

impl SignedIn {
    /// The texts in the user's language.
    pub const fn texts(&self) -> Texts {
        Texts::new(self.user.language)
    }
}

/// A cookie's name: with the `__Host-` prefix where the pages are served over TLS (RFC 6265bis, 4.1.3.2).
pub fn cookie_name(app: &App, name: &str) -> String {
    if app.is_https() { format!("__Host-{name}") } else { name.to_owned() }
}

/// A cookie that scripts cannot read and that other sites' posts do not carry.
pub fn cookie(app: &App, name: &str, value: String, lifetime: Duration) -> Cookie<'static> {
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    Cookie::build(cookie_name(app, name), value)
        .path("/")
        .secure(app.is_https())
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(seconds))
        .finish()
}

/// The name of the login's cookie, before [`cookie_name`].
pub const SESSION_COOKIE: &str = "postiljon_session";

impl FromRequest for SignedIn {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = request.app_data::<Data<App>>().cloned();
        let token = app.as_ref().and_then(|app| request.cookie(&cookie_name(app, SESSION_COOKIE)));
        Box::pin(async move {
            let app = app.ok_or(PageError::Internal)?;
            let session = match token {
                Some(token) => sessions::find(&app.store, &app.clock, token.value()).await?,
                None => None,
            };
            let Some(session) = session else {
                let is_new = first_user::is_missing(&app.store).await?;
                return Err(if is_new { PageError::NotSetUp } else { PageError::SignIn });
            };
            let mac = app.keys.mac(Purpose::Csrf, &session.token_hash);
            let csrf = data_encoding::BASE32_NOPAD.encode(&mac).to_ascii_lowercase();
            Ok(Self { user: session.user, token_hash: session.token_hash, csrf })
        })
    }
}
