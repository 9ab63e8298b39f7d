//! Writing, changing and publishing articles.

use super::front_matter::{self, FrontMatterError};
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::model::{Article, ArticleId, ArticleStatus, Language, Slug};
use crate::store::articles::{self as table, ArticleText};
use crate::store::{Store, StoreError, Tx};

pub const TITLE_MAX_CHARS: usize = 200;
const AUTHOR_MAX_CHARS: usize = 200;
const TEASER_MAX_CHARS: usize = 1000;
/// As the renderer takes it.
pub const BODY_MAX_CHARS: usize = crate::mail::markdown::INPUT_MAX_CHARS;
/// Articles of the same title: after so many someone is importing in a loop.
const SAME_TITLE_MAX: usize = 1000;
/// How often a short name that was just taken by someone else is chosen again.
const RACES_MAX: usize = 5;
/// The short name of an article whose title has no Latin letters.
const NAMELESS_SLUG: &str = "article";

/// An article as typed. `slug` is empty to have one made of the title (or, when saving, to keep it).
#[derive(Debug, Clone, Default)]
pub struct ArticleInput {
    pub title: String,
    pub author: String,
    pub language: String,
    pub teaser: String,
    pub body: String,
    pub canonical_url: String,
    pub slug: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ArticleError {
    /// Fields: as in [`ArticleInput`].
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    /// Someone else saved in between; what the person wrote is still in their hands, and here is theirs.
    #[error("{}", self.message())]
    Conflict { theirs: Box<Article> },
    #[error("{}", self.message())]
    NotFound,
    #[error(transparent)]
    FrontMatter(#[from] FrontMatterError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ArticleError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::Conflict { .. } => Message::new("error-conflict"),
            Self::NotFound => Message::new("error-article-not-found"),
            Self::FrontMatter(error) => error.message(),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// Everything but the short name, checked.
fn parse(input: &ArticleInput) -> Result<(ArticleText, Option<Slug>), FieldErrors> {
    let mut errors = FieldErrors::new();
    let slug = match input.slug.trim() {
        "" => None,
        slug => Slug::parse(slug).map_err(|_| errors.add("slug", Message::new("error-slug"))).ok(),
    };
    let language = input.language.trim().parse::<Language>();
    let language = language.map_err(|_| errors.add("language", Message::new("error-language"))).ok();
    let text = ArticleText {
        slug: slug.clone().or_else(|| Slug::parse(NAMELESS_SLUG).ok()).ok_or_else(FieldErrors::new)?,
        language: language.unwrap_or(Language::English),
        title: super::line(&mut errors, "title", &input.title, TITLE_MAX_CHARS, true),
        author: super::line(&mut errors, "author", &input.author, AUTHOR_MAX_CHARS, false),
        teaser: super::text(&mut errors, "teaser", &input.teaser, TEASER_MAX_CHARS),
        body: super::text(&mut errors, "body", &input.body, BODY_MAX_CHARS),
        canonical_url: super::url(&mut errors, "canonical_url", &input.canonical_url),
    };
    errors.or((text, slug))
}

/// Stores a new draft.
///
/// # Errors
/// [`ArticleError::Invalid`] names every field that is wrong.
pub async fn create(store: &Store, clock: &Clock, input: &ArticleInput) -> Result<Article, ArticleError> {
    insert(store, clock, input, ArticleStatus::Draft).await
}

async fn insert(
    store: &Store,
    clock: &Clock,
    input: &ArticleInput,
    status: ArticleStatus,
) -> Result<Article, ArticleError> {
    let (mut text, wanted) = parse(input)?;
    let now = clock.now();
    for race in 1.. {
        let mut tx = store.begin().await?;
        if wanted.is_none() {
            text.slug = free_slug(&mut tx, &text.title).await?;
        }
        match table::insert(&mut tx, &text, now).await {
            Ok(mut article) => {
                if status == ArticleStatus::Published {
                    table::set_status(&mut tx, article.id, status, now).await?;
                    (article.status, article.published_at) = (status, Some(now));
                }
                tx.commit().await?;
                return Ok(article);
            }
            Err(error) if error.is_duplicate() && (wanted.is_some() || race == RACES_MAX) => {
                return Err(FieldErrors::of("slug", Message::new("error-slug-taken")).into());
            }
            Err(error) if error.is_duplicate() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ArticleError::NotFound)
}

/// A short name made of the title, numbered when it is taken.
async fn free_slug(tx: &mut Tx, title: &str) -> Result<Slug, ArticleError> {
    let taken = || FieldErrors::of("title", Message::new("error-slug-taken"));
    let base = Slug::from_title(title).or_else(|| Slug::parse(NAMELESS_SLUG).ok()).ok_or_else(taken)?;
    let mut slug = base.clone();
    for number in 2..SAME_TITLE_MAX {
        if table::by_slug(tx.db(), &slug).await?.is_none() {
            return Ok(slug);
        }
        slug = base.numbered(number);
    }
    Err(taken().into())
}

/// Saves over the version that the person began with.
///
/// # Errors
/// [`ArticleError::Conflict`] when someone else saved in between; nothing is written then.
pub async fn save(
    store: &Store,
    clock: &Clock,
    id: ArticleId,
    version: i64,
    input: &ArticleInput,
) -> Result<Article, ArticleError> {
    let (mut text, wanted) = parse(input)?;
    let mut tx = store.begin().await?;
    let stored = table::by_id(tx.db(), id).await?.ok_or(ArticleError::NotFound)?;
    text.slug = wanted.unwrap_or_else(|| stored.slug.clone());
    match table::update(&mut tx, id, version, &text, clock.now()).await {
        Ok(Some(article)) => {
            tx.commit().await?;
            Ok(article)
        }
        Ok(None) => {
            let theirs = table::by_id(tx.db(), id).await?.ok_or(ArticleError::NotFound)?;
            Err(ArticleError::Conflict { theirs: Box::new(theirs) })
        }
        Err(error) if error.is_duplicate() => {
            Err(FieldErrors::of("slug", Message::new("error-slug-taken")).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Publishes an article, or takes it back to draft. Doing so twice is fine.
///
/// # Errors
/// [`ArticleError::NotFound`].
pub async fn set_status(
    store: &Store,
    clock: &Clock,
    id: ArticleId,
    status: ArticleStatus,
) -> Result<(), ArticleError> {
    let mut tx = store.begin().await?;
    let stored = table::by_id(tx.db(), id).await?.ok_or(ArticleError::NotFound)?;
    if stored.status != status {
        table::set_status(&mut tx, id, status, clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Stores an article from Markdown with front matter; see [`front_matter`].
///
/// # Errors
/// [`ArticleError`].
pub async fn import(store: &Store, clock: &Clock, source: &str) -> Result<Article, ArticleError> {
    let (input, status) = front_matter::parse(source)?;
    insert(store, clock, &input, status).await
}
