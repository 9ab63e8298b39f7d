//! Articles, and issues made of them: from writing to a mailing that is scheduled.
//!
//! The verbs take the store and the clock, and fail with typed errors that a page shows beside a field and
//! the command line prints. To add a verb: a file here, and its tests in `tests/it/publishing/`.

pub mod approval;
pub mod articles;
pub mod audiences;
pub mod check;
pub mod compose;
pub mod digest;
pub mod front_matter;
pub mod handed_in;
pub mod images;
pub mod issues;
pub mod links;
pub mod moves;
pub mod newsletters;
pub mod paste;
pub mod pictures;
pub mod presence;
pub mod schedule;
pub mod sources;
pub mod suggestions;
pub mod test_groups;
pub mod test_mail;
pub mod topics;
pub mod translations;
pub mod versions;
pub mod welcome;

use validator::{ValidateLength as _, ValidateUrl as _};

use crate::i18n::{FieldErrors, Message};
use crate::mail::slot::{clean, clean_line};

/// A line that someone typed: cleaned, or an error beside its field.
fn line(errors: &mut FieldErrors, field: &'static str, text: &str, most: usize, is_required: bool) -> String {
    let line = clean_line(text);
    if is_required && line.is_empty() {
        errors.add(field, Message::new("error-required"));
    }
    length(errors, field, &line, most);
    line
}

/// A text of several lines that someone typed.
fn text(errors: &mut FieldErrors, field: &'static str, text: &str, most: usize) -> String {
    let text = clean(text).trim().to_owned();
    length(errors, field, &text, most);
    text
}

fn length(errors: &mut FieldErrors, field: &'static str, text: &str, most: usize) {
    let most_chars = u64::try_from(most).unwrap_or(u64::MAX);
    if !text.validate_length(None, Some(most_chars), None) {
        let chars = text.chars().count();
        errors.add(
            field,
            Message::new("error-too-long").number("most", number(most)).number("chars", number(chars)),
        );
    }
}

/// A count for a [`Message`].
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The beginning of what someone typed, for a message about it.
fn shown(text: &str) -> String {
    text.trim().chars().take(60).collect()
}

/// An absolute http or https URL, or nothing.
fn url(errors: &mut FieldErrors, field: &'static str, text: &str) -> String {
    url_or(errors, field, "error-url", text)
}

/// The same; `wrong` is the key of what to say of anything else.
fn url_or(errors: &mut FieldErrors, field: &'static str, wrong: &'static str, text: &str) -> String {
    let text = clean_line(text);
    if !text.is_empty() && !is_web_url(&text) {
        errors.add(field, Message::new(wrong));
    }
    length(errors, field, &text, URL_MAX_CHARS);
    text
}

fn is_web_url(text: &str) -> bool {
    // Other schemes have their uses, and none in a mail.
    text.validate_url()
        && ["http://", "https://"].iter().any(|scheme| text.to_lowercase().starts_with(scheme))
}

/// Longest URL: what every browser and mail program takes.
const URL_MAX_CHARS: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_urls() {
        for text in
            ["https://voorbeeld.example/a?b=c#d", "http://localhost:8080/x", "https://bücher.example/ü"]
        {
            assert!(is_web_url(text), "{text}");
        }
        for text in
            ["javascript:alert(1)", "/artikel", "voorbeeld.example", "ftp://x.example", "https://", "x"]
        {
            assert!(!is_web_url(text), "{text}");
        }
    }
}
