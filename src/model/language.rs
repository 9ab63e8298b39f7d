//! The languages in which Postiljon speaks to visitors and readers.

text_enum!(
    /// To add one: a value here, a file in `src/i18n/`, and the tests that compare the files.
    Language { Dutch = "nl", English = "en", French = "fr", German = "de" }
);

impl Language {
    /// Its name in itself, for a choice of languages.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Dutch => "Nederlands",
            Self::English => "English",
            Self::French => "Français",
            Self::German => "Deutsch",
        }
    }

    /// The first of the languages of an `Accept-Language` header (RFC 9110, 12.5.4) that we speak,
    /// the highest quality first.
    pub fn from_accept(header: &str) -> Option<Self> {
        /// A header with more ranges than this was not written by a browser.
        const RANGES_MAX: usize = 20;
        let mut best: Option<(f32, Self)> = None;
        for range in header.split(',').take(RANGES_MAX) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality =
                parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
            let language = tag.split('-').next().and_then(|tag| tag.parse::<Self>().ok());
            if let (Some(quality), Some(language)) = (quality, language)
                && quality > 0.0
                && best.is_none_or(|(best, _)| quality > best)
            {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_language_that_we_speak_is_chosen() {
        assert_eq!(Language::from_accept("nl-BE,nl;q=0.9,en;q=0.8"), Some(Language::Dutch));
        assert_eq!(Language::from_accept("es, fr;q=0.5, de;q=0.7"), Some(Language::German));
        assert_eq!(Language::from_accept("fr;q=0, en;q=0.1"), Some(Language::English));
        assert_eq!(Language::from_accept("es"), None);
        assert_eq!(Language::from_accept(""), None);
        assert_eq!(Language::from_accept("nl;q=x,,;,*"), None);
    }
}
