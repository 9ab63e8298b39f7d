//! A stored piece of writing.

use super::{ArticleId, ArticleVersionId, Language, Slug, Timestamp, UserId};

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
    /// The article that this one translates; `None` for the first of its family.
    pub original_id: Option<ArticleId>,
}

impl Article {
    /// The first of the family that this article and its translations are.
    pub fn family(&self) -> ArticleId {
        self.original_id.unwrap_or(self.id)
    }
}

text_enum!(
    /// How a version came about.
    VersionKind {
        Saved = "saved",
        /// By the editor, while somebody wrote.
        Autosaved = "autosaved",
        /// An older version was brought back.
        Restored = "restored",
    }
);

/// An article as it was saved once.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ArticleVersion {
    pub id: ArticleVersionId,
    pub article_id: ArticleId,
    /// [`Article::version`] as it was, or will be.
    pub number: i64,
    pub kind: VersionKind,
    pub slug: Slug,
    pub language: Language,
    pub title: String,
    pub author: String,
    pub teaser: String,
    pub body: String,
    pub canonical_url: String,
    /// Names, with commas.
    pub tags: String,
    /// Who saved it; `None`: nobody at the desk.
    pub user_id: Option<UserId>,
    /// When its writing began: of the first of autosaves that replaced each other.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When readers could first see it.
    pub published_at: Option<Timestamp>,
}
