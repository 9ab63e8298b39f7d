//! Where the privacy notice of a newsletter is, and which version of it.

use super::{Marked, NewsletterError, change, mark_of};
use crate::i18n::FieldErrors;
use crate::model::{Newsletter, NewsletterId, Permission};
use crate::publishing::{line, url};
use crate::store::{self, Store};

/// Longest name of a version, in characters.
const VERSION_MAX: usize = 40;

/// The address of the privacy notice, as typed, empty: nowhere; and its version or date.
#[derive(Debug, Clone)]
pub struct PrivacyInput {
    pub privacy_url: String,
    pub privacy_version: String,
}

impl Marked for PrivacyInput {
    const PART: &'static str = "privacy";

    fn mark(newsletter: &Newsletter) -> String {
        mark_of(&(&newsletter.privacy_url, &newsletter.privacy_version))
    }
}

/// Says where a newsletter's privacy notice is; empty: nowhere, and then it has no version either. Pages and forms link to
/// it, and consents keep address and version, from then on.
///
/// # Errors
/// [`NewsletterError::Invalid`] for what is no http(s) URL, at the field `privacy_url`, or a version that is too long;
/// [`NewsletterError::Changed`] when it was changed since `seen`.
pub async fn set_privacy(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    input: &PrivacyInput,
) -> Result<Newsletter, NewsletterError> {
    store.permit(Permission::SetNewsletter, Some(id))?;
    let mut errors = FieldErrors::new();
    let url = url(&mut errors, "privacy_url", &input.privacy_url);
    let version = line(&mut errors, "privacy_version", &input.privacy_version, VERSION_MAX, false);
    let (url, version) = errors.or((url, version))?;
    let version = if url.is_empty() { String::new() } else { version };
    change::<PrivacyInput>(store, id, seen, async |tx| {
        store::newsletters::set_privacy(tx, id, &url, &version).await
    })
    .await
}
