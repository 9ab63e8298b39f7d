//! How the issues of a newsletter are sent.

use super::{Marked, NewsletterError, change, mark_of};
use crate::i18n::{FieldErrors, Message};
use crate::model::{Newsletter, NewsletterId, Permission, UncertainPolicy};
use crate::publishing::line;
use crate::store::{self, Store};

const RELAY_MAX_CHARS: usize = 100;

#[derive(Debug, Clone)]
pub struct SendingInput {
    /// Name of the relay that is asked first; empty: any.
    pub relay: String,
    /// Most mails in an hour; without: as fast as relays and destinations take them.
    pub mails_per_hour: Option<i64>,
    pub on_uncertain: UncertainPolicy,
}

impl Marked for SendingInput {
    const PART: &'static str = "sending";

    fn mark(newsletter: &Newsletter) -> String {
        mark_of(&(&newsletter.relay, newsletter.mails_per_hour, newsletter.on_uncertain))
    }
}

/// Changes how the issues of a newsletter are sent; mailings under way follow.
///
/// # Errors
/// [`NewsletterError::Invalid`] names every field that is wrong; [`NewsletterError::Changed`] when these fields were
/// changed since `seen`.
pub async fn set_sending(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    input: &SendingInput,
) -> Result<Newsletter, NewsletterError> {
    store.permit(Permission::SetNewsletter, Some(id))?;
    let mut errors = FieldErrors::new();
    let relay = line(&mut errors, "relay", &input.relay, RELAY_MAX_CHARS, false);
    if input.mails_per_hour.is_some_and(|mails| mails < 1) {
        errors.add("mails_per_hour", Message::new("error-mails-per-hour"));
    }
    let relay = errors.or(relay)?;
    let SendingInput { mails_per_hour, on_uncertain, .. } = *input;
    change::<SendingInput>(store, id, seen, async |tx| {
        store::newsletters::set_sending(tx, id, &relay, mails_per_hour, on_uncertain).await
    })
    .await
}
