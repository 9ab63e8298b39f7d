//! An issue of the database as the view that [`super::render`] takes: the same for the preview, the test
//! mail and the mailing.

use super::render::{ArticleView, IssueView, RenderError, RenderedIssue, render_issue};
use crate::model::{Issue, IssueArticle, Newsletter, Timestamp};

/// Where an issue can be read in a browser once it was mailed.
pub fn web_url(public_url: &str, issue: &Issue) -> String {
    format!("{public_url}/i/{}", issue.public_id)
}

/// Renders an issue with its articles as they are. `public_url` has no slash at the end.
///
/// # Errors
/// [`RenderError`] says in which text what is wrong.
pub fn render(
    newsletter: &Newsletter,
    issue: &Issue,
    articles: &[IssueArticle],
    date: Timestamp,
    public_url: &str,
) -> Result<RenderedIssue, RenderError> {
    let articles = articles
        .iter()
        .map(|IssueArticle { article, display, heading, .. }| ArticleView {
            title: &article.title,
            author: &article.author,
            teaser: &article.teaser,
            body: &article.body,
            url: &article.canonical_url,
            display: *display,
            heading,
        })
        .collect();
    render_issue(&IssueView {
        newsletter,
        language: newsletter.language,
        number: issue.number,
        date: Some(date),
        subject: &issue.subject,
        preheader: &issue.preheader,
        intro: &issue.intro,
        outro: &issue.outro,
        theme: issue.theme.unwrap_or(newsletter.theme),
        articles,
        base_url: public_url,
        web_url: &web_url(public_url, issue),
        signup_url: &format!("{public_url}/n/{}", newsletter.slug),
    })
}
