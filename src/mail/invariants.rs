//! What must hold for any bytes that servers, subscribers or authors come up with.
//!
//! Property tests try it here; the targets of `fuzz/` try it for hours. To add one: a function of bytes, a
//! property test below, and a target of the same name.

use super::dkim::{canonical_body, canonical_field};
use super::headers;
use super::payload::Payload;
use super::reply::{BadReply, REPLY_MAX_BYTES, Replies, Reply};
use super::slot::Slot;
use super::template::{Recipient, Source, Template};
use crate::model::{EmailAddress, Timestamp};

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(&'static str);

fn hold(holds: bool, what: &'static str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(what)) }
}

/// What a server says is read the same in pieces of any size, in bounded memory, and what was printed is read
/// again as it was. The first byte is the size of the pieces.
///
/// # Errors
/// [`Broken`].
pub fn replies(bytes: &[u8]) -> Result<(), Broken> {
    let (&first, said) = bytes.split_first().unwrap_or((&0, &[]));
    let whole = read_all(said, usize::MAX)?;
    hold(read_all(said, usize::from(first).max(1))? == whole, "the size of the pieces matters")?;
    for reply in whole.0 {
        let printed = format!("{reply}\r\n");
        hold(!reply.to_string().contains(char::is_control), "a reply is shown with control characters")?;
        let again = read_all(printed.as_bytes(), usize::MAX)?;
        hold(again == (vec![reply], None), "a printed reply is read as another")?;
    }
    Ok(())
}

/// All replies of what comes in pieces of so many bytes, and why there are no more.
fn read_all(said: &[u8], piece: usize) -> Result<(Vec<Reply>, Option<BadReply>), Broken> {
    let (mut replies, mut read, mut rest) = (Replies::default(), Vec::new(), said);
    loop {
        match replies.whole() {
            Ok(Some(length)) => read.push(Reply::from(replies.take(length))),
            Err(error) => return Ok((read, Some(error))),
            Ok(None) if rest.is_empty() => return Ok((read, None)),
            Ok(None) => {
                let room = replies.room();
                hold((1..=REPLY_MAX_BYTES).contains(&room.len()), "there is no room, or too much")?;
                let count = room.len().min(piece).min(rest.len());
                let (now, later) = rest.split_at(count);
                if let Some(room) = room.get_mut(..count) {
                    room.copy_from_slice(now);
                }
                replies.fill(count);
                rest = later;
            }
        }
    }
}

/// No name, subject or body adds a header field, ends the message, or breaks a rule of the wire (D1 to D3, D7).
/// The first line is the name of the recipient, the second the subject, the rest the body.
///
/// # Errors
/// [`Broken`].
pub fn filled_template(bytes: &[u8]) -> Result<(), Broken> {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, '\n').map(|part| part.replace('\u{1}', "\n"));
    let mut part = || parts.next().unwrap_or_default();
    let (name, subject, body) = (part(), part(), part());
    let slot = Slot::Name { fallback: "reader".into() }.marker();
    let subject = format!("News {subject} {slot}");
    let body = format!("{body}{slot}{body}\n{}\n", Slot::UnsubscribeUrl.marker());
    let fields = headers::confirm();
    let (Ok(sender), Ok(to)) =
        (EmailAddress::parse("news@example.com"), EmailAddress::parse("reader@example.org"))
    else {
        return Err(Broken("an address is no address"));
    };
    let source = Source {
        sender_name: &name,
        sender: &sender,
        reply_to: None,
        subject: &subject,
        text: &body,
        html: &body,
        headers: &fields,
    };
    let template = Template::compile(&source).map_err(|_| Broken("text without fields does not compile"))?;
    let fill = |name| {
        template.fill(&Recipient {
            to: &to,
            name,
            message_id: "0198-abc",
            date: Timestamp::from_millis(0),
            unsubscribe_url: "https://example.com/u/abc",
            unsubscribe_mailto: None,
            preferences_url: "https://news.example.com/preferences/abc",
            tracked: &[],
        })
    };
    let message = fill(&name);
    keeps_the_wire(&message)?;
    hold(field_names(&message) == field_names(&fill("")), "a name changes the fields")?;
    hold(field_names(&message).len() == FIELDS, "a text changes the fields")
}

/// The form of a mail that is signed (RFC 6376, 3.4) is what a slow reading of the rules makes of it, stays itself when
/// it is made again, and is the same after what servers do to white space on the way. What stands before the first
/// LF is taken for a field's value, the rest for a body.
///
/// # Errors
/// [`Broken`].
pub fn canonical_form(bytes: &[u8]) -> Result<(), Broken> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (value, body) = bytes.split_at(end);
    let once = signed_body(body);
    hold(once == slow_body(body), "a body is not what the slow way makes of it")?;
    hold(signed_body(&once) == once, "the form of a body has another form")?;
    let mut way = replaced(body, b' ', b" \t ");
    way.extend_from_slice(b" \t\r\n\r\n \r\n");
    hold(signed_body(&way) == once, "white space on the way breaks a body")?;
    let field = signed_field(value);
    let inner = field.strip_prefix(b"name:").and_then(|rest| rest.strip_suffix(b"\r\n"));
    let inner = inner.ok_or(Broken("a field has no name, or no end"))?;
    hold(!inner.iter().any(|byte| matches!(byte, b'\n' | b'\t')), "a field is still folded")?;
    hold(!inner.windows(2).any(|two| two == b"  "), "a field has two spaces")?;
    hold(inner.first() != Some(&b' ') && inner.last() != Some(&b' '), "a field has white space at an end")?;
    hold(signed_field(inner) == field, "the form of a field has another form")?;
    hold(signed_field(&replaced(value, b' ', b"\r\n\t ")) == field, "folding on the way breaks a field")
}

fn signed_body(body: &[u8]) -> Vec<u8> {
    let mut signed = Vec::new();
    canonical_body(body, |piece| signed.extend_from_slice(piece));
    signed
}

fn signed_field(value: &[u8]) -> Vec<u8> {
    let mut signed = Vec::new();
    canonical_field(b"NAME \t", value, &mut signed);
    signed
}

/// Line by line, as the rules read.
fn slow_body(body: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = body
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
            let words = line.split(|byte| matches!(byte, b' ' | b'\t'));
            let mut words: Vec<&[u8]> = words.collect();
            let starts_apart = words.len() > 1 && words.first().is_some_and(|word| word.is_empty());
            words.retain(|word| !word.is_empty());
            let line = words.join(&b' ');
            if starts_apart && !line.is_empty() { [b" ", line.as_slice()].concat() } else { line }
        })
        .collect();
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines.iter().flat_map(|line| [line.as_slice(), b"\r\n"].concat()).collect()
}

fn replaced(bytes: &[u8], what: u8, by: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| if *byte == what { by } else { std::slice::from_ref(byte) })
        .copied()
        .collect()
}

/// Date, Message-ID, To, Subject, List-Unsubscribe, List-Unsubscribe-Post, From, Auto-Submitted,
/// MIME-Version, Content-Type.
const FIELDS: usize = 10;

fn keeps_the_wire(message: &[u8]) -> Result<(), Broken> {
    hold(message.is_ascii(), "a message is not 7-bit")?;
    hold(message.ends_with(b"\r\n"), "a message ends within a line")?;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").ok_or(Broken("a line does not end with CRLF"))?;
        hold(!line.iter().any(|byte| matches!(byte, b'\r' | 0)), "a line holds CR or NUL")?;
        hold(line.len() <= 78, "a line is long")?;
        hold(line.first() != Some(&b'.'), "a line begins with a dot")?;
    }
    let mut payload = Payload::default();
    hold(payload.hold(message) == Ok(false), "a message has no payload")?;
    let end = payload.bytes().windows(5).position(|bytes| bytes == b"\r\n.\r\n");
    hold(end == Some(message.len() - 2), "a message ends twice")
}

fn field_names(message: &[u8]) -> Vec<&[u8]> {
    message
        .split(|byte| *byte == b'\n')
        .take_while(|line| *line != b"\r")
        .filter(|line| line.first() != Some(&b' '))
        .map(|line| line.split(|byte| *byte == b':').next().unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn like_replies() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            "[2-5][0-9][0-9][- ]([245]\\.[0-9]{1,2}\\.[0-9]{1,3} )?[ -~]{0,60}\r?\n"
                .prop_map(String::into_bytes),
            "[0-9]{0,4}[- \t\r]?[\\PC\u{0}\u{85}]{0,30}\r{0,2}\n?".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..40),
        ];
        (1_u8..50, proptest::collection::vec(line, 0..12))
            .prop_map(|(piece, lines)| [vec![piece], lines.concat()].concat())
    }

    #[test]
    fn half_a_marker_before_a_slot_makes_no_long_line() {
        assert_eq!(filled_template("\n\néé<aé🚲aé,🚲\u{e000}".as_bytes()), Ok(()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_replies_or_a_reason(said in like_replies()) {
            prop_assert_eq!(replies(&said), Ok(()));
        }

        #[test]
        fn what_is_signed_survives_the_way(mail in prop_oneof![
            proptest::collection::vec(proptest::sample::select(b"  \t\r\n\n:a.\xe9\x00".to_vec()), 0..120),
            proptest::collection::vec(any::<u8>(), 0..120),
        ]) {
            prop_assert_eq!(canonical_form(&mail), Ok(()));
        }

        #[test]
        fn long_replies_end(line in "[2-5][0-9][0-9]-[ -~]{0,900}\r\n", times in 1_usize..60) {
            prop_assert_eq!(replies(line.repeat(times).as_bytes()), Ok(()));
        }

        #[test]
        fn nothing_that_is_filled_in_leaves_its_place(text in prop_oneof![
            any::<String>(),
            "[a-zé🚲 \r\n\u{1}\"=.,<>&:?\\\\@\u{0}\u{7}\u{e000}\u{e010}\u{e001}]{0,200}",
            "(\u{1}|\r\n|\n)\\.(\u{1}|\r\n|\n)MAIL FROM:<x@y\\.example>\r\n[.\n]{0,20}",
            "Jan\u{1}Bcc: everyone@example\\.com\n\u{1}\u{1}.{0,20}",
        ]) {
            prop_assert_eq!(filled_template(text.as_bytes()), Ok(()));
        }
    }
}
