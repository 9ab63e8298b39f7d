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

/// What a topic is called for a reader: in their language, else in the newsletter's, else in any.
pub fn text_for(
    texts: &[TopicText],
    topic: TopicId,
    reader: Language,
    newsletter: Language,
) -> Option<&TopicText> {
    let of = |language: Language| {
        texts.iter().find(move |text| text.topic_id == topic && text.language == language)
    };
    of(reader).or_else(|| of(newsletter)).or_else(|| texts.iter().find(|text| text.topic_id == topic))
}

/// What a topic is called in a language.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct TopicText {
    pub topic_id: TopicId,
    pub language: Language,
    pub name: String,
    pub description: String,
}
