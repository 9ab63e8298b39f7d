//! A stored piece of writing.

use super::{ArticleId, Language, Slug, Timestamp};

text_enum!(ArticleStatus { Draft = "draft", Published = "published" });

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Article {
    pub id: ArticleId,
    pub slug: Slug,
    pub language: Language,
    pub title: String,
    pub author: String,
    /// Two or three sentences that stand in an issue instead of the whole; may be empty.
    pub teaser: String,
    /// Markdown (GitHub's dialect) without raw HTML.
    pub body: String,
    /// Where the article lives on the web; may be empty.
    pub canonical_url: String,
    pub status: ArticleStatus,
    /// Counts the saves: two people who edit at once do not overwrite each other.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>,
}
