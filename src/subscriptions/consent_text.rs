//! The exact words that stand beside the box that a visitor ticks.

use crate::i18n::Texts;
use crate::model::{Language, Newsletter};

/// What someone agrees to who subscribes to this newsletter, in a language. The page shows these words, and
/// the sign-up keeps them: a change of the wording becomes a new version by itself.
pub fn consent_text(newsletter: &Newsletter, language: Language) -> String {
    Texts::new(language).with2(
        "consent-text",
        "newsletter",
        newsletter.name.clone(),
        "sender",
        newsletter.sender_name.clone(),
    )
}
