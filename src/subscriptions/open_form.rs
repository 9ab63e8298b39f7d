//! A form that takes sign-ups: what every door has in hand before it shows or takes anything.

use uuid::Uuid;

use crate::model::{Form, Newsletter};
use crate::store::{Db, Result, forms, newsletters};

/// A form that is not archived, with its newsletter.
#[derive(Debug, Clone)]
pub struct OpenForm {
    pub newsletter: Newsletter,
    pub form: Form,
}

impl OpenForm {
    /// The form of a URL; `None` when there is none, or it is archived.
    pub async fn by_public_id(mut db: Db<'_>, public_id: Uuid) -> Result<Option<Self>> {
        let Some(form) = forms::by_public_id(db.again(), public_id).await? else { return Ok(None) };
        if form.archived_at.is_some() {
            return Ok(None);
        }
        let newsletter = newsletters::by_id(db, form.newsletter_id).await?;
        Ok(newsletter.map(|newsletter| Self { newsletter, form }))
    }

    /// The form of a newsletter's own page.
    pub async fn default_of(db: Db<'_>, newsletter: Newsletter) -> Result<Self> {
        let form = forms::default_of(db, newsletter.id).await?;
        Ok(Self { newsletter, form })
    }
}
