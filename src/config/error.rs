//! What is wrong with a configuration, as sentences for the person who wrote it.

use std::fmt;
use std::path::PathBuf;

use super::settings::{self, Place};

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file; the line counts from 1.
    File { path: PathBuf, line: Option<usize> },
    /// A variable of the environment.
    Environment(String),
    /// Nobody set it.
    Nowhere,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: Some(line) } => write!(f, "{}, line {line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Nowhere => f.write_str("not set"),
        }
    }
}

/// One mistake: which setting, where it stands, what is wrong and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} ({origin}): {problem}")]
pub struct ConfigError {
    /// The key, or the name as it was written where no setting has it; "the file" for what is no setting.
    pub setting: String,
    pub origin: Origin,
    /// A sentence, or more, without the name and the origin.
    pub problem: String,
}

impl ConfigError {
    pub(super) fn new(setting: impl Into<String>, origin: Origin, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), origin, problem: problem.into() }
    }

    /// A text that the parser of its setting refused; `complaint` finishes the sentence that begins with it.
    pub(super) fn wrong(place: Place<'_>, origin: Origin, text: &str, complaint: &str) -> Self {
        let subject =
            if place.about.is_secret() { "what is given".to_owned() } else { format!("\"{}\"", short(text)) };
        let remedy = remedy(place, &origin);
        Self::new(place.key(), origin, format!("{subject} {complaint}. {remedy}"))
    }

    /// A name that no setting has.
    pub(super) fn unknown(name: String, origin: Origin) -> Self {
        let relay = relay_of(&name);
        let places = settings::ALL.iter().map(|about| Place::of(about, relay));
        let known: Vec<String> = match &origin {
            Origin::Environment(_) => places.flat_map(|place| place.variables()).collect(),
            _ => places.flat_map(|place| place.keys()).collect(),
        };
        let advice = match closest(&name, &known) {
            Some(known) => format!("Did you mean {known}?"),
            None => "`postiljon config example` lists all settings.".to_owned(),
        };
        Self::new(name, origin, format!("there is no such setting. {advice}"))
    }

    /// A setting that must be there. `why` is a whole sentence.
    pub(super) fn missing<'a>(place: impl Into<Place<'a>>, why: &str) -> Self {
        let place = place.into();
        Self::new(place.key(), Origin::Nowhere, format!("{why} {}", remedy(place, &Origin::Nowhere)))
    }
}

/// The `NAME` of a key that begins with `relays.NAME.`
pub(super) fn relay_of(key: &str) -> Option<&str> {
    key.strip_prefix("relays.")?.split_once('.').map(|(relay, _)| relay)
}

/// What to write instead, in the way of the source that it came from.
fn remedy(place: Place<'_>, origin: &Origin) -> String {
    let in_file = format!("`{}` under [{}]", place.about.toml_line(), place.section());
    let in_environment = format!("{}={}", place.variable(), place.about.sample());
    match origin {
        Origin::File { .. } => format!("Write for example {in_file}."),
        Origin::Environment(_) => format!("Write for example {in_environment}."),
        Origin::Nowhere => format!("Write for example {in_file}, or in the environment {in_environment}."),
    }
}

/// Texts in errors are cut here: what is longer was never meant to be there.
const SHOWN_MAX_CHARACTERS: usize = 60;

fn short(text: &str) -> String {
    let shown: String =
        text.chars().take(SHOWN_MAX_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.len() < text.len() { format!("{shown}..") } else { shown }
}

/// The known name that someone who typed `name` most likely meant.
fn closest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    /// Names are short; a longer text is not compared, since the cost grows with its length.
    const COMPARED_MAX_OCTETS: usize = 80;
    if name.len() > COMPARED_MAX_OCTETS {
        return None;
    }
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let (distance, nearest) = known.iter().map(|known| (distance(name, known), known)).min()?;
    if distance <= 1 + name.len() / 6 {
        return Some(nearest);
    }
    // The right name in the wrong section.
    known.iter().find(|known| last(known) == last(name)).map(String::as_str)
}

/// How many letters must be changed, added or removed to get from one text to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// All mistakes of a configuration; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub(super) Vec<ConfigError>);

impl ConfigErrors {
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [_] => f.write_str("the configuration has a mistake:")?,
            errors => write!(f, "the configuration has {} mistakes:", errors.len())?,
        }
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_slip_finds_the_one_that_was_meant() {
        let known: Vec<String> = settings::ALL.iter().flat_map(|about| Place::from(about).keys()).collect();
        for (name, meant) in [
            ("relay.hots", Some("relay.host")),
            ("realy.host", Some("relay.host")),
            ("relay.pasword_file", Some("relay.password_file")),
            ("web.retry_hours", Some("mail.retry_hours")),
            ("Web.Listen", Some("web.listen")),
            ("colour", None),
            (&"x".repeat(1000), None),
        ] {
            assert_eq!(closest(name, &known), meant, "{name}");
        }
    }
}
