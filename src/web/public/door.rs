//! Which form a URL means: `/f/{form}` any that is open, `/n/{slug}` the one of a newsletter's own page.

use actix_web::HttpRequest;
use uuid::Uuid;

use crate::subscriptions::open_form::OpenForm;
use crate::web::{App, PageError};

/// An open form, and the URL that its pages begin with.
pub struct Door {
    pub open: OpenForm,
    /// `/f/{form}` or `/n/{slug}`.
    pub base: String,
}

impl Door {
    pub async fn of(request: &HttpRequest, app: &App) -> Result<Self, PageError> {
        let part = |name: &str| request.match_info().get(name);
        if let Some(slug) = part("slug") {
            let newsletter = super::newsletter(app, slug).await?;
            let base = format!("/n/{}", newsletter.slug);
            let open = OpenForm::default_of(app.store.read().await?.db(), newsletter).await?;
            return Ok(Self { open, base });
        }
        let open = open_form(app, part("form").unwrap_or_default()).await?.ok_or(PageError::NotFound)?;
        let base = format!("/f/{}", open.form.public_id);
        Ok(Self { open, base })
    }
}

/// The open form of a public id; `None` also for what is no id, and for an archived form.
pub async fn open_form(app: &App, public_id: &str) -> Result<Option<OpenForm>, PageError> {
    // One spelling: whatever else the parser takes is no URL of ours.
    let Some(id) = Uuid::try_parse(public_id).ok().filter(|id| id.to_string() == public_id) else {
        return Ok(None);
    };
    Ok(OpenForm::by_public_id(app.store.read().await?.db(), id).await?)
}
