//! An issue as it will arrive: everything that it is made of, rendered and checked.

use std::collections::BTreeMap;

use super::check::{self, Facts, Finding};
use super::links;
use crate::mail::issue;
use crate::mail::render::{RenderError, RenderedIssue};
use crate::model::{Issue, IssueArticle, IssueId, Newsletter, Rhythm, Timestamp};
use crate::store::{self, Db, Result};

#[derive(Debug)]
pub struct Composed {
    pub newsletter: Newsletter,
    pub issue: Issue,
    pub articles: Vec<IssueArticle>,
    /// `Err` when a text cannot be rendered; [`Composed::findings`] then says why.
    pub rendered: std::result::Result<RenderedIssue, RenderError>,
    pub findings: Vec<Finding>,
    /// How many would get it if it went out now.
    pub audience: i64,
}

impl Composed {
    /// Whether it may be sent.
    pub fn is_ready(&self) -> bool {
        !self.findings.iter().any(Finding::blocks)
    }

    /// Whether it may be sent when somebody says why.
    pub fn can_be_overridden(&self) -> bool {
        self.findings.iter().filter(|finding| finding.blocks()).all(Finding::can_be_overridden)
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
    let articles = store::issues::articles(db.again(), id).await?;
    let rendered = issue::render(&newsletter, &issue, &articles, date, public_url);
    let audience = match issue.rhythm {
        Rhythm::Each => {
            store::subscriptions::count_audience(db.again(), newsletter.id, issue.topic_id).await?
        }
        Rhythm::Monthly => store::subscriptions::count_monthly(db.again(), newsletter.id).await?,
    };
    let mut composed = Composed { newsletter, issue, articles, rendered, findings: Vec::new(), audience };
    composed.findings = findings(db, &composed, date, public_url).await?;
    Ok(Some(composed))
}

async fn findings(
    mut db: Db<'_>,
    composed: &Composed,
    date: Timestamp,
    public_url: &str,
) -> Result<Vec<Finding>> {
    let newsletter = composed.newsletter.id;
    let mut seen = Vec::new();
    for row in &composed.articles {
        let all = store::articles::appearances(db.again(), row.article.id).await?;
        seen.extend(
            all.into_iter()
                .filter(|seen| seen.newsletter_id == newsletter && seen.issue_id != composed.issue.id),
        );
    }
    let known = links::known(db.again(), composed).await?;
    let links: BTreeMap<_, _> = known.into_iter().map(|check| (check.url.clone(), check)).collect();
    Ok(check::check(Facts {
        newsletter: &composed.newsletter,
        issue: &composed.issue,
        articles: &composed.articles,
        rendered: &composed.rendered,
        audience: composed.audience,
        last_audience: store::mailings::last_audience(
            db,
            newsletter,
            composed.issue.topic_id,
            composed.issue.rhythm,
        )
        .await?,
        seen: &seen,
        links: &links,
        is_on_this_machine: crate::http::is_on_this_machine(public_url),
        date,
    }))
}
