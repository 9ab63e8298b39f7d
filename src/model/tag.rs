//! A word by which articles are found again at the desk. Readers do not see it: what they choose is a topic.

/// Longest name, in characters: a tag is a word or two.
const TAG_MAX_CHARS: usize = 40;

/// A name as it was written, and its key: the same in lower case, by which it is one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    key: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tag has 1 to {TAG_MAX_CHARS} characters and no comma")]
pub struct TagError;

impl Tag {
    /// # Errors
    /// [`TagError`] says what a tag looks like.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_right = !name.is_empty()
            && name.chars().count() <= TAG_MAX_CHARS
            && !name.contains(',')
            && !name.chars().any(char::is_control);
        if is_right { Ok(Self { key: name.to_lowercase(), name }) } else { Err(TagError) }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_one_tag_however_it_is_written() {
        let tags = ["Werk  en leven", " werk en LEVEN "].map(|text| Tag::parse(text).expect("a tag"));
        assert_eq!(tags[0].key(), tags[1].key());
        assert_eq!(tags[0].name(), "Werk en leven");
        for wrong in ["", "  ", "a,b", "a\u{0}b", &"x".repeat(41)] {
            assert_eq!(Tag::parse(wrong), Err(TagError), "{wrong}");
        }
    }
}
