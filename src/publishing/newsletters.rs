//! Adding a newsletter, and changing how its issues are sent, where its privacy notice is and who finds its archive.

use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::model::newsletter::NewNewsletter;
use crate::model::{
    ArchivePolicy, EmailAddress, Language, Newsletter, NewsletterId, Slug, Theme, UncertainPolicy,
};
use crate::store::{self, Store, StoreError};

const NAME_MAX_CHARS: usize = 100;
const DESCRIPTION_MAX_CHARS: usize = 500;
const POSTAL_ADDRESS_MAX_CHARS: usize = 300;
const RELAY_MAX_CHARS: usize = 100;

/// A newsletter as typed.
#[derive(Debug, Clone)]
pub struct NewsletterInput {
    /// Empty to have one made of the name.
    pub slug: String,
    pub name: String,
    pub description: String,
    pub language: Language,
    /// IANA name, such as `Europe/Brussels`.
    pub time_zone: String,
    pub sender_name: String,
    pub sender_address: String,
    /// Empty for none.
    pub reply_to: String,
    pub postal_address: String,
    /// `#rrggbb`.
    pub brand_color: String,
    /// Absolute http(s) URL, or empty.
    pub logo_url: String,
    /// Of the privacy notice: an absolute http(s) URL, or empty.
    pub privacy_url: String,
    /// Who finds its issues on the web.
    pub archive: ArchivePolicy,
    pub on_uncertain: UncertainPolicy,
}

#[derive(Debug, thiserror::Error)]
pub enum NewsletterError {
    /// Fields: as in [`NewsletterInput`].
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NewsletterError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::NotFound => Message::new("error-newsletter-not-found"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// Adds a newsletter.
///
/// # Errors
/// [`NewsletterError::Invalid`] names every field that is wrong, also a short name that is taken.
pub async fn add_newsletter(
    store: &Store,
    clock: &Clock,
    input: &NewsletterInput,
) -> Result<Newsletter, NewsletterError> {
    let (new, privacy_url) = parse(input)?;
    let mut tx = store.begin().await?;
    match store::newsletters::insert(&mut tx, &new, clock.now()).await {
        Ok(mut newsletter) => {
            if !privacy_url.is_empty() {
                let set = store::newsletters::set_privacy_url(&mut tx, newsletter.id, &privacy_url).await?;
                newsletter = set.ok_or(NewsletterError::NotFound)?;
            }
            if input.archive != newsletter.archive {
                let set = store::newsletters::set_archive(&mut tx, newsletter.id, input.archive).await?;
                newsletter = set.ok_or(NewsletterError::NotFound)?;
            }
            tx.commit().await?;
            Ok(newsletter)
        }
        Err(error) if error.is_duplicate() => {
            Err(FieldErrors::of("slug", Message::new("error-slug-taken")).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// How the issues of a newsletter are sent.
#[derive(Debug, Clone)]
pub struct SendingInput {
    /// Name of the relay that is asked first; empty: any.
    pub relay: String,
    /// Most mails in an hour; without: as fast as relays and destinations take them.
    pub mails_per_hour: Option<i64>,
    pub on_uncertain: UncertainPolicy,
}

/// Changes how the issues of a newsletter are sent; mailings under way follow.
///
/// # Errors
/// [`NewsletterError::Invalid`] names every field that is wrong.
pub async fn set_sending(
    store: &Store,
    id: NewsletterId,
    input: &SendingInput,
) -> Result<Newsletter, NewsletterError> {
    let mut errors = FieldErrors::new();
    let relay = super::line(&mut errors, "relay", &input.relay, RELAY_MAX_CHARS, false);
    if input.mails_per_hour.is_some_and(|mails| mails < 1) {
        errors.add("mails_per_hour", Message::new("error-mails-per-hour"));
    }
    let relay = errors.or(relay)?;
    let mut tx = store.begin().await?;
    let set = store::newsletters::set_sending(&mut tx, id, &relay, input.mails_per_hour, input.on_uncertain)
        .await?;
    let newsletter = set.ok_or(NewsletterError::NotFound)?;
    tx.commit().await?;
    Ok(newsletter)
}

/// Changes how the issues of a newsletter look, and whether somebody must approve them. Those that are scheduled stay
/// as they are.
///
/// # Errors
/// [`NewsletterError::NotFound`].
pub async fn set_issues(
    store: &Store,
    id: NewsletterId,
    theme: Theme,
    needs_approval: bool,
) -> Result<Newsletter, NewsletterError> {
    let mut tx = store.begin().await?;
    let set = store::newsletters::set_issues(&mut tx, id, theme, needs_approval).await?;
    let newsletter = set.ok_or(NewsletterError::NotFound)?;
    tx.commit().await?;
    Ok(newsletter)
}

/// Says where a newsletter's privacy notice is; empty: nowhere. Pages, forms and consents name it from then on.
///
/// # Errors
/// [`NewsletterError::Invalid`] for what is no http(s) URL, at the field `privacy_url`.
pub async fn set_privacy_url(
    store: &Store,
    id: NewsletterId,
    url: &str,
) -> Result<Newsletter, NewsletterError> {
    let mut errors = FieldErrors::new();
    let url = super::url(&mut errors, "privacy_url", url);
    let url = errors.or(url)?;
    let mut tx = store.begin().await?;
    let set = store::newsletters::set_privacy_url(&mut tx, id, &url).await?;
    let newsletter = set.ok_or(NewsletterError::NotFound)?;
    tx.commit().await?;
    Ok(newsletter)
}

/// Says who finds the issues of a newsletter on the web. It counts from the next visit on.
///
/// # Errors
/// [`NewsletterError::NotFound`].
pub async fn set_archive(
    store: &Store,
    id: NewsletterId,
    policy: ArchivePolicy,
) -> Result<Newsletter, NewsletterError> {
    let mut tx = store.begin().await?;
    let set = store::newsletters::set_archive(&mut tx, id, policy).await?;
    let newsletter = set.ok_or(NewsletterError::NotFound)?;
    tx.commit().await?;
    Ok(newsletter)
}

/// What to add, and where its privacy notice is.
fn parse(input: &NewsletterInput) -> Result<(NewNewsletter, String), FieldErrors> {
    let mut errors = FieldErrors::new();
    let name = super::line(&mut errors, "name", &input.name, NAME_MAX_CHARS, true);
    let slug = match input.slug.trim() {
        "" => Slug::from_title(&name),
        slug => Slug::parse(slug).ok(),
    };
    if slug.is_none() {
        errors.add("slug", Message::new("error-slug"));
    }
    let time_zone = input.time_zone.trim();
    if time_zone.parse::<chrono_tz::Tz>().is_err() {
        errors.add("time_zone", Message::new("error-time-zone"));
    }
    let sender_address = address(&mut errors, "sender_address", &input.sender_address);
    let reply_to = match input.reply_to.trim() {
        "" => None,
        reply_to => address(&mut errors, "reply_to", reply_to),
    };
    let postal_address =
        super::text(&mut errors, "postal_address", &input.postal_address, POSTAL_ADDRESS_MAX_CHARS);
    if postal_address.is_empty() {
        errors.add("postal_address", Message::new("check-no-postal-address"));
    }
    let brand_color = input.brand_color.trim().to_ascii_lowercase();
    let is_color = brand_color
        .strip_prefix('#')
        .is_some_and(|hex| hex.len() == 6 && hex.chars().all(|c| c.is_ascii_hexdigit()));
    if !is_color {
        errors.add("brand_color", Message::new("error-color"));
    }
    let description = super::text(&mut errors, "description", &input.description, DESCRIPTION_MAX_CHARS);
    let sender_name = super::line(&mut errors, "sender_name", &input.sender_name, NAME_MAX_CHARS, true);
    let logo_url = super::url(&mut errors, "logo_url", &input.logo_url);
    let privacy_url = super::url(&mut errors, "privacy_url", &input.privacy_url);
    let (Some(slug), Some(sender_address)) = (slug, sender_address) else { return Err(errors) };
    let new = NewNewsletter {
        slug,
        name,
        description,
        language: input.language,
        time_zone: time_zone.to_owned(),
        sender_name,
        sender_address,
        reply_to,
        postal_address,
        brand_color,
        logo_url,
        on_uncertain: input.on_uncertain,
    };
    errors.or((new, privacy_url))
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
