//! An issue as it will arrive: everything that it is made of, rendered and checked.

use super::check::{self, Finding};
use crate::mail::issue;
use crate::mail::render::{RenderError, RenderedIssue};
use crate::model::{Issue, IssueArticle, IssueId, Newsletter, Timestamp};
use crate::store::{self, Db, Result};

#[derive(Debug)]
pub struct Composed {
    pub newsletter: Newsletter,
    pub issue: Issue,
    pub articles: Vec<IssueArticle>,
    /// `Err` when a text cannot be rendered; [`Composed::findings`] then says why.
    pub rendered: std::result::Result<RenderedIssue, RenderError>,
    pub findings: Vec<Finding>,
}

impl Composed {
    /// Whether it may be sent.
    pub fn is_ready(&self) -> bool {
        !self.findings.iter().any(Finding::blocks)
    }
}

/// Reads, renders and checks an issue; `None` when there is none of that id. `date` is shown in it.
///
/// # Errors
/// Of the database.
pub async fn compose(
    mut db: Db<'_>,
    id: IssueId,
    date: Timestamp,
    public_url: &str,
) -> Result<Option<Composed>> {
    let Some(issue) = store::issues::by_id(db.again(), id).await? else { return Ok(None) };
    let Some(newsletter) = store::newsletters::by_id(db.again(), issue.newsletter_id).await? else {
        return Ok(None);
    };
    let articles = store::issues::articles(db, id).await?;
    let rendered = issue::render(&newsletter, &issue, &articles, date, public_url);
    let findings = check::check(&newsletter, &issue, &articles, &rendered);
    Ok(Some(Composed { newsletter, issue, articles, rendered, findings }))
}
