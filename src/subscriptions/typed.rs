//! What someone typed at the desk about forms and fields, cleaned, or an error beside it.

use crate::i18n::{FieldErrors, Message};
use crate::mail::slot::clean_line;

/// A line of at most so many characters.
pub(super) fn line(
    errors: &mut FieldErrors,
    field: &'static str,
    text: &str,
    most: usize,
    is_required: bool,
) -> String {
    let line = clean_line(text);
    let chars = line.chars().count();
    if is_required && line.is_empty() {
        errors.add(field, Message::new("error-required"));
    } else if chars > most {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let message =
            Message::new("error-too-long").number("most", number(most)).number("chars", number(chars));
        errors.add(field, message);
    }
    line
}

/// Lines that say something, cleaned.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(clean_line).filter(|line| !line.is_empty())
}
