//! Who a newsletter comes from.

use super::{Marked, NewsletterError, change, mark_of};
use crate::i18n::{FieldErrors, Message};
use crate::model::{EmailAddress, Newsletter, NewsletterId, Permission};
use crate::publishing::{line, text};
use crate::store::newsletters::Sender;
use crate::store::{self, Store};

const NAME_MAX_CHARS: usize = 100;
const POSTAL_ADDRESS_MAX_CHARS: usize = 300;

/// As typed.
#[derive(Debug, Clone)]
pub struct SenderInput {
    pub sender_name: String,
    pub sender_address: String,
    /// Empty for none.
    pub reply_to: String,
    pub postal_address: String,
}

impl Marked for SenderInput {
    const PART: &'static str = "sender";

    fn mark(newsletter: &Newsletter) -> String {
        let Newsletter { sender_name, sender_address, reply_to, postal_address, .. } = newsletter;
        let reply_to = reply_to.as_ref().map(EmailAddress::as_str);
        mark_of(&(sender_name, sender_address.as_str(), reply_to, postal_address))
    }
}

/// `None` with an error beside what is wrong with the address.
pub(super) fn parse(errors: &mut FieldErrors, input: &SenderInput) -> Option<Sender> {
    let sender_name = line(errors, "sender_name", &input.sender_name, NAME_MAX_CHARS, true);
    let sender_address = address(errors, "sender_address", &input.sender_address);
    let reply_to = match input.reply_to.trim() {
        "" => None,
        reply_to => address(errors, "reply_to", reply_to),
    };
    let postal_address = text(errors, "postal_address", &input.postal_address, POSTAL_ADDRESS_MAX_CHARS);
    if postal_address.is_empty() {
        errors.add("postal_address", Message::new("check-no-postal-address"));
    }
    Some(Sender { sender_name, sender_address: sender_address?, reply_to, postal_address })
}

/// Changes who a newsletter comes from; mailings that are scheduled keep what they were scheduled with.
///
/// # Errors
/// [`NewsletterError::Invalid`] names every field that is wrong; [`NewsletterError::Changed`] when these fields were
/// changed since `seen`.
pub async fn set_sender(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    input: &SenderInput,
) -> Result<Newsletter, NewsletterError> {
    store.permit(Permission::SetNewsletter, Some(id))?;
    let mut errors = FieldErrors::new();
    let sender = parse(&mut errors, input);
    let sender = errors.or(sender)?.ok_or(NewsletterError::NotFound)?;
    change::<SenderInput>(store, id, seen, async |tx| store::newsletters::set_sender(tx, id, &sender).await)
        .await
}

/// An address that we send from: relays rarely take letters beyond ASCII there.
fn address(errors: &mut FieldErrors, field: &'static str, text: &str) -> Option<EmailAddress> {
    match EmailAddress::parse(text) {
        Ok(address) if address.needs_smtputf8() => {
            errors.add(field, Message::new("error-address-local"));
            None
        }
        Ok(address) => Some(address),
        Err(error) => {
            errors.add(field, Message::new(error.key()));
            None
        }
    }
}
