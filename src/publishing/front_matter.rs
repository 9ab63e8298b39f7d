//! Markdown with front matter, as articles come from files:
//!
//! ```text
//! ---
//! title: Zes lessen
//! author: An Peeters
//! language: nl
//! teaser: Wat wij dit jaar leerden.
//! canonical_url: https://voorbeeld.example/zes-lessen
//! slug: zes-lessen
//! tags: werk, thuiswerk
//! translation_of: six-lessons
//! status: published
//! ---
//! The text in Markdown.
//! ```
//!
//! One line per field; quotes around a value are dropped. Without a title the first heading is it. Tags may stand in
//! brackets. `translation_of` is the short name of an article in another language.

use super::articles::ArticleInput;
use crate::i18n::Message;
use crate::model::ArticleStatus;

/// Most lines between the dashes: a file without the second ones is no article.
const LINES_MAX: usize = 60;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontMatterError {
    #[error("{}", self.message())]
    NotClosed,
    #[error("{}", self.message())]
    NoField { line: String },
    #[error("{}", self.message())]
    UnknownField { name: String },
    #[error("{}", self.message())]
    GivenTwice { name: String },
    #[error("{}", self.message())]
    Status { value: String },
}

impl FrontMatterError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::NotClosed => Message::new("front-matter-not-closed"),
            Self::NoField { line } => Message::new("front-matter-no-field").text("line", line),
            Self::UnknownField { name } => Message::new("front-matter-unknown-field").text("name", name),
            Self::GivenTwice { name } => Message::new("front-matter-given-twice").text("name", name),
            Self::Status { value } => Message::new("front-matter-status").text("value", value),
        }
    }
}

/// What a file says of an article.
#[derive(Debug, Clone)]
pub struct ArticleFile {
    pub input: ArticleInput,
    pub status: ArticleStatus,
    /// The short name of an article that this one translates, or nothing.
    pub translation_of: String,
}

/// Reads an article. Without front matter the whole is its text.
///
/// # Errors
/// [`FrontMatterError`] names the line or field.
pub fn parse(source: &str) -> Result<ArticleFile, FrontMatterError> {
    let source = source.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut file = ArticleFile {
        input: ArticleInput::default(),
        status: ArticleStatus::Draft,
        translation_of: String::new(),
    };
    file.input.body = match source.strip_prefix("---\n") {
        None => source,
        Some(rest) => {
            let (head, body) = split(rest).ok_or(FrontMatterError::NotClosed)?;
            read_fields(head, &mut file)?;
            body.trim_start_matches('\n').to_owned()
        }
    };
    if file.input.title.is_empty()
        && let Some((title, body)) = first_heading(&file.input.body)
    {
        (file.input.title, file.input.body) = (title, body);
    }
    Ok(file)
}

fn split(rest: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    for line in rest.split_inclusive('\n').take(LINES_MAX) {
        if line.trim_end() == "---" {
            return Some((&rest[..at], &rest[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

fn read_fields(head: &str, file: &mut ArticleFile) -> Result<(), FrontMatterError> {
    let input = &mut file.input;
    let mut seen = Vec::new();
    for line in head.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let shown = || line.chars().take(60).collect::<String>();
        let (name, value) =
            line.split_once(':').ok_or_else(|| FrontMatterError::NoField { line: shown() })?;
        let (name, value) = (name.trim(), unquote(value.trim()));
        if seen.contains(&name) {
            return Err(FrontMatterError::GivenTwice { name: name.to_owned() });
        }
        seen.push(name);
        let field = match name {
            "title" => &mut input.title,
            "author" => &mut input.author,
            "language" => &mut input.language,
            "teaser" => &mut input.teaser,
            "canonical_url" => &mut input.canonical_url,
            "slug" => &mut input.slug,
            "tags" => {
                let inside = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                let names = inside.unwrap_or(&value).split(',').map(|name| unquote(name.trim()));
                input.tags = names.collect::<Vec<_>>().join(", ");
                continue;
            }
            "translation_of" => &mut file.translation_of,
            "status" => {
                file.status = value
                    .parse()
                    .map_err(|_| FrontMatterError::Status { value: value.chars().take(40).collect() })?;
                continue;
            }
            _ => return Err(FrontMatterError::UnknownField { name: name.chars().take(60).collect() }),
        };
        *field = value;
    }
    Ok(())
}

fn unquote(value: &str) -> String {
    let inside = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    match (inside('"'), inside('\'')) {
        (Some(text), _) => text.replace("\\\"", "\""),
        (None, Some(text)) => text.replace("''", "'"),
        (None, None) => value.to_owned(),
    }
}

fn first_heading(body: &str) -> Option<(String, String)> {
    let rest = body.trim_start().strip_prefix("# ")?;
    let (title, body) = rest.split_once('\n').unwrap_or((rest, ""));
    Some((title.trim().to_owned(), body.trim_start_matches('\n').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_text_come_apart() {
        let source = "\u{feff}---\r\ntitle: \"Zes \\\"lessen\\\": deel 1\"\r\nlanguage: nl\r\ntags: [werk, \"thuis werk\"]\r\ntranslation_of: six-lessons\r\n\r\nstatus: published\r\n---\r\n\r\nTekst\r\n\r\n---\r\n\r\nMeer";
        let ArticleFile { input, status, translation_of } = parse(source).expect("an article");
        assert_eq!((input.tags.as_str(), translation_of.as_str()), ("werk, thuis werk", "six-lessons"));
        assert_eq!(input.title, "Zes \"lessen\": deel 1");
        assert_eq!(input.language, "nl");
        assert_eq!(input.body, "Tekst\n\n---\n\nMeer");
        assert_eq!(status, ArticleStatus::Published);
    }

    #[test]
    fn without_a_title_the_first_heading_is_it() {
        let ArticleFile { input, status, .. } = parse("# Kop\n\nTekst").expect("an article");
        assert_eq!((input.title.as_str(), input.body.as_str()), ("Kop", "Tekst"));
        assert_eq!(status, ArticleStatus::Draft);
    }

    #[test]
    fn mistakes_are_named() {
        let error = |source: &str| parse(source).expect_err("an error");
        assert_eq!(error("---\ntitle: x\n"), FrontMatterError::NotClosed);
        assert_eq!(error("---\ntitel: x\n---\n"), FrontMatterError::UnknownField { name: "titel".into() });
        assert_eq!(error("---\nzomaar\n---\n"), FrontMatterError::NoField { line: "zomaar".into() });
        assert_eq!(
            error("---\ntitle: a\ntitle: b\n---\n"),
            FrontMatterError::GivenTwice { name: "title".into() }
        );
        assert_eq!(error("---\nstatus: klaar\n---\n"), FrontMatterError::Status { value: "klaar".into() });
    }
}
