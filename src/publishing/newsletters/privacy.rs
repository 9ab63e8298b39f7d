//! Where the privacy notice of a newsletter is.

use super::{Marked, NewsletterError, change, mark_of};
use crate::i18n::FieldErrors;
use crate::model::{Newsletter, NewsletterId, Permission};
use crate::publishing::url;
use crate::store::{self, Store};

/// The address of the privacy notice, as typed; empty: nowhere.
#[derive(Debug, Clone)]
pub struct PrivacyInput {
    pub privacy_url: String,
}

impl Marked for PrivacyInput {
    const PART: &'static str = "privacy";

    fn mark(newsletter: &Newsletter) -> String {
        mark_of(&newsletter.privacy_url)
    }
}

/// Says where a newsletter's privacy notice is; empty: nowhere. Pages, forms and consents name it from then on.
///
/// # Errors
/// [`NewsletterError::Invalid`] for what is no http(s) URL, at the field `privacy_url`; [`NewsletterError::Changed`] when it
/// was changed since `seen`.
pub async fn set_privacy(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    input: &PrivacyInput,
) -> Result<Newsletter, NewsletterError> {
    store.permit(Permission::SetNewsletter, Some(id))?;
    let mut errors = FieldErrors::new();
    let url = url(&mut errors, "privacy_url", &input.privacy_url);
    let url = errors.or(url)?;
    change::<PrivacyInput>(store, id, seen, async |tx| {
        store::newsletters::set_privacy_url(tx, id, &url).await
    })
    .await
}
