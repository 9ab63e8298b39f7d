//! An issue of the database as the view that [`super::render`] takes: the same for the preview, the test
//! mail and the mailing.

use super::render::{ArticleView, IssueView, RenderError, RenderedIssue, render_issue};
use crate::model::{Article, ArticleDisplay, Issue, IssueArticle, Language, Newsletter, Timestamp};

/// Where an issue can be read in a browser once it was mailed.
pub fn web_url(public_url: &str, issue: &Issue) -> String {
    format!("{public_url}/i/{}", issue.public_id)
}

/// The same for the readers of a translation: whatever their browser prefers, it is what they were mailed.
pub fn web_url_in(public_url: &str, issue: &Issue, newsletter: &Newsletter, language: Language) -> String {
    let url = web_url(public_url, issue);
    if language == newsletter.language { url } else { format!("{url}?lang={language}") }
}

/// The page of an article on our own site.
pub fn article_url(public_url: &str, article: &Article) -> String {
    format!("{public_url}/a/{}", article.slug)
}

/// Where the whole of an article can be read: a teaser that has no other home is at home with us.
fn whole_url(public_url: &str, article: &Article, display: ArticleDisplay) -> String {
    match display {
        ArticleDisplay::Teaser if article.canonical_url.is_empty() => article_url(public_url, article),
        ArticleDisplay::Full | ArticleDisplay::Teaser => article.canonical_url.clone(),
    }
}

/// Renders an issue with its articles as they are, in the language of their words. `public_url` has no slash at the end.
///
/// # Errors
/// [`RenderError`] says in which text what is wrong.
pub fn render(
    newsletter: &Newsletter,
    issue: &Issue,
    articles: &[IssueArticle],
    language: Language,
    date: Timestamp,
    public_url: &str,
) -> Result<RenderedIssue, RenderError> {
    let urls: Vec<String> =
        articles.iter().map(|row| whole_url(public_url, &row.article, row.display)).collect();
    let articles = articles
        .iter()
        .zip(&urls)
        .map(|(IssueArticle { article, display, heading, .. }, url)| ArticleView {
            title: &article.title,
            author: &article.author,
            teaser: &article.teaser,
            body: &article.body,
            url,
            display: *display,
            heading,
        })
        .collect();
    render_issue(&IssueView {
        newsletter,
        language,
        number: issue.number,
        date: Some(date),
        subject: &issue.subject,
        second_subject: &issue.second_subject,
        preheader: &issue.preheader,
        intro: &issue.intro,
        outro: &issue.outro,
        theme: issue.theme.unwrap_or(newsletter.theme),
        articles,
        base_url: public_url,
        web_url: &web_url_in(public_url, issue, newsletter, language),
        signup_url: &format!("{public_url}/n/{}", newsletter.slug),
    })
}
