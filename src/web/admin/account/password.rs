//! `POST /admin/account/password`: another password; the present one is asked for, and all other sessions end.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::accounts::own::{OwnError, change_password};
use crate::web::admin::{Mistakes, given_twice};
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
    let t = signed_in.texts();
    let (present, new) = (form.first("password"), form.first("new"));
    let changed = match given_twice(&form, &["password", "new"]).or(()) {
        Ok(()) => change_password(app.desk(), &signed_in.user, &signed_in.token_hash, present, new).await,
        Err(errors) => Err(errors.into()),
    };
    let mistakes = match changed {
        Ok(()) => {
            app.wake.notify_one();
            return Ok(see_other("/admin/account?done=password"));
        }
        Err(OwnError::Invalid(errors)) => Mistakes::of(t, errors),
        Err(OwnError::Throttled(wait)) => Mistakes::notice(t, &wait.message()),
        Err(OwnError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(PageError::internal("a password could not be changed", error)),
    };
    super::page::show(&request, &app, &signed_in, None, mistakes).await
}
