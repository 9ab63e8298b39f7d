//! Puts articles and texts into the mails of `email_templates/`.
//!
//! To add a mail: a folder there with `subject.txt`, `body.txt` and `body.html` that extend the layout, its
//! texts in the language files under "Mails", a struct per file and a function here, and its header fields in
//! [`super::headers`].

use askama::Template;
use css_inline::CSSInliner;

use super::color::Color;
use super::markdown::{self, Context, MarkdownError, Problem, Written};
use super::markdown_text::{LINE_MAX_CHARS, wrap};
use super::mime;
use super::slot::{self, FieldError, Slot, clean, clean_line, escape_html};
use crate::i18n::Texts;
use crate::model::{ArticleDisplay, Language, Newsletter, Timestamp};

/// Above this the end of an issue is at risk: Gmail cuts a mail at about 102 KB, and hides what follows,
/// the unsubscribe link too.
pub const HTML_WARN_OCTETS: usize = 80 * 1024;
/// Above this Gmail will cut it.
pub const HTML_MAX_OCTETS: usize = 100 * 1024;
/// From how many articles on an issue starts with a table of contents.
const CONTENTS_MIN_ARTICLES: usize = 3;
/// Invisible characters behind the preheader, so that inboxes do not show what stands below it.
const FILLER_REPEATS: usize = 40;
/// Widest logo, in CSS pixels, when its address does not say its size.
const LOGO_WIDTH_PX: u32 = 160;
const LOGO_HEIGHT_MAX_PX: u32 = 64;

/// An issue to be rendered.
#[derive(Debug, Clone)]
pub struct IssueView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    pub number: i64,
    /// When it is sent; shown as a date in the newsletter's zone.
    pub date: Option<Timestamp>,
    pub subject: &'a str,
    pub preheader: &'a str,
    /// Markdown.
    pub intro: &'a str,
    pub articles: Vec<ArticleView<'a>>,
    /// Our own website, against which relative addresses are read: an absolute http(s) URL.
    pub base_url: &'a str,
    /// Where the issue can be read in a browser.
    pub web_url: &'a str,
    /// Where one subscribes; linked from the web view.
    pub signup_url: &'a str,
}

#[derive(Debug, Clone, Copy)]
pub struct ArticleView<'a> {
    pub title: &'a str,
    pub author: &'a str,
    pub teaser: &'a str,
    /// Markdown.
    pub body: &'a str,
    /// Where the whole can be read; may be empty when it is shown in full.
    pub url: &'a str,
    pub display: ArticleDisplay,
}

/// An issue as HTML and text. Subject, `html` and `text` may hold slots; `web_html` is for anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedIssue {
    pub subject: String,
    pub html: String,
    pub text: String,
    /// The same for the browser: no recipient, no way to unsubscribe one.
    pub web_html: String,
    /// What authors should look at; none of it prevents sending.
    pub problems: Vec<Problem>,
}

/// A single mail; may hold the slot of the unsubscribe link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedMail {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// How a mail stands to the size at which Gmail cuts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Fine,
    Heavy,
    TooHeavy,
}

#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("{place}: {source}")]
    Markdown { place: String, source: MarkdownError },
    #[error("{place}: {source}")]
    Field { place: String, source: FieldError },
    #[error(
        "the article \u{201c}{0}\u{201d} is shown as a teaser, but has no address where it can be read in full"
    )]
    NoUrl(String),
    #[error("the {what} {url} is not an absolute http or https URL")]
    Url { what: &'static str, url: String },
    #[error("the mail could not be put together: {0}")]
    Template(#[from] askama::Error),
    #[error("the styles could not be put into the mail: {0}")]
    Styles(#[from] css_inline::InlineError),
}

impl RenderedIssue {
    /// Octets of the HTML part as they travel, without what slots add.
    pub fn html_wire_bytes(&self) -> usize {
        let mut encoded = Vec::with_capacity(self.html.len() * 2);
        mime::quoted_printable(&slot::without_recipient(&self.html, escape_html), &mut encoded);
        encoded.len()
    }

    pub fn weight(&self) -> Weight {
        match self.html_wire_bytes() {
            octets if octets > HTML_MAX_OCTETS => Weight::TooHeavy,
            octets if octets > HTML_WARN_OCTETS => Weight::Heavy,
            _ => Weight::Fine,
        }
    }
}

/// Renders an issue, once for all its recipients.
///
/// # Errors
/// [`RenderError`] names the article and what is wrong in it.
pub fn render_issue(view: &IssueView<'_>) -> Result<RenderedIssue, RenderError> {
    let newsletter = view.newsletter;
    let line = |place: &str, text: &str| {
        slot::line(text, &newsletter.name)
            .map_err(|source| RenderError::Field { place: place.to_owned(), source })
    };
    let write = |place: &str, text: &str, base_url: &str| {
        markdown::write(text, Context { base_url, newsletter: &newsletter.name })
            .map_err(|source| RenderError::Markdown { place: place.to_owned(), source })
    };
    let mut articles = Vec::with_capacity(view.articles.len());
    for article in &view.articles {
        let title = line(article.title, article.title)?;
        let url = if article.url.is_empty() {
            String::new()
        } else {
            web_url("address of an article", article.url)?
        };
        let body = match article.display {
            ArticleDisplay::Full => {
                let base_url = if url.is_empty() { view.base_url } else { &url };
                Some(write(article.title, article.body, base_url)?)
            }
            ArticleDisplay::Teaser if url.is_empty() => {
                return Err(RenderError::NoUrl(clean_line(article.title)));
            }
            ArticleDisplay::Teaser => None,
        };
        let teaser = line(article.title, article.teaser)?;
        articles.push(ArticleParts { title, author: clean_line(article.author), teaser, url, body });
    }
    let t = Texts::new(view.language);
    let zone = zone(newsletter);
    let number = t.with("mail-issue-number", "number", view.number.to_string());
    let dateline = match view.date {
        Some(date) => format!("{number} · {}", t.date(date, zone)),
        None => number,
    };
    let subject = line("subject", view.subject)?;
    let mut html = IssueHtml {
        frame: Frame::new(newsletter, view.language),
        subject: subject.clone(),
        preheader: line("preheader", view.preheader)?,
        dateline,
        intro: write("intro", view.intro, view.base_url)?,
        contents: articles.len() >= CONTENTS_MIN_ARTICLES,
        articles,
        web_url: web_url("address of the web view", view.web_url)?,
        signup_url: web_url("address of the sign-up page", view.signup_url)?,
    };
    let text = tidy_text(&IssueText::of(&html).render()?);
    let mail_html = inline(&html.render()?)?;
    html.frame.web = true;
    let web_html = slot::without_recipient(&inline(&html.render()?)?, escape_html);
    let bodies = html.articles.iter().filter_map(|article| article.body.as_ref());
    let problems = std::iter::once(&html.intro).chain(bodies).flat_map(|w| w.problems.clone()).collect();
    Ok(RenderedIssue {
        subject: clean_subject(&IssueSubject { subject: &subject }.render()?),
        html: mail_html,
        text,
        web_html,
        problems,
    })
}

/// The only mail to an address that has not confirmed. Nothing in it was chosen by who filled in the form.
#[derive(Debug, Clone, Copy)]
pub struct ConfirmView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    pub confirm_url: &'a str,
    pub asked_at: Timestamp,
    pub valid_until: Timestamp,
}

/// Renders the question to confirm. The link to withdraw it is the slot of the unsubscribe link.
///
/// # Errors
/// [`RenderError`] for a confirm link that is no URL.
pub fn render_confirm(view: &ConfirmView<'_>) -> Result<RenderedMail, RenderError> {
    let t = Texts::new(view.language);
    let zone = zone(view.newsletter);
    let frame = Frame::new(view.newsletter, view.language);
    let confirm_url = web_url("confirm link", view.confirm_url)?;
    let asked = t.date_time(view.asked_at, zone);
    let until = t.date_time(view.valid_until, zone);
    Ok(RenderedMail {
        subject: clean_subject(&ConfirmSubject { frame: &frame }.render()?),
        html: inline(
            &ConfirmHtml { frame: &frame, confirm_url: &confirm_url, asked: &asked, until: &until }
                .render()?,
        )?,
        text: tidy_text(
            &ConfirmText { frame: &frame, confirm_url: &confirm_url, asked: &asked, until: &until }
                .render()?,
        ),
    })
}

/// The answer to a sign-up of someone who is subscribed already.
#[derive(Debug, Clone, Copy)]
pub struct AlreadySubscribedView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    pub asked_at: Timestamp,
}

/// Renders the answer; the link to leave is the slot of the unsubscribe link.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_already_subscribed(view: &AlreadySubscribedView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = Frame::new(view.newsletter, view.language);
    let asked = frame.t.date_time(view.asked_at, zone(view.newsletter));
    Ok(RenderedMail {
        subject: clean_subject(&AlreadySubject { frame: &frame }.render()?),
        html: inline(&AlreadyHtml { frame: &frame, asked: &asked }.render()?)?,
        text: tidy_text(&AlreadyText { frame: &frame, asked: &asked }.render()?),
    })
}

/// What every mail has around its content.
struct Frame {
    t: Texts,
    lang: &'static str,
    newsletter: String,
    sender: String,
    postal: Vec<String>,
    brand: Brand,
    logo: Option<Logo>,
    web: bool,
}

struct Brand {
    bar: Color,
    button: Color,
    on_button: Color,
    link: Color,
    link_dark: Color,
}

struct Logo {
    url: String,
    width: u32,
    height: Option<u32>,
}

impl Frame {
    fn new(newsletter: &Newsletter, language: Language) -> Self {
        let color = Color::brand(&newsletter.brand_color);
        // The tinted panels of the layout, light and dark: the least contrast that a link meets.
        let light = Color::parse("#f7f6f2").unwrap_or(Color::WHITE);
        let dark = Color::parse("#272b30").unwrap_or(Color::BLACK);
        Self {
            t: Texts::new(language),
            lang: language.as_str(),
            newsletter: clean_line(&newsletter.name),
            sender: clean_line(&newsletter.sender_name),
            postal: clean(&newsletter.postal_address)
                .lines()
                .map(clean_line)
                .filter(|line| !line.is_empty())
                .collect(),
            brand: Brand {
                bar: color,
                button: color,
                on_button: color.text_on(),
                link: color.readable_on(light),
                link_dark: color.readable_on(dark),
            },
            logo: logo(&newsletter.logo_url),
            web: false,
        }
    }

    #[expect(clippy::unused_self, reason = "templates call functions on what they hold")]
    fn unsubscribe(&self) -> String {
        Slot::UnsubscribeUrl.marker()
    }

    /// Characters that take room in an inbox's preview and none on the page.
    #[expect(clippy::unused_self, reason = "templates call functions on what they hold")]
    fn filler(&self) -> String {
        "\u{34f} ".repeat(FILLER_REPEATS)
    }
}

fn logo(address: &str) -> Option<Logo> {
    let url = web_url("logo", address).ok()?;
    let (url, size) = markdown::split_size(&url);
    Some(match size {
        Some((width, height)) if height > LOGO_HEIGHT_MAX_PX => Logo {
            url,
            width: (width * LOGO_HEIGHT_MAX_PX / height).max(1),
            height: Some(LOGO_HEIGHT_MAX_PX),
        },
        Some((width, height)) => Logo { url, width, height: Some(height) },
        None => Logo { url, width: LOGO_WIDTH_PX, height: None },
    })
}

struct ArticleParts {
    title: String,
    author: String,
    teaser: String,
    url: String,
    /// `None` shows the teaser.
    body: Option<Written>,
}

#[derive(Template)]
#[template(path = "issue/subject.txt")]
struct IssueSubject<'a> {
    subject: &'a str,
}

#[derive(Template)]
#[template(path = "issue/body.html")]
struct IssueHtml {
    frame: Frame,
    subject: String,
    preheader: String,
    dateline: String,
    intro: Written,
    contents: bool,
    articles: Vec<ArticleParts>,
    web_url: String,
    signup_url: String,
}

#[derive(Template)]
#[template(path = "issue/body.txt")]
struct IssueText<'a> {
    frame: &'a Frame,
    dateline: &'a str,
    intro: &'a Written,
    contents: bool,
    articles: &'a [ArticleParts],
    web_url: &'a str,
}

impl<'a> IssueText<'a> {
    fn of(html: &'a IssueHtml) -> Self {
        Self {
            frame: &html.frame,
            dateline: &html.dateline,
            intro: &html.intro,
            contents: html.contents,
            articles: &html.articles,
            web_url: &html.web_url,
        }
    }
}

#[derive(Template)]
#[template(path = "confirm/subject.txt")]
struct ConfirmSubject<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "confirm/body.html")]
struct ConfirmHtml<'a> {
    frame: &'a Frame,
    confirm_url: &'a str,
    asked: &'a String,
    until: &'a String,
}

#[derive(Template)]
#[template(path = "confirm/body.txt")]
struct ConfirmText<'a> {
    frame: &'a Frame,
    confirm_url: &'a str,
    asked: &'a String,
    until: &'a String,
}

#[derive(Template)]
#[template(path = "already_subscribed/subject.txt")]
struct AlreadySubject<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "already_subscribed/body.html")]
struct AlreadyHtml<'a> {
    frame: &'a Frame,
    asked: &'a String,
}

#[derive(Template)]
#[template(path = "already_subscribed/body.txt")]
struct AlreadyText<'a> {
    frame: &'a Frame,
    asked: &'a String,
}

fn zone(newsletter: &Newsletter) -> chrono_tz::Tz {
    newsletter.time_zone.parse().unwrap_or(chrono_tz::UTC)
}

fn web_url(what: &'static str, url: &str) -> Result<String, RenderError> {
    ammonia::Url::parse(url.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|url| url.to_string())
        .ok_or_else(|| RenderError::Url { what, url: clean_line(url) })
}

fn inline(html: &str) -> Result<String, RenderError> {
    Ok(CSSInliner::options().load_remote_stylesheets(false).build().inline(html)?)
}

/// White space of a template folded, slots kept.
fn clean_subject(subject: &str) -> String {
    subject.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines that a template made too long are wrapped, except where an address would be cut off from its
/// number; never more than two empty lines in a row.
fn tidy_text(text: &str) -> String {
    const EMPTY_LINES_MAX: usize = 2;
    let mut lines: Vec<String> = Vec::new();
    let mut empty = 0;
    for line in text.trim().lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty > EMPTY_LINES_MAX {
            continue;
        }
        if line.chars().count() > LINE_MAX_CHARS && !line.contains("://") {
            lines.extend(wrap(line, LINE_MAX_CHARS));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n") + "\n"
}
