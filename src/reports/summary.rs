//! Who gets the summary of a month by mail. The mail itself is written by `delivery/summary.rs`.

use crate::model::{NewsletterId, Permission, UserId};
use crate::store::{Result, Store, summaries};

/// Gives a user the monthly summaries of a newsletter, or no longer. The same twice is no error.
///
/// # Errors
/// Only of the database.
pub async fn set_summary(store: &Store, newsletter: NewsletterId, user: UserId, wants: bool) -> Result<()> {
    store.permit(Permission::SeeNewsletter, Some(newsletter))?;
    let mut tx = store.begin().await?;
    summaries::set_reader(&mut tx, newsletter, user, wants).await?;
    tx.commit().await
}
