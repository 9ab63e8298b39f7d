//! The short name of a newsletter or an article in URLs and on the command line.

/// Most characters, so that URLs stay readable.
const SLUG_MAX_CHARS: usize = 80;

/// Lower-case ASCII letters, digits and single hyphens: `insights`, `zes-lessen-uit-2026`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slug(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a short name has 1 to {SLUG_MAX_CHARS} lower-case letters, digits and single hyphens, such as insights-fr"
)]
pub struct SlugError;

impl Slug {
    /// # Errors
    /// [`SlugError`] says what a short name looks like.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        let part = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if text.len() <= SLUG_MAX_CHARS && text.split('-').all(part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SlugError)
        }
    }

    /// Makes a slug of a title: accents folded where Western languages have them, the rest dropped.
    /// `None` when nothing is left (a title in another script).
    pub fn from_title(title: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in title.to_lowercase().chars() {
            match fold(c) {
                Some(text) => slug.push_str(text),
                None if c.is_ascii_alphanumeric() => slug.push(c),
                None if !slug.ends_with('-') && !slug.is_empty() => slug.push('-'),
                None => {}
            }
        }
        let mut cut = slug.len().min(SLUG_MAX_CHARS - 10);
        if cut < slug.len() {
            cut = slug[..cut].rfind('-').unwrap_or(cut);
        }
        Self::parse(slug[..cut].trim_matches('-')).ok()
    }

    /// The same with a number behind it, for the second article of that title.
    pub fn numbered(&self, number: usize) -> Self {
        Self(format!("{}-{number}", self.0))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fold(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'å' => "a",
        'ä' => "a",
        'æ' => "ae",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ö' => "o",
        'œ' => "oe",
        'ß' => "ss",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ý' | 'ÿ' => "y",
        '\'' | '’' => "",
        _ => return None,
    })
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Slug {
    type Err = SlugError;
    fn from_str(text: &str) -> Result<Self, SlugError> {
        Self::parse(text)
    }
}

impl serde::Serialize for Slug {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

super::text_enum::sql_text!(Slug, |slug: &Slug| slug.as_str());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_short_names() {
        let slug = |title: &str| Slug::from_title(title).map(|slug| slug.0);
        assert_eq!(
            slug("Zes lessen uit 2026: één jaar later!").as_deref(),
            Some("zes-lessen-uit-2026-een-jaar-later")
        );
        assert_eq!(slug("L’œuvre d'été").as_deref(), Some("loeuvre-dete"));
        assert_eq!(slug("新聞"), None);
        assert!(slug(&"lang ".repeat(100)).is_some_and(|slug| slug.len() <= SLUG_MAX_CHARS));
    }

    #[test]
    fn what_is_no_slug_is_refused() {
        for text in ["", "-a", "a-", "a--b", "A", "a b", "é", "a/b", "..", &"a".repeat(81)] {
            assert!(Slug::parse(text).is_err(), "{text}");
        }
    }
}
