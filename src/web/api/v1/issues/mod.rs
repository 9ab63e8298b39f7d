//! `/api/v1/issues`: reading issues, and what must be mended before they go out.

pub mod checks;
pub mod list;
pub mod show;

use crate::model::MailingStatus;

/// What an issue without a mailing is.
const DRAFT: &str = "draft";

/// `draft`, or how its mailing stands.
fn status_of(mailing: Option<MailingStatus>) -> &'static str {
    mailing.map_or(DRAFT, MailingStatus::as_str)
}
