//! `POST /admin/account`: one's name and the language of the desk.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::accounts::users::{UserError, set_profile};
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
    let language = form.first("language").parse().unwrap_or(t.language());
    let saved = match given_twice(&form, &["name", "language"]).or(()) {
        Ok(()) => set_profile(&app.store, &signed_in.user, form.first("name"), language).await,
        Err(errors) => Err(errors.into()),
    };
    match saved {
        Ok(()) => Ok(see_other("/admin/account?done=saved")),
        Err(UserError::Invalid(errors)) => {
            super::page::show(&request, &app, &signed_in, Some(&form), Mistakes::of(t, errors)).await
        }
        Err(UserError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a profile could not be saved", error)),
    }
}
