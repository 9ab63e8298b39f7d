//! `POST /admin/account/sessions`: ends one session, or all but this one.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::accounts::own::end_sessions;
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// The button that ends all others.
const OTHERS: &str = "others";

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let key = form.first("session");
    if key.is_empty() {
        return Err(PageError::BadRequest);
    }
    let one = (key != OTHERS).then_some(key);
    end_sessions(app.desk(), &signed_in.user, &signed_in.token_hash, one).await?;
    Ok(see_other("/admin/account?done=sessions-ended"))
}
