//! A feed of which the entries become articles.

use super::{ArticleId, Language, SourceId, Timestamp};

text_enum!(
    /// What becomes of a new entry.
    Intake {
        /// Somebody looks at it first.
        Draft = "draft",
        Published = "published",
    }
);

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Source {
    pub id: SourceId,
    pub name: String,
    pub url: String,
    /// Of its articles, where an entry does not say otherwise.
    pub language: Language,
    /// With commas: every article gets them.
    pub tags: String,
    pub intake: Intake,
    pub interval_minutes: i64,
    pub is_on: bool,
    /// As the server gave it last; empty: not.
    pub etag: String,
    pub last_modified: String,
    /// When it is asked next.
    pub next_at: Timestamp,
    /// How often in a row it could not be read.
    pub failures: i64,
    /// Key of what is wrong in the language files; empty: nothing.
    pub error: String,
    /// The HTTP status that the error is about; 0: none.
    pub error_status: i64,
    pub fetched_at: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
}

/// An entry of a feed that was seen.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SourceItem {
    pub source_id: SourceId,
    /// SHA-256 of its id, or of its address.
    pub key: Vec<u8>,
    /// `None`: its article is gone.
    pub article_id: Option<ArticleId>,
    /// Of the article when the entry was last taken over.
    pub article_version: i64,
    /// SHA-256 of what the entry said.
    pub content: Vec<u8>,
    /// Since when it says something else there, while somebody edited it here.
    pub changed_at: Option<Timestamp>,
    pub seen_at: Timestamp,
}
