//! What stands between an issue and its readers: errors prevent sending, warnings advise, hints may be left.
//!
//! To add a check: a line in the file whose subject it is, its key in the language files, and a row in the tests.
//! What can be mended with one click names its [`Fix`]; what an editor may decide to send anyway is in
//! [`Finding::can_be_overridden`].

mod articles;
mod rendered;
mod sending;
mod words;

use std::collections::BTreeMap;

use crate::i18n::{Message, Texts};
use crate::mail::markdown::MarkdownError;
use crate::mail::render::{RenderError, RenderedIssue};
use crate::mail::slot::FieldError;
use crate::model::{
    ArticleId, DkimKeyState, Issue, IssueArticle, Language, LinkCheck, Newsletter, Timestamp,
};
use crate::store::articles::Appearance;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Hint,
}

impl Severity {
    /// As it stands in stylesheets, in JSON and at the end of keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Issue,
    Subject,
    /// The other of two that are tried.
    SecondSubject,
    Preheader,
    Intro,
    Outro,
    Article {
        id: ArticleId,
        title: String,
    },
    Newsletter,
}

/// What mends a finding at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    /// The title of the first article becomes the subject.
    TakeTitle,
    /// The teaser of the first article becomes the preview line.
    TakeTeaser,
    Publish(ArticleId),
    ShowTeaser(ArticleId),
    Remove(ArticleId),
    /// Asks each web address whether it is there.
    CheckLinks,
}

impl Fix {
    /// What it does, as a verb; with [`Fix::article`] as it stands in forms and keys: `publish-12`.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::TakeTitle => "take_title",
            Self::TakeTeaser => "take_teaser",
            Self::Publish(_) => "publish",
            Self::ShowTeaser(_) => "teaser",
            Self::Remove(_) => "remove",
            Self::CheckLinks => "check_links",
        }
    }

    pub const fn article(self) -> Option<ArticleId> {
        match self {
            Self::Publish(id) | Self::ShowTeaser(id) | Self::Remove(id) => Some(id),
            Self::TakeTitle | Self::TakeTeaser | Self::CheckLinks => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub place: Place,
    pub message: Message,
    pub fix: Option<Fix>,
    /// Of the translation that it is about; `None`: the issue itself.
    pub language: Option<Language>,
}

impl Finding {
    /// Whether it prevents sending.
    pub const fn blocks(&self) -> bool {
        matches!(self.severity, Severity::Error)
    }

    /// Whether an issue may go out in spite of it, when somebody says why: what may be right for once. What would leave
    /// a hole in the mail, or break the law, may not.
    pub fn can_be_overridden(&self) -> bool {
        const KEYS: [&str; 4] =
            ["check-too-heavy", "check-link-local", "check-link-dead", "check-placeholder-subject"];
        self.blocks() && KEYS.contains(&self.key())
    }

    pub const fn key(&self) -> &'static str {
        self.message.key()
    }

    /// Place and message in the words of a language.
    pub fn in_words(&self, t: Texts) -> String {
        format!("{}: {}", self.place_in_words(t), self.message.in_words(t))
    }

    /// Its place, and the language where it is that of a translation.
    pub fn place_in_words(&self, t: Texts) -> String {
        let place = self.place.in_words(t);
        self.language.map_or_else(|| place.clone(), |language| format!("{} · {place}", language.own_name()))
    }
}

impl Place {
    pub fn in_words(&self, t: Texts) -> String {
        match self {
            Self::Issue => t.text("check-place-issue"),
            Self::Subject => t.text("check-place-subject"),
            Self::SecondSubject => t.text("check-place-second-subject"),
            Self::Preheader => t.text("check-place-preheader"),
            Self::Intro => t.text("check-place-intro"),
            Self::Outro => t.text("check-place-outro"),
            Self::Article { title, .. } => title.clone(),
            Self::Newsletter => t.text("check-place-newsletter"),
        }
    }

    fn of(row: &IssueArticle) -> Self {
        Self::Article { id: row.article.id, title: row.article.title.clone() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.in_words(Texts::new(Language::English)))
    }
}

/// All that a check looks at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub newsletter: &'a Newsletter,
    pub issue: &'a Issue,
    pub articles: &'a [IssueArticle],
    /// In which the readers have it who are looked at.
    pub language: Language,
    pub rendered: &'a Result<RenderedIssue, RenderError>,
    /// How many would get it if it went out now.
    pub audience: i64,
    /// How many the last issue of the newsletter went to.
    pub last_audience: Option<i64>,
    /// Where articles of this issue were mailed before, by the same newsletter.
    pub seen: &'a [Appearance],
    /// What its web addresses answered when they were last asked.
    pub links: &'a BTreeMap<String, LinkCheck>,
    /// The domains that have a signing key, and whether it signs yet.
    pub signing: &'a [(String, DkimKeyState)],
    /// Whether we are only reached on this machine ourselves: a trial, whose own links are right to say so.
    pub is_on_this_machine: bool,
    /// When it goes out.
    pub date: Timestamp,
}

/// Everything worth saying about an issue, errors first.
pub fn check(facts: Facts<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    words::check(&mut findings, facts);
    articles::check(&mut findings, facts);
    rendered::check(&mut findings, facts);
    sending::check(&mut findings, facts);
    most_severe_first(&mut findings.0);
    findings.0
}

/// What is worth saying about a translation alone: not what `known` says of the issue already, which has the same articles
/// where they are not translated.
pub fn check_translation(facts: Facts<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut findings = Findings::default();
    words::check(&mut findings, facts);
    articles::check(&mut findings, facts);
    rendered::check(&mut findings, facts);
    let is_known = |finding: &Finding| {
        matches!(finding.place, Place::Article { .. } | Place::Issue)
            && known.iter().any(|known| known.place == finding.place && known.message == finding.message)
    };
    let own = findings.0.into_iter().filter(|finding| !is_known(finding));
    own.map(|finding| Finding {
        // The others change the issue, which is right as it is.
        fix: finding.fix.filter(|fix| matches!(fix, Fix::Publish(_) | Fix::CheckLinks)),
        language: Some(facts.language),
        ..finding
    })
    .collect()
}

/// Errors first; each kind in the order in which it was found.
pub fn most_severe_first(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| finding.severity);
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
    fn add(&mut self, severity: Severity, place: Place, message: Message) -> &mut Self {
        self.0.push(Finding { severity, place, message, fix: None, language: None });
        self
    }

    fn error(&mut self, place: Place, message: Message) -> &mut Self {
        self.add(Severity::Error, place, message)
    }

    fn warning(&mut self, place: Place, message: Message) -> &mut Self {
        self.add(Severity::Warning, place, message)
    }

    fn hint(&mut self, place: Place, message: Message) -> &mut Self {
        self.add(Severity::Hint, place, message)
    }

    /// What mends the finding that was added last.
    fn fix(&mut self, fix: Option<Fix>) {
        if let Some(last) = self.0.last_mut() {
            last.fix = fix;
        }
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
