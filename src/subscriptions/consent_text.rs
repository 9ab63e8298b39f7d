//! The exact words that stand beside the box that a visitor ticks.

use crate::i18n::Texts;
use crate::model::{Language, Newsletter};

/// What someone agrees to who subscribes to this newsletter, in a language. The page shows these words, and
/// the sign-up keeps them: a change of the wording becomes a new version by itself. A sender that is called as its
/// newsletter is named once.
pub fn consent_text(newsletter: &Newsletter, language: Language) -> String {
    let t = Texts::new(language);
    if is_same(&newsletter.name, &newsletter.sender_name) {
        return t.with("consent-text-own", "newsletter", newsletter.name.clone());
    }
    t.with2("consent-text", "newsletter", newsletter.name.clone(), "sender", newsletter.sender_name.clone())
}

fn is_same(newsletter: &str, sender: &str) -> bool {
    newsletter.trim().to_lowercase() == sender.trim().to_lowercase()
}
