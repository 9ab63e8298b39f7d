//! What a newsletter asks for beyond address, name and language.

use super::{FieldId, Language, NewsletterId, Timestamp};

text_enum!(FieldKind {
    Text = "text",
    /// One of a few values.
    Choice = "choice",
    /// A whole number.
    Number = "number",
    /// A day, without a time.
    Date = "date",
    YesNo = "yes_no",
});

/// A field of a newsletter. Forms choose among them, and say which are required.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Field {
    pub id: FieldId,
    pub newsletter_id: NewsletterId,
    /// In forms, the API, exports and merge fields: `a-z`, digits and `_`.
    pub key: String,
    pub kind: FieldKind,
    /// Most characters of a text.
    pub max_length: Option<i64>,
    /// Bounds of a number.
    pub least: Option<i64>,
    pub most: Option<i64>,
    /// Values of a choice, one a line.
    pub options: String,
    pub created_at: Timestamp,
    pub archived_at: Option<Timestamp>,
}

/// What a field is called in a language.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct FieldText {
    pub field_id: FieldId,
    pub language: Language,
    pub label: String,
    pub hint: String,
    /// Labels of the values of a choice, one a line, in their order.
    pub options: String,
}
