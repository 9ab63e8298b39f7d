//! The languages of pages and mails: one Fluent file per language, compiled into the binary.
//!
//! Keys are named by place (`confirm-mail-subject`, `signup-title`). To add a text: the key in all four
//! files; the tests compare keys and placeholders, and look for keys that pages use and no file has.
//! To add a language: a value in [`Language`], a file here, and a line in [`source`].

mod message;

use std::borrow::Borrow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use crate::model::{Language, Timestamp};

pub use message::{FieldError, FieldErrors, Message};

const fn source(language: Language) -> &'static str {
    match language {
        Language::Dutch => include_str!("nl.ftl"),
        Language::English => include_str!("en.ftl"),
        Language::French => include_str!("fr.ftl"),
        Language::German => include_str!("de.ftl"),
    }
}

static BUNDLES: LazyLock<Vec<FluentBundle<FluentResource>>> =
    LazyLock::new(|| Language::ALL.iter().map(|language| bundle(*language)).collect());

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let id: LanguageIdentifier = language.as_str().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Isolating marks (U+2068, U+2069) would end up in mails and URLs.
    bundle.set_use_isolating(false);
    // A file with an error still gives its other texts; a test refuses such a file.
    let resource =
        FluentResource::try_new(source(language).to_owned()).unwrap_or_else(|(resource, _)| resource);
    bundle.add_resource_overriding(resource);
    bundle
}

/// The texts of one language: what a template holds as `t`. Cheap to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts {
    language: Language,
}

impl Texts {
    pub const fn new(language: Language) -> Self {
        Self { language }
    }

    pub const fn language(self) -> Language {
        self.language
    }

    /// What a language is called, in a sentence of this one.
    pub fn name_of(self, language: impl Borrow<Language>) -> String {
        self.text(&format!("language-{}", language.borrow()))
    }

    /// The text of a key; in English, and then the key itself, where a file lacks it.
    pub fn text(self, key: &str) -> String {
        self.format(key, None)
    }

    /// The text of a key with one value in it.
    pub fn with<'a>(self, key: &str, name: &str, value: impl Into<FluentValue<'a>>) -> String {
        let mut args = FluentArgs::new();
        args.set(name.to_owned(), value);
        self.format(key, Some(&args))
    }

    /// The text of a key with two values in it.
    pub fn with2<'a>(
        self,
        key: &str,
        name: &str,
        value: impl Into<FluentValue<'a>>,
        name2: &str,
        value2: impl Into<FluentValue<'a>>,
    ) -> String {
        let mut args = FluentArgs::new();
        args.set(name.to_owned(), value);
        args.set(name2.to_owned(), value2);
        self.format(key, Some(&args))
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        for language in [self.language, Language::English] {
            let bundle =
                Language::ALL.iter().position(|known| *known == language).and_then(|at| BUNDLES.get(at));
            if let Some(bundle) = bundle
                && let Some(pattern) = bundle.get_message(key).and_then(|message| message.value())
            {
                return bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned();
            }
        }
        key.to_owned()
    }

    /// A date in words, in a time zone: `24 november 2026`.
    pub fn date(self, moment: Timestamp, zone: chrono_tz::Tz) -> String {
        use chrono::Datelike;
        let local = moment.to_utc().with_timezone(&zone);
        let month = self.text(&format!("month-{}", local.month()));
        let mut args = FluentArgs::new();
        // A number, so that a language can have its own word for the first.
        args.set("day", local.day());
        args.set("month", month);
        args.set("year", local.year().to_string());
        self.format("date-long", Some(&args))
    }

    /// A month in words, in a time zone: `november 2026`.
    pub fn month(self, moment: Timestamp, zone: chrono_tz::Tz) -> String {
        use chrono::Datelike;
        let local = moment.to_utc().with_timezone(&zone);
        format!("{} {}", self.text(&format!("month-{}", local.month())), local.year())
    }

    /// A date and time in words, in a time zone: `24 november 2026 om 09:30`.
    pub fn date_time(self, moment: Timestamp, zone: chrono_tz::Tz) -> String {
        let local = moment.to_utc().with_timezone(&zone);
        self.with2("date-time", "date", self.date(moment, zone), "time", local.format("%H:%M").to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Key to placeholders of one file.
    fn keys(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut keys = BTreeMap::new();
        let mut current = String::new();
        for line in source(language).lines() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            if !line.starts_with([' ', '}']) {
                current = line.split('=').next().unwrap_or_default().trim().to_owned();
                assert!(
                    keys.insert(current.clone(), BTreeSet::new()).is_none(),
                    "{language}: {current} stands twice"
                );
            }
            for rest in line.split('{').skip(1) {
                if let Some(name) = rest.trim_start().strip_prefix('$') {
                    let name: String =
                        name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    keys.entry(current.clone()).or_default().insert(name);
                }
            }
        }
        keys
    }

    #[test]
    fn every_language_file_parses() {
        for language in Language::ALL {
            if let Err((_, errors)) = FluentResource::try_new(source(*language).to_owned()) {
                panic!("{language}: {errors:?}");
            }
        }
    }

    #[test]
    fn every_language_has_the_same_keys_and_placeholders() {
        let english = keys(Language::English);
        assert!(english.len() > 10);
        for language in Language::ALL {
            let other = keys(*language);
            let missing: Vec<_> = english.keys().filter(|key| !other.contains_key(*key)).collect();
            let extra: Vec<_> = other.keys().filter(|key| !english.contains_key(*key)).collect();
            assert!(
                missing.is_empty() && extra.is_empty(),
                "{language}: missing {missing:?}, extra {extra:?}"
            );
            for (key, placeholders) in &english {
                assert_eq!(Some(placeholders), other.get(key), "{language}: placeholders of {key}");
            }
        }
    }

    #[test]
    fn dates_are_in_words_and_in_the_zone() {
        let moment = Timestamp::from_millis(1_795_476_600_000); // 2026-11-23 23:30 UTC
        let zone = chrono_tz::Europe::Brussels;
        let date = |language| Texts::new(language).date_time(moment, zone);
        assert_eq!(date(Language::Dutch), "24 november 2026 om 00:30");
        assert_eq!(date(Language::English), "24 November 2026 at 00:30");
        assert_eq!(date(Language::French), "24 novembre 2026 à 00:30");
        assert_eq!(date(Language::German), "24. November 2026 um 00:30 Uhr");
        let first = Timestamp::from_millis(1_796_081_400_000); // 2026-11-30 23:30 UTC
        assert_eq!(Texts::new(Language::French).date(first, zone), "1er décembre 2026");
        assert_eq!(Texts::new(Language::German).date(first, zone), "1. Dezember 2026");
    }
}
