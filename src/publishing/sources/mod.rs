//! Articles from outside: feeds that are asked again and again, and of which the entries become articles.
//!
//! [`feed`] reads what a feed says, [`fetch`] asks for it, makes articles of what is new, and of what changed. Here is
//! what people do with sources. See `docs/decisions/0028-articles-from-outside.md`.

pub mod feed;
pub mod fetch;

use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::model::{Act, Intake, Language, Permission, Source, SourceId, Tag};
use crate::publishing::{self, articles};
use crate::store::sources::{self as table, SourceText};
use crate::store::{Store, StoreError};

/// Most sources of an installation: above that somebody runs a news agency.
pub const SOURCES_MAX: usize = 100;
const NAME_MAX_CHARS: usize = 100;
/// How often a source may be asked, in minutes: what is polite, and a week.
pub const INTERVAL_MIN_MINUTES: i64 = 15;
pub const INTERVAL_MAX_MINUTES: i64 = 7 * 24 * 60;
/// Where nothing is said.
pub const INTERVAL_MINUTES: i64 = 60;

/// A source as typed.
#[derive(Debug, Clone, Default)]
pub struct SourceInput {
    pub name: String,
    pub url: String,
    pub language: String,
    /// Names with commas.
    pub tags: String,
    /// `draft` or `published`.
    pub intake: String,
    pub interval_minutes: String,
    pub is_on: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Fields: as in [`SourceInput`].
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    NotFound,
    #[error("{}", self.message())]
    Conflict,
    #[error("{}", self.message())]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SourceError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::NotFound => Message::new("error-source-not-found"),
            Self::Conflict => Message::new("error-conflict"),
            Self::TooMany => Message::new("error-source-too-many"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }
}

fn parse(input: &SourceInput) -> Result<SourceText, FieldErrors> {
    let mut errors = FieldErrors::new();
    let url = publishing::url(&mut errors, "url", &input.url);
    if url.is_empty() && errors.field("url").is_none() {
        errors.add("url", Message::new("error-required"));
    }
    let name = match input.name.trim() {
        // Its host says enough.
        "" => reqwest::Url::parse(&url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default(),
        name => name.to_owned(),
    };
    let language = input.language.trim().parse().unwrap_or_else(|_| {
        errors.add("language", Message::new("error-language"));
        Language::English
    });
    let intake = input.intake.trim().parse().unwrap_or_else(|_| {
        errors.add("intake", Message::new("error-choose"));
        Intake::Draft
    });
    let minutes = input.interval_minutes.trim().parse().ok();
    let minutes = minutes.filter(|minutes| (INTERVAL_MIN_MINUTES..=INTERVAL_MAX_MINUTES).contains(minutes));
    if minutes.is_none() {
        let message = Message::new("error-digest-number");
        let message = message.number("least", INTERVAL_MIN_MINUTES).number("most", INTERVAL_MAX_MINUTES);
        errors.add("interval_minutes", message);
    }
    let tags = articles::parse_tags(&mut errors, &input.tags);
    let text = SourceText {
        name: publishing::line(&mut errors, "name", &name, NAME_MAX_CHARS, false),
        url,
        language,
        tags: tags.iter().map(Tag::name).collect::<Vec<_>>().join(", "),
        intake,
        interval_minutes: minutes.unwrap_or(INTERVAL_MINUTES),
        is_on: input.is_on,
    };
    errors.or(text)
}

fn taken() -> SourceError {
    FieldErrors::of("url", Message::new("error-source-taken")).into()
}

/// Adds a source; it is asked at once, if it is on.
///
/// # Errors
/// [`SourceError`].
pub async fn create(store: &Store, clock: &Clock, input: &SourceInput) -> Result<Source, SourceError> {
    store.permit(Permission::SetSources, None)?;
    let text = parse(input)?;
    let mut tx = store.begin().await?;
    if table::all(tx.db()).await?.len() >= SOURCES_MAX {
        return Err(SourceError::TooMany);
    }
    let source = match table::insert(&mut tx, &text, clock.now()).await {
        Err(error) if error.is_duplicate() => return Err(taken()),
        source => source?,
    };
    tx.note(Act::SourceAdded, None, source.id.0).await?;
    tx.commit().await?;
    Ok(source)
}

/// Saves over the version that the person began with.
///
/// # Errors
/// [`SourceError`]; nothing is written then.
pub async fn save(
    store: &Store,
    clock: &Clock,
    id: SourceId,
    version: i64,
    input: &SourceInput,
) -> Result<Source, SourceError> {
    store.permit(Permission::SetSources, None)?;
    let text = parse(input)?;
    let mut tx = store.begin().await?;
    if table::by_id(tx.db(), id).await?.is_none() {
        return Err(SourceError::NotFound);
    }
    let source = match table::update(&mut tx, id, version, &text, clock.now()).await {
        Err(error) if error.is_duplicate() => return Err(taken()),
        source => source?.ok_or(SourceError::Conflict)?,
    };
    tx.note(Act::SourceChanged, None, id.0).await?;
    tx.commit().await?;
    Ok(source)
}

/// Removes a source; its articles stay.
///
/// # Errors
/// [`SourceError::NotFound`] when it is gone already.
pub async fn delete(store: &Store, id: SourceId) -> Result<(), SourceError> {
    store.permit(Permission::SetSources, None)?;
    let mut tx = store.begin().await?;
    if !table::delete(&mut tx, id).await? {
        return Err(SourceError::NotFound);
    }
    tx.note(Act::SourceRemoved, None, id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// As it would be typed again.
pub fn input_of(source: &Source) -> SourceInput {
    SourceInput {
        name: source.name.clone(),
        url: source.url.clone(),
        language: source.language.to_string(),
        tags: source.tags.clone(),
        intake: source.intake.to_string(),
        interval_minutes: source.interval_minutes.to_string(),
        is_on: source.is_on,
    }
}
