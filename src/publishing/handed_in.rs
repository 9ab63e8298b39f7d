//! Articles that programs hand in, by the API: once each, recognised by what they are called there.
//!
//! What is not said stays as it is. An article that somebody edited here is theirs: what comes for it by its external id
//! is refused, as a source's is left out (`docs/decisions/0028-articles-from-outside.md`); by its version it can be
//! changed all the same.

use super::articles::{self, ArticleError, ArticleInput, New};
use super::pictures::{self, Fetcher};
use super::versions;
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::keys::sha256;
use crate::model::{Act, Article, ArticleId, ArticleStatus, ArticleVersion, Permission, UserId, VersionKind};
use crate::store::article_versions::{self, Saving};
use crate::store::{self, Store, StoreError, Tx, external_articles};

/// Longest external id: an address.
const EXTERNAL_ID_MAX_CHARS: usize = 500;
/// How often a short name that was just taken by someone else is chosen again.
const RACES_MAX: usize = 5;

/// An article as a program says it. `None`: as it is; of a new one: empty.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct HandedIn {
    pub title: Option<String>,
    pub author: Option<String>,
    pub language: Option<String>,
    pub teaser: Option<String>,
    /// Markdown.
    pub body: Option<String>,
    pub canonical_url: Option<String>,
    pub slug: Option<String>,
    /// Names with commas.
    pub tags: Option<String>,
    /// Of a new one: a draft.
    pub status: Option<ArticleStatus>,
}

impl HandedIn {
    /// By which what comes again unchanged is recognised.
    fn content(&self) -> Vec<u8> {
        sha256(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// With pictures of our own, where the text has any.
    async fn with_own_pictures(&self, pictures: Fetcher<'_>) -> Self {
        let body = match &self.body {
            Some(body) => Some(pictures.with_own_pictures(body).await),
            None => None,
        };
        Self { body, ..self.clone() }
    }

    fn over(&self, there: ArticleInput) -> ArticleInput {
        let said = |new: &Option<String>, old: String| new.clone().unwrap_or(old);
        ArticleInput {
            title: said(&self.title, there.title),
            author: said(&self.author, there.author),
            language: said(&self.language, there.language),
            teaser: said(&self.teaser, there.teaser),
            body: said(&self.body, there.body),
            canonical_url: said(&self.canonical_url, there.canonical_url),
            slug: said(&self.slug, there.slug),
            tags: said(&self.tags, there.tags),
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    /// It says what the article says already.
    Same,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Same => "same",
        }
    }
}

/// What a program knows of the article that it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// It changes whatever is there.
    Any,
    /// The number of the last version.
    Version(i64),
    /// The same, and the status.
    State(i64, ArticleStatus),
}

impl Basis {
    fn holds(self, latest: i64, status: ArticleStatus) -> bool {
        match self {
            Self::Any => true,
            Self::Version(version) => version == latest,
            Self::State(version, known) => version == latest && known == status,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HandInError {
    #[error(transparent)]
    Article(#[from] ArticleError),
    /// Somebody edited it here since it was handed in last.
    #[error("the article was edited here")]
    EditedHere { id: ArticleId, version: i64 },
    /// It is not what the program knows any more.
    #[error("the article has changed in the meantime")]
    Stale { version: i64 },
}

impl From<StoreError> for HandInError {
    fn from(error: StoreError) -> Self {
        Self::Article(error.into())
    }
}

impl HandInError {
    fn is_duplicate(&self) -> bool {
        matches!(self, Self::Article(ArticleError::Store(error)) if error.is_duplicate())
    }
}

/// Stores an article; one of an external id that its person handed in before is changed instead. Empty: it has none. Pictures
/// that stand elsewhere are fetched, as far as they can be had.
///
/// # Errors
/// [`HandInError`].
pub async fn hand_in(
    pictures: Fetcher<'_>,
    by: UserId,
    external_id: &str,
    handed: &HandedIn,
) -> Result<(ArticleId, Outcome), HandInError> {
    let Fetcher { store, clock, .. } = pictures;
    store.permit(Permission::WriteArticles, None)?;
    let is_right = external_id.chars().count() <= EXTERNAL_ID_MAX_CHARS
        && !external_id.chars().any(char::is_control)
        && external_id.trim() == external_id;
    if !is_right {
        let message = Message::new("error-external-id");
        return Err(ArticleError::from(FieldErrors::of("external_id", message)).into());
    }
    let content = handed.content();
    if let Some(id) = known_unchanged(store, by, external_id, handed, &content).await? {
        return Ok((id, Outcome::Same));
    }
    let handed = handed.with_own_pictures(pictures).await;
    let external = External { by, id: external_id, content: &content };
    for _ in 1..RACES_MAX {
        match hand_in_once(store, clock, external, &handed).await {
            Err(error) if error.is_duplicate() => {}
            done => return done,
        }
    }
    hand_in_once(store, clock, external, &handed).await
}

/// What a program calls an article, and what it says of it.
#[derive(Debug, Clone, Copy)]
struct External<'a> {
    by: UserId,
    /// Empty: nothing.
    id: &'a str,
    content: &'a [u8],
}

/// The article of which the same was handed in last, when nobody has changed it since and no picture is missing.
async fn known_unchanged(
    store: &Store,
    by: UserId,
    external_id: &str,
    handed: &HandedIn,
    content: &[u8],
) -> Result<Option<ArticleId>, StoreError> {
    if external_id.is_empty() {
        return Ok(None);
    }
    let mut reader = store.read().await?;
    let known = external_articles::by_external_id(reader.db(), by, external_id).await?;
    let Some(known) = known.filter(|known| known.content == content) else { return Ok(None) };
    let Some(id) = known.article_id else { return Ok(None) };
    let Some(stored) = store::articles::by_id(reader.db(), id).await? else { return Ok(None) };
    let latest = versions::latest(reader.db(), &stored).await?;
    let is_read = stored.status == ArticleStatus::Draft || latest.number == stored.version;
    let is_same = latest.number == known.article_version
        && is_read
        && handed.status.is_none_or(|status| status == stored.status)
        && !pictures::shows_others(&latest.body);
    Ok(is_same.then_some(id))
}

async fn hand_in_once(
    store: &Store,
    clock: &Clock,
    external: External<'_>,
    handed: &HandedIn,
) -> Result<(ArticleId, Outcome), HandInError> {
    let External { by, id: external_id, content } = external;
    let mut tx = store.begin().await?;
    if external_id.is_empty() {
        let article = add(&mut tx, clock, by, handed).await?;
        tx.commit().await?;
        return Ok((article.id, Outcome::Created));
    }
    let known = external_articles::claim(&mut tx, by, external_id).await?;
    let Some(id) = known.article_id else {
        let article = add(&mut tx, clock, by, handed).await?;
        external_articles::set(&mut tx, by, external_id, article.id, article.version, content).await?;
        tx.commit().await?;
        return Ok((article.id, Outcome::Created));
    };
    let stored = store::articles::lock(&mut tx, id).await?.ok_or(ArticleError::NotFound)?;
    let latest = versions::latest(tx.db(), &stored).await?;
    if !is_as_taken(&mut tx, &latest, known.article_version).await? {
        return Err(HandInError::EditedHere { id, version: latest.number });
    }
    let (version, outcome) = change_in(&mut tx, clock, by, stored, &latest, handed).await?;
    external_articles::set(&mut tx, by, external_id, id, version, content).await?;
    tx.commit().await?;
    Ok((id, outcome))
}

async fn add(tx: &mut Tx, clock: &Clock, by: UserId, handed: &HandedIn) -> Result<Article, ArticleError> {
    let written = articles::parse(&handed.over(ArticleInput::default()))?;
    let status = handed.status.unwrap_or(ArticleStatus::Draft);
    let new = New { by: Some(by), kind: VersionKind::Saved, status, original: None };
    let article = articles::insert_in(tx, written, &new, clock.now()).await?;
    tx.note(Act::ArticleAdded, None, article.id.0).await?;
    if status == ArticleStatus::Published {
        tx.note(Act::ArticlePublished, None, article.id.0).await?;
    }
    Ok(article)
}

/// Whether an article says what it said when it was taken over: who only saves it, as for publishing it, edits nothing.
async fn is_as_taken(tx: &mut Tx, latest: &ArticleVersion, taken: i64) -> Result<bool, StoreError> {
    if latest.number == taken {
        return Ok(true);
    }
    let then = article_versions::by_number(tx.db(), latest.article_id, taken).await?;
    let words = |version: &ArticleVersion| {
        let parts = [&version.title, &version.author, &version.teaser, &version.body, &version.canonical_url];
        (parts.map(String::clone), version.language, version.slug.clone(), version.tags.clone())
    };
    Ok(then.is_some_and(|then| words(&then) == words(latest)))
}

/// Changes an article that a program knows; pictures as in [`hand_in`].
///
/// # Errors
/// [`HandInError::Stale`] when it is not as the program knows it; nothing is written then.
pub async fn change(
    pictures: Fetcher<'_>,
    by: UserId,
    id: ArticleId,
    basis: Basis,
    handed: &HandedIn,
) -> Result<Outcome, HandInError> {
    let Fetcher { store, clock, .. } = pictures;
    store.permit(Permission::WriteArticles, None)?;
    let handed = &handed.with_own_pictures(pictures).await;
    let mut tx = store.begin().await?;
    let external = external_articles::lock_of_article(&mut tx, by, id).await?;
    let stored = store::articles::lock(&mut tx, id).await?.ok_or(ArticleError::NotFound)?;
    let latest = versions::latest(tx.db(), &stored).await?;
    if !basis.holds(latest.number, stored.status) {
        return Err(HandInError::Stale { version: latest.number });
    }
    let (version, outcome) = change_in(&mut tx, clock, by, stored, &latest, handed).await?;
    // Whoever knew it changed it: what comes for it from now on is measured by this.
    if let Some(external) = external {
        external_articles::set(&mut tx, by, &external.external_id, id, version, b"").await?;
    }
    tx.commit().await?;
    Ok(outcome)
}

/// Answers the number of the last version.
async fn change_in(
    tx: &mut Tx,
    clock: &Clock,
    by: UserId,
    mut stored: Article,
    latest: &ArticleVersion,
    handed: &HandedIn,
) -> Result<(i64, Outcome), ArticleError> {
    let now = clock.now();
    let mut written = articles::parse(&handed.over(ArticleInput::of_version(latest)))?;
    written.text.slug = written.wanted.clone().unwrap_or_else(|| stored.slug.clone());
    let status = handed.status.unwrap_or(stored.status);
    // Of what is published, words that readers do not see yet are shown by saving them.
    let is_read = stored.status == ArticleStatus::Draft || latest.number == stored.version;
    let is_same = is_read && versions::says_the_same(latest, &written.text, &written.tag_names());
    if is_same && status == stored.status {
        return Ok((latest.number, Outcome::Same));
    }
    if stored.status == ArticleStatus::Published && status == ArticleStatus::Draft {
        articles::set_status_in(tx, &mut stored, status, now).await?;
    }
    let mut number = latest.number;
    if !is_same {
        number += 1;
        let tags = written.tag_names();
        let saving = Saving { number, kind: VersionKind::Saved, tags: &tags, by: Some(by), at: now };
        stored = articles::save_in(tx, &stored, &written, saving).await?;
    }
    if status != stored.status {
        articles::set_status_in(tx, &mut stored, status, now).await?;
    }
    Ok((number, Outcome::Updated))
}
