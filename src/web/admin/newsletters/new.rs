//! `/admin/newsletters/new`: another newsletter. What it looks like and how it is sent is changed on its own page.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::sections::{about, sender};
use crate::model::Newsletter;
use crate::publishing::newsletters::{NewsletterError, open_newsletter};
use crate::store;
use crate::web::admin::{Frame, Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const SLUG: &str = "slug";

#[derive(Template)]
#[template(path = "admin/newsletter_new.html")]
struct NewPage {
    page: Frame,
    about: String,
    sender: String,
    slug: String,
    /// What comes before a short name in addresses.
    base: String,
    mistakes: Mistakes,
}

/// `GET /admin/newsletters/new`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let latest = store::newsletters::all(app.store.read().await?.db()).await?.pop();
    let form = blank(&signed_in, latest.as_ref());
    show(&request, &app, &signed_in, &form, Mistakes::none(signed_in.texts()), latest.is_none())
}

/// Of one company the newsletters have the same sender and zone.
fn blank(signed_in: &SignedIn, latest: Option<&Newsletter>) -> Form {
    let Some(latest) = latest else {
        let mut form = about::blank(signed_in.user.language);
        form.push("sender_address", signed_in.user.address.as_str());
        return form;
    };
    let mut form = sender::typed(latest);
    form.push("language", latest.language.as_str());
    form.push("time_zone", latest.time_zone.as_str());
    for language in latest.languages_of_readers() {
        form.push("reader_languages", language.as_str());
    }
    form
}

fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    form: &Form,
    mistakes: Mistakes,
    may_guess_zone: bool,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = NewPage {
        page: Frame::new(request, signed_in, "newsletters", t.text("desk-newsletter-new")),
        about: about::fields(t, form.clone(), mistakes.clone(), may_guess_zone)?,
        sender: sender::fields(t, form.clone(), mistakes.clone())?,
        slug: form.first(SLUG).to_owned(),
        base: app.url("/n/"),
        mistakes,
    };
    html(status, &template)
}

/// `POST /admin/newsletters`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let parsed =
        given_twice(&form, &[SLUG]).or(()).and_then(|()| Ok((about::input(&form)?, sender::input(&form)?)));
    let added = match parsed {
        Ok((about, sender)) => {
            open_newsletter(&app.store, &app.clock, form.first(SLUG), &about, &sender).await
        }
        Err(errors) => Err(errors.into()),
    };
    match added {
        Ok(newsletter) => {
            Ok(see_other(&format!("/admin/newsletters/{}?done=newsletter-added", newsletter.id)))
        }
        Err(NewsletterError::Invalid(errors)) => {
            show(&request, &app, &signed_in, &form, Mistakes::of(t, errors), false)
        }
        Err(NewsletterError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a newsletter could not be added", error)),
    }
}
