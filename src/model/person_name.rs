//! The name a subscriber gives: shown in greetings, never trusted.

/// Most characters kept; a longer name is refused, so that nothing is cut silently.
pub const NAME_MAX_CHARS: usize = 120;

/// A name on one line, without control characters. May hold anything else: HTML, formulas, emoji and
/// right-to-left text are escaped where they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PersonName(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name is longer than {NAME_MAX_CHARS} characters")]
pub struct NameTooLong;

impl PersonName {
    /// Folds white space, drops control and bidirectional override characters (they could turn the rest
    /// of a greeting around). `None` when nothing is left: a name is never required.
    ///
    /// # Errors
    /// [`NameTooLong`] above [`NAME_MAX_CHARS`] characters.
    pub fn parse(text: &str) -> Result<Option<Self>, NameTooLong> {
        let is_override = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let cleaned: String = text
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .filter(|c| !c.is_control() && !is_override(*c))
            .collect();
        let folded = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
        if folded.chars().count() > NAME_MAX_CHARS {
            return Err(NameTooLong);
        }
        Ok((!folded.is_empty()).then_some(Self(folded)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PersonName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_one_line() {
        let name = |text: &str| PersonName::parse(text).map(|name| name.map(|name| name.0));
        assert_eq!(name(" Jan\r\nBcc: x\t Peeters "), Ok(Some("Jan Bcc: x Peeters".into())));
        assert_eq!(name("\u{202e}naJ"), Ok(Some("naJ".into())));
        assert_eq!(name(" \r\n "), Ok(None));
        assert_eq!(name(&"x".repeat(10_000)), Err(NameTooLong));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_one_clean_line_or_too_long(text in ".{0,200}|[\\r\\n\\t a-z\u{202e}\u{2066}\u{0}]{0,40}") {
            if let Ok(Some(name)) = PersonName::parse(&text) {
                prop_assert!(!name.as_str().chars().any(char::is_control));
                prop_assert!((1..=NAME_MAX_CHARS).contains(&name.as_str().chars().count()));
                prop_assert_eq!(PersonName::parse(name.as_str()), Ok(Some(name)));
            }
        }
    }
}
