//! What a newsletter is: its name, its languages, what it says of itself, and in which zone its times are.

use super::{Marked, NewsletterError, change, mark_of};
use crate::i18n::{FieldErrors, Message};
use crate::model::{Language, Newsletter, NewsletterId, Permission, ReaderLanguages};
use crate::publishing::{line, text};
use crate::store::newsletters::About;
use crate::store::{self, Store};

const NAME_MAX_CHARS: usize = 100;
const DESCRIPTION_MAX_CHARS: usize = 500;

/// As typed.
#[derive(Debug, Clone)]
pub struct AboutInput {
    pub name: String,
    pub description: String,
    pub language: Language,
    /// Which languages readers can choose beside it.
    pub reader_languages: Vec<Language>,
    /// IANA name, such as `Europe/Brussels`.
    pub time_zone: String,
}

impl Marked for AboutInput {
    const PART: &'static str = "about";

    fn mark(newsletter: &Newsletter) -> String {
        let Newsletter { name, description, language, reader_languages, time_zone, .. } = newsletter;
        mark_of(&(name, description, language, reader_languages, time_zone))
    }
}

pub(super) fn parse(errors: &mut FieldErrors, input: &AboutInput) -> About {
    let name = line(errors, "name", &input.name, NAME_MAX_CHARS, true);
    let description = text(errors, "description", &input.description, DESCRIPTION_MAX_CHARS);
    let time_zone = input.time_zone.trim().to_owned();
    if time_zone.parse::<chrono_tz::Tz>().is_err() {
        errors.add("time_zone", Message::new("error-time-zone"));
    }
    let reader_languages = ReaderLanguages::new(&input.reader_languages);
    About { name, description, language: input.language, reader_languages, time_zone }
}

/// Changes what a newsletter is. Its short name stays: it stands in links that people have.
///
/// # Errors
/// [`NewsletterError::Invalid`] names every field that is wrong; [`NewsletterError::Changed`] when these fields were
/// changed since `seen`.
pub async fn set_about(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    input: &AboutInput,
) -> Result<Newsletter, NewsletterError> {
    store.permit(Permission::SetNewsletter, Some(id))?;
    let mut errors = FieldErrors::new();
    let about = parse(&mut errors, input);
    let about = errors.or(about)?;
    change::<AboutInput>(store, id, seen, async |tx| store::newsletters::set_about(tx, id, &about).await)
        .await
}
