//! The encodings of a message, 7-bit throughout: header fields (RFC 5322, 2047) and quoted-printable bodies
//! (RFC 2045, 6.7).

use chrono::{Datelike as _, Timelike as _};
use data_encoding::BASE64;

use super::slot::clean_line;
use crate::model::{EmailAddress, Timestamp};

/// Longest header line with its folding, in octets (RFC 5322, 2.1.1 says 78; RFC 2047 says 76 for
/// lines with an encoded word, and one rule is enough).
pub(super) const HEADER_LINE_MAX: usize = 76;
/// Longest encoded word, in octets (RFC 2047, 2).
const ENCODED_WORD_MAX: usize = 75;
/// Longest word that is left as it is; a longer one could not be folded.
const PLAIN_WORD_MAX: usize = 60;
/// Longest line of a quoted-printable body, in octets (RFC 2045, 6.7, rule 5).
const QP_LINE_MAX: usize = 76;

/// A date as a message has it, in UTC (RFC 5322, 3.3).
pub fn date(moment: Timestamp) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let utc = moment.to_utc();
    let (day, year) = (utc.day(), utc.year());
    let month = MONTHS.get(utc.month0() as usize).copied().unwrap_or_default();
    let (hour, minute, second) = (utc.hour(), utc.minute(), utc.second());
    format!("{}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000", utc.weekday())
}

/// A field with text that a person reads (`Subject`).
pub fn text_field(name: &str, text: &str) -> String {
    let text = clean_line(text);
    let mut field = format!("{name}:");
    if is_plain(&text) {
        fold(&mut field, text.split(' '));
    } else {
        encoded_words(&mut field, &text);
    }
    field.push_str("\r\n");
    field
}

/// A field of tokens that may be folded between them. The tokens are ours and hold no white space.
pub fn token_field<'a>(name: &str, tokens: impl IntoIterator<Item = &'a str>) -> String {
    let mut field = format!("{name}:");
    fold(&mut field, tokens);
    field.push_str("\r\n");
    field
}

/// A field with one mailbox (`From`, `To`, `Reply-To`); an empty name leaves the address alone.
pub fn mailbox_field(name: &str, display_name: &str, address: &EmailAddress) -> String {
    phrase_field(name, display_name, &address.to_smtp())
}

/// A phrase and something in angle brackets: a mailbox, or a `List-Id`.
pub fn phrase_field(name: &str, phrase: &str, bracketed: &str) -> String {
    let phrase = clean_line(phrase);
    let mut field = format!("{name}:");
    if phrase.is_empty() {
        fold(&mut field, [bracketed]);
    } else {
        if phrase.len() <= PLAIN_WORD_MAX && is_plain(&phrase) {
            let quoted = phrase.replace('\\', "\\\\").replace('"', "\\\"");
            field.push_str(&format!(" \"{quoted}\""));
        } else {
            encoded_words(&mut field, &phrase);
        }
        fold(&mut field, [format!("<{bracketed}>").as_str()]);
    }
    field.push_str("\r\n");
    field
}

/// Whether a text can stand in a header without encoding.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|octet| matches!(octet, b' '..=b'~'))
        && !text.contains("=?")
        && text.split(' ').all(|word| word.len() <= PLAIN_WORD_MAX)
}

fn line_len(field: &str) -> usize {
    field.len() - field.rfind('\n').map_or(0, |at| at + 1)
}

fn fold<'a>(field: &mut String, words: impl IntoIterator<Item = &'a str>) {
    for word in words {
        if line_len(field) + 1 + word.len() > HEADER_LINE_MAX {
            field.push_str("\r\n");
        }
        field.push(' ');
        field.push_str(word);
    }
}

fn encoded_words(field: &mut String, text: &str) {
    const AROUND: usize = "=?utf-8?B??=".len();
    let mut rest = text;
    while !rest.is_empty() {
        let room = (HEADER_LINE_MAX - 1).saturating_sub(line_len(field)).min(ENCODED_WORD_MAX);
        // A character is never split between words (RFC 2047, 5).
        let mut cut = (room.saturating_sub(AROUND) / 4 * 3).min(rest.len());
        while !rest.is_char_boundary(cut) {
            cut -= 1;
        }
        if cut == 0 {
            field.push_str("\r\n");
            continue;
        }
        let (word, next) = rest.split_at(cut);
        field.push_str(&format!(" =?utf-8?B?{}?=", BASE64.encode(word.as_bytes())));
        rest = next;
    }
}

/// Appends text as quoted-printable from the start of a line on; LF becomes CRLF. The last line is left
/// open, with room for a soft break.
pub fn quoted_printable(text: &str, out: &mut Vec<u8>) {
    let octets = text.as_bytes();
    let mut column = 0;
    for (index, &octet) in octets.iter().enumerate() {
        if octet == b'\n' {
            out.extend_from_slice(b"\r\n");
            column = 0;
            continue;
        }
        let before_break = octets.get(index + 1) == Some(&b'\n');
        let literal = match octet {
            b'=' => false,
            // A dot or "From " at the start of a line is what careless software trips over; a slot may
            // stand before, so the start of the piece counts too.
            b'.' | b'F' => column != 0,
            b'!'..=b'~' => true,
            b' ' | b'\t' => !before_break,
            _ => false,
        };
        let width = if literal { 1 } else { 3 };
        if column + width > QP_LINE_MAX - 1 {
            out.extend_from_slice(SOFT_BREAK);
            column = 0;
        }
        if literal && !(column == 0 && matches!(octet, b'.' | b'F')) {
            out.push(octet);
            column += 1;
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.extend([b'=', HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]);
            column += 3;
        }
    }
}

/// Left side of the Message-ID of a message that we made; `None` where there is none near its start.
pub fn message_id_left(message: &[u8]) -> Option<&str> {
    /// Signatures may stand before it, and the text never does.
    const SEARCHED_OCTETS: usize = 4 * 1024;
    const NAME: &str = "\r\nMessage-ID:";
    let head = message.get(..SEARCHED_OCTETS).unwrap_or(message);
    let head = std::str::from_utf8(head).ok()?;
    let (_, value) = head.split_once("\r\n\r\n").map_or(head, |(fields, _)| fields).split_once(NAME)?;
    value.trim_start().strip_prefix('<')?.split_once('@').map(|(left, _)| left)
}

/// Ends a line of the encoding where the text has none.
pub const SOFT_BREAK: &[u8] = b"=\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn qp(text: &str) -> String {
        let mut out = Vec::new();
        quoted_printable(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bodies_are_short_ascii_lines_that_decode_to_the_text() {
        let text = format!(
            "caf\u{e9} = goed \n.\nFrom hier\n\t\n{}\n{}\n{}",
            "x".repeat(200),
            "é".repeat(100),
            ". x".repeat(99)
        );
        let encoded = qp(&text);
        assert!(encoded.is_ascii());
        for line in encoded.split("\r\n") {
            assert!(line.len() <= 76 && !line.starts_with('.') && !line.starts_with("From "), "{line}");
            assert!(!line.ends_with([' ', '\t']) && !line.contains(['\r', '\n']), "{line}");
        }
        let decoded = quoted_printable::decode(&encoded, quoted_printable::ParseMode::Strict).unwrap();
        assert_eq!(String::from_utf8(decoded).unwrap().replace("\r\n", "\n"), text);
    }

    #[test]
    fn a_message_is_known_by_its_own_message_id_only() {
        for (message, id) in [
            ("Date: x\r\nMessage-ID: <0198-abc@example.com>\r\n\r\n", Some("0198-abc")),
            ("Date: x\r\nMessage-ID:\r\n <0198@example.com>\r\nTo: x\r\n\r\n", Some("0198")),
            ("Date: x\r\n\r\nA\r\nMessage-ID: <0198@example.com>\r\n", None),
            ("Date: x\r\nMessage-ID: none\r\n\r\n", None),
        ] {
            assert_eq!(message_id_left(message.as_bytes()), id, "{message:?}");
        }
    }

    #[test]
    fn headers_stay_within_their_lines() {
        let texts = [
            "kort",
            &"woord ".repeat(60),
            &"x".repeat(1_000),
            &"é🚲".repeat(300),
            "=?utf-8?q?x?=",
            "a\r\nBcc: b",
        ];
        for text in texts {
            for field in [text_field("Subject", text), phrase_field("List-Id", text, "insights.example.com")]
            {
                let lines: Vec<_> = field.strip_suffix("\r\n").unwrap().split("\r\n").collect();
                assert!(lines.iter().all(|line| line.len() <= 76 && line.is_ascii()), "{field}");
                assert!(lines[1..].iter().all(|line| line.starts_with(' ') && line.len() > 1), "{field}");
                let words = field.split([' ', '\r']).filter(|word| word.starts_with("=?"));
                assert!(words.clone().all(|word| word.len() <= 75), "{field}");
            }
        }
    }
}
