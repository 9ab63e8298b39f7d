//! Signs mails, so that receivers know that they are ours and unchanged (DKIM, RFC 6376).
//!
//! [`canonical_body`] and [`canonical_field`] are the forms that are hashed (`relaxed`, 3.4): what servers do to
//! white space on the way changes neither. [`Signer`] says what is covered. The keys are in
//! [`crate::model::dkim`].
//!
//! To cover another field: a line in [`OVERSIGNED`] or [`COVERED`], and the case in the tests and the judge
//! (`scripts/dkim.sh`). Every field that a server may add or change on the way must stay out.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::BASE64;

use super::mime::HEADER_LINE_MAX;
use crate::model::dkim::signs_for;
use crate::model::{DkimKey, DkimSettings, SigningKeyError, Timestamp};

/// Covered, and listed once more than they are there: nobody can add another (RFC 6376, 5.4.2 and 8.15). That
/// holds for those that are not there at all, too.
const OVERSIGNED: [&str; 10] = [
    "from",
    "to",
    "subject",
    "date",
    "reply-to",
    "cc",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];
/// Covered where they are there, as is every `List-*` field.
const COVERED: [&str; 2] = ["feedback-id", "auto-submitted"];
/// Covered and oversigned where they are there: a second one could send those who leave elsewhere (RFC 8058, 4).
const OVERSIGNED_IF_PRESENT: [&str; 2] = ["list-unsubscribe", "list-unsubscribe-post"];

/// Who signs for which domain. May change while mails are signed; cheap to clone, and clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Signers(Arc<RwLock<Vec<Arc<Signer>>>>);

impl Signers {
    pub fn new(all: Vec<DkimSettings>) -> Self {
        let signers = Self::default();
        signers.replace(all);
        signers
    }

    /// From now on these sign, and no others.
    pub fn replace(&self, all: Vec<DkimSettings>) {
        let mut all: Vec<_> = all.into_iter().map(|settings| Arc::new(Signer::new(settings))).collect();
        // The longest domain that fits is the nearest.
        all.sort_by_key(|signer| std::cmp::Reverse(signer.settings.domain.len()));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all;
    }

    /// Who signs a mail from this domain (A-labels): the keys of the domain itself, or of the nearest above it.
    pub fn of(&self, domain: &str) -> Option<Arc<Signer>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|signer| signer.is_for(domain)).cloned()
    }

    /// Whether nobody signs anything.
    pub fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// As [`Signer::signatures`], by whoever signs for its sender. Each try of a mail has the same octets for as long as
    /// the keys are the same.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn signatures(&self, message: &[u8], at: Timestamp) -> Result<Option<String>, SigningKeyError> {
        let signer = Message::parse(message).sender_domain().and_then(|domain| self.of(&domain));
        signer.map_or(Ok(None), |signer| signer.signatures(message, at))
    }
}

/// Signs the mails of one domain and its subdomains.
#[derive(Debug, Clone)]
pub struct Signer {
    settings: DkimSettings,
}

impl Signer {
    pub const fn new(settings: DkimSettings) -> Self {
        Self { settings }
    }

    /// Whether a mail from this domain (A-labels) is signed: only then is the signature one that counts
    /// for the sender (DMARC calls it aligned).
    pub fn is_for(&self, domain: &str) -> bool {
        signs_for(&self.settings.domain, domain)
    }

    /// The fields to put before a message: a `DKIM-Signature` for each key, each line with its CRLF. `None`
    /// when the message is not from our domain. The same message and moment give the same octets.
    ///
    /// `at` is the moment of signing that the signature tells (`t=`).
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn signatures(&self, message: &[u8], at: Timestamp) -> Result<Option<String>, SigningKeyError> {
        let message = Message::parse(message);
        if !message.sender_domain().is_some_and(|domain| self.is_for(&domain)) {
            return Ok(None);
        }
        let covered = message.covered();
        let header = message.canonical_header(&covered);
        let body_hash = body_hash(message.body);
        let mut signatures = String::new();
        for key in &self.settings.keys {
            signatures.push_str(&self.signature(key, at, &covered, &header, &body_hash)?);
        }
        Ok(Some(signatures))
    }

    fn signature(
        &self,
        key: &DkimKey,
        at: Timestamp,
        covered: &[Covered<'_>],
        header: &[u8],
        body_hash: &str,
    ) -> Result<String, SigningKeyError> {
        let mut field = Folded(format!("{SIGNATURE}:"));
        field.word("v=1;");
        field.word(&format!("a={};", key.key.algorithm().tag()));
        field.word("c=relaxed/relaxed;");
        field.word(&format!("d={};", self.settings.domain));
        field.word(&format!("s={};", key.selector));
        field.word(&format!("t={};", at.as_millis() / 1000));
        field.word("h=");
        let names: Vec<&str> = covered.iter().flat_map(Covered::listed).collect();
        for (at, name) in names.iter().enumerate() {
            let end = if at + 1 == names.len() { ';' } else { ':' };
            field.unbroken(&format!("{name}{end}"));
        }
        field.word(&format!("bh={body_hash};"));
        field.word("b=");
        // What is signed ends with our own field, its b= still empty, and without a line end (3.7).
        let mut signed = header.to_vec();
        canonical_field(SIGNATURE.as_bytes(), field.value(), &mut signed);
        signed.truncate(signed.len() - b"\r\n".len());
        field.broken_anywhere(&BASE64.encode(&key.key.sign(&signed)?));
        field.0.push_str("\r\n");
        Ok(field.0)
    }
}

const SIGNATURE: &str = "DKIM-Signature";

/// A name that is signed, and how often it is listed in `h=`.
struct Covered<'a> {
    name: &'a str,
    times: usize,
}

impl Covered<'_> {
    fn listed(&self) -> impl Iterator<Item = &str> {
        std::iter::repeat_n(self.name, self.times)
    }
}

/// A message taken apart.
struct Message<'a> {
    fields: Vec<Field<'a>>,
    body: &'a [u8],
}

struct Field<'a> {
    /// Lower case; empty for a line that is no field.
    name: String,
    /// With its folding, without the line end.
    value: &'a [u8],
}

impl<'a> Message<'a> {
    fn parse(message: &'a [u8]) -> Self {
        let mut fields = Vec::new();
        let mut begin = 0;
        let mut at = 0;
        for line in message.split_inclusive(|octet| *octet == b'\n') {
            if at > begin && !line.starts_with(b" ") && !line.starts_with(b"\t") {
                fields.push(Field::parse(&message[begin..at]));
                begin = at;
            }
            at += line.len();
            if matches!(line, b"\r\n" | b"\n") {
                return Self { fields, body: &message[at..] };
            }
        }
        fields.push(Field::parse(&message[begin..]));
        Self { fields, body: b"" }
    }

    fn named(&self, name: &str) -> impl DoubleEndedIterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |field| field.name == name)
    }

    /// Of the one `From`, which we write with the address last.
    fn sender_domain(&self) -> Option<String> {
        let mut all = self.named("from");
        let (Some(from), None) = (all.next(), all.next()) else { return None };
        let text = String::from_utf8_lossy(from.value);
        let (_, domain) = text.rsplit_once('@')?;
        Some(domain.trim_end().trim_end_matches('>').to_owned())
    }

    /// What is signed, in the order of `h=`.
    fn covered(&self) -> Vec<Covered<'_>> {
        let times = |name: &str| self.named(name).count();
        let mut covered: Vec<_> =
            OVERSIGNED.into_iter().map(|name| Covered { name, times: times(name) + 1 }).collect();
        let mut seen = BTreeSet::new();
        for name in self.fields.iter().map(|field| field.name.as_str()) {
            let is_covered = COVERED.contains(&name) || name.starts_with("list-");
            if is_covered && seen.insert(name) {
                let more = usize::from(OVERSIGNED_IF_PRESENT.contains(&name));
                covered.push(Covered { name, times: times(name) + more });
            }
        }
        covered
    }

    /// The covered fields, of several with one name the last one first (5.4.2).
    fn canonical_header(&self, covered: &[Covered<'_>]) -> Vec<u8> {
        let mut header = Vec::with_capacity(HEADER_ROOM_OCTETS);
        for covered in covered {
            for field in self.named(covered.name).rev() {
                canonical_field(field.name.as_bytes(), field.value, &mut header);
            }
        }
        header
    }
}

/// Room for the canonical header of a usual mail and the signature's own field, in octets.
const HEADER_ROOM_OCTETS: usize = 2_048;

impl<'a> Field<'a> {
    fn parse(lines: &'a [u8]) -> Self {
        let colon = lines.iter().position(|octet| *octet == b':').unwrap_or(lines.len());
        let (name, value) = lines.split_at(colon);
        let is_name = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
        let name = name.trim_ascii_end();
        // Another name would not stand in `h=`; nothing that we cover has one.
        let name = if name.iter().all(is_name) { name } else { b"" };
        let value = value.strip_prefix(b":").unwrap_or(value);
        Self { name: String::from_utf8_lossy(name).to_ascii_lowercase(), value }
    }
}

/// A field that is folded where a line is full.
struct Folded(String);

impl Folded {
    fn room(&self) -> usize {
        let line = self.0.len() - self.0.rfind('\n').map_or(0, |at| at + 1);
        HEADER_LINE_MAX.saturating_sub(line)
    }

    fn word(&mut self, word: &str) {
        if self.room() < 1 + word.len() {
            self.0.push_str("\r\n");
        }
        self.0.push(' ');
        self.0.push_str(word);
    }

    /// Follows without a space where there is room.
    fn unbroken(&mut self, piece: &str) {
        if self.room() < piece.len() {
            self.0.push_str("\r\n ");
        }
        self.0.push_str(piece);
    }

    /// ASCII in which a line may end anywhere.
    fn broken_anywhere(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.room() == 0 {
                self.0.push_str("\r\n ");
            }
            let (now, later) = rest.split_at_checked(self.room()).unwrap_or((rest, ""));
            self.0.push_str(now);
            rest = later;
        }
    }

    fn value(&self) -> &[u8] {
        self.0.as_bytes().get(SIGNATURE.len() + 1..).unwrap_or_default()
    }
}

/// Appends a field in the form that is signed (RFC 6376, 3.4.2): name in lower case, unfolded, a space for
/// each run of white space, none at both ends of the value; then CRLF.
pub fn canonical_field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let start = out.len();
    let mut is_apart = false;
    for (at, octet) in value.iter().enumerate() {
        match octet {
            b' ' | b'\t' => is_apart = true,
            // A line end within a field is followed by the white space of the folding.
            b'\n' => {}
            b'\r' if value.get(at + 1) == Some(&b'\n') => {}
            octet => {
                if is_apart && out.len() > start {
                    out.push(b' ');
                }
                is_apart = false;
                out.push(*octet);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn body_hash(body: &[u8]) -> String {
    let mut hash = Context::new(&SHA256);
    canonical_body(body, |octets| hash.update(octets));
    BASE64.encode(hash.finish().as_ref())
}

/// Hands over the body in the form that is hashed (RFC 6376, 3.4.4), piece by piece: a space for each run of
/// white space, none at the end of a line, no empty lines at the end of the body, and a CRLF after its last
/// line. LF alone ends a line too, since a server on the way would make it one (5.3).
///
/// One pass. What is canonical already, nearly all of a mail, is handed over as it stands, in one piece.
pub fn canonical_body(body: &[u8], out: impl FnMut(&[u8])) {
    let mut writer = BodyWriter { body, clean: 0..0, empty_lines: 0, out };
    let mut at = 0;
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let end = at + line.len();
        writer.line(line, at..end);
        at = end;
    }
    writer.hand_over_clean();
}

struct BodyWriter<'a, F> {
    body: &'a [u8],
    /// Lines that are canonical as they stand, not yet handed over. What follows them directly is known to be
    /// [`Self::empty_lines`] times CRLF.
    clean: Range<usize>,
    /// Seen, and handed over only when another line follows.
    empty_lines: usize,
    out: F,
}

impl<F: FnMut(&[u8])> BodyWriter<'_, F> {
    fn line(&mut self, line: &[u8], range: Range<usize>) {
        let (content, is_clean) = match line.strip_suffix(b"\r\n") {
            Some(content) => (content, is_canonical(content)),
            None => (line.strip_suffix(b"\n").unwrap_or(line), false),
        };
        match (is_clean, content.is_empty()) {
            (true, true) => self.empty_lines += 1,
            (true, false) => {
                if self.clean.is_empty() {
                    self.hand_over_empty_lines();
                    self.clean = range;
                } else {
                    self.empty_lines = 0;
                    self.clean.end = range.end;
                }
            }
            (false, _) => {
                self.hand_over_clean();
                self.mend(content);
            }
        }
    }

    fn hand_over_clean(&mut self) {
        let clean = std::mem::take(&mut self.clean);
        if let Some(octets) = self.body.get(clean).filter(|octets| !octets.is_empty()) {
            (self.out)(octets);
        }
    }

    fn hand_over_empty_lines(&mut self) {
        for _ in 0..std::mem::take(&mut self.empty_lines) {
            (self.out)(b"\r\n");
        }
    }

    /// A line word by word.
    fn mend(&mut self, content: &[u8]) {
        if content.iter().all(is_white) {
            self.empty_lines += 1;
            return;
        }
        self.hand_over_empty_lines();
        // White space before the first word stays, as one space; behind the last one it goes.
        let mut is_apart = content.first().is_some_and(is_white);
        for word in content.split(is_white).filter(|word| !word.is_empty()) {
            if is_apart {
                (self.out)(b" ");
            }
            (self.out)(word);
            is_apart = true;
        }
        (self.out)(b"\r\n");
    }
}

const fn is_white(octet: &u8) -> bool {
    matches!(*octet, b' ' | b'\t')
}

/// Whether a line has no tab, no two spaces together and none at its end.
fn is_canonical(content: &[u8]) -> bool {
    let mut is_after_space = false;
    for octet in content {
        let is_space = *octet == b' ';
        if *octet == b'\t' || (is_space && is_after_space) {
            return false;
        }
        is_after_space = is_space;
    }
    !is_after_space
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::digest;
    use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use proptest::prelude::*;

    use super::*;
    use crate::model::{DkimAlgorithm, SigningKey};

    const AT: Timestamp = Timestamp::from_millis(1_795_476_600_999);
    const MAIL: &str = "Date: Tue, 24 Nov 2026 09:00:00 +0000\r\n\
        Message-ID: <abc@news.example.com>\r\n\
        To: \"An\" <an@example.org>\r\n\
        List-Unsubscribe: <https://news.example.com/unsubscribe/abc>,\r\n <mailto:leave+abc@news.example.com>\r\n\
        List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
        From: \"Insights @ Meridiaan\" <news@News.Example.com>\r\n\
        Subject: Een lang onderwerp dat over\r\n twee regels loopt\r\n\
        List-Id: \"Insights\" <insights.example.com>\r\n\
        Feedback-ID: a:b:issue:c\r\n\
        Precedence: bulk\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\
        \r\n\
        Dag An,\r\n\r\nTot ziens.\r\n";

    fn signer(domain: &str) -> Signer {
        let key = |algorithm, selector: &str| DkimKey {
            selector: selector.to_owned(),
            key: SigningKey::generate(algorithm).unwrap(),
        };
        let keys = vec![key(DkimAlgorithm::Rsa, "r1"), key(DkimAlgorithm::Ed25519, "e1")];
        Signer::new(DkimSettings { domain: domain.to_owned(), keys })
    }

    fn signed(signer: &Signer, mail: &str) -> String {
        signer.signatures(mail.as_bytes(), AT).unwrap().unwrap() + mail
    }

    /// The body as 3.4.4 says it, step by step.
    fn slow_body(body: &[u8]) -> String {
        let text: String = body.iter().copied().map(char::from).collect();
        let text = text.replace("\r\n", "\n").replace('\t', " ");
        let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        for line in &mut lines {
            while line.contains("  ") {
                *line = line.replace("  ", " ");
            }
            *line = line.trim_end_matches(' ').to_owned();
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines.iter().map(|line| format!("{line}\r\n")).collect()
    }

    /// A value as 3.4.2 says it, step by step.
    fn slow_value(value: &str) -> String {
        value
            .replace("\r\n", "")
            .split([' ', '\t'])
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn body(octets: &[u8]) -> String {
        let mut out = Vec::new();
        canonical_body(octets, |piece| out.extend_from_slice(piece));
        out.into_iter().map(char::from).collect()
    }

    /// The fields of a message: lower-case name, raw value.
    fn slow_fields(header: &str) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in header.split("\r\n") {
            match (line.starts_with([' ', '\t']), fields.last_mut()) {
                (true, Some(last)) => last.1 += line,
                _ => {
                    let (name, value) = line.split_once(':').unwrap();
                    fields.push((name.to_lowercase(), value.to_owned()));
                }
            }
        }
        fields
    }

    /// Checks every signature of a message the way a receiver does; counts those that hold.
    fn holding(signer: &Signer, mail: &str) -> usize {
        let (header, body) = mail.split_once("\r\n\r\n").unwrap();
        let fields = slow_fields(header);
        let signatures = fields.iter().filter(|(name, _)| name == "dkim-signature");
        signatures.filter(|(_, value)| holds(signer, value, &fields, body)).count()
    }

    fn holds(signer: &Signer, value: &str, fields: &[(String, String)], body: &str) -> bool {
        let tag = |wanted: &str| {
            let tags = value.split(';').filter_map(|tag| tag.split_once('='));
            let found = tags.map(|(name, value)| (name.trim(), value)).find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.split_ascii_whitespace().collect::<String>()).unwrap()
        };
        let hash = digest(&SHA256, slow_body(body.as_bytes()).as_bytes());
        if tag("bh") != BASE64.encode(hash.as_ref()) {
            return false;
        }
        let mut left = fields.to_vec();
        let mut header = String::new();
        for name in tag("h").split(':') {
            if let Some(at) = left.iter().rposition(|(found, _)| found == name) {
                let (name, value) = left.remove(at);
                header += &format!("{name}:{}\r\n", slow_value(&value));
            }
        }
        let without_signature = &value[..value.rfind("b=").unwrap() + 2];
        header += &format!("dkim-signature:{}", slow_value(without_signature));
        let key = signer.settings.keys.iter().find(|key| key.selector == tag("s")).unwrap();
        let record = key.key.record().unwrap();
        let public = BASE64.decode(record.split_once("p=").unwrap().1.as_bytes()).unwrap();
        let signature = BASE64.decode(tag("b").as_bytes()).unwrap();
        match tag("a").as_str() {
            "rsa-sha256" => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
                .verify(header.as_bytes(), &signature)
                .is_ok(),
            _ => UnparsedPublicKey::new(&ED25519, public)
                .verify(digest(&SHA256, header.as_bytes()).as_ref(), &signature)
                .is_ok(),
        }
    }

    #[test]
    fn the_examples_of_the_standard_have_its_results() {
        assert_eq!(body(b" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
        let mut header = Vec::new();
        canonical_field(b"A", b" X\r\n", &mut header);
        canonical_field(b"B ", b" Y\t\r\n\tZ  \r\n", &mut header);
        assert_eq!(header, b"a:X\r\nb:Y Z\r\n");
        assert_eq!(body_hash(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let joe = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
        assert_eq!(body_hash(joe), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    }

    #[test]
    fn what_is_canonical_already_is_handed_over_in_one_piece() {
        let mut pieces = 0;
        canonical_body(b"a b\r\n\r\n\r\nc\r\n\r\n", |piece| {
            pieces += 1;
            assert_eq!(piece, b"a b\r\n\r\n\r\nc\r\n");
        });
        assert_eq!(pieces, 1);
    }

    #[test]
    fn both_signatures_hold() {
        let signer = signer("example.com");
        let mail = signed(&signer, MAIL);
        assert_eq!(holding(&signer, &mail), 2);
        assert!(mail.contains(" t=1795476600;"));
        let own: Vec<&str> = mail.lines().take_while(|line| !line.starts_with("Date")).collect();
        assert!(own.iter().all(|line| line.len() <= HEADER_LINE_MAX), "{own:#?}");
        assert_eq!(signed(&signer, MAIL), mail, "each try has the same octets");
    }

    #[test]
    fn it_names_what_it_covers() {
        let mail = signed(&signer("example.com"), MAIL);
        let (_, value) = slow_fields(mail.split("\r\n\r\n").next().unwrap()).swap_remove(0);
        let (_, rest) = value.split_once("h=").unwrap();
        let names: String = rest.split(';').next().unwrap().split_ascii_whitespace().collect();
        assert_eq!(
            names,
            "from:from:to:to:subject:subject:date:date:reply-to:cc:message-id:message-id:mime-version:mime-version:\
             content-type:content-type:content-transfer-encoding:list-unsubscribe:list-unsubscribe:\
             list-unsubscribe-post:list-unsubscribe-post:list-id:feedback-id"
        );
    }

    #[test]
    fn a_field_that_goes_or_comes_breaks_it() {
        let signer = signer("example.com");
        let mail = signed(&signer, MAIL);
        for name in
            ["From", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post", "Date", "To", "Feedback-ID"]
        {
            let gone = mail.replacen(&format!("\r\n{name}: "), "\r\nX-Gone: ", 1);
            assert_eq!(holding(&signer, &gone), 0, "{name} gone");
        }
        for name in
            ["From", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post", "Reply-To", "Cc", "Content-Type"]
        {
            let above = format!("{name}: x\r\n{mail}");
            let below = mail.replacen("\r\n\r\n", &format!("\r\n{name}: x\r\n\r\n"), 1);
            assert_eq!((holding(&signer, &above), holding(&signer, &below)), (0, 0), "another {name}");
        }
        assert_eq!(holding(&signer, &mail.replacen("Tot ziens", "Tot zien", 1)), 0);
        assert_eq!(
            holding(&signer, &format!("Received: by relay\r\n{mail}")),
            2,
            "what servers add is allowed"
        );
    }

    #[test]
    fn of_several_the_nearest_domain_signs_and_what_is_replaced_signs_no_more() {
        let signers = Signers::default();
        assert!(signers.is_empty() && signers.signatures(MAIL.as_bytes(), AT).unwrap().is_none());
        let settings = |domain: &str| signer(domain).settings;
        signers.replace(vec![settings("example.com"), settings("news.example.com"), settings("example.org")]);
        let domain = |from: &str| {
            let mail = MAIL.replacen("news@News.Example.com", from, 1);
            let field = signers.signatures(mail.as_bytes(), AT).unwrap()?;
            let (_, rest) = field.split_once(" d=")?;
            rest.split(';').next().map(str::to_owned)
        };
        assert_eq!(domain("a@News.Example.com").as_deref(), Some("news.example.com"));
        assert_eq!(domain("a@x.news.example.com").as_deref(), Some("news.example.com"));
        assert_eq!(domain("a@shop.example.com").as_deref(), Some("example.com"));
        assert_eq!(domain("a@example.net"), None);
        signers.clone().replace(vec![settings("example.com")]);
        assert_eq!(domain("a@news.example.com").as_deref(), Some("example.com"));
        assert_eq!(domain("a@example.org"), None);
    }

    #[test]
    fn only_our_own_domain_and_what_is_under_it_is_signed() {
        let signed = |domain: &str, from: &str| {
            let mail = MAIL.replacen("news@News.Example.com", from, 1);
            signer(domain).signatures(mail.as_bytes(), AT).unwrap().is_some()
        };
        assert!(signed("example.com", "news@example.com"));
        assert!(signed("example.com", "news@a.b.EXAMPLE.com"));
        for from in
            ["news@example.org", "news@badexample.com", "news@com", "news@example.com.evil.example", "é@é"]
        {
            assert!(!signed("example.com", from), "{from}");
        }
        assert!(!signed("news.example.com", "news@example.com"));
        let twice = format!("From: a@example.com\r\n{MAIL}");
        assert!(signer("example.com").signatures(twice.as_bytes(), AT).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn any_body_is_what_the_slow_way_makes_of_it(
            octets in prop::collection::vec(prop::sample::select(b"  \t\r\n\na.\xe9".to_vec()), 0..80),
            lines in prop::collection::vec(prop::sample::select(vec!["", "a", "a b", "a  b", " a", "a ", " ", "\t"]), 0..12),
        ) {
            prop_assert_eq!(body(&octets), slow_body(&octets));
            let lines = lines.join("\r\n");
            prop_assert_eq!(body(lines.as_bytes()), slow_body(lines.as_bytes()));
        }

        #[test]
        fn any_value_is_what_the_slow_way_makes_of_it(
            words in prop::collection::vec(prop::sample::select(vec!["a", " ", "\t", "\r\n ", ":", "é"]), 0..30),
        ) {
            let value = words.concat();
            let mut out = Vec::new();
            canonical_field(b"Name", value.as_bytes(), &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("name:{}\r\n", slow_value(&value)));
        }

        #[test]
        fn anything_after_a_from_can_be_signed(rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let key = SigningKey::generate(DkimAlgorithm::Ed25519).unwrap();
            let keys = vec![DkimKey { selector: "e1".into(), key }];
            let signer = Signer::new(DkimSettings { domain: "example.com".into(), keys });
            let message = [b"From: a@example.com\r\nX-A: b\r\n", rest.as_slice()].concat();
            let signatures = signer.signatures(&message, AT).unwrap().unwrap();
            prop_assert!(signatures.lines().all(|line| line.len() <= HEADER_LINE_MAX));
        }
    }
}
