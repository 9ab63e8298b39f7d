//! `POST /admin/newsletters/{id}/archive`: who finds the issues of a newsletter on the web. The form is on its overview.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::publishing::newsletters::{NewsletterError, set_archive};
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
    // A choice of three: anything else comes from no page of ours.
    let policy = form.one("archive").map_err(|_| PageError::BadRequest)?;
    let policy = policy.parse().map_err(|_| PageError::BadRequest)?;
    match set_archive(&app.store, newsletter.id, policy).await {
        Ok(_) => Ok(see_other(&format!("/admin/newsletters/{}?done=saved", newsletter.id))),
        Err(NewsletterError::Store(error)) => Err(error.into()),
        Err(NewsletterError::NotFound | NewsletterError::Invalid(_)) => Err(PageError::NotFound),
    }
}
