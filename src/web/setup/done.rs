//! `GET /setup/done`: what to do next.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::{Frame, progress};
use crate::model::SetupStep;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "setup/done.html")]
struct DonePage {
    page: Frame,
    newsletter: String,
    sign_up_page: String,
    has_relay: bool,
    /// Of the sender: what the DNS records are for.
    domain: String,
}

pub async fn get(app: Data<App>, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let progress = progress(&app).await?;
    let Some(newsletter) = progress.newsletter.as_ref().filter(|_| progress.next().is_none()) else {
        return Ok(see_other("/setup"));
    };
    let mut page = Frame::of(&signed_in, "setup-done-title", &progress, SetupStep::Brand);
    // Nothing is in progress any more, and everything can be looked at again.
    for step in &mut page.steps {
        step.state = "done";
    }
    if let Some(brand) = page.steps.last_mut() {
        brand.href = Some(super::path_of(SetupStep::Brand));
    }
    page.path = super::DONE.to_owned();
    html(
        StatusCode::OK,
        &DonePage {
            page,
            newsletter: newsletter.name.clone(),
            sign_up_page: format!("/n/{}", newsletter.slug),
            has_relay: progress.has_relay(),
            domain: newsletter.sender_address.ascii_domain().to_owned(),
        },
    )
}
