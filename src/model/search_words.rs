//! The words by which a person is found: those of the address, of its domain and of the name.

use std::collections::BTreeSet;

/// Most words of one person: more are not looked at.
const WORDS_MAX: usize = 16;
/// Longest word, in characters: the rest tells nobody apart.
const WORD_MAX_CHARS: usize = 24;
/// Most words that somebody types.
const TYPED_MAX: usize = 4;

fn words(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let words: Vec<String> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD_MAX_CHARS).collect())
        .collect();
    words.into_iter()
}

/// The words of a person. The last part of the domain is left out: half of all people share it.
pub fn words_of(address_key: &str, name: &str) -> BTreeSet<String> {
    let known = address_key.rsplit_once('.').map_or(address_key, |(known, _)| known);
    words(known).chain(words(name)).take(WORDS_MAX).collect()
}

/// What was typed, as the beginnings of words; of an address, without the last part of its domain.
pub fn words_typed(text: &str) -> Vec<String> {
    let text = text.trim();
    let known = match text.rsplit_once('@') {
        Some((local, domain)) => {
            let domain = domain.rsplit_once('.').map_or(domain, |(known, _)| known);
            format!("{local} {domain}")
        }
        None => text.to_owned(),
    };
    let mut typed = Vec::new();
    for word in words(&known) {
        if !typed.contains(&word) && typed.len() < TYPED_MAX {
            typed.push(word);
        }
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_by_any_part_of_address_and_name() {
        let words = words_of("j.de-vries+news@mail.example.org", "Jan De Vriès");
        let expected = ["de", "example", "j", "jan", "mail", "news", "vries", "vriès"];
        assert_eq!(words.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_typed_is_cut_as_the_words_are() {
        assert_eq!(words_typed(" Vries@Example.org "), ["vries", "example"]);
        assert_eq!(words_typed("jan jan@"), ["jan"]);
        assert_eq!(words_typed("%_'"), [""; 0]);
        assert_eq!(words_typed("a b c d e f").len(), TYPED_MAX);
    }
}
