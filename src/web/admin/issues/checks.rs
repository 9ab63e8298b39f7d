//! The checks of an issue as a part of a page: what, where, and the button that mends it. And as JSON, for scripts.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use crate::i18n::Texts;
use crate::model::IssueId;
use crate::publishing::check::{Finding, Place};
use crate::publishing::compose::Composed;
use crate::web::admin::id_of;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// A finding, with the way to mend it.
pub struct CheckLine {
    /// `error`, `warning` or `hint`.
    pub severity: &'static str,
    pub severity_word: String,
    pub place: String,
    pub words: String,
    /// Where it can be mended by hand.
    pub href: Option<String>,
    pub fix: Option<FixButton>,
}

/// A button of the issue's form.
pub struct FixButton {
    pub value: String,
    pub words: String,
}

/// The list alone.
#[derive(Template)]
#[template(path = "admin/checks.html")]
pub struct ChecksPart {
    pub page: Speaking,
    pub checks: Vec<CheckLine>,
    pub can_fix: bool,
}

/// What the list needs of a page.
pub struct Speaking {
    pub t: Texts,
}

/// The findings of an issue in the words of the page.
pub fn check_lines(t: Texts, composed: &Composed) -> Vec<CheckLine> {
    composed.findings.iter().map(|finding| line(t, composed, finding)).collect()
}

fn line(t: Texts, composed: &Composed, finding: &Finding) -> CheckLine {
    let issue = composed.issue.id;
    let severity = finding.severity.as_str();
    let page = match finding.language {
        Some(language) => format!("/admin/issues/{issue}/languages/{language}"),
        None => format!("/admin/issues/{issue}"),
    };
    CheckLine {
        severity,
        severity_word: t.text(&format!("desk-check-{severity}")),
        place: finding.place_in_words(t),
        words: finding.message.in_words(t),
        href: match &finding.place {
            Place::Article { id, .. } => Some(format!("/admin/articles/{id}")),
            Place::Newsletter => Some(format!("/admin/newsletters/{}", composed.newsletter.id)),
            Place::Subject => Some(format!("{page}#subject")),
            Place::SecondSubject => Some(format!("{page}#second_subject")),
            Place::Preheader => Some(format!("{page}#preheader")),
            Place::Intro => Some(format!("{page}#intro")),
            Place::Outro => Some(format!("{page}#outro")),
            Place::Issue => None,
        },
        fix: finding.fix.map(|fix| FixButton {
            value: match fix.article() {
                Some(article) => format!("{}-{article}", fix.verb()),
                None => fix.verb().to_owned(),
            },
            words: t.text(&format!("fix-{}", fix.verb().replace('_', "-"))),
        }),
    }
}

/// `GET /admin/issues/{id}/checks.json`.
pub async fn get(app: Data<App>, signed_in: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let composed = super::composed(&app, IssueId(id_of(&id)?), app.clock.now()).await?;
    Ok(HttpResponse::Ok().json(Checks::of(signed_in.texts(), &composed)))
}

/// Whether an issue can be sent, and what stands in its way.
#[derive(serde::Serialize)]
pub(in crate::web) struct Checks {
    can_send: bool,
    findings: Vec<FindingJson>,
}

#[derive(serde::Serialize)]
struct FindingJson {
    /// Stays the same from version to version, in every language.
    key: &'static str,
    severity: &'static str,
    can_be_overridden: bool,
    place: String,
    message: String,
    /// What the issue's form calls the button that mends it.
    fix: Option<String>,
}

impl Checks {
    pub fn of(t: Texts, composed: &Composed) -> Self {
        let findings = composed.findings.iter().map(|finding| FindingJson {
            key: finding.key(),
            severity: finding.severity.as_str(),
            can_be_overridden: finding.can_be_overridden(),
            place: finding.place_in_words(t),
            message: finding.message.in_words(t),
            fix: line(t, composed, finding).fix.map(|fix| fix.value),
        });
        Self { can_send: composed.is_ready(), findings: findings.collect() }
    }
}
