//! One edition of a newsletter.

use super::{Article, IssueId, NewsletterId, Timestamp, TopicId};

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
    pub version: i64,
    /// What it is about; `None`: it is for everyone.
    pub topic_id: Option<TopicId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An article in its place in an issue.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct IssueArticle {
    pub position: i64,
    pub display: ArticleDisplay,
    #[sqlx(flatten)]
    pub article: Article,
}
