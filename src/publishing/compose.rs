//! An issue as it will arrive: everything that it is made of, rendered and checked.

use std::collections::BTreeMap;

use super::audiences::{Audiences, count_now};
use super::check::{self, Facts, Finding};
use super::links;
use crate::mail::issue;
use crate::mail::render::{RenderError, RenderedIssue};
use crate::model::{Issue, IssueArticle, IssueId, Language, Newsletter, Timestamp};
use crate::store::{self, Db, Result};

#[derive(Debug)]
pub struct Composed {
    pub newsletter: Newsletter,
    pub issue: Issue,
    pub articles: Vec<IssueArticle>,
    /// `Err` when a text cannot be rendered; [`Composed::findings`] then says why.
    pub rendered: std::result::Result<RenderedIssue, RenderError>,
    /// The same for readers of other languages.
    pub translations: Vec<Translated>,
    pub findings: Vec<Finding>,
    /// How many would get it if it went out now.
    pub audience: i64,
}

/// An issue as the readers of another language get it: its words, and each article in that language where there is one.
#[derive(Debug)]
pub struct Translated {
    pub language: Language,
    pub issue: Issue,
    pub articles: Vec<IssueArticle>,
    pub rendered: std::result::Result<RenderedIssue, RenderError>,
}

/// What the readers of one language get.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub language: Language,
    pub issue: &'a Issue,
    pub articles: &'a [IssueArticle],
    pub rendered: &'a std::result::Result<RenderedIssue, RenderError>,
}

impl Composed {
    /// What everybody gets whose language there is no translation for.
    pub const fn main(&self) -> View<'_> {
        View {
            language: self.newsletter.language,
            issue: &self.issue,
            articles: self.articles.as_slice(),
            rendered: &self.rendered,
        }
    }

    /// What each language's readers get, the newsletter's own first.
    pub fn views(&self) -> impl Iterator<Item = View<'_>> {
        let translations = self.translations.iter().map(|translated| View {
            language: translated.language,
            issue: &translated.issue,
            articles: &translated.articles,
            rendered: &translated.rendered,
        });
        std::iter::once(self.main()).chain(translations)
    }

    /// What the readers of a language get.
    pub fn view(&self, language: Language) -> View<'_> {
        self.views().find(|view| view.language == language).unwrap_or_else(|| self.main())
    }

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
pub async fn compose(db: Db<'_>, id: IssueId, date: Timestamp, public_url: &str) -> Result<Option<Composed>> {
    compose_counting(db, id, date, public_url, None).await
}

/// The same with the number of people as it is remembered.
///
/// # Errors
/// Of the database.
pub async fn compose_counting(
    mut db: Db<'_>,
    id: IssueId,
    date: Timestamp,
    public_url: &str,
    audiences: Option<&Audiences>,
) -> Result<Option<Composed>> {
    let Some(issue) = store::issues::by_id(db.again(), id).await? else { return Ok(None) };
    let Some(newsletter) = store::newsletters::by_id(db.again(), issue.newsletter_id).await? else {
        return Ok(None);
    };
    let articles = store::issues::articles(db.again(), id).await?;
    let rendered = issue::render(&newsletter, &issue, &articles, newsletter.language, date, public_url);
    let mut translations = Vec::new();
    for (language, issue, articles) in translated(db.again(), &newsletter, &issue, &articles).await? {
        let rendered = issue::render(&newsletter, &issue, &articles, language, date, public_url);
        translations.push(Translated { language, issue, articles, rendered });
    }
    let audience = match audiences {
        Some(audiences) => audiences.count(db.again(), &issue).await?,
        None => count_now(db.again(), &issue).await?,
    };
    let mut composed =
        Composed { newsletter, issue, articles, rendered, translations, findings: Vec::new(), audience };
    composed.findings = findings(db, &composed, date, public_url).await?;
    Ok(Some(composed))
}

/// The translations of an issue that its newsletter still offers, with their articles. An article that is not there in a
/// language stands as it is.
async fn translated(
    mut db: Db<'_>,
    newsletter: &Newsletter,
    issue: &Issue,
    articles: &[IssueArticle],
) -> Result<Vec<(Language, Issue, Vec<IssueArticle>)>> {
    let translations = store::issue_translations::of_issue(db.again(), issue.id).await?;
    let offered = newsletter.languages_of_readers();
    let translations = translations.into_iter().filter(|translation| {
        translation.language != newsletter.language && offered.contains(&translation.language)
    });
    let translations: Vec<_> = translations.collect();
    if translations.is_empty() {
        return Ok(Vec::new());
    }
    let headings = store::issue_translations::headings(db.again(), issue.id).await?;
    let mut families = Vec::new();
    for row in articles {
        let first = row.article.family();
        families.push(store::articles::family(db.again(), first).await?);
    }
    let translated = translations.into_iter().map(|translation| {
        let language = translation.language;
        let rows = articles.iter().zip(&families).map(|(row, family)| {
            let heading = headings
                .iter()
                .find(|heading| heading.language == language && heading.article_id == row.article.id);
            IssueArticle {
                position: row.position,
                display: row.display,
                // A section that begins in one language begins in all of them.
                heading: match heading {
                    Some(heading) if !row.heading.is_empty() => heading.heading.clone(),
                    _ => row.heading.clone(),
                },
                article: family
                    .iter()
                    .find(|article| article.language == language)
                    .unwrap_or(&row.article)
                    .clone(),
            }
        });
        (language, issue.translated(&translation), rows.collect())
    });
    Ok(translated.collect())
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
    let signing = store::dkim_keys::domains(db.again()).await?;
    let facts = Facts {
        language: composed.newsletter.language,
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
        signing: &signing,
        is_on_this_machine: crate::http::is_on_this_machine(public_url),
        date,
    };
    let mut findings = check::check(facts);
    for translated in &composed.translations {
        let facts = Facts {
            language: translated.language,
            issue: &translated.issue,
            articles: &translated.articles,
            rendered: &translated.rendered,
            ..facts
        };
        let own = check::check_translation(facts, &findings);
        findings.extend(own);
    }
    check::most_severe_first(&mut findings);
    Ok(findings)
}
