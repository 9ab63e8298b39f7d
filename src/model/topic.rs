//! What a newsletter is about: subscribers choose, an issue may have one.

use super::{Language, NewsletterId, Timestamp, TopicId};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Topic {
    pub id: TopicId,
    pub newsletter_id: NewsletterId,
    /// In forms, the API and exports: `a-z`, digits and `_`.
    pub key: String,
    pub position: i64,
    pub created_at: Timestamp,
    pub archived_at: Option<Timestamp>,
}

/// What a topic is called in a language.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct TopicText {
    pub topic_id: TopicId,
    pub language: Language,
    pub name: String,
    pub description: String,
}
