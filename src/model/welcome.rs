//! The welcome series of a newsletter: mails so many days after confirming. Day 0 is the welcome mail.

use super::{ArticleId, Language, NewsletterId, Timestamp, WelcomeStepId};

/// Most steps of a newsletter: whoever has read ten has settled in.
pub const STEPS_MAX: usize = 10;
/// The last day that a step can have: later it is no welcome any more.
pub const DAYS_MAX: i64 = 60;

/// One mail of the series.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct WelcomeStep {
    pub id: WelcomeStepId,
    pub newsletter_id: NewsletterId,
    /// After confirming, each of 24 hours.
    pub days: i64,
    /// Since when it is sent; `None`: not. Whoever is past its day by then does not get it.
    pub active_since: Option<Timestamp>,
    pub created_at: Timestamp,
    /// Later with each change: two people who edit at once do not overwrite each other.
    pub updated_at: Timestamp,
}

/// What a step says in a language.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct WelcomeText {
    pub step_id: WelcomeStepId,
    pub language: Language,
    pub subject: String,
    pub preheader: String,
    /// Markdown; before the article, where there is one.
    pub body: String,
    pub article_id: Option<ArticleId>,
}

/// The text for a reader: in their language, or else that of the newsletter, or else any.
pub fn text_for(texts: &[WelcomeText], reader: Language, newsletter: Language) -> Option<&WelcomeText> {
    let of = |language| texts.iter().find(|text| text.language == language);
    of(reader).or_else(|| of(newsletter)).or_else(|| texts.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_the_own_language_or_that_of_the_newsletter_or_any() {
        let text = |language| WelcomeText {
            step_id: WelcomeStepId(1),
            language,
            subject: String::new(),
            preheader: String::new(),
            body: String::new(),
            article_id: None,
        };
        let texts = [text(Language::Dutch), text(Language::French)];
        let chosen = |reader, newsletter| text_for(&texts, reader, newsletter).map(|text| text.language);
        assert_eq!(chosen(Language::French, Language::Dutch), Some(Language::French));
        assert_eq!(chosen(Language::German, Language::French), Some(Language::French));
        assert_eq!(chosen(Language::German, Language::English), Some(Language::Dutch));
        assert_eq!(text_for(&[], Language::Dutch, Language::Dutch), None);
    }
}
