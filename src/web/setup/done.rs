//! `GET /setup/done`: what to do next.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::{Frame, progress};
use crate::model::{EmailAddress, SetupStep, Slug};
use crate::setup::domains::is_of_provider;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "setup/done.html")]
struct DonePage {
    page: Frame,
    newsletter: String,
    /// With the address of who looks, who is the first reader.
    sign_up_page: String,
    /// Nobody has said where the privacy notice is.
    lacks_privacy: bool,
    /// The settings of the newsletter.
    settings: String,
    has_relay: bool,
    /// Of the sender: what the DNS records are for.
    domain: String,
    /// Whether nobody here can publish any for it.
    is_of_provider: bool,
    /// Where the links of mails lead, if readers cannot come there.
    local_address: Option<String>,
}

/// The sign-up page, filled in.
pub fn sign_up_page(newsletter: &Slug, address: &EmailAddress) -> String {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("email", address.as_str()).finish();
    format!("/n/{newsletter}?{query}")
}

pub async fn get(app: Data<App>, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let progress = progress(&app).await?;
    let Some(newsletter) = progress.newsletter.as_ref().filter(|_| progress.next().is_none()) else {
        return Ok(see_other("/setup"));
    };
    let title = if progress.has_relay() { "setup-done-title" } else { "setup-done-no-relay-title" };
    let mut page = Frame::of(&signed_in, title, &progress, SetupStep::Brand);
    // Nothing is in progress any more, and everything can be looked at again.
    if let Some(brand) = page.steps.last_mut() {
        brand.state = "done";
        brand.href = Some(super::path_of(SetupStep::Brand));
    }
    page.path = super::DONE.to_owned();
    html(
        StatusCode::OK,
        &DonePage {
            page,
            newsletter: newsletter.name.clone(),
            sign_up_page: sign_up_page(&newsletter.slug, &signed_in.user.address),
            lacks_privacy: newsletter.privacy_url.is_empty(),
            settings: format!("/admin/newsletters/{}/privacy", newsletter.id),
            has_relay: progress.has_relay(),
            domain: newsletter.sender_address.ascii_domain().to_owned(),
            is_of_provider: is_of_provider(&newsletter.sender_address),
            local_address: app.local_address(),
        },
    )
}
