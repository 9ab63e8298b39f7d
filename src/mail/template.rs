//! A mail compiled once and filled for each recipient.
//!
//! [`Template::compile`] encodes everything that is the same for all; [`Template::fill`] encodes the values
//! of one recipient and joins the pieces, without a second pass over the body. A value stands between two
//! soft line breaks of the quoted-printable encoding, so that it cannot change a line of what surrounds it.
//! The tests compare this with the slow way (fill first, then encode all with another library).

use super::headers::Headers;
use super::mime;
use super::slot::{self, Piece, Slot, clean_line, escape_html};
use crate::keys;
use crate::model::{EmailAddress, Timestamp};

/// A mail before it is compiled. Subject, text and HTML may hold slots.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub sender_name: &'a str,
    pub sender: &'a EmailAddress,
    pub reply_to: Option<&'a EmailAddress>,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    pub headers: &'a Headers,
}

/// The values of one recipient.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// An address that needs SMTPUTF8 makes a message that needs it too (RFC 6532).
    pub to: &'a EmailAddress,
    /// As the subscriber gave it; may be empty, may hold anything.
    pub name: &'a str,
    /// Left side of the Message-ID, the same for every attempt: letters, digits, `.`, `-`, `_`.
    pub message_id: &'a str,
    pub date: Timestamp,
    /// The subscriber's own https link, for the `List-Unsubscribe` field and the mail itself.
    pub unsubscribe_url: &'a str,
    /// `mailto:` address for the same, if there is one.
    pub unsubscribe_mailto: Option<&'a str>,
    /// The subscriber's own https link to choose what comes; empty for a mail that has none.
    pub preferences_url: &'a str,
    /// The tracked links of a reader who agreed to them, by number; the first is that of the picture. Empty for a mail
    /// that holds none of one's own.
    pub tracked: &'a [(u16, String)],
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the sender's address {0} has letters beyond ASCII before the @; few mail servers take it")]
    SenderNotAscii(String),
    #[error("the mail has no subject")]
    NoSubject,
    #[error("the field {{{{{0}}}}} was not filled; this is an error of Postiljon, the mail was not sent")]
    FieldLeft(String),
}

/// A compiled mail.
#[derive(Debug, Clone)]
pub struct Template {
    /// Fields that are the same for every recipient.
    fixed_fields: Vec<u8>,
    /// Pieces of the subject when it holds slots.
    subject: Option<Vec<Part>>,
    one_click: bool,
    domain: String,
    body: Vec<Part>,
    /// Fixed octets with room for the slots.
    size_hint_octets: usize,
}

/// A piece of the message.
#[derive(Debug, Clone)]
enum Part {
    /// Encoded already (in a subject: plain text).
    Fixed(Vec<u8>),
    Slot(Slot, Place),
}

/// What a value must be escaped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    Html,
}

/// Room for one filled slot, in octets: a long link.
const SLOT_ROOM_OCTETS: usize = 160;
/// Room for the fields of one recipient, in octets.
const FIELDS_ROOM_OCTETS: usize = 600;

impl Template {
    /// Encodes what is the same for all recipients.
    ///
    /// # Errors
    /// [`TemplateError`]; nothing that depends on a recipient can fail later.
    pub fn compile(source: &Source<'_>) -> Result<Self, TemplateError> {
        if source.sender.needs_smtputf8() {
            return Err(TemplateError::SenderNotAscii(source.sender.to_string()));
        }
        if clean_line(&slot::without_recipient(source.subject, str::to_owned)).is_empty() {
            return Err(TemplateError::NoSubject);
        }
        // "=_" never occurs in quoted-printable, so that no content can hold the boundary (RFC 2045, 6.7).
        let mut digest = keys::sha256_hex(source.html.as_bytes());
        digest.truncate(24);
        let boundary = format!("=_{digest}");

        let mut fields = mime::mailbox_field("From", source.sender_name, source.sender);
        if let Some(reply_to) = source.reply_to {
            fields.push_str(&mime::mailbox_field("Reply-To", "", reply_to));
        }
        let subject = subject_parts(source.subject)?;
        if subject.is_none() {
            fields.push_str(&mime::text_field("Subject", source.subject));
        }
        fields.push_str(&source.headers.fixed);
        fields.push_str("MIME-Version: 1.0\r\n");
        fields.push_str(&format!("Content-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n\r\n"));

        let mut body = Body::default();
        body.start_part(&boundary, "plain");
        body.content(source.text, Place::Text)?;
        body.start_part(&boundary, "html");
        body.content(source.html, Place::Html)?;
        body.fixed.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let body = body.finish();
        let size_hint_octets = fields.len() + FIELDS_ROOM_OCTETS + body.iter().map(Part::room).sum::<usize>();
        Ok(Self {
            fixed_fields: fields.into_bytes(),
            subject,
            one_click: source.headers.one_click,
            domain: source.sender.ascii_domain().to_owned(),
            body,
            size_hint_octets,
        })
    }

    /// The message for one recipient, ready for DATA but for dot-stuffing.
    pub fn fill(&self, recipient: &Recipient<'_>) -> Vec<u8> {
        let values = Values::new(recipient);
        let mut message = Vec::with_capacity(self.size_hint_octets);
        message.extend_from_slice(self.recipient_fields(recipient, &values).as_bytes());
        message.extend_from_slice(&self.fixed_fields);
        for part in &self.body {
            match part {
                Part::Fixed(octets) => message.extend_from_slice(octets),
                Part::Slot(slot, place) => {
                    message.extend_from_slice(mime::SOFT_BREAK);
                    let value = values.get(slot, *place);
                    if !value.is_empty() {
                        mime::quoted_printable(&value, &mut message);
                        message.extend_from_slice(mime::SOFT_BREAK);
                    }
                }
            }
        }
        message
    }

    /// The whole Message-ID of a recipient, without angle brackets.
    pub fn message_id(&self, left: &str) -> String {
        let left: String =
            left.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).collect();
        format!("{left}@{}", self.domain)
    }

    fn recipient_fields(&self, recipient: &Recipient<'_>, values: &Values<'_>) -> String {
        let mut fields = format!("Date: {}\r\n", mime::date(recipient.date));
        let id = format!("<{}>", self.message_id(recipient.message_id));
        fields.push_str(&mime::token_field("Message-ID", [id.as_str()]));
        fields.push_str(&mime::mailbox_field("To", &values.name, recipient.to));
        if let Some(parts) = &self.subject {
            let subject: String = parts.iter().map(|part| part.as_text(values)).collect();
            fields.push_str(&mime::text_field("Subject", &subject));
        }
        if self.one_click {
            let url = format!("<{}>", values.unsubscribe_url);
            let mailto = recipient.unsubscribe_mailto.map(|mailto| format!("<{}>", url_token(mailto)));
            match &mailto {
                Some(mailto) => {
                    let url = format!("{url},");
                    fields.push_str(&mime::token_field("List-Unsubscribe", [url.as_str(), mailto]));
                }
                None => fields.push_str(&mime::token_field("List-Unsubscribe", [url.as_str()])),
            }
            fields.push_str("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
        }
        fields
    }
}

impl Part {
    fn room(&self) -> usize {
        match self {
            Self::Fixed(octets) => octets.len(),
            Self::Slot(..) => SLOT_ROOM_OCTETS,
        }
    }

    fn as_text(&self, values: &Values<'_>) -> String {
        match self {
            Self::Fixed(octets) => String::from_utf8_lossy(octets).into_owned(),
            Self::Slot(slot, place) => values.get(slot, *place),
        }
    }
}

fn subject_parts(subject: &str) -> Result<Option<Vec<Part>>, TemplateError> {
    let parts: Vec<Part> = slot::pieces(subject)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => Ok(Part::Fixed(text.as_bytes().to_vec())),
            Piece::Slot(slot) => Ok(Part::Slot(slot, Place::Text)),
            Piece::Field(raw) => Err(TemplateError::FieldLeft(raw)),
        })
        .collect::<Result<_, _>>()?;
    Ok(parts.iter().any(|part| matches!(part, Part::Slot(..))).then_some(parts))
}

/// Collects the body: what is fixed until the next slot, and the parts before it.
#[derive(Default)]
struct Body {
    parts: Vec<Part>,
    fixed: Vec<u8>,
}

impl Body {
    fn start_part(&mut self, boundary: &str, subtype: &str) {
        if !self.fixed.is_empty() || !self.parts.is_empty() {
            self.fixed.extend_from_slice(b"\r\n");
        }
        self.fixed.extend_from_slice(
            format!(
                "--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n\
                 Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            )
            .as_bytes(),
        );
    }

    fn content(&mut self, content: &str, place: Place) -> Result<(), TemplateError> {
        // What stands between two slots is encoded at once: only then are its lines as long as they should be.
        let mut words = String::new();
        for piece in slot::pieces(content) {
            match piece {
                Piece::Text(text) => words.push_str(&slot::clean(text)),
                Piece::Slot(slot) => {
                    mime::quoted_printable(&std::mem::take(&mut words), &mut self.fixed);
                    self.parts.push(Part::Fixed(std::mem::take(&mut self.fixed)));
                    self.parts.push(Part::Slot(slot, place));
                }
                Piece::Field(raw) => return Err(TemplateError::FieldLeft(raw)),
            }
        }
        mime::quoted_printable(&words, &mut self.fixed);
        // A space at the end of a line would get lost on the way.
        self.fixed.extend_from_slice(mime::SOFT_BREAK);
        Ok(())
    }

    fn finish(mut self) -> Vec<Part> {
        self.parts.push(Part::Fixed(self.fixed));
        self.parts
    }
}

/// The recipient's values, harmless in any place once escaped for it.
struct Values<'a> {
    name: String,
    unsubscribe_url: String,
    preferences_url: String,
    tracked: &'a [(u16, String)],
}

impl<'a> Values<'a> {
    fn new(recipient: &Recipient<'a>) -> Self {
        Self {
            name: clean_line(recipient.name),
            unsubscribe_url: url_token(recipient.unsubscribe_url),
            preferences_url: url_token(recipient.preferences_url),
            tracked: recipient.tracked,
        }
    }

    fn get(&self, slot: &Slot, place: Place) -> String {
        let value = match slot {
            Slot::Name { fallback } if self.name.is_empty() => clean_line(fallback),
            Slot::Name { .. } => self.name.clone(),
            Slot::UnsubscribeUrl => self.unsubscribe_url.clone(),
            Slot::PreferencesUrl => self.preferences_url.clone(),
            Slot::TrackedLink(number) => {
                let found = self.tracked.binary_search_by_key(number, |(number, _)| *number).ok();
                found.map(|at| url_token(&self.tracked[at].1)).unwrap_or_default()
            }
        };
        match place {
            Place::Text => value,
            Place::Html => escape_html(&value),
        }
    }
}

/// An address without what could end it in a header: our own never hold any of it.
fn url_token(url: &str) -> String {
    url.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ',')).collect()
}

#[cfg(test)]
mod tests {
    use lettre::message::{MultiPart, header::ContentType};
    use mail_parser::{Message, MessageParser, MimeHeaders};
    use proptest::prelude::*;

    use super::*;
    use crate::mail::headers;

    const DATE: Timestamp = Timestamp::from_millis(1_795_476_600_000);

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    fn name_slot() -> String {
        Slot::Name { fallback: "lezer".to_owned() }.marker()
    }

    fn recipient<'a>(to: &'a EmailAddress, name: &'a str) -> Recipient<'a> {
        Recipient {
            to,
            name,
            message_id: "0198-abc",
            date: DATE,
            unsubscribe_url: "https://news.example.com/u/abc?x=1&y=2",
            unsubscribe_mailto: Some("mailto:leave+abc@news.example.com"),
            preferences_url: "https://news.example.com/p/abc?x=1&y=2",
            tracked: &[],
        }
    }

    fn source<'a>(
        sender: &'a EmailAddress,
        headers: &'a Headers,
        subject: &'a str,
        text: &'a str,
        html: &'a str,
    ) -> Source<'a> {
        Source { sender_name: "De Pöst, \"x\"", sender, reply_to: None, subject, text, html, headers }
    }

    /// The slow way: values into the source, then all of it through lettre's builder.
    fn reference(source: &Source<'_>, recipient: &Recipient<'_>) -> Vec<u8> {
        let name = clean_line(recipient.name);
        let fill = |text: &str, escape: fn(&str) -> String| -> String {
            let value = |slot| match slot {
                Slot::Name { fallback } if name.is_empty() => fallback,
                Slot::Name { .. } => name.clone(),
                Slot::UnsubscribeUrl => recipient.unsubscribe_url.to_owned(),
                Slot::PreferencesUrl => recipient.preferences_url.to_owned(),
                Slot::TrackedLink(_) => String::new(),
            };
            slot::pieces(text)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.to_owned(),
                    Piece::Slot(slot) => escape(&value(slot)),
                    Piece::Field(raw) => panic!("{raw}"),
                })
                .collect()
        };
        let mailbox = |name: &str, address: &EmailAddress| {
            lettre::message::Mailbox::new(
                (!name.is_empty()).then(|| name.to_owned()),
                address.to_smtp().parse().unwrap(),
            )
        };
        lettre::Message::builder()
            .from(mailbox(source.sender_name, source.sender))
            .to(mailbox(&name, recipient.to))
            .subject(clean_line(&fill(source.subject, str::to_owned)))
            .date(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_795_476_600_000))
            .message_id(Some(format!("<{}@{}>", recipient.message_id, source.sender.ascii_domain())))
            .multipart(
                MultiPart::alternative()
                    .singlepart(
                        lettre::message::SinglePart::builder()
                            .header(ContentType::TEXT_PLAIN)
                            .body(fill(source.text, str::to_owned)),
                    )
                    .singlepart(
                        lettre::message::SinglePart::builder()
                            .header(ContentType::TEXT_HTML)
                            .body(fill(source.html, escape_html)),
                    ),
            )
            .unwrap()
            .formatted()
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Read {
        from: Option<(Option<String>, Option<String>)>,
        to: Option<(Option<String>, Option<String>)>,
        subject: Option<String>,
        message_id: Option<String>,
        date: Option<i64>,
        parts: Vec<(String, String)>,
    }

    fn read(message: &[u8]) -> Read {
        let parsed = MessageParser::default().parse(message).unwrap();
        let one = |address: Option<&mail_parser::Address<'_>>| {
            let address = address.unwrap().first().unwrap();
            (
                address.name.as_ref().map(ToString::to_string),
                address.address.as_ref().map(ToString::to_string),
            )
        };
        Read {
            from: Some(one(parsed.from())),
            to: Some(one(parsed.to())),
            subject: parsed.subject().map(str::to_owned),
            message_id: parsed.message_id().map(str::to_owned),
            date: parsed.date().map(mail_parser::DateTime::to_timestamp),
            parts: parts(&parsed),
        }
    }

    /// Types and texts of the parts, line ends as LF.
    fn parts(parsed: &Message<'_>) -> Vec<(String, String)> {
        parsed
            .parts
            .iter()
            .skip(1)
            .map(|part| {
                let kind = part.content_type().unwrap();
                assert_eq!(kind.attribute("charset").unwrap().to_lowercase(), "utf-8");
                let text = part.text_contents().unwrap().replace("\r\n", "\n");
                (kind.subtype().unwrap().to_owned(), text.trim_end_matches('\n').to_owned())
            })
            .collect()
    }

    /// Rules D1 to D4 of the wire.
    fn assert_wire(message: &[u8]) {
        let text = std::str::from_utf8(message).unwrap();
        assert!(text.is_ascii() && !text.contains('\0'));
        let bare = text.replace("\r\n", "");
        assert!(!bare.contains(['\r', '\n']), "bare line end");
        for line in text.split("\r\n") {
            assert!(line.len() <= 78 && !line.starts_with('.'), "{line}");
        }
        let head = text.split("\r\n\r\n").next().unwrap();
        for name in ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type"] {
            let count = head.split("\r\n").filter(|line| line.starts_with(&format!("{name}:"))).count();
            assert_eq!(count, 1, "{name} in {head}");
        }
    }

    fn field_names(message: &[u8]) -> Vec<String> {
        let text = std::str::from_utf8(message).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        head.split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect()
    }

    proptest! {
        #[test]
        fn filling_gives_what_encoding_everything_gives(
            name in prop_oneof![
                any::<String>(),
                "[a-zé🚲א \r\n\"=.,<>&?\\\\@\u{0}\u{7}]{0,60}",
                "[x=.é]{900,1000}",
                Just("\r\n.\r\nMAIL FROM:<x@y.example>\r\n".to_owned()),
                Just("\u{202e}gnihton =?utf-8?q?x?= --=_".to_owned()),
                Just("Jan\r\nBcc: everyone@example.com".to_owned()),
                Just(String::new()),
            ],
            before in "[a-zé =.\n]{0,200}",
            after in "[a-zé =.\n]{0,200}",
        ) {
            let sender = address("post@news.example.com");
            let to = address("lezer@bücher.example");
            let slot = name_slot();
            let subject = format!("Nieuws voor {slot}");
            let text = format!("{before}{slot}{after}\n{}\n", Slot::UnsubscribeUrl.marker());
            let html = format!("<p title=\"{slot}\">{before}{slot}{slot}{after}</p><a href=\"{}\">x</a>\n", Slot::UnsubscribeUrl.marker());
            let headers = headers::confirm();
            let source = source(&sender, &headers, &subject, &text, &html);
            let recipient = recipient(&to, &name);
            let filled = Template::compile(&source).unwrap().fill(&recipient);
            assert_wire(&filled);
            let mut read_filled = read(&filled);
            let mut expected = read(&reference(&source, &recipient));
            let shown = if clean_line(&name).is_empty() { "lezer".to_owned() } else { clean_line(&name) };
            prop_assert_eq!(read_filled.subject.take(), Some(format!("Nieuws voor {shown}")));
            // lettre leaves what looks like an encoded word in a subject as it is.
            expected.subject = None;
            prop_assert_eq!(&read_filled, &expected);
            prop_assert_eq!(&read_filled.to, &Some(((!clean_line(&name).is_empty()).then(|| clean_line(&name)), Some("lezer@xn--bcher-kva.example".to_owned()))));
            let quiet = Template::compile(&source).unwrap().fill(&super::tests::recipient(&to, "Jan"));
            prop_assert_eq!(field_names(&filled), field_names(&quiet));
        }
    }

    #[test]
    fn a_body_cannot_end_the_message_or_start_a_header() {
        let sender = address("post@news.example.com");
        let to = address("lezer@example.org");
        let headers = headers::test();
        let text = "a\r\n.\r\nMAIL FROM:<x@y.example>\n.\nb\r.\rc\0d --=_ \r\n\r\n--x";
        let message = Template::compile(&source(&sender, &headers, "Test", text, text))
            .unwrap()
            .fill(&recipient(&to, ""));
        assert_wire(&message);
        assert_eq!(read(&message).parts[0].1, "a\n.\nMAIL FROM:<x@y.example>\n.\nb\n.\ncd --=_ \n\n--x");
    }

    #[test]
    fn the_unsubscribe_fields_stand_in_mails_that_can_be_left() {
        let sender = address("post@news.example.com");
        let to = address("lezer@example.org");
        let fill = |headers: &Headers, mailto| {
            let template = Template::compile(&source(&sender, headers, "Test", "a", "b")).unwrap();
            let filled = template.fill(&Recipient { unsubscribe_mailto: mailto, ..recipient(&to, "Jan") });
            String::from_utf8(filled).unwrap().replace("\r\n ", " ")
        };
        let url = "List-Unsubscribe: <https://news.example.com/u/abc?x=1&y=2>";
        let post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
        let with = fill(&headers::confirm(), Some("mailto:leave@news.example.com"));
        assert!(with.contains(&format!("{url}, <mailto:leave@news.example.com>\r\n{post}")), "{with}");
        assert!(fill(&headers::confirm(), None).contains(&format!("{url}\r\n{post}")));
        assert!(!fill(&headers::test(), None).contains("List-"));
    }

    #[test]
    fn the_message_id_is_stable_and_of_the_senders_domain() {
        let sender = address("post@news.example.com");
        let headers = headers::test();
        let template = Template::compile(&source(&sender, &headers, "Test", "a", "b")).unwrap();
        assert_eq!(template.message_id("0198-abc"), "0198-abc@news.example.com");
        assert_eq!(template.message_id("a\r\nb> c"), "abc@news.example.com");
    }

    #[test]
    fn a_mail_that_cannot_be_right_does_not_compile() {
        let ascii = address("post@example.com");
        let headers = headers::test();
        let compile = |sender, subject, text| {
            Template::compile(&source(sender, &headers, subject, text, "b")).map(|_| ()).unwrap_err()
        };
        let beyond = address("pöst@example.com");
        assert!(matches!(compile(&beyond, "x", ""), TemplateError::SenderNotAscii(_)));
        assert_eq!(compile(&ascii, " \r\n ", ""), TemplateError::NoSubject);
        let field = slot::mark_fields("{{naam}}");
        assert_eq!(compile(&ascii, "x", &field), TemplateError::FieldLeft("naam".into()));
    }
}
