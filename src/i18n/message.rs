//! A text that is not yet in a language: what a verb says, and a page or the command line puts into words.

use fluent_bundle::FluentArgs;

use super::Texts;
use crate::model::Language;

/// A key of the language files with its values. Displays in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    key: &'static str,
    values: Vec<(&'static str, Value)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(i64),
    /// By its name in the language of the text.
    Language(Language),
}

impl Message {
    pub const fn new(key: &'static str) -> Self {
        Self { key, values: Vec::new() }
    }

    pub fn text(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.push((name, Value::Text(value.into())));
        self
    }

    pub fn number(mut self, name: &'static str, value: i64) -> Self {
        self.values.push((name, Value::Number(value)));
        self
    }

    pub fn language(mut self, name: &'static str, value: Language) -> Self {
        self.values.push((name, Value::Language(value)));
        self
    }

    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// In the words of a language.
    pub fn in_words(&self, t: Texts) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in &self.values {
            match value {
                Value::Text(text) => args.set(*name, text.as_str()),
                Value::Number(number) => args.set(*name, *number),
                Value::Language(language) => args.set(*name, t.name_of(*language)),
            }
        }
        t.format(self.key, Some(&args))
    }
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.in_words(Texts::new(Language::English)))
    }
}

/// What is wrong with one field of a form. The field is named as in forms and in front matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    pub field: &'static str,
    pub message: Message,
}

/// Everything that is wrong with a form, at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn of(field: &'static str, message: Message) -> Self {
        Self(vec![FieldError { field, message }])
    }

    pub fn add(&mut self, field: &'static str, message: Message) {
        self.0.push(FieldError { field, message });
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &FieldError> {
        self.0.iter()
    }

    /// What is wrong with one field, if anything.
    pub fn field(&self, field: &str) -> Option<&Message> {
        self.0.iter().find(|error| error.field == field).map(|error| &error.message)
    }

    /// `Err` with everything that was added, or the value.
    ///
    /// # Errors
    /// Itself, unless it is empty.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl std::fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{}: {}", error.field, error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}
