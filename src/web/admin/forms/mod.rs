//! `/admin/newsletters/{id}/forms`: the forms of a newsletter, and how to put them on a website.

pub mod edit;
pub mod list;
pub mod qr;
pub mod share;
mod snippet;

use crate::model::{Form, FormId, Newsletter, NewsletterId};
use crate::store::{self, Reader};
use crate::web::PageError;
use crate::web::admin::id_of;

/// The newsletter of a URL.
pub(super) async fn newsletter_of(reader: &mut Reader, id: &str) -> Result<Newsletter, PageError> {
    let id = NewsletterId(id_of(id)?);
    store::newsletters::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)
}

/// The newsletter and the form of a URL: a form stands under its own newsletter only.
async fn form_of(
    reader: &mut Reader,
    (newsletter, form): &(String, String),
) -> Result<(Newsletter, Form), PageError> {
    let newsletter = newsletter_of(reader, newsletter).await?;
    let form = store::forms::by_id(reader.db(), FormId(id_of(form)?)).await?;
    let form = form.filter(|form| form.newsletter_id == newsletter.id).ok_or(PageError::NotFound)?;
    Ok((newsletter, form))
}

/// Where a form is in the desk.
fn path_of(form: &Form) -> String {
    format!("/admin/newsletters/{}/forms/{}", form.newsletter_id, form.id)
}
