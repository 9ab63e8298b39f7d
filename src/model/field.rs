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

/// A field as a form asks it, with what it is called.
#[derive(Debug, Clone)]
pub struct AskedField {
    pub field: Field,
    pub is_required: bool,
    pub texts: Vec<FieldText>,
    /// The newsletter's: its words stand in where another language has none.
    pub fallback: Language,
}

impl AskedField {
    /// The first of the languages that has this piece of text.
    fn text<'a>(&'a self, language: Language, piece: impl Fn(&'a FieldText) -> &'a str) -> &'a str {
        let of = |language| self.texts.iter().find(move |text| text.language == language).map(&piece);
        let found = [of(language), of(self.fallback)].into_iter().flatten().find(|text| !text.is_empty());
        found.unwrap_or_default()
    }

    /// What it is called in a language; its key where nothing else is known.
    pub fn label(&self, language: Language) -> &str {
        match self.text(language, |text| &text.label) {
            "" => &self.field.key,
            label => label,
        }
    }

    /// The language of [`AskedField::label`].
    pub fn label_language(&self, language: Language) -> Language {
        let has_own = self.texts.iter().any(|text| text.language == language && !text.label.is_empty());
        if has_own { language } else { self.fallback }
    }

    pub fn hint(&self, language: Language) -> &str {
        self.text(language, |text| &text.hint)
    }

    /// The values of a choice with what they are called in a language.
    pub fn options(&self, language: Language) -> Vec<(&str, &str)> {
        let labels: Vec<&str> = self.text(language, |text| &text.options).lines().collect();
        let values = self.field.options.lines().enumerate();
        let label =
            |at: usize, value| labels.get(at).copied().filter(|label| !label.is_empty()).unwrap_or(value);
        values.map(|(at, value)| (value, label(at, value))).collect()
    }
}
