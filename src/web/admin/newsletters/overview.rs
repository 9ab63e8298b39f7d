//! `/admin/newsletters/{id}`: what a newsletter is, what belongs to it, and where its privacy notice is.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::readers;
use crate::model::{ArchivePolicy, Newsletter};
use crate::publishing::newsletters::{NewsletterError, set_privacy_url};
use crate::store::{self, Reader};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::issues::ThemeOption;
use crate::web::admin::{Frame, Mistakes, given_twice, grouped};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// The one field of the form.
const FIELD: &str = "privacy_url";

#[derive(Template)]
#[template(path = "admin/newsletter.html")]
struct OverviewPage {
    page: Frame,
    newsletter: Newsletter,
    readers: String,
    /// The sign-up page.
    public_url: String,
    counts: Counts,
    themes: Vec<ThemeOption>,
    /// Of the privacy notice, as typed.
    privacy_url: String,
    mistakes: Mistakes,
}

impl OverviewPage {
    #[expect(clippy::unused_self, reason = "templates call functions on what they hold")]
    const fn archive_key(&self, policy: &ArchivePolicy) -> &'static str {
        match policy {
            ArchivePolicy::Public => "desk-archive-public",
            ArchivePolicy::Unlisted => "desk-archive-unlisted",
            ArchivePolicy::Off => "desk-archive-off",
        }
    }
}

/// How many are in use: what is archived, or not sent, does not count.
struct Counts {
    forms: usize,
    fields: usize,
    topics: usize,
    steps: usize,
}

impl Counts {
    async fn of(reader: &mut Reader, newsletter: &Newsletter) -> store::Result<Self> {
        let forms = store::forms::of_newsletter(reader.db(), newsletter.id).await?;
        let fields = store::fields::of_newsletter(reader.db(), newsletter.id).await?;
        let topics = store::topics::of_newsletter(reader.db(), newsletter.id).await?;
        let steps = store::welcome::of_newsletter(reader.db(), newsletter.id).await?;
        Ok(Self {
            forms: forms.iter().filter(|form| form.archived_at.is_none()).count(),
            fields: fields.iter().filter(|field| field.archived_at.is_none()).count(),
            topics: topics.iter().filter(|topic| topic.archived_at.is_none()).count(),
            steps: steps.iter().filter(|step| step.active_since.is_some()).count(),
        })
    }
}

/// `GET /admin/newsletters/{id}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let mut reader = app.store.read().await?;
    let newsletter = newsletter_of(&mut reader, &id).await?;
    let stored = newsletter.privacy_url.clone();
    show(&request, &app, &signed_in, reader, newsletter, stored, Mistakes::none(signed_in.texts())).await
}

/// `POST /admin/newsletters/{id}`: where the privacy notice is.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    let typed = form.first(FIELD);
    let set = match given_twice(&form, &[FIELD]).or(()) {
        Ok(()) => set_privacy_url(&app.store, newsletter.id, typed).await,
        Err(errors) => Err(errors.into()),
    };
    match set {
        Ok(_) => Ok(see_other(&format!("/admin/newsletters/{}?done=saved", newsletter.id))),
        Err(NewsletterError::Invalid(errors)) => {
            let mistakes = Mistakes::beside(signed_in.texts(), errors);
            let reader = app.store.read().await?;
            show(&request, &app, &signed_in, reader, newsletter, typed.to_owned(), mistakes).await
        }
        Err(NewsletterError::NotFound) => Err(PageError::NotFound),
        Err(NewsletterError::Store(error)) => Err(error.into()),
    }
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    mut reader: Reader,
    newsletter: Newsletter,
    privacy_url: String,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let readers = grouped(readers(&mut reader, newsletter.id).await?);
    let counts = Counts::of(&mut reader, &newsletter).await?;
    let public_url = app.url(&format!("/n/{}", newsletter.slug));
    let page = Frame::new(request, signed_in, "newsletters", newsletter.name.clone());
    let themes = ThemeOption::all(signed_in.texts(), newsletter.theme);
    let template =
        OverviewPage { page, themes, newsletter, readers, public_url, counts, privacy_url, mistakes };
    html(status, &template)
}
