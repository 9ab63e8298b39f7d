//! The places in a mail that are filled per recipient, and the merge fields that authors write for them.
//!
//! In rendered text a slot stands as a marker made of private-use code points only. Nothing on the way
//! (Markdown, escaping, sanitising, CSS inlining) touches them, and [`clean`] drops them from all that people
//! write, so that no article can produce one. To add a slot: a value in [`Slot`], its code in
//! [`Slot::marker`] and [`read`], its value in [`super::template`]; for a merge field also [`parse_field`].

/// Starts a marker; a code for the kind and octets as [`OCTET_BASE`] + value follow.
const START: char = '\u{e000}';
const END: char = '\u{e001}';
const NAME: char = '\u{e010}';
const UNSUBSCRIBE_URL: char = '\u{e011}';
const PREFERENCES_URL: char = '\u{e013}';
const TRACKED_LINK: char = '\u{e014}';
/// A merge field as written, not yet understood: code blocks show it again as written.
const FIELD: char = '\u{e012}';
const OCTET_BASE: u32 = 0xe100;
/// Longest text between the braces of a merge field; a longer one is a forgotten brace.
const FIELD_MAX_CHARS: usize = 200;

/// A value of the recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// The subscriber's name, or the fallback that the author wrote.
    Name { fallback: String },
    /// The subscriber's own link to leave.
    UnsubscribeUrl,
    /// The subscriber's own link to choose what comes, and how often.
    PreferencesUrl,
    /// A link that counts who follows it, by its number in the mailing; 0: the picture that counts who opens.
    TrackedLink(u16),
}

impl Slot {
    /// What stands for the slot in rendered text.
    pub fn marker(&self) -> String {
        match self {
            Self::Name { fallback } => marker(NAME, fallback),
            Self::UnsubscribeUrl => marker(UNSUBSCRIBE_URL, ""),
            Self::PreferencesUrl => marker(PREFERENCES_URL, ""),
            Self::TrackedLink(number) => marker(TRACKED_LINK, &number.to_string()),
        }
    }
}

fn marker(code: char, text: &str) -> String {
    let octets = text.bytes().filter_map(|octet| char::from_u32(OCTET_BASE + u32::from(octet)));
    [START, code].into_iter().chain(octets).chain([END]).collect()
}

/// A part of rendered text.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    Slot(Slot),
    /// A merge field as its author wrote it, without the braces.
    Field(String),
}

/// Text cut at its markers. A broken marker, which only an error of ours can make, is dropped.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(START) {
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let after = &rest[start + START.len_utf8()..];
        let (inside, next) = after.split_once(END).unwrap_or((after, ""));
        pieces.extend(read(inside));
        rest = next;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

fn read(inside: &str) -> Option<Piece<'static>> {
    let mut chars = inside.chars();
    let code = chars.next()?;
    let octets = chars
        .map(|c| u8::try_from(u32::from(c).checked_sub(OCTET_BASE)?).ok())
        .collect::<Option<Vec<u8>>>()?;
    let text = String::from_utf8(octets).ok()?;
    match code {
        NAME => Some(Piece::Slot(Slot::Name { fallback: text })),
        UNSUBSCRIBE_URL => Some(Piece::Slot(Slot::UnsubscribeUrl)),
        PREFERENCES_URL => Some(Piece::Slot(Slot::PreferencesUrl)),
        TRACKED_LINK => Some(Piece::Slot(Slot::TrackedLink(text.parse().ok()?))),
        FIELD => Some(Piece::Field(text)),
        _ => None,
    }
}

/// What people wrote, as the rest of this module wants it: lines end in LF, no control characters but LF
/// and TAB, no code points of markers (the private use area has no meaning in a mail anyway).
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| if c == '\r' { '\n' } else { c })
        .filter(|c| !matches!(c, '\u{e000}'..='\u{f8ff}') && (!c.is_control() || matches!(c, '\n' | '\t')))
        .collect()
}

/// [`clean`], on one line.
pub fn clean_line(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain && text.trim_ascii() == text && !text.contains("  ") {
        return text.to_owned();
    }
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For HTML text and attribute values.
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The same text for readers that are nobody in particular: names become their fallback, the rest nothing.
/// `escape` prepares a value for its place.
pub fn without_recipient(text: &str, escape: fn(&str) -> String) -> String {
    for_reader(text, "", escape)
}

/// The same text as a reader of this name would see it, to look at: links of one's own lead nowhere.
pub fn for_reader(text: &str, name: &str, escape: fn(&str) -> String) -> String {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Slot(Slot::Name { fallback }) => escape(if name.is_empty() { &fallback } else { name }),
            Piece::Slot(Slot::UnsubscribeUrl | Slot::PreferencesUrl | Slot::TrackedLink(_))
            | Piece::Field(_) => String::new(),
        })
        .collect()
}

/// A merge field that cannot be filled. Found when an issue is made, before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    #[error("{{{{{0}}}}} is not a field; there are {{{{name|fallback}}}} and {{{{newsletter}}}}")]
    Unknown(String),
    #[error("{{{{{0}}}}} needs a word for subscribers without a name, such as {{{{name|reader}}}}")]
    NoFallback(String),
    #[error("the field that starts with {{{{{0} has no closing }}}} on its line")]
    Unclosed(String),
    #[error("{{{{{0}}}}} stands in the address of a link or an image, where fields are not filled")]
    InUrl(String),
}

/// Turns `{{..}}` of cleaned text into field markers; [`resolve`] gives them their meaning.
pub(super) fn mark_fields(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        marked.push_str(before);
        let line = after.split('\n').next().unwrap_or_default();
        match line.split_once("}}") {
            Some((inside, _)) if inside.chars().count() <= FIELD_MAX_CHARS => {
                marked.push_str(&marker(FIELD, inside));
                rest = &after[inside.len() + 2..];
            }
            _ => {
                marked.push_str("{{");
                rest = after;
            }
        }
    }
    marked.push_str(rest);
    marked
}

/// Text with field markers to text with slots; `newsletter` is the value of `{{newsletter}}`.
///
/// # Errors
/// [`FieldError`] with the field as it was written.
pub(super) fn resolve(marked: &str, newsletter: &str) -> Result<String, FieldError> {
    let mut resolved = String::with_capacity(marked.len());
    for piece in pieces(marked) {
        match piece {
            Piece::Text(text) => {
                if let Some((_, after)) = text.split_once("{{") {
                    return Err(FieldError::Unclosed(after.chars().take(30).collect()));
                }
                resolved.push_str(text);
            }
            Piece::Slot(slot) => resolved.push_str(&slot.marker()),
            Piece::Field(raw) => resolved.push_str(&parse_field(&raw, newsletter)?),
        }
    }
    Ok(resolved)
}

fn parse_field(raw: &str, newsletter: &str) -> Result<String, FieldError> {
    match raw.split_once('|').map_or((raw.trim(), None), |(name, rest)| (name.trim(), Some(rest.trim()))) {
        ("newsletter", None) => Ok(clean_line(newsletter)),
        ("name", Some(fallback)) if !fallback.is_empty() => {
            Ok(Slot::Name { fallback: fallback.to_owned() }.marker())
        }
        ("name", _) => Err(FieldError::NoFallback(raw.to_owned())),
        _ => Err(FieldError::Unknown(raw.to_owned())),
    }
}

/// The fields as they were written, for places where they mean nothing: code.
pub(super) fn unmark_fields(marked: &str) -> String {
    pieces(marked)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Field(raw) => format!("{{{{{raw}}}}}"),
            Piece::Slot(slot) => slot.marker(),
        })
        .collect()
}

/// The first field in a text, as written.
pub(super) fn first_field(marked: &str) -> Option<String> {
    pieces(marked).into_iter().find_map(|piece| match piece {
        Piece::Field(raw) => Some(raw),
        _ => None,
    })
}

/// One line that an author wrote (a subject, a title): cleaned, its fields turned into slots.
///
/// # Errors
/// [`FieldError`] with the field as it was written.
pub fn line(text: &str, newsletter: &str) -> Result<String, FieldError> {
    resolve(&mark_fields(&clean_line(text)), newsletter)
}

/// [`line`] for readers that are nobody in particular. A line with a field that cannot be filled stays as it is.
pub fn line_for_anyone(text: &str, newsletter: &str) -> String {
    line(text, newsletter)
        .map_or_else(|_| clean_line(text), |resolved| without_recipient(&resolved, str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(fallback: &str) -> Slot {
        Slot::Name { fallback: fallback.to_owned() }
    }

    #[test]
    fn a_marker_reads_back_with_any_fallback() {
        for fallback in ["lezer", "beste <b>\"lezer\"</b> & co", "", "é🚲"] {
            let links = format!("{} {}", Slot::UnsubscribeUrl.marker(), Slot::PreferencesUrl.marker());
            let text = format!("Dag {}, {links}!", name(fallback).marker());
            assert_eq!(
                pieces(&text),
                vec![
                    Piece::Text("Dag "),
                    Piece::Slot(name(fallback)),
                    Piece::Text(", "),
                    Piece::Slot(Slot::UnsubscribeUrl),
                    Piece::Text(" "),
                    Piece::Slot(Slot::PreferencesUrl),
                    Piece::Text("!")
                ]
            );
        }
    }

    #[test]
    fn authors_cannot_write_a_marker() {
        let forged = format!("a{}b\0\u{7}\r\nc\rd", Slot::UnsubscribeUrl.marker());
        assert_eq!(clean(&forged), "ab\nc\nd");
    }

    #[test]
    fn a_broken_marker_disappears_without_the_text_around_it() {
        assert_eq!(pieces("a\u{e000}\u{e0ff}x\u{e001}b\u{e000}"), vec![Piece::Text("a"), Piece::Text("b")]);
    }

    #[test]
    fn fields_become_slots_and_text() {
        let text = line("Dag {{ name | lezer }}, dit is {{newsletter}}", "De Post").unwrap();
        assert_eq!(text, format!("Dag {}, dit is De Post", name("lezer").marker()));
    }

    #[test]
    fn a_line_for_anyone_has_the_fallbacks_and_loses_nothing() {
        assert_eq!(
            line_for_anyone("Dag {{name|lezer}} van {{newsletter}}", "De Post"),
            "Dag lezer van De Post"
        );
        assert_eq!(line_for_anyone("Dag {{naam}}\r\nX", "De Post"), "Dag {{naam}} X");
    }

    #[test]
    fn a_field_that_cannot_be_filled_is_an_error_that_shows_it() {
        assert_eq!(line("{{naam|x}}", "N"), Err(FieldError::Unknown("naam|x".into())));
        assert_eq!(line("{{name}}", "N"), Err(FieldError::NoFallback("name".into())));
        assert_eq!(line("{{name| }}", "N"), Err(FieldError::NoFallback("name| ".into())));
        assert_eq!(line("Dag {{name|x", "N"), Err(FieldError::Unclosed("name|x".into())));
        assert_eq!(line("{{newsletter|x}}", "N"), Err(FieldError::Unknown("newsletter|x".into())));
        assert_eq!(
            FieldError::Unknown("naam".into()).to_string(),
            "{{naam}} is not a field; there are {{name|fallback}} and {{newsletter}}"
        );
    }
}
