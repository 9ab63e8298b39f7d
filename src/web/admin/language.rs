//! `POST /admin/language`: in which language the desk speaks to its user.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::accounts::users::set_language;
use crate::model::Language;
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
    let language: Language = form.first("language").parse().map_err(|_| PageError::BadRequest)?;
    set_language(&app.store, signed_in.user.id, language).await?;
    let back = form.first("back");
    // Only to a page of the desk: never where a form may have been posted to, or elsewhere.
    let is_ours = ["/admin", "/setup"]
        .iter()
        .any(|desk| back.strip_prefix(desk).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    Ok(see_other(if is_ours { back } else { "/admin" }))
}
