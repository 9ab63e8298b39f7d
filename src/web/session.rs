//! Who is signed in. A handler of the desk takes [`SignedIn`]; without a session the browser is sent to the
//! login page, or to the page that says how the first one is made. [`super::access`] has looked before any handler runs.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use super::{App, PageError};
use crate::accounts::sessions::Session;
use crate::i18n::Texts;
use crate::keys::Purpose;
use crate::model::{Actor, Newsletter, NewsletterId, Permission, User};
use crate::store::{self, Reader, Store};

/// The user of a valid session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user: User,
    /// The database in the user's name. `Data<App>` holds the same for every handler of the desk.
    pub store: Store,
    pub token_hash: Vec<u8>,
    /// Everybody needs a second factor, and this user has none: only the account is open.
    pub lacks_factor: bool,
    /// For hidden fields of forms; see [`super::csrf`].
    pub csrf: String,
}

impl SignedIn {
    pub(super) fn new(app: &App, session: Session) -> Self {
        let mac = app.keys.mac(Purpose::Csrf, &session.token_hash);
        let csrf = data_encoding::BASE32_NOPAD.encode(&mac).to_ascii_lowercase();
        let store = app.store.acting(session.actor.clone());
        let Session { user, token_hash, lacks_factor, .. } = session;
        Self { user, store, token_hash, lacks_factor, csrf }
    }

    /// The texts in the user's language.
    pub const fn texts(&self) -> Texts {
        Texts::new(self.user.language)
    }

    /// The user, with what they were granted.
    pub const fn actor(&self) -> &Actor {
        self.store.actor()
    }

    /// Whether the user may do something with a newsletter.
    pub fn may(&self, permission: Permission, newsletter: NewsletterId) -> bool {
        self.actor().may(permission, Some(newsletter))
    }

    /// The newsletters with which the user may do something: for lists.
    ///
    /// # Errors
    /// Of the database.
    pub async fn newsletters(
        &self,
        reader: &mut Reader,
        permission: Permission,
    ) -> store::Result<Vec<Newsletter>> {
        let mut all = store::newsletters::all(reader.db()).await?;
        all.retain(|newsletter| self.may(permission, newsletter.id));
        Ok(all)
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

/// There is nobody yet who could sign in.
#[derive(Debug, Clone, Copy)]
pub(super) struct NobodyYet;

impl FromRequest for SignedIn {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        ready(match extensions.get::<Self>() {
            Some(signed_in) => Ok(signed_in.clone()),
            None if extensions.get::<NobodyYet>().is_some() => Err(PageError::NotSetUp),
            None => Err(PageError::SignIn),
        })
    }
}
