//! Adding a newsletter, and changing it part by part: a file for each part, which is a form of its page at the desk.
//!
//! To add a part: a file here with its input, which is [`Marked`], and its verb; a section of the page in
//! `web/admin/newsletters/sections/`.

mod about;
mod archive;
mod brand;
mod issues;
mod privacy;
mod sender;
mod sending;
mod tracking;

pub use about::{AboutInput, set_about};
pub use archive::set_archive;
pub use brand::{BRAND_COLOR, BrandInput, logo_address, set_brand, with_brand, with_brand_as_far_as_right};
pub use issues::{IssuesInput, set_issues};
pub use privacy::{PrivacyInput, set_privacy};
pub use sender::{SenderInput, set_sender};
pub use sending::{SendingInput, set_sending};
pub use tracking::set_tracking;

use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::keys::sha256_hex;
use crate::mail::slot::clean_line;
use crate::model::newsletter::NewNewsletter;
use crate::model::{
    Act, ArchivePolicy, EmailAddress, Language, Newsletter, NewsletterId, Permission, Slug, UncertainPolicy,
};
use crate::store::newsletters::{About, Brand, Sender};
use crate::store::{self, Store, StoreError, Tx};

/// Digits of a mark: enough that two states of a form do not share one.
const MARK_DIGITS: usize = 16;

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
    /// Somebody else has changed the same fields since they were shown.
    #[error("{}", self.message())]
    Changed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NewsletterError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::NotFound => Message::new("error-newsletter-not-found"),
            Self::Changed => Message::new("error-changed-meanwhile"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// Fields of a newsletter that are changed together.
pub trait Marked {
    /// What they are now, in short: the form carries it, so that nobody overwrites what they have not seen.
    fn mark(newsletter: &Newsletter) -> String;
    /// What the audit log calls them.
    const PART: &'static str;
}

fn mark_of(fields: &impl std::fmt::Debug) -> String {
    let mut mark = sha256_hex(format!("{fields:?}").as_bytes());
    mark.truncate(MARK_DIGITS);
    mark
}

/// Changes fields that still are as they were `seen`; `None` overwrites whatever is there.
async fn change<T: Marked>(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    write: impl AsyncFnOnce(&mut Tx) -> store::Result<Option<Newsletter>>,
) -> Result<Newsletter, NewsletterError> {
    let mut tx = store.begin().await?;
    tx.permit(Permission::SetNewsletter, Some(id))?;
    let now = store::newsletters::lock(&mut tx, id).await?.ok_or(NewsletterError::NotFound)?;
    if seen.is_some_and(|seen| seen != T::mark(&now)) {
        return Err(NewsletterError::Changed);
    }
    let changed = write(&mut tx).await?.ok_or(NewsletterError::NotFound)?;
    tx.note_detail(Act::NewsletterChanged, Some(id), Some(id.0), T::PART).await?;
    tx.commit().await?;
    Ok(changed)
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
    store.permit(Permission::AddNewsletters, None)?;
    let mut errors = FieldErrors::new();
    let about = about::parse(&mut errors, &input.about());
    let slug = slug(&mut errors, &input.slug, &about.name);
    let sender = sender::parse(&mut errors, &input.sender());
    let look = BrandInput { brand_color: input.brand_color.clone(), logo_url: input.logo_url.clone() };
    let brand = brand::parse(&mut errors, &look);
    let privacy_url = super::url(&mut errors, "privacy_url", &input.privacy_url);
    let (Some(slug), Some(sender)) = (slug, sender) else { return Err(errors.into()) };
    errors.or(())?;
    let NewsletterInput { archive, on_uncertain, .. } = *input;
    insert(store, clock, Parts { slug, about, sender, brand, privacy_url, archive, on_uncertain }).await
}

/// Adds a newsletter with the look that all have at first. An empty short name is made of the name.
///
/// # Errors
/// As [`add_newsletter`].
pub async fn open_newsletter(
    store: &Store,
    clock: &Clock,
    short_name: &str,
    about: &AboutInput,
    sender: &SenderInput,
) -> Result<Newsletter, NewsletterError> {
    store.permit(Permission::AddNewsletters, None)?;
    let mut errors = FieldErrors::new();
    let about = about::parse(&mut errors, about);
    let slug = slug(&mut errors, short_name, &about.name);
    let sender = sender::parse(&mut errors, sender);
    let (Some(slug), Some(sender)) = (slug, sender) else { return Err(errors.into()) };
    errors.or(())?;
    insert(store, clock, Parts::new(slug, about, sender)).await
}

/// Adds the newsletter of the first run, whose sender is asked for next: until then it is its owner, without the postal
/// address that every issue needs.
///
/// # Errors
/// As [`add_newsletter`].
pub async fn begin_newsletter(
    store: &Store,
    clock: &Clock,
    about: &AboutInput,
    owner: &EmailAddress,
) -> Result<Newsletter, NewsletterError> {
    store.permit(Permission::AddNewsletters, None)?;
    let mut errors = FieldErrors::new();
    let about = about::parse(&mut errors, about);
    // A name in another script makes no short name, and nobody was asked for one.
    let slug = Slug::from_title(&about.name).map_or_else(|| Slug::parse(FIRST_SLUG).ok(), Some);
    errors.or(())?;
    let sender = Sender {
        sender_name: about.name.clone(),
        sender_address: owner.clone(),
        reply_to: None,
        postal_address: String::new(),
    };
    let slug = slug.ok_or(NewsletterError::NotFound)?;
    insert(store, clock, Parts::new(slug, about, sender)).await
}

/// Of the first newsletter, when its name gives none.
const FIRST_SLUG: &str = "news";

/// Everything that a newsletter is made of.
struct Parts {
    slug: Slug,
    about: About,
    sender: Sender,
    brand: Brand,
    privacy_url: String,
    archive: ArchivePolicy,
    on_uncertain: UncertainPolicy,
}

impl Parts {
    fn new(slug: Slug, about: About, sender: Sender) -> Self {
        let brand = Brand { brand_color: BRAND_COLOR.to_owned(), logo_url: String::new() };
        Self {
            slug,
            about,
            sender,
            brand,
            privacy_url: String::new(),
            archive: ArchivePolicy::Unlisted,
            on_uncertain: UncertainPolicy::Resend,
        }
    }
}

async fn insert(store: &Store, clock: &Clock, parts: Parts) -> Result<Newsletter, NewsletterError> {
    let Parts { slug, about, sender, brand, privacy_url, archive, on_uncertain } = parts;
    let new = NewNewsletter {
        slug,
        name: about.name.clone(),
        description: about.description.clone(),
        language: about.language,
        time_zone: about.time_zone.clone(),
        sender_name: sender.sender_name,
        sender_address: sender.sender_address,
        reply_to: sender.reply_to,
        postal_address: sender.postal_address,
        brand_color: brand.brand_color,
        logo_url: brand.logo_url,
        on_uncertain,
    };
    let mut tx = store.begin().await?;
    let id = match store::newsletters::insert(&mut tx, &new, clock.now()).await {
        Ok(newsletter) => newsletter.id,
        Err(error) if error.is_duplicate() => {
            return Err(FieldErrors::of("slug", Message::new("error-slug-taken")).into());
        }
        Err(error) => return Err(error.into()),
    };
    store::newsletters::set_privacy(&mut tx, id, &privacy_url, "").await?;
    store::newsletters::set_archive(&mut tx, id, archive).await?;
    let newsletter = store::newsletters::set_about(&mut tx, id, &about).await?;
    tx.note(Act::NewsletterAdded, Some(id), id.0).await?;
    tx.commit().await?;
    newsletter.ok_or(NewsletterError::NotFound)
}

/// The short name as typed, or one made of the name.
fn slug(errors: &mut FieldErrors, typed: &str, name: &str) -> Option<Slug> {
    let slug = match clean_line(typed).as_str() {
        "" => Slug::from_title(name),
        typed => Slug::parse(typed).ok(),
    };
    if slug.is_none() {
        errors.add("slug", Message::new("error-slug"));
    }
    slug
}

impl NewsletterInput {
    fn about(&self) -> AboutInput {
        AboutInput {
            name: self.name.clone(),
            description: self.description.clone(),
            language: self.language,
            reader_languages: Language::ALL.to_vec(),
            time_zone: self.time_zone.clone(),
        }
    }

    fn sender(&self) -> SenderInput {
        SenderInput {
            sender_name: self.sender_name.clone(),
            sender_address: self.sender_address.clone(),
            reply_to: self.reply_to.clone(),
            postal_address: self.postal_address.clone(),
        }
    }
}
