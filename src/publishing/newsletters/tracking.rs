//! Whether clicks and opens of the issues of a newsletter are counted.

use super::{Marked, NewsletterError, change, mark_of};
use crate::model::{Newsletter, NewsletterId, Tracking};
use crate::store::{self, Store};

impl Marked for Tracking {
    const PART: &'static str = "tracking";

    fn mark(newsletter: &Newsletter) -> String {
        mark_of(&newsletter.tracking)
    }
}

/// Says whether clicks and opens are counted. It counts from the next issue on that is scheduled: what is scheduled already
/// is frozen.
///
/// # Errors
/// [`NewsletterError::NotFound`], and [`NewsletterError::Changed`] when it was changed since `seen`.
pub async fn set_tracking(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    tracking: Tracking,
) -> Result<Newsletter, NewsletterError> {
    change::<Tracking>(store, id, seen, async |tx| store::newsletters::set_tracking(tx, id, tracking).await)
        .await
}
