//! A message as DATA takes it: whole lines only, dots doubled, with its final dot (RFC 5321, 4.5.2).

/// A message is no message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message holds a bare CR, LF or NUL")]
pub struct BrokenLines;

/// The payload of one message after the other, in the same memory.
#[derive(Debug, Default)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// Takes a message in, in place of the one before. Answers whether it needs 8BITMIME.
    ///
    /// # Errors
    /// For a bare CR or LF, which SMTP smuggling is made of (CVE-2023-51764), and for NUL, which is in no
    /// message.
    pub fn hold(&mut self, message: &[u8]) -> Result<bool, BrokenLines> {
        let found = look(message);
        if found.broken {
            return Err(BrokenLines);
        }
        self.0.clear();
        if found.dots {
            // Seldom: what we encode ourselves starts no line with a dot.
            stuff(message, &mut self.0);
        } else {
            self.0.extend_from_slice(message);
        }
        self.0.extend_from_slice(if message.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" });
        Ok(found.eight_bit)
    }

    /// Says more in the same flight.
    pub fn add(&mut self, commands: &[u8]) {
        self.0.extend_from_slice(commands);
    }

    /// What goes on the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What there is to know about a message before it is sent.
struct Found {
    broken: bool,
    dots: bool,
    eight_bit: bool,
}

/// One pass without branches, so that the compiler looks at many bytes at once: this is all that a session
/// does for each byte of a mailing.
fn look(message: &[u8]) -> Found {
    let first = message.first().copied().unwrap_or(b' ');
    let mut broken = first == b'\n' || first == 0 || message.last() == Some(&b'\r');
    let mut dots = first == b'.';
    let mut all = first;
    for (&before, &byte) in message.iter().zip(message.iter().skip(1)) {
        broken |= ((byte == b'\n') != (before == b'\r')) | (byte == 0);
        dots |= (before == b'\n') & (byte == b'.');
        all |= byte;
    }
    Found { broken, dots, eight_bit: !all.is_ascii() }
}

fn stuff(message: &[u8], payload: &mut Vec<u8>) {
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            payload.push(b'.');
        }
        payload.extend_from_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload(message: &[u8]) -> Result<(String, bool), BrokenLines> {
        let mut payload = Payload::default();
        let eight_bit = payload.hold(message)?;
        Ok((String::from_utf8_lossy(payload.bytes()).into_owned(), eight_bit))
    }

    #[test]
    fn dots_at_the_start_of_a_line_are_doubled_and_a_last_line_is_ended() {
        for (message, expected) in [
            ("", "\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("..a\r\n.b\r\nc.\r\n", "...a\r\n..b\r\nc.\r\n.\r\n"),
            ("a\r\n.\r\n.\r\nMAIL FROM:<x@y>\r\n", "a\r\n..\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"),
            ("a\r\n.", "a\r\n..\r\n.\r\n"),
        ] {
            assert_eq!(payload(message.as_bytes()), Ok((expected.to_owned(), false)), "{message:?}");
        }
    }

    #[test]
    fn a_bare_line_end_is_found_wherever_it_is() {
        for broken in ["\n", "\r", "a\nb", "a\rb\r\n", "a\r\n.\n", "a\r", "a\r\r\n", "a\n\r\n", "a\0", "\0"] {
            assert_eq!(payload(broken.as_bytes()), Err(BrokenLines), "{broken:?}");
        }
    }

    #[test]
    fn one_byte_beyond_ascii_is_enough_to_need_8bitmime() {
        for (message, eight_bit) in [("a\r\n", false), ("é\r\n", true), ("aé", true)] {
            assert_eq!(payload(message.as_bytes()).map(|(_, eight_bit)| eight_bit), Ok(eight_bit));
        }
    }

    proptest! {
        #[test]
        fn a_payload_ends_once_and_gives_the_message_back(message in "[a.\r\n\u{0}é]{0,40}|([.a]{0,4}\r\n){0,20}") {
            let bare = message.replace("\r\n", "").contains(['\r', '\n', '\0']);
            match payload(message.as_bytes()) {
                Err(BrokenLines) => prop_assert!(bare),
                Ok((payload, eight_bit)) => {
                    prop_assert!(!bare);
                    prop_assert_eq!(eight_bit, !message.is_ascii());
                    let lines = format!("\r\n{payload}");
                    prop_assert_eq!(lines.find("\r\n.\r\n"), Some(lines.len() - 5));
                    let body = lines[2..lines.len() - 3].strip_suffix("\r\n").unwrap_or("");
                    let read: Vec<&str> = body.split("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
                    prop_assert_eq!(read.join("\r\n"), message.strip_suffix("\r\n").unwrap_or(&message));
                }
            }
        }
    }
}
