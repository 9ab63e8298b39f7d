//! One edition of a newsletter.

use super::{
    Article, ArticleId, IssueId, Language, NewsletterId, Rhythm, Theme, Timestamp, TopicId, TrialPlan, UserId,
};

text_enum!(
    /// How an article stands in an issue.
    ArticleDisplay {
        Full = "full",
        /// The teaser and a link to the whole.
        Teaser = "teaser",
    }
);

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Issue {
    pub id: IssueId,
    pub public_id: uuid::Uuid,
    pub newsletter_id: NewsletterId,
    /// Counts the issues of its newsletter from 1.
    pub number: i64,
    pub subject: String,
    /// The line that inboxes show behind the subject.
    pub preheader: String,
    /// Markdown above the articles.
    pub intro: String,
    /// Markdown below them.
    pub outro: String,
    /// How it looks; `None`: as its newsletter does.
    pub theme: Option<Theme>,
    pub version: i64,
    /// What it is about; `None`: it is for everyone.
    pub topic_id: Option<TopicId>,
    /// Tried against the first on a share of the audience; empty: there is one subject.
    pub second_subject: String,
    /// How the two are tried.
    #[sqlx(flatten)]
    pub trial: TrialPlan,
    /// Who changed it last in the desk, in any language; `None`: the command line, or somebody who is gone.
    pub edited_by: Option<UserId>,
    /// Whom it is for: readers of each issue, or those who chose a digest a month.
    pub rhythm: Rhythm,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Issue {
    /// Whether two subjects are tried.
    pub const fn has_trial(&self) -> bool {
        !self.second_subject.is_empty()
    }

    /// The issue as readers of another language get it.
    pub fn translated(&self, translation: &IssueTranslation) -> Self {
        Self {
            subject: translation.subject.clone(),
            second_subject: translation.second_subject.clone(),
            preheader: translation.preheader.clone(),
            intro: translation.intro.clone(),
            outro: translation.outro.clone(),
            ..self.clone()
        }
    }
}

/// The words of an issue in another language than that of its newsletter.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct IssueTranslation {
    pub language: Language,
    pub subject: String,
    pub second_subject: String,
    pub preheader: String,
    pub intro: String,
    pub outro: String,
    /// Counts its saves, apart from those of the issue: who writes in one language is not in the way of another.
    pub version: i64,
}

/// An article and how it stands in an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub article: ArticleId,
    pub display: ArticleDisplay,
    /// Begins a section: stands above this article and those that follow. Empty: the section goes on.
    pub heading: String,
}

impl Placed {
    /// An article that begins no section.
    pub const fn new(article: ArticleId, display: ArticleDisplay) -> Self {
        Self { article, display, heading: String::new() }
    }
}

impl From<IssueArticle> for Placed {
    fn from(row: IssueArticle) -> Self {
        Self { article: row.article.id, display: row.display, heading: row.heading }
    }
}

/// An article in its place in an issue.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct IssueArticle {
    pub position: i64,
    pub display: ArticleDisplay,
    pub heading: String,
    #[sqlx(flatten)]
    pub article: Article,
}
