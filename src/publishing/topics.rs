//! The topics of a newsletter: what it is about, so that readers can choose and issues can say whom they are for.

use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::keys::sha256_hex;
use crate::model::{Act, Language, Newsletter, NewsletterId, Permission, Slug, Topic, TopicId, TopicText};
use crate::store::{self, Store, StoreError, Tx, topics as table};

const NAME_MAX_CHARS: usize = 60;
const DESCRIPTION_MAX_CHARS: usize = 200;
/// Most topics that are offered at once: a list that a reader still looks through.
pub const TOPICS_MAX: usize = 30;
/// Of the mark of what a topic is called: what differs is told apart, which is no secret.
const MARK_DIGITS: usize = 16;
/// How often a key that is taken gets another number.
const NUMBERS_MAX: usize = 100;

/// What a topic is called. Readers of a language without a name see that of the newsletter's language.
#[derive(Debug, Clone, Default)]
pub struct TopicInput {
    pub texts: Vec<TopicWords>,
}

#[derive(Debug, Clone)]
pub struct TopicWords {
    pub language: Language,
    pub name: String,
    /// One sentence; may be empty.
    pub description: String,
}

/// Where a topic goes in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// Fields: `name-nl`, `description-nl` and so on.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    TooMany,
    /// Drafts have it: the number of the first.
    #[error("{}", self.message())]
    InUse(i64),
    /// Somebody else gave it other words since they were `seen`.
    #[error("{}", self.message())]
    Changed,
    /// Somebody else moved it since its place was `seen`.
    #[error("{}", self.message())]
    Moved,
    #[error("{}", self.message())]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TopicError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        let most = i64::try_from(TOPICS_MAX).unwrap_or(i64::MAX);
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::TooMany => Message::new("error-topics-too-many").number("most", most),
            Self::InUse(number) => Message::new("error-topic-in-use").text("number", number.to_string()),
            Self::Changed => Message::new("error-changed-meanwhile"),
            Self::Moved => Message::new("error-topics-moved"),
            Self::NotFound => Message::new("error-topic"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// The names of the fields of a language.
pub const fn fields_of(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Dutch => ("name-nl", "description-nl"),
        Language::English => ("name-en", "description-en"),
        Language::French => ("name-fr", "description-fr"),
        Language::German => ("name-de", "description-de"),
    }
}

fn parse(
    newsletter: &Newsletter,
    input: &TopicInput,
) -> Result<Vec<(Language, String, String)>, FieldErrors> {
    let mut errors = FieldErrors::new();
    let mut texts = Vec::new();
    for language in Language::ALL {
        let (name_field, description_field) = fields_of(*language);
        let words = input.texts.iter().find(|words| words.language == *language);
        let (name, description) =
            words.map_or(("", ""), |words| (words.name.as_str(), words.description.as_str()));
        let is_required = *language == newsletter.language || !description.trim().is_empty();
        let name = super::line(&mut errors, name_field, name, NAME_MAX_CHARS, is_required);
        let description =
            super::line(&mut errors, description_field, description, DESCRIPTION_MAX_CHARS, false);
        if !name.is_empty() {
            texts.push((*language, name, description));
        }
    }
    errors.or(texts)
}

/// Adds a topic at the end of the list. `for_those_with_all`: everyone who has all topics, and with the first
/// topic everyone, gets this one too; otherwise readers choose it themselves.
///
/// # Errors
/// [`TopicError`]; nothing is written then.
pub async fn add(
    store: &Store,
    clock: &Clock,
    newsletter: NewsletterId,
    input: &TopicInput,
    for_those_with_all: bool,
) -> Result<Topic, TopicError> {
    store.permit(Permission::SetNewsletter, Some(newsletter))?;
    let now = clock.now();
    let mut tx = store.begin().await?;
    let newsletter = store::newsletters::by_id(tx.db(), newsletter).await?.ok_or(TopicError::NotFound)?;
    let texts = parse(&newsletter, input)?;
    let known = table::of_newsletter(tx.db(), newsletter.id).await?;
    if known.iter().filter(|topic| topic.archived_at.is_none()).count() >= TOPICS_MAX {
        return Err(TopicError::TooMany);
    }
    let key = free_key(&newsletter, &texts, &known);
    let topic = match table::insert(&mut tx, newsletter.id, &key, now).await {
        Err(error) if error.is_duplicate() => return Err(TopicError::TooMany),
        other => other?,
    };
    table::set_texts(&mut tx, topic.id, &texts).await?;
    if for_those_with_all {
        table::give_to_those_with_all(&mut tx, topic.id, newsletter.id, now).await?;
    }
    tx.note(Act::TopicAdded, Some(newsletter.id), topic.id.0).await?;
    tx.commit().await?;
    Ok(topic)
}

/// The name in the newsletter's language as a key that no other topic has.
fn free_key(newsletter: &Newsletter, texts: &[(Language, String, String)], known: &[Topic]) -> String {
    let name = texts.iter().find(|(language, ..)| *language == newsletter.language).map(|(_, name, _)| name);
    let base = name
        .and_then(|name| Slug::from_title(name))
        .map_or_else(|| "topic".to_owned(), |slug| slug.as_str().replace('-', "_"));
    let is_free = |key: &String| known.iter().all(|topic| topic.key != *key);
    let numbered = (2..NUMBERS_MAX).map(|number| format!("{base}_{number}"));
    std::iter::once(base.clone()).chain(numbered).find(is_free).unwrap_or(base)
}

/// What a topic is called now, in short: the form carries it, so that nobody overwrites what they have not seen.
pub fn mark(texts: &[TopicText], id: TopicId) -> String {
    let own = texts.iter().filter(|text| text.topic_id == id);
    let mut own: Vec<_> = own.map(|text| (text.language.as_str(), &text.name, &text.description)).collect();
    own.sort_unstable();
    let mut mark = sha256_hex(format!("{own:?}").as_bytes());
    mark.truncate(MARK_DIGITS);
    mark
}

/// Gives a topic other words, over those that were `seen`; `None` overwrites whatever is there. Its key, and who has it,
/// stay.
///
/// # Errors
/// [`TopicError`]; nothing is written then.
pub async fn rename(
    store: &Store,
    id: TopicId,
    seen: Option<&str>,
    input: &TopicInput,
) -> Result<(), TopicError> {
    let mut tx = store.begin().await?;
    let (_, newsletter) = found(&mut tx, id).await?;
    let texts = parse(&newsletter, input)?;
    let stored = table::texts(tx.db(), newsletter.id).await?;
    if seen.is_some_and(|seen| seen != mark(&stored, id)) {
        return Err(TopicError::Changed);
    }
    table::set_texts(&mut tx, id, &texts).await?;
    tx.note(Act::TopicChanged, Some(newsletter.id), id.0).await?;
    Ok(tx.commit().await?)
}

/// Moves a topic one place among those that are offered, from the place where it was `seen`, counted from 1; `None`: from
/// wherever it is. At the end of the list it stays.
///
/// # Errors
/// [`TopicError`]; nothing is written then.
pub async fn shift(
    store: &Store,
    id: TopicId,
    seen: Option<usize>,
    direction: Direction,
) -> Result<(), TopicError> {
    let mut tx = store.begin().await?;
    let (topic, _) = found(&mut tx, id).await?;
    let mut offered = table::of_newsletter(tx.db(), topic.newsletter_id).await?;
    offered.retain(|topic| topic.archived_at.is_none());
    let Some(at) = offered.iter().position(|topic| topic.id == id) else { return Ok(()) };
    if seen.is_some_and(|seen| seen != at + 1) {
        return Err(TopicError::Moved);
    }
    let other = match direction {
        Direction::Up => at.checked_sub(1),
        Direction::Down => Some(at + 1).filter(|other| *other < offered.len()),
    };
    let Some(other) = other else { return Ok(()) };
    offered.swap(at, other);
    for (position, topic) in (1..).zip(&offered) {
        table::set_position(&mut tx, topic.id, position).await?;
    }
    tx.note(Act::TopicChanged, Some(topic.newsletter_id), id.0).await?;
    Ok(tx.commit().await?)
}

/// Offers a topic no more: not to readers, and not for issues. Who has it keeps it, and mailings that were
/// scheduled with it go out.
///
/// # Errors
/// [`TopicError::InUse`] while a draft has it.
pub async fn archive(store: &Store, clock: &Clock, id: TopicId) -> Result<(), TopicError> {
    let mut tx = store.begin().await?;
    let (topic, _) = found(&mut tx, id).await?;
    if let Some(number) = table::drafts(tx.db(), id).await?.first() {
        return Err(TopicError::InUse(*number));
    }
    if topic.archived_at.is_none() {
        table::set_archived(&mut tx, id, Some(clock.now())).await?;
        tx.note(Act::TopicArchived, Some(topic.newsletter_id), id.0).await?;
    }
    Ok(tx.commit().await?)
}

/// Offers an archived topic again, at the end of the list.
///
/// # Errors
/// [`TopicError`]; nothing is written then.
pub async fn restore(store: &Store, id: TopicId) -> Result<(), TopicError> {
    let mut tx = store.begin().await?;
    let (topic, _) = found(&mut tx, id).await?;
    let all = table::of_newsletter(tx.db(), topic.newsletter_id).await?;
    if topic.archived_at.is_none() {
        return Ok(());
    }
    if all.iter().filter(|topic| topic.archived_at.is_none()).count() >= TOPICS_MAX {
        return Err(TopicError::TooMany);
    }
    let last = all.iter().map(|topic| topic.position).max().unwrap_or(0);
    table::set_position(&mut tx, id, last + 1).await?;
    table::set_archived(&mut tx, id, None).await?;
    tx.note(Act::TopicRestored, Some(topic.newsletter_id), id.0).await?;
    Ok(tx.commit().await?)
}

/// A topic and its newsletter, held: whoever else changes its topics waits.
async fn found(tx: &mut Tx, id: TopicId) -> Result<(Topic, Newsletter), TopicError> {
    let topic = table::by_id(tx.db(), id).await?.ok_or(TopicError::NotFound)?;
    tx.permit(Permission::SetNewsletter, Some(topic.newsletter_id))?;
    let newsletter = store::newsletters::lock(tx, topic.newsletter_id).await?;
    let topic = table::by_id(tx.db(), id).await?.ok_or(TopicError::NotFound)?;
    Ok((topic, newsletter.ok_or(TopicError::NotFound)?))
}
