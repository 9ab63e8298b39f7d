//! `/admin/issues`: from a selection of articles to a mailing.

pub mod edit;
pub mod list;
pub mod new;
pub mod preview;
pub mod schedule;

use actix_web::web::Data;

use crate::model::{IssueId, Timestamp};
use crate::publishing::compose::{Composed, compose};
use crate::store;
use crate::web::{App, PageError};

/// An issue as it is now, dated as it would be if it went out at `date`, or as its mailing is dated.
async fn composed(app: &Data<App>, id: IssueId, date: Timestamp) -> Result<Composed, PageError> {
    let mut reader = app.store.read().await?;
    let mailing = store::mailings::of_issue(reader.db(), id).await?;
    let date = mailing.map_or(date, |mailing| mailing.due_at);
    compose(reader.db(), id, date, &app.settings.public_url).await?.ok_or(PageError::NotFound)
}
