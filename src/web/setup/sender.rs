//! `/setup/sender`: who the newsletter comes from, and the postal address that the law wants.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Frame, keep, opened, passed, status_of, typed, went_back};
use crate::model::{EmailAddress, Newsletter, SetupStep};
use crate::publishing::newsletters::{NewsletterError, set_sender};
use crate::setup::domains::is_of_provider;
use crate::setup::steps::Progress;
use crate::web::admin::Mistakes;
use crate::web::admin::newsletters::sections::sender;
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const STEP: SetupStep = SetupStep::Sender;

#[derive(Template)]
#[template(path = "setup/sender.html")]
struct SenderPage {
    page: Frame,
    fields: String,
    /// As typed, for the row of an inbox.
    sender_name: String,
    /// The domain of the address, if most receivers refuse newsletters from it.
    provider: Option<String>,
    mistakes: Mistakes,
}

/// The domain of a sender whose mails most receivers refuse: one of a mailbox provider.
pub(super) fn provider_of(sender: &EmailAddress) -> Option<String> {
    is_of_provider(sender).then(|| sender.ascii_domain().to_owned())
}

/// The newsletter of the first run; a step that can be opened has one.
pub(super) fn newsletter_of(progress: &Progress) -> Result<&Newsletter, PageError> {
    progress.newsletter.as_ref().ok_or(PageError::NotFound)
}

/// `GET /setup/sender`.
pub async fn get(app: Data<App>, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let progress = match opened(&app, STEP).await? {
        Ok(progress) => progress,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let newsletter = newsletter_of(&progress)?;
    let form = typed(&progress, STEP, || sender::typed(newsletter));
    show(&signed_in, &progress, form, Mistakes::none(signed_in.texts()))
}

fn show(
    signed_in: &SignedIn,
    progress: &Progress,
    form: Form,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let page = Frame::of(signed_in, "setup-sender-title", progress, STEP);
    let sender_name = form.first("sender_name").to_owned();
    let provider =
        EmailAddress::parse(form.first("sender_address")).ok().and_then(|typed| provider_of(&typed));
    let fields = sender::first_fields(page.t, form, mistakes.clone())?;
    html(status_of(mistakes.has_any()), &SenderPage { page, fields, sender_name, provider, mistakes })
}

/// `POST /setup/sender`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    if let Some(back) = went_back(&app, STEP, &form).await? {
        return Ok(back);
    }
    let progress = match opened(&app, STEP).await? {
        Ok(progress) => progress,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let id = newsletter_of(&progress)?.id;
    let saved = match sender::input(&form) {
        Ok(input) => set_sender(&app.store, id, None, &input).await,
        Err(errors) => Err(errors.into()),
    };
    match saved {
        Ok(_) => passed(&app, STEP).await,
        Err(NewsletterError::Invalid(errors)) => {
            keep(&app, STEP, &form).await?;
            show(&signed_in, &progress, form, Mistakes::of(signed_in.texts(), errors))
        }
        Err(NewsletterError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("the sender could not be stored", error)),
    }
}
