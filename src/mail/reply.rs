//! What a mail server answers, and what that means for one delivery.
//!
//! [`Replies`] finds whole replies in the bytes of a connection, [`Reply`] is one of them for people to read.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Longest text of a reply that is kept, in characters: enough for the words of any provider, and a
/// line on a page.
const TEXT_MAX_CHARS: usize = 200;
/// Longest reply, in bytes with all its lines. Ten times what servers say to EHLO.
pub const REPLY_MAX_BYTES: usize = 16 * 1024;
/// Room for replies to begin with: what a pipelined transaction is answered with.
const ROOM_BYTES: usize = 1024;

/// One answer: `550 5.1.1 no such user`.
///
/// Shown on one line of at most 200 characters of text without control characters, because it ends up in
/// the ledger and on pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three digits (RFC 5321, 4.2).
    pub code: u16,
    /// The enhanced status code, if there is one that agrees with `code` (RFC 2034, RFC 3463).
    pub enhanced: Option<(u8, u16, u16)>,
    /// The words, without both codes; lines are joined by a space.
    pub text: String,
}

/// What a reply means for the message it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// 2xx.
    Accepted,
    /// 4xx: try again later.
    Deferred,
    /// 5xx: never the same message to that address again.
    Bounced,
}

impl Reply {
    /// A reply of our own, in the words of SMTP.
    pub fn new(code: u16, enhanced: Option<(u8, u16, u16)>, text: &str) -> Self {
        Self { code, enhanced, text: one_line(text).into_owned() }
    }

    /// From the code and everything behind it, lines already joined.
    pub fn parse(code: u16, words: &str) -> Self {
        let words = one_line(words);
        let (first, rest) = words.split_once(' ').unwrap_or((&words, ""));
        match enhanced_status(first).filter(|(class, ..)| u16::from(*class) == code / 100) {
            Some(enhanced) => Self { code, enhanced: Some(enhanced), text: rest.to_owned() },
            None => Self { code, enhanced: None, text: words.into_owned() },
        }
    }

    /// What this means for the message it answers. Anything but 2xx and 5xx is a reason to try later.
    pub const fn classify(&self) -> Verdict {
        match self.code {
            200..=299 => Verdict::Accepted,
            500..=599 => Verdict::Bounced,
            _ => Verdict::Deferred,
        }
    }

    /// Whether the server closes the connection after this (RFC 5321, 3.8).
    pub const fn closes(&self) -> bool {
        self.code == 421
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        let text = one_line(&self.text);
        if text.is_empty() { Ok(()) } else { write!(f, " {text}") }
    }
}

/// Control characters become spaces, and runs of white space one; at most [`TEXT_MAX_CHARS`].
fn one_line(text: &str) -> Cow<'_, str> {
    // What servers say is nearly always one already.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.len() <= TEXT_MAX_CHARS;
    if is_plain && text.trim_ascii() == text && !text.contains("  ") {
        return Cow::Borrowed(text);
    }
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = String::with_capacity(text.len().min(TEXT_MAX_CHARS));
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > TEXT_MAX_CHARS * char::MAX.len_utf8() {
            break;
        }
    }
    if let Some((end, _)) = line.char_indices().nth(TEXT_MAX_CHARS) {
        line.truncate(end);
        line.truncate(line.trim_end().len());
    }
    Cow::Owned(line)
}

/// `class.subject.detail` of RFC 3463, section 2.
fn enhanced_status(word: &str) -> Option<(u8, u16, u16)> {
    let mut parts = word.split('.').map(|part| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    });
    let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
    (matches!(class, 2 | 4 | 5) && parts.next().is_none())
        .then(|| u8::try_from(class).ok().map(|class| (class, subject, detail)))
        .flatten()
}

/// What came is no reply, or never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    #[error("the answer is not SMTP")]
    NotSmtp,
    #[error("the answer is longer than {REPLY_MAX_BYTES} bytes")]
    TooLong,
}

/// Finds replies in what a server says, in pieces of any size.
///
/// Put bytes in [`Replies::room`] and say how many by [`Replies::fill`]; when [`Replies::whole`] knows the
/// length of a reply, [`Replies::take`] it.
#[derive(Debug, Default)]
pub struct Replies {
    /// All of it room; from `start` to `end` there is something to read.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Replies {
    /// Where the next bytes go. Never empty as long as no reply is whole, and at most [`REPLY_MAX_BYTES`]
    /// with what is there already.
    pub fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.bytes.len() {
            let larger = (2 * self.bytes.len()).clamp(ROOM_BYTES, REPLY_MAX_BYTES);
            self.bytes.resize(larger, 0);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes were put into the room.
    pub fn fill(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Whether everything that came was taken.
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Length of the first reply, once it is whole. A line ends with LF, whatever stands before it.
    ///
    /// # Errors
    /// As soon as it is known that no reply will come of it.
    pub fn whole(&self) -> Result<Option<usize>, BadReply> {
        let unread = self.bytes.get(self.start..self.end).unwrap_or_default();
        let mut length = 0;
        for line in unread.split_inclusive(|byte| *byte == b'\n') {
            length += line.len();
            if line.last() != Some(&b'\n') {
                break;
            }
            match line {
                [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b'-', ..] => {}
                // Some servers leave out the space where there is no text.
                [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'\t' | b'\r' | b'\n', ..] => {
                    return Ok(Some(length));
                }
                _ => return Err(BadReply::NotSmtp),
            }
        }
        if unread.len() >= REPLY_MAX_BYTES { Err(BadReply::TooLong) } else { Ok(None) }
    }

    /// The next `length` bytes, as [`Replies::whole`] gave it.
    pub fn take(&mut self, length: usize) -> Lines<'_> {
        let from = self.start;
        self.start = (from + length).min(self.end);
        Lines(self.bytes.get(from..self.start).unwrap_or_default())
    }
}

/// A whole reply, line by line.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    /// Of the last line, where servers say different things (RFC 5321, 4.2.1 says they must not).
    pub fn code(&self) -> u16 {
        let digits = self.lines().last().and_then(|line| line.get(..3)).unwrap_or_default();
        digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit.wrapping_sub(b'0')))
    }

    /// What stands behind the codes. Some servers answer in Latin-1: the words then lose their accents, the
    /// verdict is kept.
    pub fn words(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.lines().map(|line| String::from_utf8_lossy(line.get(4..).unwrap_or_default().trim_ascii()))
    }

    fn lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.split_inclusive(|byte| *byte == b'\n')
    }
}

impl From<Lines<'_>> for Reply {
    fn from(lines: Lines<'_>) -> Self {
        let mut words = lines.words();
        let first = words.next().unwrap_or_default();
        match words.next() {
            None => Self::parse(lines.code(), &first),
            Some(second) => {
                let all: Vec<_> = [first, second].into_iter().chain(words).collect();
                Self::parse(lines.code(), &all.join(" "))
            }
        }
    }
}

/// What a relay said, without the addresses of mailboxes and machines that servers like to repeat: for logs, and for what is
/// kept although the person it names may be erased.
pub fn without_identities(text: &str) -> String {
    let words: Vec<&str> =
        text.split(' ').map(|word| if names_somebody(word) { "…" } else { word }).collect();
    words.join(" ")
}

fn names_somebody(word: &str) -> bool {
    let is_machine = |piece: &str| {
        let piece = piece.trim_end_matches([':', '.']);
        let number = piece.strip_prefix("IPv6:").unwrap_or(piece);
        number.parse::<IpAddr>().is_ok() || number.parse::<SocketAddr>().is_ok()
    };
    word.contains('@') || word.split(|c: char| "[]()<>{},;\"'=|/".contains(c)).any(is_machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_repeat_of_people_and_machines_is_left_out() {
        for (said, kept) in [
            (
                "421 4.7.28 <u1@d1.example>: unusual rate from [203.0.113.5]",
                "421 4.7.28 … unusual rate from …",
            ),
            ("535 5.7.8 secret@x.example unknown", "535 5.7.8 … unknown"),
            ("554 client (2001:db8::1) is listed, ip=203.0.113.5.", "554 client … is listed, …"),
            ("[IPv6:2001:db8::1]:25 at 203.0.113.5:2525", "… at …"),
            ("no answer in 300s", "no answer in 300s"),
            (
                "451 4.3.0 at 12:30:45, see https://help.example/a",
                "451 4.3.0 at 12:30:45, see https://help.example/a",
            ),
        ] {
            assert_eq!(without_identities(said), kept);
        }
    }

    /// All replies of what comes in pieces of so many bytes, in short.
    fn read(said: &[u8], piece: usize) -> (Vec<Reply>, Option<BadReply>) {
        let (mut replies, mut found, mut rest) = (Replies::default(), Vec::new(), said);
        loop {
            match replies.whole() {
                Ok(Some(length)) => found.push(Reply::from(replies.take(length))),
                Err(error) => return (found, Some(error)),
                Ok(None) if rest.is_empty() => return (found, None),
                Ok(None) => {
                    let room = replies.room();
                    let count = room.len().min(piece).min(rest.len());
                    room[..count].copy_from_slice(&rest[..count]);
                    replies.fill(count);
                    rest = &rest[count..];
                }
            }
        }
    }

    #[test]
    fn the_enhanced_code_is_taken_from_the_words() {
        for (code, words, enhanced, text) in [
            (550, "5.1.1 no such user", Some((5, 1, 1)), "no such user"),
            (250, "2.0.0 Ok: queued as 4X", Some((2, 0, 0)), "Ok: queued as 4X"),
            (451, "4.7.500", Some((4, 7, 500)), ""),
            (550, "no such user", None, "no such user"),
            (550, "4.1.1 the classes disagree", None, "4.1.1 the classes disagree"),
            (550, "5.1.1.1 is no code", None, "5.1.1.1 is no code"),
            (550, "5.1.1000 is no code", None, "5.1.1000 is no code"),
            (550, "5.+1.1 is no code", None, "5.+1.1 is no code"),
            (250, "", None, ""),
        ] {
            let reply = Reply::parse(code, words);
            assert_eq!((reply.enhanced, reply.text.as_str()), (enhanced, text), "{words}");
        }
    }

    #[test]
    fn what_is_shown_is_one_short_line() {
        let reply = Reply::parse(554, &format!("5.7.1 a\r\nb\u{1b}[31m\u{0}{}", "ü".repeat(5000)));
        let shown = reply.to_string();
        assert!(shown.starts_with("554 5.7.1 a b [31m ü"), "{shown}");
        assert!(reply.text.chars().count() <= TEXT_MAX_CHARS);
        assert!(!shown.chars().any(char::is_control));
        let forged = Reply { text: "a\r\n250 b".into(), ..reply };
        assert_eq!(forged.to_string(), "554 5.7.1 a 250 b");
    }

    #[test]
    fn the_first_digit_decides() {
        for (code, verdict) in [
            (250, Verdict::Accepted),
            (421, Verdict::Deferred),
            (452, Verdict::Deferred),
            (550, Verdict::Bounced),
            (354, Verdict::Deferred),
        ] {
            assert_eq!(Reply::new(code, None, "").classify(), verdict);
        }
        assert!(Reply::new(421, None, "").closes());
        assert!(!Reply::new(451, None, "").closes());
    }

    #[test]
    fn a_reply_may_have_many_lines_that_end_as_they_like() {
        for (said, shown) in [
            ("250-2.1.0 one\r\n250 two\r\n", "250 2.1.0 one two"),
            ("250-one\n250-two\r\r\n250 three\n", "250 one two three"),
            ("250\r\n", "250"),
            ("250\n", "250"),
            ("354 \r\n", "354"),
            ("250-\r\n250 \r\n", "250"),
            ("250-one\rmore\r\n250 two\r\n", "250 one more two"),
            ("250-one\r\n550\ttwo\r\n", "550 one two"),
        ] {
            for piece in [1, 3, 1_000] {
                let (replies, error) = read(said.as_bytes(), piece);
                let lines: Vec<String> = replies.iter().map(ToString::to_string).collect();
                assert_eq!((lines, error), (vec![shown.to_owned()], None), "{said:?}");
            }
        }
    }

    #[test]
    fn a_reply_in_latin_1_keeps_its_verdict() {
        let (replies, _) = read(b"550 5.1.1 Empf\xe4nger\r\n", 100);
        assert_eq!(replies[0].to_string(), "550 5.1.1 Empf\u{fffd}nger");
    }

    #[test]
    fn what_is_not_smtp_is_told_at_once() {
        for said in ["HTTP/1.1 400 Bad Request\r\n", "\r\n", "25\r\n", "2500 x\r\n", "650 x\r\n", "\n"] {
            assert_eq!(read(said.as_bytes(), 1).1, Some(BadReply::NotSmtp), "{said:?}");
        }
    }

    #[test]
    fn a_reply_without_an_end_is_given_up() {
        for said in ["250-again and again\r\n".repeat(10_000), "250 ".to_owned() + &"x".repeat(100_000)] {
            assert_eq!(read(said.as_bytes(), 1_000), (vec![], Some(BadReply::TooLong)));
        }
        // But many short ones are no long one.
        let (replies, error) = read("250 ok\r\n".repeat(10_000).as_bytes(), 1_000);
        assert_eq!((replies.len(), error), (10_000, None));
    }
}
