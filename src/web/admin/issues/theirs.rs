//! What someone else saved while a person was writing: each part that says something else than theirs, for the page of the
//! conflict.

use super::edit::shown_display;
use crate::i18n::Texts;
use crate::mail::slot::{clean, clean_line};
use crate::model::topic::text_for;
use crate::model::{IssueArticle, Newsletter, Placed, TrialBy, TrialPlan};
use crate::publishing::issues::{IssueInput, Theirs};
use crate::publishing::translations::TranslationInput;
use crate::store::{self, Reader};
use crate::web::PageError;

pub(super) struct TheirsPart {
    pub parts: Vec<Part>,
    /// The page as it is stored.
    pub stored: String,
}

/// A part that differs: what it is called, and what the other person saved.
pub(super) struct Part {
    pub label: String,
    pub words: String,
}

/// Collects what differs.
struct Parts {
    t: Texts,
    parts: Vec<Part>,
}

impl Parts {
    fn differ(&mut self, key: &str, differs: bool, words: impl FnOnce() -> String) {
        if differs {
            let words = Some(words()).filter(|words| !words.is_empty());
            let words = words.unwrap_or_else(|| self.t.text("desk-conflict-empty"));
            self.parts.push(Part { label: self.t.text(key), words });
        }
    }

    fn line(&mut self, key: &str, mine: &str, theirs: &str) {
        self.differ(key, clean_line(mine) != theirs, || theirs.to_owned());
    }

    fn text(&mut self, key: &str, mine: &str, theirs: &str) {
        self.differ(key, clean(mine).trim() != theirs.trim(), || theirs.to_owned());
    }
}

/// Of an issue in its newsletter's language.
pub(super) async fn of_issue(
    t: Texts,
    reader: &mut Reader,
    newsletter: &Newsletter,
    mine: &IssueInput,
    theirs: &Theirs,
) -> Result<TheirsPart, PageError> {
    let issue = &theirs.issue;
    let topic = match issue.topic_id {
        Some(topic) => {
            let texts = store::topics::texts(reader.db(), newsletter.id).await?;
            text_for(&texts, topic, t.language(), newsletter.language).map(|text| text.name.clone())
        }
        None => None,
    };
    let mut parts = Parts { t, parts: Vec::new() };
    parts.line("check-place-subject", &mine.subject, &issue.subject);
    parts.line("check-place-second-subject", &mine.second_subject, &issue.second_subject);
    parts.differ("desk-trial", mine.trial != issue.trial, || trial(t, issue.trial));
    parts.line("check-place-preheader", &mine.preheader, &issue.preheader);
    parts.text("check-place-intro", &mine.intro, &issue.intro);
    let rows = theirs.articles.iter().cloned().map(Placed::from);
    let is_same = rows.eq(mine.articles.iter().map(cleaned));
    parts.differ("desk-articles", !is_same, || articles(t, &theirs.articles));
    parts.text("check-place-outro", &mine.outro, &issue.outro);
    let look = |theme: Option<_>| theme.unwrap_or(newsletter.theme);
    parts.differ("theme-title", look(mine.theme) != look(issue.theme), || {
        t.text(&format!("theme-{}", look(issue.theme)))
    });
    parts.differ("desk-topic", mine.topic != issue.topic_id, || {
        topic.unwrap_or_else(|| t.text("desk-topic-none"))
    });
    Ok(TheirsPart { parts: parts.parts, stored: format!("/admin/issues/{}", issue.id) })
}

/// As it would be stored.
fn cleaned(placed: &Placed) -> Placed {
    Placed { heading: clean_line(&placed.heading), ..placed.clone() }
}

fn trial(t: Texts, plan: TrialPlan) -> String {
    let by = match plan.by {
        TrialBy::Choice => t.text("desk-trial-choice"),
        TrialBy::Clicks => t.text("desk-trial-clicks"),
    };
    format!("{} % · {by} · {}", plan.share, t.with("desk-trial-hours", "count", plan.hours))
}

/// A line for each, and for each section that begins.
fn articles(t: Texts, rows: &[IssueArticle]) -> String {
    let mut lines = Vec::new();
    for (number, row) in (1..).zip(rows) {
        if !row.heading.is_empty() {
            lines.push(format!("{}: {}", t.text("desk-heading"), row.heading));
        }
        lines.push(format!("{number}. {} · {}", row.article.title, shown_display(t, row.display)));
    }
    lines.join("\n")
}

/// Of an issue in another language.
pub(super) fn of_translation(
    t: Texts,
    mine: &TranslationInput,
    theirs: &Theirs,
    stored: String,
) -> TheirsPart {
    let issue = &theirs.issue;
    let mut parts = Parts { t, parts: Vec::new() };
    parts.line("check-place-subject", &mine.subject, &issue.subject);
    parts.line("check-place-second-subject", &mine.second_subject, &issue.second_subject);
    parts.line("check-place-preheader", &mine.preheader, &issue.preheader);
    parts.text("check-place-intro", &mine.intro, &issue.intro);
    let mut headings = Vec::new();
    for row in &theirs.articles {
        let own = mine.headings.iter().find(|(article, _)| *article == row.article.id);
        if own.is_some_and(|(_, heading)| clean_line(heading) != row.heading) {
            headings.push(format!("{}: {}", row.article.title, row.heading));
        }
    }
    parts.differ("desk-heading", !headings.is_empty(), || headings.join("\n"));
    parts.text("check-place-outro", &mine.outro, &issue.outro);
    TheirsPart { parts: parts.parts, stored }
}
