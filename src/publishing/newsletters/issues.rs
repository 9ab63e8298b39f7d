//! How the issues of a newsletter look, and whether somebody must approve them.

use super::{Marked, NewsletterError, change, mark_of};
use crate::model::{Newsletter, NewsletterId, Theme};
use crate::store::{self, Store};

#[derive(Debug, Clone, Copy)]
pub struct IssuesInput {
    pub theme: Theme,
    /// By somebody else than who wrote it.
    pub needs_approval: bool,
}

impl Marked for IssuesInput {
    const PART: &'static str = "issues";

    fn mark(newsletter: &Newsletter) -> String {
        mark_of(&(newsletter.theme, newsletter.needs_approval))
    }
}

/// Changes how the issues of a newsletter look, and whether somebody must approve them. Those that are scheduled stay
/// as they are.
///
/// # Errors
/// [`NewsletterError::Changed`] when these fields were changed since `seen`.
pub async fn set_issues(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    input: &IssuesInput,
) -> Result<Newsletter, NewsletterError> {
    let IssuesInput { theme, needs_approval } = *input;
    change::<IssuesInput>(store, id, seen, async |tx| {
        store::newsletters::set_issues(tx, id, theme, needs_approval).await
    })
    .await
}
