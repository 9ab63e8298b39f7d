//! The fields of a newsletter: adding, changing and archiving them, and the one parser of what visitors type
//! into them, whichever door it comes through.

use std::collections::HashSet;

use super::typed::{line, lines};
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::mail::slot::clean_line;
use crate::model::{
    Act, AskedField, Field, FieldId, FieldKind, FieldText, Language, Newsletter, NewsletterId, Permission,
    Slug,
};
use crate::store::fields::{self as table, FieldRules};
use crate::store::{Reader, Store, StoreError, forms, newsletters};

/// Most fields of a newsletter that are not archived: each more costs sign-ups.
pub const FIELDS_MAX: usize = 30;
/// Most characters of a key: it is the name of a form's field and a column of an export.
const KEY_MAX_CHARS: usize = 40;
const LABEL_MAX_CHARS: usize = 120;
const HINT_MAX_CHARS: usize = 200;
/// Most values of a choice: beyond that nobody reads the list.
const OPTIONS_MAX: usize = 50;
const OPTION_MAX_CHARS: usize = 100;
/// Most characters of an answer, where the field sets no fewer.
const TEXT_MAX_CHARS: i64 = 500;
/// Names that the form itself uses, and those by which a page knows a form in the browser.
const RESERVED: [&str; 23] = [
    "email", "name", "language", "consent", "website", "shown_in", "stamp", "proof", "page", "referrer",
    "csrf", "lang", "fields", "action", "method", "elements", "submit", "hidden", "dataset", "append",
    "after", "contains", "id",
];

/// Why an answer is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("an answer is needed")]
    Required,
    #[error("it has {chars} characters, and at most {most} fit")]
    TooLong { most: i64, chars: i64 },
    #[error("it is not a whole number")]
    NotANumber,
    #[error("it is less than {least}")]
    TooSmall { least: i64 },
    #[error("it is more than {most}")]
    TooLarge { most: i64 },
    #[error("it is not a date such as 2026-11-26")]
    NotADate,
    #[error("it is none of the values to choose from")]
    NotAnOption,
    #[error("it is neither yes nor no")]
    NotYesOrNo,
}

impl ValueError {
    /// What the API calls it: these names stay (docs/api.md).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::TooLong { .. } => "too_long",
            Self::NotANumber => "not_a_number",
            Self::TooSmall { .. } => "too_small",
            Self::TooLarge { .. } => "too_large",
            Self::NotADate => "not_a_date",
            Self::NotAnOption => "not_an_option",
            Self::NotYesOrNo => "not_yes_or_no",
        }
    }

    pub fn message(self) -> Message {
        match self {
            Self::Required => Message::new("error-required"),
            Self::TooLong { most, chars } => {
                Message::new("error-too-long").number("most", most).number("chars", chars)
            }
            Self::NotANumber => Message::new("error-not-a-number"),
            Self::TooSmall { least } => Message::new("error-too-small").text("least", least.to_string()),
            Self::TooLarge { most } => Message::new("error-too-large").text("most", most.to_string()),
            Self::NotADate => Message::new("error-not-a-date"),
            Self::NotAnOption => Message::new("error-not-an-option"),
            Self::NotYesOrNo => Message::new("error-not-yes-or-no"),
        }
    }
}

/// An answer in the one spelling that is stored; `None` where nothing was answered.
///
/// # Errors
/// [`ValueError`] says what is wrong with it.
pub fn parse(asked: &AskedField, typed: &str) -> Result<Option<String>, ValueError> {
    let field = &asked.field;
    let text = clean_line(typed);
    if text.is_empty() {
        return if asked.is_required { Err(ValueError::Required) } else { Ok(None) };
    }
    let value = match field.kind {
        FieldKind::Text => text_of(field, text)?,
        FieldKind::Number => number_of(field, &text)?,
        FieldKind::Date => date_of(&text)?,
        FieldKind::Choice if field.options.lines().any(|option| option == text) => text,
        FieldKind::Choice => return Err(ValueError::NotAnOption),
        FieldKind::YesNo => yes_or_no(&text)?.to_owned(),
    };
    Ok(Some(value))
}

fn text_of(field: &Field, text: String) -> Result<String, ValueError> {
    let chars = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let most = field.max_length.unwrap_or(TEXT_MAX_CHARS);
    if chars > most { Err(ValueError::TooLong { most, chars }) } else { Ok(text) }
}

fn number_of(field: &Field, text: &str) -> Result<String, ValueError> {
    let number: i64 = text.parse().map_err(|_| ValueError::NotANumber)?;
    if let Some(least) = field.least.filter(|least| number < *least) {
        return Err(ValueError::TooSmall { least });
    }
    if let Some(most) = field.most.filter(|most| number > *most) {
        return Err(ValueError::TooLarge { most });
    }
    Ok(number.to_string())
}

fn date_of(text: &str) -> Result<String, ValueError> {
    let is_spelled_so = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, c)| if at == 4 || at == 7 { c == b'-' } else { c.is_ascii_digit() });
    let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| ValueError::NotADate)?;
    if is_spelled_so { Ok(date.to_string()) } else { Err(ValueError::NotADate) }
}

fn yes_or_no(text: &str) -> Result<&'static str, ValueError> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "1" | "on" => Ok("yes"),
        "no" | "false" | "0" | "off" => Ok("no"),
        _ => Err(ValueError::NotYesOrNo),
    }
}

/// A field as typed at the desk.
#[derive(Debug, Clone, Default)]
pub struct FieldInput {
    /// Empty to have one made of the label. Cannot be changed later.
    pub key: String,
    /// Cannot be changed later.
    pub kind: String,
    pub max_length: String,
    pub least: String,
    pub most: String,
    /// Values of a choice, one a line.
    pub options: String,
    pub words: Vec<WordsInput>,
}

/// What a field is called in a language; all empty: as in the newsletter's own.
#[derive(Debug, Clone)]
pub struct WordsInput {
    pub language: Language,
    pub label: String,
    pub hint: String,
    pub options: String,
}

#[derive(Debug, thiserror::Error)]
pub enum FieldVerbError {
    /// Fields: as in [`FieldInput`]; labels and hints with the language behind: `label_nl`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("there is no such field")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The name of an input of one language in [`FieldErrors`].
const fn name_of(input: &'static str, language: Language) -> &'static str {
    match (input.as_bytes(), language) {
        (b"label", Language::Dutch) => "label_nl",
        (b"label", Language::English) => "label_en",
        (b"label", Language::French) => "label_fr",
        (b"label", Language::German) => "label_de",
        (b"hint", Language::Dutch) => "hint_nl",
        (b"hint", Language::English) => "hint_en",
        (b"hint", Language::French) => "hint_fr",
        (b"hint", Language::German) => "hint_de",
        (_, Language::Dutch) => "options_nl",
        (_, Language::English) => "options_en",
        (_, Language::French) => "options_fr",
        (_, Language::German) => "options_de",
    }
}

/// Adds a field to a newsletter. Forms ask it once they are told to.
///
/// # Errors
/// [`FieldVerbError::Invalid`] names everything that is wrong.
pub async fn add_field(
    store: &Store,
    clock: &Clock,
    newsletter: NewsletterId,
    input: &FieldInput,
) -> Result<Field, FieldVerbError> {
    store.permit(Permission::SetNewsletter, Some(newsletter))?;
    let mut tx = store.begin().await?;
    let newsletter = newsletters::by_id(tx.db(), newsletter).await?.ok_or(FieldVerbError::NotFound)?;
    let mut errors = FieldErrors::new();
    let kind =
        input.kind.parse::<FieldKind>().map_err(|_| errors.add("kind", Message::new("error-required")));
    let kind = kind.unwrap_or(FieldKind::Text);
    let rules = rules_of(&mut errors, kind, input);
    let words = words_of(&mut errors, &rules, newsletter.language, input);
    let key = key_of(&mut errors, input, newsletter.language);
    let others = table::of_newsletter(tx.db(), newsletter.id).await?;
    if others.iter().filter(|field| field.archived_at.is_none()).count() >= FIELDS_MAX {
        errors.add("key", Message::new("error-too-many-fields"));
    }
    let (key, rules, words) = errors.or((key, rules, words))?;
    let field = match table::insert(&mut tx, newsletter.id, &key, kind, &rules, clock.now()).await {
        Err(error) if error.is_duplicate() => {
            return Err(FieldErrors::of("key", Message::new("error-field-key-taken")).into());
        }
        other => other?,
    };
    for text in words {
        table::set_text(&mut tx, &FieldText { field_id: field.id, ..text }).await?;
    }
    tx.note(Act::FieldAdded, Some(newsletter.id), field.id.0).await?;
    tx.commit().await?;
    Ok(field)
}

/// Changes bounds, values and words of a field; answers that are stored stay as they were given. Every form
/// that asks it gets a new version.
///
/// # Errors
/// [`FieldVerbError::Invalid`] names everything that is wrong.
pub async fn change_field(
    store: &Store,
    clock: &Clock,
    id: FieldId,
    input: &FieldInput,
) -> Result<Field, FieldVerbError> {
    let mut tx = store.begin().await?;
    let field = table::by_id(tx.db(), id).await?.ok_or(FieldVerbError::NotFound)?;
    tx.permit(Permission::SetNewsletter, Some(field.newsletter_id))?;
    let newsletter = newsletters::by_id(tx.db(), field.newsletter_id).await?;
    let language = newsletter.ok_or(FieldVerbError::NotFound)?.language;
    let mut errors = FieldErrors::new();
    let rules = rules_of(&mut errors, field.kind, input);
    let words = words_of(&mut errors, &rules, language, input);
    let (rules, words) = errors.or((rules, words))?;
    table::update(&mut tx, id, &rules).await?;
    for language in Language::ALL {
        match words.iter().find(|text| text.language == *language) {
            Some(text) => table::set_text(&mut tx, &FieldText { field_id: id, ..text.clone() }).await?,
            None => table::delete_text(&mut tx, id, *language).await?,
        }
    }
    forms::count_change_of_field(&mut tx, id, clock.now()).await?;
    tx.note(Act::FieldChanged, Some(field.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(field)
}

/// Archives a field, or brings it back. No form asks an archived one; what was answered stays.
///
/// # Errors
/// [`FieldVerbError::NotFound`].
pub async fn archive_field(
    store: &Store,
    clock: &Clock,
    id: FieldId,
    is_archived: bool,
) -> Result<(), FieldVerbError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let field = table::by_id(tx.db(), id).await?.ok_or(FieldVerbError::NotFound)?;
    tx.permit(Permission::SetNewsletter, Some(field.newsletter_id))?;
    if field.archived_at.is_some() != is_archived {
        table::set_archived(&mut tx, id, is_archived.then_some(now)).await?;
        forms::count_change_of_field(&mut tx, id, now).await?;
        let act = if is_archived { Act::FieldArchived } else { Act::FieldRestored };
        tx.note(act, Some(field.newsletter_id), id.0).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The key as typed, or made of the label.
fn key_of(errors: &mut FieldErrors, input: &FieldInput, language: Language) -> String {
    let label = input.words.iter().find(|words| words.language == language).map_or("", |words| &words.label);
    let key = match input.key.trim() {
        // A long question has a short name all the same.
        "" => Slug::from_title(label)
            .map(|slug| slug.as_str().chars().take(KEY_MAX_CHARS).collect::<String>().replace('-', "_"))
            .map(|key| key.trim_end_matches('_').to_owned())
            .unwrap_or_default(),
        key => key.to_owned(),
    };
    let key: String = key.chars().take(KEY_MAX_CHARS + 1).collect();
    let is_good = key.len() <= KEY_MAX_CHARS
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_good {
        errors.add("key", Message::new("error-field-key"));
    } else if RESERVED.contains(&key.as_str()) || key.starts_with("utm_") {
        errors.add("key", Message::new("error-field-key-reserved"));
    }
    key
}

/// Bounds and values, as far as this kind has them.
fn rules_of(errors: &mut FieldErrors, kind: FieldKind, input: &FieldInput) -> FieldRules {
    let mut rules = FieldRules::default();
    match kind {
        FieldKind::Text => {
            rules.max_length = whole(errors, "max_length", &input.max_length);
            if rules.max_length.is_some_and(|most| !(1..=TEXT_MAX_CHARS).contains(&most)) {
                let message = Message::new("error-max-length").number("most", TEXT_MAX_CHARS);
                errors.add("max_length", message);
            }
        }
        FieldKind::Number => {
            rules.least = whole(errors, "least", &input.least);
            rules.most = whole(errors, "most", &input.most);
            if matches!((rules.least, rules.most), (Some(least), Some(most)) if least > most) {
                errors.add("most", Message::new("error-bounds"));
            }
        }
        FieldKind::Choice => {
            let options: Vec<String> = lines(&input.options).collect();
            let distinct: HashSet<&String> = options.iter().collect();
            if options.len() < 2 || options.len() > OPTIONS_MAX || distinct.len() < options.len() {
                let most = i64::try_from(OPTIONS_MAX).unwrap_or(i64::MAX);
                errors.add("options", Message::new("error-options").number("most", most));
            }
            for option in &options {
                line(errors, "options", option, OPTION_MAX_CHARS, true);
            }
            rules.options = options.join("\n");
        }
        FieldKind::Date | FieldKind::YesNo => {}
    }
    rules
}

fn whole(errors: &mut FieldErrors, field: &'static str, typed: &str) -> Option<i64> {
    let typed = clean_line(typed);
    if typed.is_empty() {
        return None;
    }
    let number = typed.parse::<i64>();
    number.map_err(|_| errors.add(field, Message::new("error-not-a-number"))).ok()
}

/// The words of each language that has any; the newsletter's own must have a label.
fn words_of(
    errors: &mut FieldErrors,
    rules: &FieldRules,
    own: Language,
    input: &FieldInput,
) -> Vec<FieldText> {
    let mut texts = Vec::new();
    for words in &input.words {
        let language = words.language;
        let options: Vec<String> = words.options.lines().map(clean_line).collect();
        let options =
            if rules.options.is_empty() { String::new() } else { options.join("\n").trim_end().to_owned() };
        if options.lines().count() > rules.options.lines().count() {
            errors.add(name_of("options", language), Message::new("error-option-labels"));
        }
        if options.lines().any(|label| label.chars().count() > OPTION_MAX_CHARS) {
            errors.add(name_of("options", language), Message::new("error-option-labels"));
        }
        let text = FieldText {
            field_id: FieldId(0),
            language,
            label: line(errors, name_of("label", language), &words.label, LABEL_MAX_CHARS, language == own),
            hint: line(errors, name_of("hint", language), &words.hint, HINT_MAX_CHARS, false),
            options,
        };
        if !text.label.is_empty() || !text.hint.is_empty() || !text.options.is_empty() {
            texts.push(text);
        }
    }
    if !input.words.iter().any(|words| words.language == own) {
        errors.add(name_of("label", own), Message::new("error-required"));
    }
    texts
}

/// The fields of a newsletter with what they are called, also those that are asked no more: to show what was answered. In
/// `otherwise` where the newsletter is none of `newsletters`.
///
/// # Errors
/// Only of the database.
pub async fn with_words(
    reader: &mut Reader,
    id: NewsletterId,
    otherwise: Language,
    newsletters: &[Newsletter],
) -> Result<Vec<AskedField>, StoreError> {
    let fallback = newsletters.iter().find(|newsletter| newsletter.id == id);
    let fallback = fallback.map_or(otherwise, |newsletter| newsletter.language);
    let texts = table::texts_of_newsletter(reader.db(), id).await?;
    let asked = |field: Field| {
        let texts = texts.iter().filter(|text| text.field_id == field.id).cloned().collect();
        AskedField { field, is_required: false, texts, fallback }
    };
    Ok(table::of_newsletter(reader.db(), id).await?.into_iter().map(asked).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Timestamp;

    fn asked(kind: FieldKind, is_required: bool) -> AskedField {
        let field = Field {
            id: FieldId(1),
            newsletter_id: NewsletterId(1),
            key: "x".into(),
            kind,
            max_length: Some(5),
            least: Some(-3),
            most: Some(10),
            options: "small\nlarge".into(),
            created_at: Timestamp::from_millis(0),
            archived_at: None,
        };
        AskedField { field, is_required, texts: Vec::new(), fallback: Language::Dutch }
    }

    #[test]
    fn answers_have_one_spelling() {
        for (kind, typed, stored) in [
            (FieldKind::Text, "  a\t b ", Some("a b")),
            (FieldKind::Text, " \u{a0} ", None),
            (FieldKind::Number, " +7 ", Some("7")),
            (FieldKind::Number, "-003", Some("-3")),
            (FieldKind::Date, "2024-02-29", Some("2024-02-29")),
            (FieldKind::Choice, "large ", Some("large")),
            (FieldKind::YesNo, "On", Some("yes")),
            (FieldKind::YesNo, "0", Some("no")),
            (FieldKind::YesNo, "", None),
        ] {
            assert_eq!(parse(&asked(kind, false), typed), Ok(stored.map(str::to_owned)), "{kind} {typed:?}");
        }
    }

    #[test]
    fn what_is_no_answer_says_why() {
        for (kind, typed, error) in [
            (FieldKind::Text, "", ValueError::Required),
            (FieldKind::Text, "\u{0}\r\n", ValueError::Required),
            (FieldKind::Text, "éééééé", ValueError::TooLong { most: 5, chars: 6 }),
            (FieldKind::Number, "1e3", ValueError::NotANumber),
            (FieldKind::Number, "99999999999999999999", ValueError::NotANumber),
            (FieldKind::Number, "-4", ValueError::TooSmall { least: -3 }),
            (FieldKind::Number, "11", ValueError::TooLarge { most: 10 }),
            (FieldKind::Date, "2023-02-29", ValueError::NotADate),
            (FieldKind::Date, "2023-2-1", ValueError::NotADate),
            (FieldKind::Date, "+999-02-01", ValueError::NotADate),
            (FieldKind::Choice, "Large", ValueError::NotAnOption),
            (FieldKind::Choice, "small\nlarge", ValueError::NotAnOption),
            (FieldKind::YesNo, "maybe", ValueError::NotYesOrNo),
        ] {
            assert_eq!(parse(&asked(kind, true), typed), Err(error), "{kind} {typed:?}");
        }
    }

    #[test]
    fn the_newsletters_language_stands_in_for_missing_words() {
        let text = |language, label: &str, options: &str| FieldText {
            field_id: FieldId(1),
            language,
            label: label.into(),
            hint: String::new(),
            options: options.into(),
        };
        let mut asked = asked(FieldKind::Choice, false);
        assert_eq!(asked.label(Language::French), "x");
        asked.texts =
            vec![text(Language::Dutch, "Maat", "klein\ngroot"), text(Language::German, "Größe", "")];
        assert_eq!(asked.label(Language::French), "Maat");
        assert_eq!(asked.label(Language::German), "Größe");
        assert_eq!(asked.options(Language::German), [("small", "klein"), ("large", "groot")]);
    }

    /// What people and programs type: anything, and what is nearly an answer.
    const TYPED: &str = ".{0,60}|\\PC{0,600}|[ \\t]?[+-]?[0-9]{1,22}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9+-]{8,11}\
        |(?i)[ ]?(yes|no|on|off|true|false|small|large)[ \\n]?|[\\r\\n\\t\u{0}\u{a0}\u{202e}\u{2028} a-z]{0,40}";

    fn fields() -> impl Strategy<Value = AskedField> {
        let bound = || proptest::option::of(prop_oneof![any::<i64>(), -20_i64..20]);
        let kind = proptest::sample::select(FieldKind::ALL.to_vec());
        (kind, any::<bool>(), proptest::option::of(1..=TEXT_MAX_CHARS), bound(), bound()).prop_map(
            |(kind, is_required, max_length, least, most)| {
                let mut asked = asked(kind, is_required);
                (asked.field.max_length, asked.field.least, asked.field.most) = (max_length, least, most);
                asked
            },
        )
    }

    /// What holds of every answer that is stored.
    fn is_within_limits(field: &Field, value: &str) -> bool {
        match field.kind {
            FieldKind::Text => {
                let most = field.max_length.unwrap_or(TEXT_MAX_CHARS);
                (1..=most).contains(&i64::try_from(value.chars().count()).expect("few"))
            }
            FieldKind::Number => {
                let number: i64 = value.parse().expect("a number");
                number >= field.least.unwrap_or(i64::MIN) && number <= field.most.unwrap_or(i64::MAX)
            }
            FieldKind::Date => value.len() == 10 && value.parse::<chrono::NaiveDate>().is_ok(),
            FieldKind::Choice => ["small", "large"].contains(&value),
            FieldKind::YesNo => ["yes", "no"].contains(&value),
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_refused_or_the_one_spelling_of_an_answer(asked in fields(), typed in TYPED) {
            match parse(&asked, &typed) {
                Ok(Some(value)) => {
                    prop_assert!(is_within_limits(&asked.field, &value), "{value:?}");
                    prop_assert!(!value.chars().any(char::is_control) && value.trim() == value, "{value:?}");
                    // An answer that was stored and is shown in a form again is the same answer.
                    prop_assert_eq!(parse(&asked, &value), Ok(Some(value)));
                }
                Ok(None) => prop_assert!(!asked.is_required && clean_line(&typed).is_empty()),
                // Each refusal has its words.
                Err(error) => prop_assert!(error.message().key().starts_with("error-"), "{error}"),
            }
        }

        #[test]
        fn every_number_and_every_day_has_a_spelling_that_is_taken(number: i64, days in 0..3_652_059) {
            let mut asked = asked(FieldKind::Number, true);
            (asked.field.least, asked.field.most) = (None, None);
            prop_assert_eq!(parse(&asked, &number.to_string()), Ok(Some(number.to_string())));
            asked.field.kind = FieldKind::Date;
            // Of the years 1 to 9999.
            let day = chrono::NaiveDate::from_num_days_from_ce_opt(days + 1).expect("a day").to_string();
            prop_assert_eq!(parse(&asked, &day), Ok(Some(day)));
        }
    }
}
