//! Who finds the issues of a newsletter on the web.

use super::{Marked, NewsletterError, change, mark_of};
use crate::model::{ArchivePolicy, Newsletter, NewsletterId};
use crate::store::{self, Store};

impl Marked for ArchivePolicy {
    const PART: &'static str = "archive";

    fn mark(newsletter: &Newsletter) -> String {
        mark_of(&newsletter.archive)
    }
}

/// Says who finds the issues of a newsletter on the web. It counts from the next visit on.
///
/// # Errors
/// [`NewsletterError::NotFound`], and [`NewsletterError::Changed`] when it was changed since `seen`.
pub async fn set_archive(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    policy: ArchivePolicy,
) -> Result<Newsletter, NewsletterError> {
    change::<ArchivePolicy>(store, id, seen, async |tx| store::newsletters::set_archive(tx, id, policy).await)
        .await
}
