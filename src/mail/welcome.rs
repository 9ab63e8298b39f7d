//! A mail of the welcome series, in the look of an issue: words of one's own, an article, or both.

use askama::Template;

use super::markdown::{self, Context};
use super::render::{ArticleParts, Frame, RenderError, RenderedMail, clean_subject, inline, tidy_text};
use super::slot::{self, clean_line};
use crate::model::{Article, ArticleStatus, Newsletter, WelcomeText};

/// Why a step cannot be sent as it is.
#[derive(Debug, thiserror::Error)]
pub enum WelcomeError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the article \u{201c}{0}\u{201d} is a draft")]
    Draft(String),
    #[error("it has neither words nor an article")]
    Empty,
}

#[derive(Template)]
#[template(path = "welcome/subject.txt")]
struct Subject<'a> {
    subject: &'a str,
}

#[derive(Template)]
#[template(path = "welcome/body.html")]
struct Html {
    frame: Frame,
    subject: String,
    preheader: String,
    body: markdown::Written,
    article: Option<ArticleParts>,
}

#[derive(Template)]
#[template(path = "welcome/body.txt")]
struct Text<'a> {
    frame: &'a Frame,
    body: &'a markdown::Written,
    article: &'a Option<ArticleParts>,
}

/// Renders a text of a step with its article, in the language of the text. The mail holds the slots of an issue.
/// `public_url` has no slash at the end.
///
/// # Errors
/// [`WelcomeError`] says in which text what is wrong.
pub fn render(
    newsletter: &Newsletter,
    text: &WelcomeText,
    article: Option<&Article>,
    public_url: &str,
) -> Result<RenderedMail, WelcomeError> {
    if text.body.trim().is_empty() && article.is_none() {
        return Err(WelcomeError::Empty);
    }
    if let Some(draft) = article.filter(|article| article.status != ArticleStatus::Published) {
        return Err(WelcomeError::Draft(draft.title.clone()));
    }
    let line = |place: &str, text: &str| {
        slot::line(text, &newsletter.name)
            .map_err(|source| RenderError::Field { place: place.to_owned(), source })
    };
    let write = |place: &str, text: &str, base_url: &str| {
        markdown::write(text, Context { base_url, newsletter: &newsletter.name })
            .map_err(|source| RenderError::Markdown { place: place.to_owned(), source })
    };
    let article = match article {
        None => None,
        Some(article) => {
            let url = article.canonical_url.trim();
            let base_url = if url.is_empty() { public_url } else { url };
            Some(ArticleParts {
                title: line("article", &article.title)?,
                author: clean_line(&article.author),
                teaser: String::new(),
                url: url.to_owned(),
                body: Some(write("article", &article.body, base_url)?),
                heading: String::new(),
                picture: None,
            })
        }
    };
    let context = Context { base_url: public_url, newsletter: &newsletter.name };
    let body = markdown::write_above(&text.body, context)
        .map_err(|source| RenderError::Markdown { place: "body".to_owned(), source })?;
    let subject = line("subject", &text.subject)?;
    let html = Html {
        frame: Frame::new(newsletter, text.language),
        subject: subject.clone(),
        preheader: line("preheader", &text.preheader)?,
        body,
        article,
    };
    let plain = Text { frame: &html.frame, body: &html.body, article: &html.article };
    Ok(RenderedMail {
        subject: clean_subject(&Subject { subject: &subject }.render().map_err(RenderError::from)?),
        text: tidy_text(&plain.render().map_err(RenderError::from)?),
        html: inline(&html.render().map_err(RenderError::from)?)?,
    })
}
