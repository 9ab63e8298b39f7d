//! The sections of a newsletter's page: each a form that is saved by itself, folded to one line that says how it is now.
//!
//! To add one: a file here with its name, its `section` and its `post`, a line in [`all`] and in [`configure`], and a
//! template in `admin/sections/` with its fields. Two people who change the same section are told; two who change
//! different ones do not meet.

use actix_web::web::{Path, ServiceConfig, resource};
use actix_web::{HttpRequest, HttpResponse};

use super::overview;
use crate::i18n::Texts;
use crate::model::Newsletter;
use crate::publishing::newsletters::{Marked, NewsletterError};
use crate::store::Reader;
use crate::web::admin::Mistakes;
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

pub mod about;
pub mod archive;
pub mod brand;
pub mod issues;
pub mod privacy;
pub mod sender;
pub mod sending;
pub mod tracking;

/// The hidden field with what the section was when it was shown.
pub const SEEN: &str = "seen";

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/newsletters/{id}/about").get(whole).post(about::post))
        .service(resource("/admin/newsletters/{id}/sender").get(whole).post(sender::post))
        .service(resource("/admin/newsletters/{id}/brand").get(whole).post(brand::post))
        .service(resource("/admin/newsletters/{id}/brand/mail").get(brand::mail))
        .service(resource("/admin/newsletters/{id}/brand/notes").get(brand::notes))
        .service(resource("/admin/newsletters/{id}/brand/page").get(brand::sign_up_page))
        .service(resource("/admin/newsletters/{id}/issues").get(whole).post(issues::post))
        .service(resource("/admin/newsletters/{id}/archive").get(whole).post(archive::post))
        .service(resource("/admin/newsletters/{id}/sending").get(whole).post(sending::post))
        .service(resource("/admin/newsletters/{id}/tracking").get(whole).post(tracking::post))
        .service(resource("/admin/newsletters/{id}/privacy").get(whole).post(privacy::post));
}

/// A section that failed stands under an address of its own; whoever opens that gets the whole page.
async fn whole(_: SignedIn, id: Path<String>) -> HttpResponse {
    see_other(&format!("/admin/newsletters/{id}"))
}

/// A section as the page shows it.
pub struct Section {
    pub name: &'static str,
    pub title: String,
    /// How it is now, in one line.
    pub summary: String,
    /// HTML.
    pub fields: String,
    pub seen: String,
    pub notice: Option<String>,
    pub is_open: bool,
}

/// A form that was posted and not saved.
pub struct Posted<'a> {
    pub name: &'static str,
    pub form: &'a Form,
    pub mistakes: Mistakes,
}

/// What a section is made of.
pub struct View<'a> {
    pub app: &'a App,
    pub t: Texts,
    pub newsletter: &'a Newsletter,
    pub posted: Option<&'a Posted<'a>>,
}

impl View<'_> {
    /// What was posted to this section, or what is stored.
    fn typed(&self, name: &str, stored: impl FnOnce(&Newsletter) -> Form) -> (Form, Mistakes) {
        match self.posted.filter(|posted| posted.name == name) {
            Some(posted) => (posted.form.clone(), posted.mistakes.clone()),
            None => (stored(self.newsletter), Mistakes::none(self.t)),
        }
    }

    fn section<T: Marked>(&self, name: &'static str, summary: String, fields: String) -> Section {
        let posted = self.posted.filter(|posted| posted.name == name);
        Section {
            name,
            title: self.t.text(&format!("desk-section-{name}")),
            summary,
            fields,
            seen: T::mark(self.newsletter),
            notice: posted.and_then(|posted| posted.mistakes.notice.clone()),
            is_open: posted.is_some(),
        }
    }
}

/// Every section, in order.
pub async fn all(view: &View<'_>, reader: &mut Reader) -> Result<Vec<Section>, PageError> {
    Ok(vec![
        about::section(view)?,
        sender::section(view)?,
        brand::section(view)?,
        issues::section(view)?,
        archive::section(view)?,
        sending::section(view, reader).await?,
        tracking::section(view)?,
        privacy::section(view)?,
    ])
}

/// What the section was when the form was shown; nothing where the form does not say it.
fn seen(form: &Form) -> Option<&str> {
    form.all(SEEN).next()
}

/// The answer to a form that was posted to a section.
async fn answer(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    newsletter: Newsletter,
    (name, form): (&'static str, &Form),
    saved: Result<Newsletter, NewsletterError>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mistakes = match saved {
        Ok(_) => return Ok(see_other(&format!("/admin/newsletters/{}?done=saved", newsletter.id))),
        Err(NewsletterError::Invalid(errors)) => Mistakes::of(t, errors),
        Err(error @ NewsletterError::Changed) => Mistakes::notice(t, &error.message()),
        Err(NewsletterError::NotFound) => return Err(PageError::NotFound),
        Err(NewsletterError::Store(error)) => return Err(error.into()),
    };
    let posted = Posted { name, form, mistakes };
    overview::show(request, app, signed_in, newsletter.id, Some(&posted)).await
}
