//! `GET /admin/newsletters/{id}/forms`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{newsletter_of, path_of};
use crate::model::{Form, Newsletter};
use crate::store;
use crate::web::admin::Frame;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/forms.html")]
struct FormsPage {
    page: Frame,
    newsletter: Newsletter,
    forms: Vec<FormLine>,
}

struct FormLine {
    href: String,
    name: String,
    is_default: bool,
    is_archived: bool,
    version: i64,
    /// How many websites' scripts may use it.
    websites: i64,
}

fn line(form: Form) -> FormLine {
    FormLine {
        href: path_of(&form),
        is_default: form.is_default,
        is_archived: form.archived_at.is_some(),
        version: form.version,
        websites: i64::try_from(form.allowed_origins.lines().count()).unwrap_or(i64::MAX),
        name: form.name,
    }
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let mut reader = app.store.read().await?;
    let newsletter = newsletter_of(&mut reader, &id).await?;
    let forms = store::forms::of_newsletter(reader.db(), newsletter.id).await?;
    let title = signed_in.texts().text("desk-forms");
    let page = Frame::new(&request, &signed_in, "newsletters", title);
    html(StatusCode::OK, &FormsPage { page, newsletter, forms: forms.into_iter().map(line).collect() })
}
