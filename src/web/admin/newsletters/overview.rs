//! `/admin/newsletters/{id}`: what a newsletter is and what belongs to it; its settings are in [`super::sections`].

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::readers;
use super::sections::{self, Posted, Section, View};
use crate::model::{Newsletter, NewsletterId};
use crate::store::{self, Reader};
use crate::web::admin::{Frame, grouped, id_of};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/newsletter.html")]
struct OverviewPage {
    page: Frame,
    newsletter: Newsletter,
    readers: String,
    /// The sign-up page.
    public_url: String,
    counts: Counts,
    sections: Vec<Section>,
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
    show(&request, &app, &signed_in, NewsletterId(id_of(&id)?), None).await
}

/// The page, with a form as it was posted.
pub async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    id: NewsletterId,
    posted: Option<&Posted<'_>>,
) -> Result<HttpResponse, PageError> {
    let mut reader = app.store.read().await?;
    let newsletter = store::newsletters::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let is_wrong = posted.is_some_and(|posted| posted.mistakes.has_any());
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let readers = grouped(readers(&mut reader, newsletter.id).await?);
    let counts = Counts::of(&mut reader, &newsletter).await?;
    let view = View { app, t: signed_in.texts(), newsletter: &newsletter, posted };
    let sections = sections::all(&view, &mut reader).await?;
    let public_url = app.url(&format!("/n/{}", newsletter.slug));
    let page = Frame::new(request, signed_in, "newsletters", newsletter.name.clone());
    html(status, &OverviewPage { page, newsletter, readers, public_url, counts, sections })
}
