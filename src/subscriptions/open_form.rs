//! A form that takes sign-ups: what every door has in hand before it shows or takes anything.

use uuid::Uuid;

use crate::model::{AskedField, Form, Newsletter};
use crate::store::{Db, Result, fields, form_fields, forms, newsletters};

/// A form that is not archived, with its newsletter and the fields that it asks, in their order.
#[derive(Debug, Clone)]
pub struct OpenForm {
    pub newsletter: Newsletter,
    pub form: Form,
    pub asked: Vec<AskedField>,
}

impl OpenForm {
    /// The form of a URL; `None` when there is none, or it is archived.
    pub async fn by_public_id(mut db: Db<'_>, public_id: Uuid) -> Result<Option<Self>> {
        let Some(form) = forms::by_public_id(db.again(), public_id).await? else { return Ok(None) };
        if form.archived_at.is_some() {
            return Ok(None);
        }
        let Some(newsletter) = newsletters::by_id(db.again(), form.newsletter_id).await? else {
            return Ok(None);
        };
        let asked = asked(db, &newsletter, &form).await?;
        Ok(Some(Self { newsletter, form, asked }))
    }

    /// The form of a newsletter's own page.
    pub async fn default_of(mut db: Db<'_>, newsletter: Newsletter) -> Result<Self> {
        let form = forms::default_of(db.again(), newsletter.id).await?;
        let asked = asked(db, &newsletter, &form).await?;
        Ok(Self { newsletter, form, asked })
    }
}

/// What a form asks, with its words.
pub async fn asked(mut db: Db<'_>, newsletter: &Newsletter, form: &Form) -> Result<Vec<AskedField>> {
    let rows = form_fields::of_form(db.again(), form.id).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let texts = fields::texts_of_newsletter(db, newsletter.id).await?;
    let with_words = |row: form_fields::FormField| AskedField {
        texts: texts.iter().filter(|text| text.field_id == row.field.id).cloned().collect(),
        field: row.field,
        is_required: row.is_required,
        fallback: newsletter.language,
    };
    Ok(rows.into_iter().map(with_words).collect())
}
