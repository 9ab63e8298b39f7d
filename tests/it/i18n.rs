//! The language files beside what uses them, read from the sources: no text is missing, none is left over, and each
//! language keeps to one tone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where texts are used, and the files there that hold words or code.
const PLACES: [&str; 2] = ["src", "email_templates"];
const KINDS: [&str; 3] = ["rs", "html", "txt"];
/// The calls that take the key of a text as a literal.
const CALLS: [&str; 4] = [".text(\"", ".with(\"", ".with2(\"", "Message::new(\""];

/// Everything in which a text may be used: the path, and what stands there outside of tests and comments.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> = PLACES.iter().map(|place| root.join(place)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| KINDS.iter().any(|kind| end == *kind)) {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push((path.display().to_string(), lines.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    assert!(found.len() > 100, "only {} files were read", found.len());
    found
}

/// Key to text of one language.
fn texts(language: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/i18n").join(format!("{language}.ftl"));
    let source = std::fs::read_to_string(path).expect("a language file");
    let mut found = BTreeMap::new();
    let mut current = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, text)) = line.split_once(" = ").filter(|(key, _)| is_key(key)) {
            current = key.to_owned();
            found.insert(current.clone(), text.to_owned());
        } else if let Some(text) = found.get_mut(&current) {
            text.push('\n');
            text.push_str(line);
        }
    }
    found
}

fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.contains('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// Keys that are put together of a fixed beginning and end: `desk-next-{name}-title`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    start: String,
    end: String,
}

impl Pattern {
    fn of(piece: &str) -> Option<Self> {
        let (start, rest) = piece.split_once('{')?;
        let (_, end) = rest.rsplit_once('}')?;
        let is_one = !rest.contains('{') && (end.is_empty() || end.starts_with('-'));
        (is_key(start) && start.ends_with('-') && is_one)
            .then(|| Self { start: start.to_owned(), end: end.to_owned() })
    }

    fn matches(&self, key: &str) -> bool {
        key.len() > self.start.len() + self.end.len()
            && key.starts_with(&self.start)
            && key.ends_with(&self.end)
    }
}

#[test]
fn every_text_that_is_used_is_there() {
    let english = texts("en");
    let mut missing = Vec::new();
    let mut calls = 0;
    for (path, source) in sources() {
        for rest in CALLS.iter().flat_map(|call| source.split(call).skip(1)) {
            let key = rest.split('"').next().unwrap_or_default();
            if is_key(key) {
                calls += 1;
                if !english.contains_key(key) {
                    missing.push(format!("{key}, in {path}"));
                }
            }
        }
        // What a type gives as the key of an error is no call.
        let errors = source.split('"').filter(|piece| is_key(piece) && piece.starts_with("error-"));
        missing.extend(
            errors
                .filter(|key| path.ends_with(".rs") && !english.contains_key(*key))
                .map(|key| format!("{key}, in {path}")),
        );
    }
    assert!(calls > 200, "only {calls} calls were found: is the check still right?");
    assert!(missing.is_empty(), "no file has {missing:#?}");
}

#[test]
fn every_value_that_is_given_is_asked_for() {
    let english = texts("en");
    let mut strange = Vec::new();
    for (path, source) in sources() {
        for rest in source.split(".with(\"").skip(1) {
            let mut pieces = rest.split('"');
            let (key, name) = (pieces.next().unwrap_or_default(), pieces.nth(1).unwrap_or_default());
            let is_asked_for = |text: &String| text.contains(&format!("${name}"));
            if !english.get(key).is_none_or(is_asked_for) {
                strange.push(format!("{key} gets {name}, in {path}"));
            }
        }
    }
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn every_text_is_used() {
    let mut whole = BTreeSet::new();
    let mut patterns = BTreeSet::new();
    for (_, source) in sources() {
        for piece in source.split('"') {
            if is_key(piece) {
                whole.insert(piece.to_owned());
            }
            patterns.extend(Pattern::of(piece));
        }
    }
    let english = texts("en");
    for pattern in &patterns {
        // A pattern that fits half of a file would hide what is left over.
        let fitting = english.keys().filter(|key| pattern.matches(key)).count();
        assert!(fitting < english.len() / 8, "{pattern:?} fits {fitting} texts");
    }
    let unused: Vec<_> = english
        .keys()
        .filter(|key| !whole.contains(*key) && !patterns.iter().any(|pattern| pattern.matches(key)))
        .collect();
    assert!(unused.is_empty(), "nobody uses {unused:#?}");
}

/// Words of a text, in small letters.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphabetic() && c != '$').map(str::to_lowercase)
}

/// The texts of a language that hold one of the words.
fn with_words(language: &str, unwanted: &[&str]) -> Vec<String> {
    let texts = texts(language).into_iter();
    let found = texts.filter(|(_, text)| words(text).any(|word| unwanted.contains(&word.as_str())));
    found.map(|(key, text)| format!("{key} = {text}")).collect()
}

#[test]
fn each_language_speaks_to_its_reader_in_one_way() {
    assert_eq!(with_words("nl", &["u", "uw", "uzelf"]), [""; 0], "Dutch says je");
    assert_eq!(with_words("fr", &["tu", "toi", "ton", "tes"]), [""; 0], "French says vous");
    assert_eq!(
        with_words("de", &["du", "dich", "dir", "dein", "deine", "deiner"]),
        [""; 0],
        "German says Sie"
    );
    assert!(with_words("nl", &["je"]).len() > 20 && with_words("fr", &["vous"]).len() > 20);
}

#[test]
fn french_does_not_break_a_line_before_its_signs() {
    let breaks =
        |text: &String| ["?", "!", ":", ";", "»"].iter().any(|sign| text.contains(&format!(" {sign}")));
    let found: Vec<_> =
        texts("fr").into_iter().filter(|(_, text)| breaks(text) || text.contains("« ")).collect();
    assert_eq!(found, [], "a plain space where U+00A0 belongs");
}
