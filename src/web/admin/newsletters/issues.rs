//! `POST /admin/newsletters/{id}/issues`: how its issues look, and whether somebody must approve them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::publishing::newsletters::{NewsletterError, set_issues};
use crate::web::admin::forms::newsletter_of;
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    // Radio buttons and a box: there is nothing to mistype.
    let theme = form.first("theme").parse().unwrap_or(newsletter.theme);
    match set_issues(&app.store, newsletter.id, theme, form.has("needs_approval")).await {
        Ok(_) => Ok(see_other(&format!("/admin/newsletters/{}?done=saved", newsletter.id))),
        Err(NewsletterError::NotFound) => Err(PageError::NotFound),
        Err(NewsletterError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a newsletter could not be changed", error)),
    }
}
