//! What stands between an issue and its readers: errors prevent sending, warnings advise.
//!
//! To add a check: a line in [`check`] with a key of the language files, and a row in the tests.

use crate::i18n::{Message, Texts};
use crate::mail::markdown::{MarkdownError, Problem};
use crate::mail::render::{HTML_MAX_OCTETS, RenderError, RenderedIssue, Weight};
use crate::mail::slot::FieldError;
use crate::model::{ArticleDisplay, ArticleId, ArticleStatus, Issue, IssueArticle, Language, Newsletter};

/// Longer subjects are cut by most inboxes.
const SUBJECT_ADVISED_CHARS: usize = 90;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Issue,
    Subject,
    Preheader,
    Intro,
    Article { id: ArticleId, title: String },
    Newsletter,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub place: Place,
    pub message: Message,
}

impl Finding {
    /// Whether it prevents sending.
    pub const fn blocks(&self) -> bool {
        matches!(self.severity, Severity::Error)
    }

    pub const fn key(&self) -> &'static str {
        self.message.key()
    }

    /// Place and message in the words of a language.
    pub fn in_words(&self, t: Texts) -> String {
        format!("{}: {}", self.place.in_words(t), self.message.in_words(t))
    }
}

impl Place {
    pub fn in_words(&self, t: Texts) -> String {
        match self {
            Self::Issue => t.text("check-place-issue"),
            Self::Subject => t.text("check-place-subject"),
            Self::Preheader => t.text("check-place-preheader"),
            Self::Intro => t.text("check-place-intro"),
            Self::Article { title, .. } => title.clone(),
            Self::Newsletter => t.text("check-place-newsletter"),
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.in_words(Texts::new(Language::English)))
    }
}

/// Everything worth saying about an issue, errors first.
pub fn check(
    newsletter: &Newsletter,
    issue: &Issue,
    articles: &[IssueArticle],
    rendered: &Result<RenderedIssue, RenderError>,
) -> Vec<Finding> {
    let mut findings = Findings::default();
    if issue.subject.is_empty() {
        findings.error(Place::Subject, Message::new("check-subject-empty"));
    } else if issue.subject.chars().count() > SUBJECT_ADVISED_CHARS {
        findings.warning(Place::Subject, Message::new("check-subject-long"));
    }
    if issue.preheader.is_empty() {
        findings.warning(Place::Preheader, Message::new("check-preheader-empty"));
    } else if issue.preheader == issue.subject {
        findings.warning(Place::Preheader, Message::new("check-preheader-repeats"));
    }
    if newsletter.postal_address.trim().is_empty() {
        findings.error(Place::Newsletter, Message::new("check-no-postal-address"));
    }
    if articles.is_empty() {
        findings.error(Place::Issue, Message::new("check-no-articles"));
    }
    for article in articles {
        check_article(&mut findings, newsletter, article);
    }
    match rendered {
        Ok(rendered) => check_rendered(&mut findings, rendered),
        Err(error) => findings.of_render_error(error, articles),
    }
    findings.0.sort_by_key(|finding| finding.severity);
    findings.0
}

fn check_article(findings: &mut Findings, newsletter: &Newsletter, row: &IssueArticle) {
    let article = &row.article;
    let place = || Place::Article { id: article.id, title: article.title.clone() };
    if article.status != ArticleStatus::Published {
        findings.error(place(), Message::new("check-article-draft"));
    }
    match row.display {
        ArticleDisplay::Full if article.body.trim().is_empty() => {
            findings.error(place(), Message::new("check-article-empty"));
        }
        ArticleDisplay::Teaser if article.canonical_url.is_empty() => {
            findings.error(place(), Message::new("check-teaser-without-url"));
        }
        ArticleDisplay::Teaser if article.teaser.is_empty() => {
            findings.warning(place(), Message::new("check-teaser-empty"));
        }
        ArticleDisplay::Full | ArticleDisplay::Teaser => {}
    }
    if article.language != newsletter.language {
        let message = Message::new("check-article-language")
            .text("language", article.language.own_name())
            .text("expected", newsletter.language.own_name());
        findings.warning(place(), message);
    }
}

fn check_rendered(findings: &mut Findings, rendered: &RenderedIssue) {
    let kilobytes = |octets: usize| i64::try_from(octets / 1024).unwrap_or(i64::MAX);
    let weight = |key| {
        Message::new(key)
            .number("size", kilobytes(rendered.html_wire_bytes()))
            .number("most", kilobytes(HTML_MAX_OCTETS))
    };
    match rendered.weight() {
        Weight::Fine => {}
        Weight::Heavy => findings.warning(Place::Issue, weight("check-heavy")),
        Weight::TooHeavy => findings.error(Place::Issue, weight("check-too-heavy")),
    }
    for problem in &rendered.problems {
        let (key, what) = match problem {
            Problem::ImageWithoutDescription(url) => ("check-image-alt", url),
            Problem::ImageNotHttps(url) => ("check-image-http", url),
            Problem::ImageLeftOut(url) => ("check-image-left-out", url),
            Problem::LinkLeftOut(url) => ("check-link-left-out", url),
            Problem::HtmlAsText(html) => ("check-html-as-text", html),
        };
        let what: String = what.chars().take(100).collect();
        findings.warning(Place::Issue, Message::new(key).text("what", what));
    }
}

/// Why a text cannot be rendered, in the words of whoever asks.
pub fn markdown_message(error: &MarkdownError) -> Message {
    match error {
        MarkdownError::TooLong => Message::new("check-text-too-long"),
        MarkdownError::TooDeep => Message::new("check-text-too-deep"),
        MarkdownError::BaseUrl(url) => Message::new("check-url").text("url", url),
        MarkdownError::Field(error) => field_message(error),
    }
}

pub fn field_message(error: &FieldError) -> Message {
    let (key, field) = match error {
        FieldError::Unknown(field) => ("check-field-unknown", field),
        FieldError::NoFallback(field) => ("check-field-no-fallback", field),
        FieldError::Unclosed(field) => ("check-field-unclosed", field),
        FieldError::InUrl(field) => ("check-field-in-url", field),
    };
    Message::new(key).text("field", field)
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, place: Place, message: Message) {
        self.0.push(Finding { severity: Severity::Error, place, message });
    }

    fn warning(&mut self, place: Place, message: Message) {
        self.0.push(Finding { severity: Severity::Warning, place, message });
    }

    fn of_render_error(&mut self, error: &RenderError, articles: &[IssueArticle]) {
        let place = |name: &str| match name {
            "subject" => Place::Subject,
            "preheader" => Place::Preheader,
            "intro" => Place::Intro,
            title => articles.iter().find(|row| row.article.title == title).map_or(Place::Issue, |row| {
                Place::Article { id: row.article.id, title: row.article.title.clone() }
            }),
        };
        match error {
            RenderError::Markdown { place: name, source } => {
                self.error(place(name), markdown_message(source));
            }
            RenderError::Field { place: name, source } => self.error(place(name), field_message(source)),
            // Found for every article above, not only for the first.
            RenderError::NoUrl(_) => {}
            RenderError::Url { url, .. } => {
                self.error(Place::Issue, Message::new("check-url").text("url", url));
            }
            RenderError::Template(_) | RenderError::Styles(_) => {
                tracing::error!(cause = %error, "an issue could not be rendered");
                self.error(Place::Issue, Message::new("page-error-internal"));
            }
        }
    }
}
