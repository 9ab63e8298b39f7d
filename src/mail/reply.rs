//! What a mail server answers, and what that means for one delivery.

use std::fmt;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

/// Longest text of a reply that is kept, in characters: enough for the words of any provider, and a
/// line on a page.
const TEXT_MAX_CHARS: usize = 200;

/// One answer: `550 5.1.1 no such user`.
///
/// Shown on one line of at most 200 characters without control characters, because it ends up in the
/// ledger and on pages.
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
        Self { code, enhanced, text: one_line(text) }
    }

    /// From the code and everything behind it, lines already joined.
    pub fn parse(code: u16, words: &str) -> Self {
        let words = words.trim();
        let (first, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        match enhanced_status(first).filter(|(class, ..)| u16::from(*class) == code / 100) {
            Some(enhanced) => Self::new(code, Some(enhanced), rest),
            None => Self::new(code, None, words),
        }
    }

    /// The server's refusal inside an error of lettre; `None` when there was no reply at all.
    pub fn from_error(error: &Error) -> Option<Self> {
        let words = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        error.status().map(|code| Self::parse(code.into(), &words))
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

impl From<&Response> for Reply {
    fn from(response: &Response) -> Self {
        Self::parse(response.code().into(), &response.message().collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.code.to_string();
        if let Some((class, subject, detail)) = self.enhanced {
            line.push_str(&format!(" {class}.{subject}.{detail}"));
        }
        if !self.text.is_empty() {
            line.push(' ');
            line.push_str(&self.text);
        }
        f.write_str(&one_line(&line))
    }
}

/// Control characters become spaces, and runs of white space one; at most [`TEXT_MAX_CHARS`].
fn one_line(text: &str) -> String {
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
    line.chars().take(TEXT_MAX_CHARS).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_lines_of_a_reply_are_joined_and_keep_their_code() {
        let response: Response = "250-2.1.0 one\r\n250 two\r\n".parse().unwrap();
        assert_eq!(Reply::from(&response).to_string(), "250 2.1.0 one two");
    }

    #[test]
    fn what_is_shown_is_one_short_line() {
        let reply = Reply::parse(554, &format!("5.7.1 a\r\nb\u{1b}[31m\u{0}{}", "ü".repeat(5000)));
        let shown = reply.to_string();
        assert!(shown.starts_with("554 5.7.1 a b [31m ü"), "{shown}");
        assert_eq!(shown.chars().count(), TEXT_MAX_CHARS);
        assert!(!shown.chars().any(char::is_control));
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
}
