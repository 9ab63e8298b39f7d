//! The cookie that holds what was typed into the sign-up form, for the page after it: it shows the address, leads back
//! to the filled form, and can ask for the mail again.
//!
//! It is signed, lives for an hour, and is the same whatever is known of the address. No address stands in a URL or in
//! a log.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::of_newsletter;
use crate::keys::{Keys, Purpose, equal};
use crate::model::{EmailAddress, Language, NewsletterId, Timestamp};
use crate::web::{App, session};

const NAME: &str = "postiljon_inbox";
/// Long enough to find the mail, or to see that it does not come.
const LIFETIME: Duration = Duration::from_secs(3600);
/// Octets of the signature.
const MAC_OCTETS: usize = 16;
/// Longest cookie that is looked at: address and name at their longest, encoded, and room for the rest.
const TEXT_MAX: usize = 4_000;

/// What was typed, and when its mail was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    pub newsletter: NewsletterId,
    pub address: EmailAddress,
    pub name: String,
    pub language: Language,
    /// Of the last request for a mail.
    pub asked_at: Timestamp,
    /// Whether that was a second one.
    pub is_again: bool,
}

impl Typed {
    /// What stands behind the @, as it was typed.
    pub fn domain(&self) -> &str {
        self.address.as_str().rsplit('@').next().unwrap_or_default()
    }
}

pub fn make(app: &App, typed: &Typed) -> Cookie<'static> {
    session::cookie(app, &of_newsletter(NAME, typed.newsletter), write(&app.keys, typed), LIFETIME)
}

/// What this browser's visitor typed for this newsletter within the last hour.
pub fn read(request: &HttpRequest, app: &App, newsletter: NewsletterId) -> Option<Typed> {
    let cookie = request.cookie(&session::cookie_name(app, &of_newsletter(NAME, newsletter)))?;
    let typed = parse(&app.keys, cookie.value())?;
    let is_fresh = app.clock.now().since(typed.asked_at) <= LIFETIME;
    (typed.newsletter == newsletter && is_fresh).then_some(typed)
}

fn write(keys: &Keys, typed: &Typed) -> String {
    let fields = form_urlencoded::Serializer::new(String::new())
        .append_pair("newsletter", &typed.newsletter.to_string())
        .append_pair("address", typed.address.as_str())
        .append_pair("name", &typed.name)
        .append_pair("language", typed.language.as_str())
        .append_pair("asked_at", &typed.asked_at.as_millis().to_string())
        .append_pair("again", if typed.is_again { "yes" } else { "" })
        .finish();
    format!("{}.{}", BASE64URL_NOPAD.encode(fields.as_bytes()), sign(keys, fields.as_bytes()))
}

fn parse(keys: &Keys, text: &str) -> Option<Typed> {
    if text.len() > TEXT_MAX {
        return None;
    }
    let (fields, mac) = text.split_once('.')?;
    let fields = BASE64URL_NOPAD.decode(fields.as_bytes()).ok()?;
    if !equal(sign(keys, &fields).as_bytes(), mac.as_bytes()) {
        return None;
    }
    let field = |name: &str| {
        form_urlencoded::parse(&fields).find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    };
    Some(Typed {
        newsletter: NewsletterId(field("newsletter")?.parse().ok()?),
        address: EmailAddress::parse(&field("address")?).ok()?,
        name: field("name")?,
        language: field("language")?.parse().ok()?,
        asked_at: Timestamp::from_millis(field("asked_at")?.parse().ok()?),
        is_again: field("again")? == "yes",
    })
}

fn sign(keys: &Keys, fields: &[u8]) -> String {
    HEXLOWER.encode(&keys.mac(Purpose::InboxCookie, fields)[..MAC_OCTETS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_and_nothing_that_was_forged() {
        let keys = Keys::new(&[7; 32]);
        let typed = Typed {
            newsletter: NewsletterId(3),
            address: EmailAddress::parse("jan+news@example.org").expect("an address"),
            name: "Jan; \"De\" =&% Wït".to_owned(),
            language: Language::French,
            asked_at: Timestamp::from_millis(1_800_000_000_000),
            is_again: true,
        };
        let text = write(&keys, &typed);
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{text}");
        assert_eq!(parse(&keys, &text), Some(typed));
        assert_eq!(parse(&Keys::new(&[8; 32]), &text), None);
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] = if altered[at] == b'a' { b'b' } else { b'a' };
            assert_eq!(parse(&keys, &String::from_utf8_lossy(&altered)), None, "{at}");
        }
        for text in ["", ".", "a.b", &"a".repeat(10_000)] {
            assert_eq!(parse(&keys, text), None);
        }
    }
}
