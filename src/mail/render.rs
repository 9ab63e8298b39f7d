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
use crate::model::{Account, ArticleDisplay, Language, Newsletter, PauseReason, Theme, Timestamp};

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
/// Width of the picture of a teaser, in CSS pixels: that of the mail.
const PICTURE_WIDTH_PX: u32 = 600;

/// An issue to be rendered.
#[derive(Debug, Clone)]
pub struct IssueView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    pub number: i64,
    /// When it is sent; shown as a date in the newsletter's zone.
    pub date: Option<Timestamp>,
    pub subject: &'a str,
    /// The other of two that are tried; empty: there is one.
    pub second_subject: &'a str,
    pub preheader: &'a str,
    /// Markdown.
    pub intro: &'a str,
    /// Markdown.
    pub outro: &'a str,
    pub theme: Theme,
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
    /// Of the section that it begins; empty: none.
    pub heading: &'a str,
}

/// An issue as HTML and text. Its subjects, preheader, `html` and `text` may hold slots; `web_html` is for anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedIssue {
    pub subject: String,
    /// Empty: there is one subject.
    pub second_subject: String,
    /// What inboxes show beside the subject; it stands in `html` as well.
    pub preheader: String,
    pub html: String,
    pub text: String,
    /// The same for the browser: no recipient, no way to unsubscribe one.
    pub web_html: String,
    /// What authors should look at, and where; none of it prevents sending.
    pub problems: Vec<(Part, Problem)>,
    /// Absolute addresses that are linked to, those of the articles too.
    pub links: Vec<(Part, String)>,
    pub images: Vec<(Part, markdown::Image)>,
}

/// A text of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Intro,
    Outro,
    /// By its place, from 0.
    Article(usize),
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
        markdown::write(text, Context { base_url, site_url: view.base_url, newsletter: &newsletter.name })
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
        let heading = line(article.title, article.heading)?;
        let picture = match article.display {
            ArticleDisplay::Full => None,
            ArticleDisplay::Teaser => {
                picture(article.body, Context { base_url: &url, site_url: view.base_url, newsletter: "" })
            }
        };
        let author = clean_line(article.author);
        articles.push(ArticleParts { title, author, teaser, url, body, heading, picture });
    }
    let t = Texts::new(view.language);
    let zone = zone(newsletter);
    let number = t.with("mail-issue-number", "number", view.number.to_string());
    let dateline = match view.date {
        Some(date) => format!("{number} · {}", t.date(date, zone)),
        None => number,
    };
    let context = Context { base_url: view.base_url, site_url: view.base_url, newsletter: &newsletter.name };
    let around = |place: &str, text: &str| {
        markdown::write_above(text, context)
            .map_err(|source| RenderError::Markdown { place: place.to_owned(), source })
    };
    let (intro, outro) = (around("intro", view.intro)?, around("outro", view.outro)?);
    let subject = line("subject", view.subject)?;
    let second_subject = line("second subject", view.second_subject)?;
    let mut html = IssueHtml {
        frame: Frame::new(newsletter, view.language),
        subject: subject.clone(),
        preheader: line("preheader", view.preheader)?,
        dateline,
        intro,
        outro,
        theme: view.theme,
        contents: articles.len() >= CONTENTS_MIN_ARTICLES,
        articles,
        web_url: web_url("address of the web view", view.web_url)?,
        signup_url: web_url("address of the sign-up page", view.signup_url)?,
    };
    let text = tidy_text(&IssueText::of(&html).render()?);
    let mail_html = inline(&html.render()?)?;
    html.frame.web = true;
    let web_html = slot::without_recipient(&inline(&html.render()?)?, escape_html);
    let bodies = html.articles.iter().enumerate();
    let bodies = bodies.filter_map(|(at, article)| Some((Part::Article(at), article.body.as_ref()?)));
    let written: Vec<_> =
        [(Part::Intro, &html.intro), (Part::Outro, &html.outro)].into_iter().chain(bodies).collect();
    let titles = html.articles.iter().enumerate().filter(|(_, article)| !article.url.is_empty());
    let titles = titles.map(|(at, article)| (Part::Article(at), article.url.clone()));
    Ok(RenderedIssue {
        subject: clean_subject(&IssueSubject { subject: &subject }.render()?),
        second_subject: clean_subject(&IssueSubject { subject: &second_subject }.render()?),
        preheader: html.preheader.clone(),
        html: mail_html,
        text,
        web_html,
        problems: of_parts(&written, |written| &written.problems),
        links: titles.chain(of_parts(&written, |written| &written.links)).collect(),
        images: of_parts(&written, |written| &written.images),
    })
}

fn of_parts<T: Clone>(written: &[(Part, &Written)], items: impl Fn(&Written) -> &Vec<T>) -> Vec<(Part, T)> {
    written
        .iter()
        .flat_map(|(part, written)| items(written).iter().map(|item| (*part, item.clone())))
        .collect()
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

/// Renders the one reminder of that question. Like it, it holds nothing else: no article, no offer, no picture.
///
/// # Errors
/// [`RenderError`] for a confirm link that is no URL.
pub fn render_reminder(view: &ConfirmView<'_>) -> Result<RenderedMail, RenderError> {
    let zone = zone(view.newsletter);
    let frame = &Frame::new(view.newsletter, view.language);
    let confirm_url = &web_url("confirm link", view.confirm_url)?;
    let (asked, until) =
        (&frame.t.date_time(view.asked_at, zone), &frame.t.date_time(view.valid_until, zone));
    Ok(RenderedMail {
        subject: clean_subject(&ReminderSubject { frame }.render()?),
        html: inline(&ReminderHtml { frame, confirm_url, asked, until }.render()?)?,
        text: tidy_text(&ReminderText { frame, confirm_url, asked, until }.render()?),
    })
}

/// What somebody asked for who has no old mail at hand.
#[derive(Debug, Clone, Copy)]
pub struct ManageView<'a> {
    /// In whose name the mail comes.
    pub newsletter: &'a Newsletter,
    pub language: Language,
    pub asked_at: Timestamp,
    pub entries: &'a [ManageEntry],
}

/// A newsletter of that person.
#[derive(Debug, Clone)]
pub struct ManageEntry {
    pub name: String,
    pub is_left: bool,
    /// To the preferences.
    pub url: String,
}

/// Renders the links to someone's preferences.
///
/// # Errors
/// [`RenderError`] for a link that is no URL.
pub fn render_manage(view: &ManageView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = &Frame::new(view.newsletter, view.language);
    let asked = &frame.t.date_time(view.asked_at, zone(view.newsletter));
    let entries = view.entries.iter().map(|entry| {
        let url = web_url("preferences link", &entry.url)?;
        Ok(ManageEntry { name: clean_line(&entry.name), url, is_left: entry.is_left })
    });
    let entries = &entries.collect::<Result<Vec<_>, RenderError>>()?;
    Ok(RenderedMail {
        subject: clean_subject(&ManageSubject { frame }.render()?),
        html: inline(&ManageHtml { frame, asked, entries }.render()?)?,
        text: tidy_text(&ManageText { frame, asked, entries }.render()?),
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

/// The question whether a new address is right, to that address.
#[derive(Debug, Clone, Copy)]
pub struct AddressChangeView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    /// `None` for an address that is a subscriber's already: then the mail says so, and has no button.
    pub confirm_url: Option<&'a str>,
    pub asked_at: Timestamp,
    pub valid_until: Timestamp,
}

/// Renders the question. Nothing in it is about the person who asked.
///
/// # Errors
/// [`RenderError`] for a link that is no URL.
pub fn render_address_change(view: &AddressChangeView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = Frame::new(view.newsletter, view.language);
    let zone = zone(view.newsletter);
    let url = view.confirm_url.map(|url| web_url("link to confirm an address", url)).transpose()?;
    let (url, asked) = (url.as_deref(), frame.t.date_time(view.asked_at, zone));
    let until = frame.t.date_time(view.valid_until, zone);
    let (asked, until) = (&asked, &until);
    Ok(RenderedMail {
        subject: clean_subject(&ChangeSubject { frame: &frame }.render()?),
        html: inline(&ChangeHtml { frame: &frame, url, asked, until }.render()?)?,
        text: tidy_text(&ChangeText { frame: &frame, url, asked, until }.render()?),
    })
}

/// The notice to the old address that mails go elsewhere now.
#[derive(Debug, Clone, Copy)]
pub struct AddressChangedView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    /// The new address, masked.
    pub masked: &'a str,
    pub changed_at: Timestamp,
}

/// Renders the notice.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_address_changed(view: &AddressChangedView<'_>) -> Result<RenderedMail, RenderError> {
    let newsletter = view.newsletter;
    let frame = Frame::new(newsletter, view.language);
    let changed = frame.t.date_time(view.changed_at, zone(newsletter));
    let contact = newsletter.reply_to.as_ref().unwrap_or(&newsletter.sender_address).to_string();
    let (changed, masked, contact) = (&changed, view.masked, contact.as_str());
    Ok(RenderedMail {
        subject: clean_subject(&ChangedSubject { frame: &frame }.render()?),
        html: inline(&ChangedHtml { frame: &frame, changed, masked, contact }.render()?)?,
        text: tidy_text(&ChangedText { frame: &frame, changed, masked, contact }.render()?),
    })
}

/// A mailing was paused because it goes wrong.
#[derive(Debug, Clone)]
pub struct AlertView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    /// Subject of the issue.
    pub issue: &'a str,
    pub reason: PauseReason,
    pub account: &'a Account,
    /// The mailing's page in the desk.
    pub url: &'a str,
}

/// Renders an alert for those who work with the desk.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_alert(view: &AlertView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = Frame::new(view.newsletter, view.language);
    let issue = clean_line(view.issue);
    let reason =
        frame.t.with(&format!("mail-alert-paused-{}", view.reason), "newsletter", frame.newsletter.as_str());
    let account = view.account;
    let numbers = frame.t.with2("mail-alert-numbers", "sent", account.sent, "bounced", account.bounced);
    let (issue, reason, numbers) = (&issue, &reason, &numbers);
    Ok(RenderedMail {
        subject: clean_subject(&AlertSubject { frame: &frame, issue }.render()?),
        html: inline(&AlertHtml { frame: &frame, issue, reason, numbers, url: view.url }.render()?)?,
        text: tidy_text(&AlertText { frame: &frame, reason, numbers, url: view.url }.render()?),
    })
}

/// A form has far more sign-ups than usual.
#[derive(Debug, Clone)]
pub struct SignupAlarmView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    /// Its name.
    pub form: &'a str,
    /// In this hour.
    pub accepted: i64,
    pub refused: i64,
    /// In an hour; 0 when nobody knows yet.
    pub usual: i64,
    /// Whether it asks for a proof of work.
    pub is_guarded: bool,
    /// The forms in the desk.
    pub url: &'a str,
}

/// Renders an alarm for those who work with the desk.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_signup_alarm(view: &SignupAlarmView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = Frame::new(view.newsletter, view.language);
    let t = frame.t;
    let form = t.with("mail-alarm-form", "form", clean_line(view.form));
    let numbers = t.with2("mail-alarm-numbers", "accepted", view.accepted, "refused", view.refused);
    let numbers = format!("{form} {numbers}");
    let habit = match view.usual {
        0 => t.text("mail-alarm-no-habit"),
        usual => t.with("mail-alarm-habit", "usual", usual),
    };
    let guard = if view.is_guarded { "mail-alarm-guarded" } else { "mail-alarm-unguarded" };
    let (numbers, habit, url) = (&numbers, &habit, view.url);
    Ok(RenderedMail {
        subject: clean_subject(&AlarmSubject { frame: &frame }.render()?),
        html: inline(&AlarmHtml { frame: &frame, numbers, habit, guard, url }.render()?)?,
        text: tidy_text(&AlarmText { frame: &frame, numbers, habit, guard, url }.render()?),
    })
}

/// A relay cannot be used.
#[derive(Debug, Clone)]
pub struct RelayAlarmView<'a> {
    /// In whose name it is sent.
    pub newsletter: &'a Newsletter,
    pub language: Language,
    /// Its name.
    pub relay: &'a str,
    pub since: Timestamp,
    /// In plain words, of that language.
    pub reason: &'a str,
    /// The relays in the desk.
    pub url: &'a str,
}

/// Renders an alarm for those who may set relays.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_relay_alarm(view: &RelayAlarmView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = Frame::new(view.newsletter, view.language);
    let relay = clean_line(view.relay);
    let since = frame.t.date_time(view.since, zone(view.newsletter));
    let words = frame.t.with2("mail-relay-words", "relay", relay.clone(), "since", since);
    let (words, reason, url) = (&words, view.reason, view.url);
    Ok(RenderedMail {
        subject: clean_subject(&RelaySubject { frame: &frame, relay }.render()?),
        html: inline(&RelayHtml { frame: &frame, words, reason, url }.render()?)?,
        text: tidy_text(&RelayText { frame: &frame, words, reason, url }.render()?),
    })
}

/// What a month brought.
#[derive(Debug, Clone)]
pub struct SummaryView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    /// When it began.
    pub month: Timestamp,
    pub confirmed: i64,
    pub departed: i64,
    pub bounced: i64,
    pub mailings: Vec<SummaryLine>,
    /// The reports in the desk.
    pub url: &'a str,
}

/// A mailing of the month.
#[derive(Debug, Clone)]
pub struct SummaryLine {
    pub subject: String,
    pub at: Timestamp,
    pub sent: i64,
    /// `None`: not counted.
    pub clicks: Option<i64>,
    pub departures: i64,
    /// Its report in the desk.
    pub url: String,
}

/// A mailing of the month in words.
struct SummaryWords {
    subject: String,
    numbers: String,
    url: String,
}

/// Renders the summary of a month for somebody who works with the desk.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_summary(view: &SummaryView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = &Frame::new(view.newsletter, view.language);
    let (t, zone) = (frame.t, zone(view.newsletter));
    let month = &t.month(view.month, zone);
    let growth = &t.with2("mail-summary-growth", "confirmed", view.confirmed, "departed", view.departed);
    let bounced = &t.with("mail-summary-bounced", "bounced", view.bounced);
    let words = |line: &SummaryLine| {
        let sent = t.with2("mail-summary-sent", "date", t.date(line.at, zone), "sent", line.sent);
        let clicks = line.clicks.map(|clicks| t.with("mail-summary-clicks", "clicks", clicks));
        let left = t.with("mail-summary-left", "departures", line.departures);
        let numbers: Vec<String> = [Some(sent), clicks, Some(left)].into_iter().flatten().collect();
        let subject = slot::line_for_anyone(&line.subject, &view.newsletter.name);
        SummaryWords { subject, numbers: numbers.join(" "), url: line.url.clone() }
    };
    let mailings = &view.mailings.iter().map(words).collect::<Vec<_>>();
    let url = view.url;
    Ok(RenderedMail {
        subject: clean_subject(&SummarySubject { frame, month }.render()?),
        html: inline(&SummaryHtml { frame, month, growth, bounced, mailings, url }.render()?)?,
        text: tidy_text(&SummaryText { frame, month, growth, bounced, mailings, url }.render()?),
    })
}

/// What every mail has around its content.
pub(super) struct Frame {
    pub(super) t: Texts,
    pub(super) lang: &'static str,
    pub(super) newsletter: String,
    pub(super) postal: Vec<String>,
    pub(super) brand: Brand,
    pub(super) logo: Option<Logo>,
    pub(super) web: bool,
}

pub(super) struct Brand {
    pub(super) bar: Color,
    pub(super) button: Color,
    pub(super) on_button: Color,
    pub(super) link: Color,
    pub(super) link_dark: Color,
}

pub(super) struct Logo {
    pub(super) url: String,
    pub(super) width: u32,
    pub(super) height: Option<u32>,
}

impl Frame {
    pub(super) fn new(newsletter: &Newsletter, language: Language) -> Self {
        let color = Color::brand(&newsletter.brand_color);
        Self {
            t: Texts::new(language),
            lang: language.as_str(),
            newsletter: clean_line(&newsletter.name),
            postal: clean(&newsletter.postal_address)
                .lines()
                .map(clean_line)
                .filter(|line| !line.is_empty())
                .collect(),
            brand: Brand {
                bar: color,
                button: color,
                on_button: color.text_on(),
                link: color.readable_on(Color::MAIL_LIGHT),
                link_dark: color.readable_on(Color::MAIL_DARK),
            },
            logo: logo(&newsletter.logo_url),
            web: false,
        }
    }

    #[expect(clippy::unused_self, reason = "templates call functions on what they hold")]
    pub(super) fn unsubscribe(&self) -> String {
        Slot::UnsubscribeUrl.marker()
    }

    #[expect(clippy::unused_self, reason = "templates call functions on what they hold")]
    pub(super) fn preferences(&self) -> String {
        Slot::PreferencesUrl.marker()
    }

    /// Characters that take room in an inbox's preview and none on the page.
    #[expect(clippy::unused_self, reason = "templates call functions on what they hold")]
    pub(super) fn filler(&self) -> String {
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

pub(super) struct ArticleParts {
    pub(super) title: String,
    pub(super) author: String,
    pub(super) teaser: String,
    pub(super) url: String,
    /// `None` shows the teaser.
    pub(super) body: Option<Written>,
    /// Of the section that it begins; empty: none.
    pub(super) heading: String,
    /// Shown with a teaser, where the theme shows pictures.
    pub(super) picture: Option<Picture>,
}

/// A picture as wide as the mail.
pub(super) struct Picture {
    pub(super) url: String,
    pub(super) alt: String,
    /// In CSS pixels, at [`PICTURE_WIDTH_PX`].
    pub(super) height: u32,
}

/// The first picture of an article, if it tells its size. What is wrong in the article's text is told where that is
/// shown.
fn picture(body: &str, context: Context<'_>) -> Option<Picture> {
    let image = markdown::write(body, context).ok()?.images.into_iter().next()?;
    let (width, height) = image.size?;
    Some(Picture {
        url: image.url,
        alt: image.alt,
        height: (height * PICTURE_WIDTH_PX / width.max(1)).max(1),
    })
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
    outro: Written,
    theme: Theme,
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
    outro: &'a Written,
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
            outro: &html.outro,
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
#[template(path = "reminder/subject.txt")]
struct ReminderSubject<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "reminder/body.html")]
struct ReminderHtml<'a> {
    frame: &'a Frame,
    confirm_url: &'a str,
    asked: &'a String,
    until: &'a String,
}

#[derive(Template)]
#[template(path = "reminder/body.txt")]
struct ReminderText<'a> {
    frame: &'a Frame,
    confirm_url: &'a str,
    asked: &'a String,
    until: &'a String,
}

#[derive(Template)]
#[template(path = "manage/subject.txt")]
struct ManageSubject<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "manage/body.html")]
struct ManageHtml<'a> {
    frame: &'a Frame,
    asked: &'a String,
    entries: &'a [ManageEntry],
}

#[derive(Template)]
#[template(path = "manage/body.txt")]
struct ManageText<'a> {
    frame: &'a Frame,
    asked: &'a String,
    entries: &'a [ManageEntry],
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

#[derive(Template)]
#[template(path = "address_change/subject.txt")]
struct ChangeSubject<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "address_change/body.html")]
struct ChangeHtml<'a> {
    frame: &'a Frame,
    url: Option<&'a str>,
    asked: &'a String,
    until: &'a String,
}

#[derive(Template)]
#[template(path = "address_change/body.txt")]
struct ChangeText<'a> {
    frame: &'a Frame,
    url: Option<&'a str>,
    asked: &'a String,
    until: &'a String,
}

#[derive(Template)]
#[template(path = "address_changed/subject.txt")]
struct ChangedSubject<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "address_changed/body.html")]
struct ChangedHtml<'a> {
    frame: &'a Frame,
    changed: &'a String,
    masked: &'a str,
    contact: &'a str,
}

#[derive(Template)]
#[template(path = "address_changed/body.txt")]
struct ChangedText<'a> {
    frame: &'a Frame,
    changed: &'a String,
    masked: &'a str,
    contact: &'a str,
}

#[derive(Template)]
#[template(path = "alert/subject.txt")]
struct AlertSubject<'a> {
    frame: &'a Frame,
    issue: &'a str,
}

#[derive(Template)]
#[template(path = "alert/body.html")]
struct AlertHtml<'a> {
    frame: &'a Frame,
    issue: &'a str,
    reason: &'a str,
    numbers: &'a str,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "alert/body.txt")]
struct AlertText<'a> {
    frame: &'a Frame,
    reason: &'a str,
    numbers: &'a str,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "summary/subject.txt")]
struct SummarySubject<'a> {
    frame: &'a Frame,
    month: &'a String,
}

#[derive(Template)]
#[template(path = "summary/body.html")]
struct SummaryHtml<'a> {
    frame: &'a Frame,
    month: &'a String,
    growth: &'a str,
    bounced: &'a str,
    mailings: &'a [SummaryWords],
    url: &'a str,
}

#[derive(Template)]
#[template(path = "summary/body.txt")]
struct SummaryText<'a> {
    frame: &'a Frame,
    month: &'a String,
    growth: &'a str,
    bounced: &'a str,
    mailings: &'a [SummaryWords],
    url: &'a str,
}

#[derive(Template)]
#[template(path = "signup_alarm/subject.txt")]
struct AlarmSubject<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "signup_alarm/body.html")]
struct AlarmHtml<'a> {
    frame: &'a Frame,
    numbers: &'a str,
    habit: &'a str,
    guard: &'a str,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "signup_alarm/body.txt")]
struct AlarmText<'a> {
    frame: &'a Frame,
    numbers: &'a str,
    habit: &'a str,
    guard: &'a str,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "relay_alarm/subject.txt")]
struct RelaySubject<'a> {
    frame: &'a Frame,
    relay: String,
}

#[derive(Template)]
#[template(path = "relay_alarm/body.html")]
struct RelayHtml<'a> {
    frame: &'a Frame,
    words: &'a str,
    reason: &'a str,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "relay_alarm/body.txt")]
struct RelayText<'a> {
    frame: &'a Frame,
    words: &'a str,
    reason: &'a str,
    url: &'a str,
}

pub(super) fn zone(newsletter: &Newsletter) -> chrono_tz::Tz {
    newsletter.time_zone.parse().unwrap_or(chrono_tz::UTC)
}

fn web_url(what: &'static str, url: &str) -> Result<String, RenderError> {
    ammonia::Url::parse(url.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|url| url.to_string())
        .ok_or_else(|| RenderError::Url { what, url: clean_line(url) })
}

pub(super) fn inline(html: &str) -> Result<String, RenderError> {
    // What stays in the head is what cannot stand in an element: media queries.
    let options = CSSInliner::options().keep_at_rules(true).load_remote_stylesheets(false);
    let inlined = options.build().inline(html)?;
    // The inliner puts them first; the encoding of a page must be told within its first 1,024 octets.
    Ok(
        match inlined
            .split_once("<head><style>")
            .and_then(|(start, rest)| Some((start, rest.split_once("</style>")?)))
        {
            Some((start, (style, rest))) => {
                format!(
                    "{start}<head>{}",
                    rest.replacen("</head>", &format!("<style>{style}</style></head>"), 1)
                )
            }
            None => inlined,
        },
    )
}

/// White space of a template folded, slots kept.
pub(super) fn clean_subject(subject: &str) -> String {
    subject.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines that a template made too long are wrapped, except where an address would be cut off from its
/// number; never more than two empty lines in a row.
pub(super) fn tidy_text(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mail_parser::MessageParser;
    use uuid::Uuid;

    use super::*;
    use crate::mail::headers::{self, Headers};
    use crate::mail::template::{Recipient, Source, Template as Compiled};
    use crate::model::{ArchivePolicy, EmailAddress, NewsletterId, Slug, UncertainPolicy};

    const NOW: Timestamp = Timestamp::from_millis(1_795_476_600_000);
    const LEAVE: &str = "https://news.example.com/u/abc?a=1&b=2";
    const PREFERENCES: &str = "https://news.example.com/p/abc?a=1&b=2";
    const BODY: &str = include_str!("sample_article.md");

    fn newsletter() -> Newsletter {
        Newsletter {
            id: NewsletterId(1),
            slug: Slug::parse("de-post").unwrap(),
            name: "De Post & Zonen".to_owned(),
            description: String::new(),
            language: Language::Dutch,
            time_zone: "Europe/Brussels".to_owned(),
            sender_name: "Uitgeverij \"De Brug\"".to_owned(),
            sender_address: EmailAddress::parse("post@news.example.com").unwrap(),
            reply_to: Some(EmailAddress::parse("redactie@example.com").unwrap()),
            postal_address: "Uitgeverij De Brug\nKaai 12\n9000 Gent".to_owned(),
            brand_color: "#0b6e6e".to_owned(),
            logo_url: String::new(),
            on_uncertain: UncertainPolicy::Resend,
            relay: String::new(),
            mails_per_hour: None,
            privacy_url: String::new(),
            privacy_version: String::new(),
            reader_languages: crate::model::ReaderLanguages::all(),
            archive: ArchivePolicy::Unlisted,
            theme: Theme::Letter,
            needs_approval: false,
            tracking: crate::model::Tracking::Off,
            created_at: NOW,
        }
    }

    fn article<'a>(title: &'a str, display: ArticleDisplay, body: &'a str) -> ArticleView<'a> {
        ArticleView {
            title,
            author: "Lotte Peeters",
            teaser: "Wie een brug bouwt, bouwt eerst vertrouwen. Drie stadsbestuurders vertellen wat zij \
                     leerden van tien jaar werken aan het water.",
            body,
            url: "https://www.example.com/bruggen/",
            display,
            heading: "",
        }
    }

    fn view(newsletter: &Newsletter) -> IssueView<'_> {
        IssueView {
            newsletter,
            language: Language::Dutch,
            number: 12,
            date: Some(NOW),
            subject: "Bruggen, {{name|lezer}}",
            second_subject: "",
            preheader: "Wat tien jaar werken aan het water ons leerde, en wat er volgend jaar verandert.",
            intro: "Dag {{name|beste lezer}},\n\nDit najaar gaat het over *verbinden*: over steden aan het \
                    water en de mensen die er werken. Veel leesplezier!",
            outro: "",
            theme: Theme::Letter,
            articles: vec![
                article("Zes lessen uit tien jaar bruggen bouwen", ArticleDisplay::Full, BODY),
                article("Waarom kleine steden sneller leren", ArticleDisplay::Teaser, ""),
                article("De agenda voor 2027", ArticleDisplay::Full, BODY),
            ],
            base_url: "https://www.example.com/",
            web_url: "https://news.example.com/de-post/issues/12",
            signup_url: "https://news.example.com/de-post",
        }
    }

    fn confirm(newsletter: &Newsletter, language: Language) -> RenderedMail {
        render_confirm(&ConfirmView {
            newsletter,
            language,
            confirm_url: "https://news.example.com/c/abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst",
            asked_at: NOW,
            valid_until: NOW.plus(std::time::Duration::from_hours(7 * 24)),
        })
        .unwrap()
    }

    fn reminder(newsletter: &Newsletter, language: Language) -> RenderedMail {
        render_reminder(&ConfirmView {
            newsletter,
            language,
            confirm_url: "https://news.example.com/c/abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst",
            asked_at: NOW,
            valid_until: NOW.plus(std::time::Duration::from_hours(7 * 24)),
        })
        .unwrap()
    }

    fn manage(newsletter: &Newsletter, language: Language) -> RenderedMail {
        let entry = |name: &str, is_left| ManageEntry {
            name: name.to_owned(),
            is_left,
            url: format!("https://news.example.com/preferences/{}", "a".repeat(40)),
        };
        let entries = [entry("De Post & Zonen", false), entry("De <Gazet>", true)];
        render_manage(&ManageView { newsletter, language, asked_at: NOW, entries: &entries }).unwrap()
    }

    fn already(newsletter: &Newsletter, language: Language) -> RenderedMail {
        render_already_subscribed(&AlreadySubscribedView { newsletter, language, asked_at: NOW }).unwrap()
    }

    fn message(newsletter: &Newsletter, mail: &RenderedMail, headers: &Headers) -> String {
        let source = Source {
            sender_name: &newsletter.sender_name,
            sender: &newsletter.sender_address,
            reply_to: newsletter.reply_to.as_ref(),
            subject: &mail.subject,
            text: &mail.text,
            html: &mail.html,
            headers,
        };
        let recipient = Recipient {
            to: &EmailAddress::parse("lezer@example.org").unwrap(),
            name: "Jan <b>",
            message_id: "0198",
            date: NOW,
            unsubscribe_url: LEAVE,
            unsubscribe_mailto: None,
            preferences_url: PREFERENCES,
            tracked: &[],
        };
        String::from_utf8(Compiled::compile(&source).unwrap().fill(&recipient)).unwrap()
    }

    /// Every mail in every language, with its fields.
    fn all() -> Vec<(String, RenderedMail, Headers)> {
        let newsletter = newsletter();
        let mut mails = Vec::new();
        for language in Language::ALL {
            let issue = render_issue(&IssueView { language: *language, ..view(&newsletter) }).unwrap();
            let issue = RenderedMail { subject: issue.subject, html: issue.html, text: issue.text };
            mails.push((format!("issue {language}"), issue, headers::issue(&newsletter, Uuid::from_u128(7))));
            mails.push((format!("confirm {language}"), confirm(&newsletter, *language), headers::confirm()));
            mails.push((
                format!("reminder {language}"),
                reminder(&newsletter, *language),
                headers::confirm(),
            ));
            mails.push((format!("manage {language}"), manage(&newsletter, *language), headers::manage()));
            mails.push((
                format!("already {language}"),
                already(&newsletter, *language),
                headers::already_subscribed(),
            ));
            for (name, confirm_url) in
                [("change", Some("https://news.example.com/address/abc")), ("known", None)]
            {
                let view = AddressChangeView {
                    newsletter: &newsletter,
                    language: *language,
                    confirm_url,
                    asked_at: NOW,
                    valid_until: NOW.plus(std::time::Duration::from_hours(7 * 24)),
                };
                let mail = render_address_change(&view).unwrap();
                mails.push((format!("{name} {language}"), mail, headers::address()));
            }
            let view = AddressChangedView {
                newsletter: &newsletter,
                language: *language,
                masked: "l***@e***.org",
                changed_at: NOW,
            };
            let mail = render_address_changed(&view).unwrap();
            mails.push((format!("changed {language}"), mail, headers::address()));
            for mailings in [1, 0] {
                let line = SummaryLine {
                    subject: "Lente & <zomer>".to_owned(),
                    at: NOW,
                    sent: 1200,
                    clicks: Some(1),
                    departures: 0,
                    url: "https://news.example.org/admin/mailings/1/report".to_owned(),
                };
                let view = SummaryView {
                    newsletter: &newsletter,
                    language: *language,
                    month: NOW,
                    confirmed: 12,
                    departed: 1,
                    bounced: 0,
                    mailings: vec![line; mailings],
                    url: "https://news.example.org/admin/newsletters/1/reports",
                };
                let mail = render_summary(&view).unwrap();
                mails.push((format!("summary {language} {mailings}"), mail, headers::test()));
            }
            for reason in [PauseReason::Bounces, PauseReason::Sender] {
                let account = Account { sent: 180, bounced: 20, ..Account::default() };
                let url = "https://news.example.org/admin/mailings/1";
                let issue = "Lente";
                let view = AlertView {
                    newsletter: &newsletter,
                    language: *language,
                    issue,
                    reason,
                    account: &account,
                    url,
                };
                mails.push((
                    format!("alert {language} {reason}"),
                    render_alert(&view).unwrap(),
                    headers::test(),
                ));
            }
        }
        mails
    }

    fn links(html: &str) -> BTreeSet<String> {
        html.split("href=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
            .filter(|link| !link.starts_with('#'))
            .collect()
    }

    /// An alert is to those who run the newsletter, and by a mail about a change of address nobody leaves.
    fn can_leave(name: &str) -> bool {
        !["alert", "summary", "change", "known", "manage"].iter().any(|kind| name.starts_with(kind))
    }

    #[test]
    fn every_mail_in_every_language_is_a_sound_message() {
        let newsletter = newsletter();
        for (name, mail, headers) in all() {
            let message = message(&newsletter, &mail, &headers);
            assert!(message.is_ascii() && message.split("\r\n").all(|line| line.len() <= 78), "{name}");
            assert!(!message.replace("\r\n", "").contains(['\r', '\n']), "{name}");
            let parsed = MessageParser::default().parse(message.as_bytes()).unwrap();
            assert_eq!((parsed.text_body_count(), parsed.html_body_count()), (1, 1), "{name}");
            assert!(!parsed.subject().unwrap().is_empty(), "{name}");
            let (text, html) = (parsed.body_text(0).unwrap(), parsed.body_html(0).unwrap());
            for part in [&text, &html] {
                assert!(part.contains("9000 Gent"), "{name}: the postal address");
                assert!(part.contains("De Post &"), "{name}: the newsletter");
                assert!(
                    !part.contains("mail-") && !part.contains("{{") && !part.contains("{ $"),
                    "{name}: {part}"
                );
                assert!(!part.contains(['\u{e000}', '\u{e001}']), "{name}: a slot is left");
            }
            for link in links(&html) {
                assert!(
                    text.contains(link.trim_start_matches("mailto:")),
                    "{name}: {link} is not in\n{text}"
                );
            }
            assert_eq!(links(&html).contains(LEAVE), can_leave(&name), "{name}");
            let has_preferences = name.starts_with("issue") || name.starts_with("already");
            assert_eq!(links(&html).contains(PREFERENCES), has_preferences, "{name}");
            for line in text.lines() {
                assert!(line.chars().count() <= 76 || line.contains("://"), "{name}: {line}");
            }
        }
    }

    #[test]
    fn the_html_keeps_the_rules_of_mail_programs() {
        for (name, mail, _) in all() {
            let html = &mail.html;
            for tag in html.split('<').filter(|tag| tag.starts_with("table")) {
                assert!(
                    tag.contains("role=\"presentation\"") || tag.starts_with("table style"),
                    "{name}: {tag}"
                );
            }
            for image in html.split("<img").skip(1) {
                let image = image.split('>').next().unwrap();
                assert!(
                    ["src=\"https://", "alt=\"", "width=\""].iter().all(|part| image.contains(part)),
                    "{image}"
                );
            }
            assert_eq!(html.matches("<!--[if mso]>").count(), html.matches("<![endif]-->").count(), "{name}");
            assert!(html.contains("prefers-color-scheme: dark"), "{name}");
            let language = name.split(' ').nth(1).unwrap();
            let tag = format!("lang=\"{language}\"");
            assert_eq!(html.matches(&tag).count(), 2, "{name}");
            assert_eq!(html.matches("dir=\"ltr\"").count(), 2, "{name}");
            assert!(html.find("<meta charset").is_some_and(|at| at < 1_000), "{name}");
            assert!(html.contains("<title>") && html.contains("name=\"color-scheme\""), "{name}");
            let style: usize =
                html.split("<style").skip(1).map(|rest| rest.split("</style>").next().unwrap().len()).sum();
            assert!(style > 0 && style <= 8_192, "{name}: {style} octets of styles");
            assert!(html.contains("style=\""), "{name}: styles are in the elements");
            assert!(
                !html.contains("<script") && !html.contains("<form") && !html.contains("data:"),
                "{name}"
            );
        }
    }

    #[test]
    fn each_kind_of_mail_has_its_fields() {
        let newsletter = newsletter();
        for (name, mail, headers) in all() {
            let message = message(&newsletter, &mail, &headers);
            let head = message.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
            let has = |field: &str| head.lines().any(|line| line == field);
            let count =
                |field: &str| head.lines().filter(|line| line.starts_with(&format!("{field}:"))).count();
            let can_leave = can_leave(&name);
            assert_eq!(has(&format!("List-Unsubscribe: <{LEAVE}>")), can_leave, "{head}");
            assert_eq!(has("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), can_leave, "{head}");
            assert!(has("Message-ID: <0198@news.example.com>"), "{head}");
            assert!(has("To: \"Jan <b>\" <lezer@example.org>"), "{head}");
            assert!(has("Reply-To: redactie@example.com"), "{head}");
            let issue = name.starts_with("issue");
            assert_eq!(has("List-Id: \"De Post & Zonen\" <de-post.news.example.com>"), issue, "{head}");
            assert_eq!(has("Precedence: bulk"), issue, "{head}");
            assert_eq!(has("X-Auto-Response-Suppress: OOF, AutoReply"), issue, "{head}");
            assert_eq!(has("Auto-Submitted: auto-generated"), !issue, "{head}");
            assert_eq!(count("Feedback-ID"), usize::from(issue), "{head}");
            if issue {
                let id = head.lines().find_map(|line| line.strip_prefix("Feedback-ID: ")).unwrap();
                let fields: Vec<_> = id.split(':').collect();
                assert_eq!(fields.len(), 4);
                assert!((5..=15).contains(&fields[3].len()));
            }
        }
    }

    #[test]
    fn names_are_escaped_and_fall_back() {
        let newsletter = newsletter();
        let issue = render_issue(&view(&newsletter)).unwrap();
        let mail = RenderedMail { subject: issue.subject, html: issue.html, text: issue.text };
        let message = message(&newsletter, &mail, &headers::issue(&newsletter, Uuid::nil()));
        let parsed = MessageParser::default().parse(message.as_bytes()).unwrap();
        assert_eq!(parsed.subject(), Some("Bruggen, Jan <b>"));
        assert!(parsed.body_html(0).unwrap().contains("Dag Jan &lt;b&gt;,"));
        assert!(parsed.body_text(0).unwrap().contains("Dag Jan <b>,"));
        assert!(issue.web_html.contains("Dag beste lezer,"));
    }

    #[test]
    fn the_web_view_is_for_anyone() {
        let newsletter = newsletter();
        let web = render_issue(&view(&newsletter)).unwrap().web_html;
        assert!(web.contains("href=\"https://news.example.com/de-post\""));
        assert!(!web.contains("Uitschrijven") && !web.contains("href=\"\""));
        assert!(!web.chars().any(|c| matches!(c, '\u{e000}'..='\u{f8ff}')));
    }

    #[test]
    fn nothing_of_an_article_is_lost_and_nothing_hostile_passes() {
        let newsletter = newsletter();
        let hostile = "Begin\n\n<script>alert('scriptwoord')</script>\n\n<div style=\"position:fixed\" onclick=x>divwoord</div>\n\n\
                       [klikwoord](javascript:alert(1)) <svg onload=alert(1)> **onaf\n\n\r\n.\r\nEinde\u{e000}\u{e011}\u{e001}";
        let title = "<b onmouseover=alert(1)>Titel</b> & \"co\" \u{e000}\u{e011}\u{e001}";
        let mut view = view(&newsletter);
        view.articles = vec![article(title, ArticleDisplay::Full, hostile)];
        let issue = render_issue(&view).unwrap();
        for word in ["Begin", "scriptwoord", "divwoord", "klikwoord", "onaf", "Einde", "Titel"] {
            assert!(issue.html.contains(word) && issue.text.contains(word), "{word}");
        }
        for html in [&issue.html, &issue.web_html] {
            for tag in ["<script", "<svg", "<div onclick", "<b onmouse", "javascript:"] {
                assert!(!html.contains(tag), "{tag}");
            }
        }
        let leaves = |text: &str| text.matches(&Slot::UnsubscribeUrl.marker()).count();
        assert_eq!((leaves(&issue.html), leaves(&issue.text)), (1, 1));
        assert!(issue.problems.len() >= 4, "{:?}", issue.problems);
    }

    #[test]
    fn what_cannot_be_sent_is_an_error_that_names_the_place() {
        let newsletter = newsletter();
        let fail = |change: &dyn Fn(&mut IssueView<'_>)| {
            let mut view = view(&newsletter);
            change(&mut view);
            render_issue(&view).unwrap_err().to_string()
        };
        assert!(fail(&|view| view.subject = "Dag {{naam}}").starts_with("subject: {{naam}} is not a field"));
        assert!(fail(&|view| view.intro = "Dag {{name}}").starts_with("intro: {{name}} needs a word"));
        assert!(fail(&|view| view.articles[0].body = "{{x}}").starts_with("Zes lessen"));
        assert!(fail(&|view| view.articles[1].url = "").contains("Waarom kleine steden"));
        assert!(fail(&|view| view.web_url = "/x").contains("web view"));
    }

    #[test]
    fn heavy_issues_are_known_before_they_are_sent() {
        let newsletter = newsletter();
        let weight = |characters: usize| {
            let body = "woord ".repeat(characters / 6);
            let mut view = view(&newsletter);
            view.articles = vec![article("Lang", ArticleDisplay::Full, &body)];
            render_issue(&view).unwrap().weight()
        };
        assert_eq!(weight(1_000), Weight::Fine);
        assert_eq!(weight(82_000), Weight::Heavy);
        assert_eq!(weight(110_000), Weight::TooHeavy);
    }

    #[test]
    fn a_confirmation_says_who_when_and_how_to_stop_and_advertises_nothing() {
        let mail = confirm(&newsletter(), Language::Dutch);
        for part in [&mail.html, &mail.text] {
            let part = part.replace('\n', " ");
            assert!(part.contains("Op 24 november 2026 om 00:30 is dit e-mailadres"), "{part}");
            assert!(part.contains("7 dagen geldig: tot 1 december 2026 om 00:30"), "{part}");
            assert!(part.contains(&Slot::UnsubscribeUrl.marker()));
        }
    }

    #[test]
    fn a_reminder_says_when_it_was_asked_and_that_it_is_the_only_one_and_advertises_nothing() {
        let newsletter = newsletter();
        let (first, again) =
            (confirm(&newsletter, Language::English), reminder(&newsletter, Language::English));
        for part in [&again.html, &again.text] {
            let part = part.replace('\n', " ");
            assert!(part.contains("On 24 November 2026 at 00:30, this email address"), "{part}");
            assert!(part.contains("only reminder") && part.contains("1 December 2026 at 00:30"), "{part}");
            assert!(part.contains(&Slot::UnsubscribeUrl.marker()));
        }
        // Nothing leads anywhere that the question itself does not lead to.
        assert_eq!(links(&first.html), links(&again.html));
        assert!(!again.html.contains("<img"));
    }

    #[test]
    #[ignore = "writes the mails to the folder in POSTILJON_MAILS_DIR, to be looked at in a browser"]
    fn write_the_mails_to_look_at() {
        let folder = std::path::PathBuf::from(std::env::var("POSTILJON_MAILS_DIR").unwrap());
        let newsletter = newsletter();
        for (name, mail, _) in all() {
            let file = |ending: &str| folder.join(format!("{}.{ending}", name.replace(' ', "-")));
            std::fs::write(file("html"), slot::without_recipient(&mail.html, escape_html)).unwrap();
            std::fs::write(file("txt"), slot::without_recipient(&mail.text, str::to_owned)).unwrap();
        }
        let issue = render_issue(&view(&newsletter)).unwrap();
        std::fs::write(folder.join("web.html"), &issue.web_html).unwrap();
        println!("{} octets of HTML on the wire", issue.html_wire_bytes());
    }
}
