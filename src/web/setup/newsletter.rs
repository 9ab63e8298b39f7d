//! `/setup/newsletter`: the first newsletter: what it is called, and in which languages.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Frame, keep, passed, progress, status_of, typed, went_back};
use crate::model::SetupStep;
use crate::publishing::newsletters::{NewsletterError, begin_newsletter, set_about};
use crate::setup::steps::Progress;
use crate::web::admin::Mistakes;
use crate::web::admin::newsletters::sections::about;
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const STEP: SetupStep = SetupStep::Newsletter;

#[derive(Template)]
#[template(path = "setup/newsletter.html")]
struct NewsletterPage {
    page: Frame,
    fields: String,
    mistakes: Mistakes,
}

/// `GET /setup/newsletter`.
pub async fn get(app: Data<App>, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let progress = progress(&app).await?;
    let stored = || match &progress.newsletter {
        Some(newsletter) => about::typed(newsletter),
        None => about::blank(signed_in.user.language),
    };
    let form = typed(&progress, STEP, stored);
    show(&signed_in, &progress, form, Mistakes::none(signed_in.texts()))
}

fn show(
    signed_in: &SignedIn,
    progress: &Progress,
    form: Form,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let page = Frame::of(signed_in, "setup-newsletter-title", progress, STEP);
    let may_guess_zone =
        progress.newsletter.is_none() && progress.draft(STEP).is_empty() && !mistakes.has_any();
    let fields = about::first_fields(page.t, form, mistakes.clone(), may_guess_zone)?;
    html(status_of(mistakes.has_any()), &NewsletterPage { page, fields, mistakes })
}

/// `POST /setup/newsletter`.
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
    let progress = progress(&app).await?;
    let saved = match (about::input(&form), &progress.newsletter) {
        (Err(errors), _) => Err(errors.into()),
        (Ok(input), Some(newsletter)) => set_about(&app.store, newsletter.id, None, &input).await,
        (Ok(input), None) => begin_newsletter(&app.store, &app.clock, &input, &signed_in.user.address).await,
    };
    match saved {
        Ok(_) => passed(&app, STEP).await,
        Err(NewsletterError::Invalid(errors)) => {
            keep(&app, STEP, &form).await?;
            show(&signed_in, &progress, form, Mistakes::of(signed_in.texts(), errors))
        }
        Err(NewsletterError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("the first newsletter could not be stored", error)),
    }
}
