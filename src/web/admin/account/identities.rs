//! `POST /admin/account/identities`: links the account at the provider to one's own, or cuts the link.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::accounts::identities::cut;
use crate::accounts::own::WayError;
use crate::accounts::provider::login::{ProviderError, begin_to_link};
use crate::accounts::second_factor::FactorError;
use crate::i18n::{Message, Texts};
use crate::model::IdentityId;
use crate::web::admin::provider::{failed, go};
use crate::web::admin::{Mistakes, given_twice, id_of};
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let provider = app.provider.as_ref().ok_or(PageError::NotFound)?;
    let t = signed_in.texts();
    let (user, this, password) = (&signed_in.user, signed_in.token_hash.as_slice(), form.first("password"));
    let mistakes = if let Err(errors) = given_twice(&form, &["password"]).or(()) {
        Mistakes::of(t, errors)
    } else if form.first("do") == "link" {
        match begin_to_link(app.desk(), provider, user, this, password).await {
            Ok(begun) => return go(&app, provider, t, &begun),
            Err(ProviderError::Unconfirmed(error)) => unconfirmed(t, error)?,
            Err(error) => return failed(&app, t, true, error),
        }
    } else {
        let id = IdentityId(id_of(form.first("identity"))?);
        match cut(app.desk(), user, this, id, password, provider).await {
            Ok(()) => {
                app.wake.notify_one();
                return Ok(see_other("/admin/account?done=cut"));
            }
            Err(error) => way(t, error)?,
        }
    };
    super::page::show(&request, &app, &signed_in, None, mistakes).await
}

/// What is wrong when a way in is added or taken away.
///
/// # Errors
/// Of the system.
pub(super) fn way(t: Texts, error: WayError) -> Result<Mistakes, PageError> {
    match error {
        WayError::Last => Ok(Mistakes::notice(t, &Message::new("account-error-last-way"))),
        WayError::Unconfirmed(error) => unconfirmed(t, error),
        WayError::Store(error) => Err(error.into()),
    }
}

/// The password that was typed is not theirs, or the session is not fresh.
///
/// # Errors
/// Of the system.
pub(super) fn unconfirmed(t: Texts, error: FactorError) -> Result<Mistakes, PageError> {
    match error {
        // The page has several forms with a password: it is said above all of them.
        FactorError::Invalid(errors) => {
            let message = errors.field("password").cloned();
            Ok(Mistakes::notice(t, &message.unwrap_or_else(|| Message::new("account-error-password"))))
        }
        FactorError::Throttled(wait) => Ok(Mistakes::notice(t, &wait.message())),
        FactorError::Store(error) => Err(error.into()),
        error => Err(PageError::internal("a password could not be looked at", error)),
    }
}
