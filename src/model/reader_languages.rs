//! The languages of a newsletter's readers.

use super::Language;

/// The languages in which readers can have the mails about their subscription, beside the newsletter's own. Written
/// `nl,fr`, in the order of [`Language::ALL`], each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderLanguages(String);

impl ReaderLanguages {
    /// Of whichever order.
    pub fn new(chosen: &[Language]) -> Self {
        let known = Language::ALL.iter().filter(|language| chosen.contains(language));
        Self(known.map(|language| language.as_str()).collect::<Vec<_>>().join(","))
    }

    /// Every language.
    pub fn all() -> Self {
        Self::new(Language::ALL)
    }

    pub fn iter(&self) -> impl Iterator<Item = Language> {
        self.0.split(',').filter_map(|word| word.parse().ok())
    }

    pub fn has(&self, language: Language) -> bool {
        self.iter().any(|known| known == language)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ReaderLanguages {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        Ok(Self::new(&words.map(str::parse).collect::<Result<Vec<_>, _>>()?))
    }
}

impl serde::Serialize for ReaderLanguages {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

super::text_enum::sql_text!(ReaderLanguages, |languages: &ReaderLanguages| languages.as_str());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_stand_in_one_order_and_once() {
        let parsed: Result<ReaderLanguages, _> = "fr, nl,fr".parse();
        assert_eq!(parsed.as_ref().map(ReaderLanguages::as_str), Ok("nl,fr"));
        assert!("nl,xx".parse::<ReaderLanguages>().is_err());
        let none: Result<ReaderLanguages, _> = "".parse();
        assert_eq!(none.map(|none| none.iter().count()), Ok(0));
        assert!(ReaderLanguages::all().has(Language::German));
    }
}
