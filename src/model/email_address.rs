//! An e-mail address that mail can be sent to.

use std::fmt;
use std::str::FromStr;

/// Most octets in the local part (RFC 5321, 4.5.3.1.1).
const LOCAL_MAX_OCTETS: usize = 64;
/// Most octets in a path without its angle brackets (RFC 5321, 4.5.3.1.3).
const ADDRESS_MAX_OCTETS: usize = 254;

/// An address as its owner typed it, and as SMTP wants it.
///
/// Accepted are dot-atom local parts (RFC 5322, 3.4.1), also with letters beyond ASCII (RFC 6531), and
/// domain names with a dot, also internationalised (RFC 5891). Quoted local parts, address literals and
/// comments are refused: no provider gives them to people, and they are the tools of injection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    text: String,
    at: usize,
    ascii_domain: String,
}

/// Why a text is not an address. Pages translate it by [`AddressError::key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address is empty")]
    Empty,
    #[error(
        "the address is longer than {ADDRESS_MAX_OCTETS} octets, or the part before the @ than {LOCAL_MAX_OCTETS}"
    )]
    TooLong,
    #[error("the address has no @, or more than one")]
    NoAt,
    #[error("the part before the @ is not one that mail can be sent to")]
    Local,
    #[error("the part after the @ is not a domain name")]
    Domain,
}

impl AddressError {
    /// The key of its text in the language files.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Empty => "error-address-empty",
            Self::TooLong => "error-address-too-long",
            Self::NoAt => "error-address-no-at",
            Self::Local => "error-address-local",
            Self::Domain => "error-address-domain",
        }
    }
}

impl EmailAddress {
    /// Parses an address; white space around it is what people paste, and is dropped.
    ///
    /// # Errors
    /// [`AddressError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        // ASCII control characters are not trimmed: an address with a line break was not typed by its owner.
        let text = text.trim_matches([' ', '\u{a0}']);
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.len() > ADDRESS_MAX_OCTETS {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        if local.contains('@') {
            return Err(AddressError::NoAt);
        }
        if local.len() > LOCAL_MAX_OCTETS {
            return Err(AddressError::TooLong);
        }
        if !is_dot_atom(local) {
            return Err(AddressError::Local);
        }
        let ascii_domain = ascii_domain(domain)?;
        if local.len() + 1 + ascii_domain.len() > ADDRESS_MAX_OCTETS {
            return Err(AddressError::TooLong);
        }
        let text = format!("{local}@{}", domain.to_lowercase());
        Ok(Self { text, at: local.len(), ascii_domain })
    }

    /// As typed, the domain in lower case.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// The domain as A-labels, lower case (RFC 5891): what DNS and `RCPT TO` want.
    pub fn ascii_domain(&self) -> &str {
        &self.ascii_domain
    }

    /// For the envelope and the `To` header: local part as typed, domain as A-labels.
    pub fn to_smtp(&self) -> String {
        format!("{}@{}", self.local(), self.ascii_domain)
    }

    /// Whether the receiving side must offer SMTPUTF8 (RFC 6531).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local().is_ascii()
    }

    /// Under which the address is unique: nobody has two mailboxes that differ only in case.
    pub fn key(&self) -> String {
        format!("{}@{}", self.local().to_lowercase(), self.ascii_domain)
    }

    /// Under which limits count: also without a `+tag`, and without the dots that Gmail ignores, so that
    /// one mailbox cannot be flooded under a thousand spellings.
    pub fn mailbox_key(&self) -> String {
        let local = self.local().to_lowercase();
        let base = local.split('+').next().filter(|base| !base.is_empty()).unwrap_or(&local);
        match self.ascii_domain.as_str() {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", base.replace('.', "")),
            domain => format!("{base}@{domain}"),
        }
    }

    /// For logs and pages that must not show an address: `j***@e***.example`.
    pub fn masked(&self) -> String {
        let first = |text: &str| text.chars().next().unwrap_or('*');
        let (name, end) = self.ascii_domain.split_once('.').unwrap_or((&self.ascii_domain, ""));
        format!("{}***@{}***.{end}", first(self.local()), first(name))
    }
}

/// RFC 5322 `dot-atom-text`, with the letters of RFC 6531.
fn is_dot_atom(local: &str) -> bool {
    let atom = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(c)
            || (!c.is_ascii() && c.is_alphanumeric())
    };
    !local.is_empty() && local.split('.').all(|part| !part.is_empty() && part.chars().all(atom))
}

/// A domain name with a dot as A-labels, lower case (RFC 5891).
pub(super) fn ascii_domain(domain: &str) -> Result<String, AddressError> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| AddressError::Domain)?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let label = |label: &&str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    // A last label of digits only is an IPv4 address, not a name (RFC 3696, 2).
    let last_is_name = labels.last().is_some_and(|last| last.chars().any(|c| c.is_ascii_alphabetic()));
    if labels.len() < 2 || !labels.iter().all(label) || !last_is_name {
        return Err(AddressError::Domain);
    }
    Ok(ascii)
}

impl FromStr for EmailAddress {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for EmailAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

super::text_enum::sql_text!(EmailAddress, |address: &EmailAddress| address.as_str());

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_type_is_accepted() {
        for (typed, smtp) in [
            ("jan@example.be", "jan@example.be"),
            ("  jan@example.be ", "jan@example.be"),
            ("Jan.Peeters+nieuws@Example.BE", "Jan.Peeters+nieuws@example.be"),
            ("user@münchen.example", "user@xn--mnchen-3ya.example"),
            ("o'brien@example.ie", "o'brien@example.ie"),
            ("a@b.co", "a@b.co"),
            ("zoë@example.nl", "zoë@example.nl"),
        ] {
            assert_eq!(
                EmailAddress::parse(typed).map(|address| address.to_smtp()),
                Ok(smtp.to_owned()),
                "{typed}"
            );
        }
    }

    #[test]
    fn what_is_no_mailbox_is_refused() {
        let long_local = format!("{}@example.be", "a".repeat(65));
        let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(190));
        for (typed, error) in [
            ("", AddressError::Empty),
            ("   ", AddressError::Empty),
            ("jan", AddressError::NoAt),
            ("jan@@example.be", AddressError::NoAt),
            ("jan@x@example.be", AddressError::NoAt),
            ("@example.be", AddressError::Local),
            (".jan@example.be", AddressError::Local),
            ("jan..p@example.be", AddressError::Local),
            ("\"jan p\"@example.be", AddressError::Local),
            ("jan p@example.be", AddressError::Local),
            ("jan\r\nBcc: y@example.be", AddressError::Local),
            ("<jan@example.be>", AddressError::Local),
            ("jan@", AddressError::Domain),
            ("jan@localhost", AddressError::Domain),
            ("jan@127.0.0.1", AddressError::Domain),
            ("jan@[127.0.0.1]", AddressError::Domain),
            ("jan@exa mple.be", AddressError::Domain),
            ("jan@example.be\r\n", AddressError::Domain),
            ("jan@-example.be", AddressError::Domain),
            ("jan@example..be", AddressError::Domain),
            (&long_local, AddressError::TooLong),
            (&long, AddressError::TooLong),
        ] {
            assert_eq!(EmailAddress::parse(typed), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn one_mailbox_has_one_key() {
        let key = |text: &str| EmailAddress::parse(text).map(|address| address.mailbox_key());
        assert_eq!(key("J.A.N+x@GoogleMail.com"), key("jan@gmail.com"));
        assert_ne!(key("j.an@example.be"), key("jan@example.be"));
    }

    #[test]
    fn the_masked_form_shows_neither_name_nor_domain() {
        let masked = EmailAddress::parse("jan.peeters@example.be").map(|address| address.masked());
        assert_eq!(masked.as_deref(), Ok("j***@e***.be"));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_refused_or_safe(text in "\\PC{0,80}|[a-z.+@\\r\\n<>\" \u{0}-\u{7f}]{0,40}|.{0,300}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(!address.as_str().chars().any(|c| c.is_control() || c.is_whitespace() || "<>()[]:;,\\\"".contains(c)));
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
                prop_assert!(address.to_smtp().len() <= ADDRESS_MAX_OCTETS && address.local().len() <= LOCAL_MAX_OCTETS);
                prop_assert!(address.ascii_domain().is_ascii() && address.ascii_domain().contains('.'));
                // A row that was read from the database is the address that was written.
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
                prop_assert_eq!(EmailAddress::parse(&address.to_smtp()).map(|again| again.key()), Ok(address.key()));
                prop_assert!(!address.masked().contains(address.as_str()));
            }
        }

        #[test]
        fn every_plain_address_is_taken(local in "[a-z0-9]{1,10}([.+_-][a-z0-9]{1,8}){0,3}", domain in "[a-z0-9]{1,12}(-[a-z0-9]{1,8})?\\.(be|nl|fr|de|com|org|gent)") {
            let address = EmailAddress::parse(&format!(" {}@{} ", local.to_uppercase(), domain.to_uppercase())).expect("taken");
            prop_assert_eq!(address.key(), format!("{local}@{domain}"));
            // However it is tagged, it is one mailbox.
            let tagged = EmailAddress::parse(&format!("{local}+news@{domain}")).expect("taken");
            prop_assert_eq!(tagged.mailbox_key(), address.mailbox_key());
        }
    }
}
