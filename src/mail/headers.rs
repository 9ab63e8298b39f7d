//! Which header fields each kind of mail carries, beside those that every message has.
//!
//! To add a kind: a function here that names its fields, and its row in the tests of this file.

use uuid::Uuid;

use super::mime;
use crate::keys;
use crate::model::Newsletter;

/// Longest `List-Id`, in octets (RFC 2919, 2: the identifier; we hold the whole field to it).
const LIST_ID_MAX_OCTETS: usize = 255;
/// Octets of a sender's name for feedback loops; 5 to 15 are allowed.
const SENDER_ID_OCTETS: usize = 12;

/// The fields of one kind of mail that are the same for every recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    /// Complete fields, encoded and folded.
    pub(super) fixed: String,
    /// Whether the mail carries `List-Unsubscribe` and `List-Unsubscribe-Post` (RFC 8058), which hold the
    /// recipient's own link.
    pub(super) one_click: bool,
}

/// An issue of a newsletter.
pub fn issue(newsletter: &Newsletter, issue: Uuid) -> Headers {
    let mut fixed = list_id(newsletter);
    fixed.push_str(&feedback_id(newsletter, issue));
    fixed.push_str("Precedence: bulk\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\n");
    Headers { fixed, one_click: true }
}

/// A mail of the welcome series: a part of the newsletter, though nobody else gets it today.
pub fn welcome(newsletter: &Newsletter) -> Headers {
    let mut fixed = list_id(newsletter);
    fixed.push_str(AUTO_GENERATED);
    fixed.push_str("X-Auto-Response-Suppress: OOF, AutoReply\r\n");
    Headers { fixed, one_click: true }
}

/// The question to confirm. One click in the mail program forgets the sign-up.
pub fn confirm() -> Headers {
    Headers { fixed: AUTO_GENERATED.to_owned(), one_click: true }
}

/// The answer to a sign-up of someone who is subscribed already.
pub fn already_subscribed() -> Headers {
    Headers { fixed: AUTO_GENERATED.to_owned(), one_click: true }
}

/// The links to someone's preferences. It is about several newsletters: one click could not say which is left.
pub fn manage() -> Headers {
    Headers { fixed: AUTO_GENERATED.to_owned(), one_click: false }
}

/// About a change of address: nobody leaves by the question to a new address, or by the notice to an old one.
pub fn address() -> Headers {
    Headers { fixed: AUTO_GENERATED.to_owned(), one_click: false }
}

/// An issue as it will look, to a colleague: nobody can leave a list by it.
pub fn test() -> Headers {
    Headers { fixed: AUTO_GENERATED.to_owned(), one_click: false }
}

/// RFC 3834, 5: no vacation notices, please.
const AUTO_GENERATED: &str = "Auto-Submitted: auto-generated\r\n";

/// RFC 2919. Stable as long as the newsletter's short name and sender's domain are.
fn list_id(newsletter: &Newsletter) -> String {
    let id = format!("{}.{}", newsletter.slug, newsletter.sender_address.ascii_domain());
    let field = mime::phrase_field("List-Id", &newsletter.name, &id);
    if field.len() <= LIST_ID_MAX_OCTETS {
        field
    } else {
        mime::phrase_field("List-Id", "", &format!("<{id}>"))
    }
}

/// Under which Gmail counts complaints: issue, newsletter, kind, sender. Nothing in it is about a person.
fn feedback_id(newsletter: &Newsletter, issue: Uuid) -> String {
    let mut sender = keys::sha256_hex(newsletter.sender_address.ascii_domain().as_bytes());
    sender.truncate(SENDER_ID_OCTETS);
    let value = format!("{}:{}:issue:{sender}", issue.simple(), newsletter.slug);
    mime::token_field("Feedback-ID", [value.as_str()])
}
