//! `/setup/brand`: colour and logo, with a real mail and the sign-up page beside them.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::sender::newsletter_of;
use super::{Frame, keep, opened, passed, status_of, typed, went_back};
use crate::model::SetupStep;
use crate::publishing::newsletters::{NewsletterError, set_brand};
use crate::setup::steps::Progress;
use crate::web::admin::Mistakes;
use crate::web::admin::newsletters::sections::brand;
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::upload::Upload;
use crate::web::{App, PageError, csrf};

const STEP: SetupStep = SetupStep::Brand;

#[derive(Template)]
#[template(path = "setup/brand.html")]
struct BrandPage {
    page: Frame,
    fields: String,
    mistakes: Mistakes,
}

/// `GET /setup/brand`.
pub async fn get(app: Data<App>, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let progress = match opened(&app, STEP).await? {
        Ok(progress) => progress,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let newsletter = newsletter_of(&progress)?;
    let form = typed(&progress, STEP, || brand::typed(newsletter));
    show(&signed_in, &progress, form, Mistakes::none(signed_in.texts()))
}

fn show(
    signed_in: &SignedIn,
    progress: &Progress,
    form: Form,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let page = Frame::of(signed_in, "setup-brand-title", progress, STEP);
    let fields = brand::fields(page.t, newsletter_of(progress)?, form, mistakes.clone())?;
    html(status_of(mistakes.has_any()), &BrandPage { page, fields, mistakes })
}

/// `POST /setup/brand`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    upload: Upload,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &upload.form)?;
    if let Some(back) = went_back(&app, STEP, &upload.form).await? {
        return Ok(back);
    }
    let progress = match opened(&app, STEP).await? {
        Ok(progress) => progress,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let newsletter = newsletter_of(&progress)?;
    let (form, input) = brand::with_logo(&app, &signed_in, newsletter, upload).await?;
    // Whoever removes the logo wants to see that, and is not done.
    if [brand::PREVIEW, brand::NO_LOGO].contains(&form.first("do")) {
        keep(&app, STEP, &form).await?;
        let mistakes = brand::preview_mistakes(&signed_in, newsletter, input);
        return show(&signed_in, &progress, form, mistakes);
    }
    let saved = match input {
        Ok(input) => set_brand(&app.store, newsletter.id, None, &input).await,
        Err(errors) => Err(errors.into()),
    };
    match saved {
        Ok(_) => passed(&app, STEP).await,
        Err(NewsletterError::Invalid(errors)) => {
            keep(&app, STEP, &form).await?;
            show(&signed_in, &progress, form, Mistakes::of(signed_in.texts(), errors))
        }
        Err(NewsletterError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("the brand could not be stored", error)),
    }
}
