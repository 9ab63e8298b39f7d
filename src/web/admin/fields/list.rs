//! `GET /admin/newsletters/{id}/fields`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::model::{AskedField, Newsletter};
use crate::store;
use crate::web::admin::Frame;
use crate::web::admin::forms::newsletter_of;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/fields.html")]
struct FieldsPage {
    page: Frame,
    newsletter: Newsletter,
    fields: Vec<FieldLine>,
}

struct FieldLine {
    href: String,
    label: String,
    key: String,
    kind: String,
    is_archived: bool,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let newsletter = newsletter_of(&mut reader, &id).await?;
    let texts = store::fields::texts_of_newsletter(reader.db(), newsletter.id).await?;
    let mut fields = Vec::new();
    for field in store::fields::of_newsletter(reader.db(), newsletter.id).await? {
        let mine = texts.iter().filter(|text| text.field_id == field.id).cloned().collect();
        let words = AskedField { field, is_required: false, texts: mine, fallback: newsletter.language };
        fields.push(FieldLine {
            href: format!("/admin/newsletters/{}/fields/{}", newsletter.id, words.field.id),
            label: words.label(t.language()).to_owned(),
            kind: t.text(&format!("desk-field-kind-{}", words.field.kind)),
            is_archived: words.field.archived_at.is_some(),
            key: words.field.key,
        });
    }
    let page = Frame::new(&request, &signed_in, "newsletters", t.text("desk-fields"));
    html(StatusCode::OK, &FieldsPage { page, newsletter, fields })
}
