//! Writing, changing and publishing articles.
//!
//! The row of an article is what readers see. Each save is a version as well ([`super::versions`]); of a published
//! article the last version may be newer than the row, and the next save publishes it.

use std::path::Path;

use super::front_matter::{self, FrontMatterError};
use super::pictures::Fetcher;
use super::versions;
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::model::{
    Act, Article, ArticleId, ArticleStatus, ArticleVersion, Language, Permission, Slug, Tag, Timestamp,
    UserId, VersionKind,
};
use crate::store::article_versions::{self, Saving};
use crate::store::articles::{self as table, ArticleText};
use crate::store::{self, Store, StoreError, Tx, article_slugs};

pub const TITLE_MAX_CHARS: usize = 200;
const AUTHOR_MAX_CHARS: usize = 200;
const TEASER_MAX_CHARS: usize = 1000;
/// As the renderer takes it.
pub const BODY_MAX_CHARS: usize = crate::mail::markdown::INPUT_MAX_CHARS;
/// Articles of the same title: after so many someone is importing in a loop.
const SAME_TITLE_MAX: usize = 1000;
/// Most tags of one article: more find nothing any more.
const TAGS_MAX: usize = 20;
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
    /// Names with commas.
    pub tags: String,
}

impl ArticleInput {
    /// A version as it would be typed again.
    pub fn of_version(version: &ArticleVersion) -> Self {
        Self {
            title: version.title.clone(),
            author: version.author.clone(),
            language: version.language.to_string(),
            teaser: version.teaser.clone(),
            body: version.body.clone(),
            canonical_url: version.canonical_url.clone(),
            slug: version.slug.to_string(),
            tags: version.tags.clone(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ArticleError {
    /// Fields: as in [`ArticleInput`].
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    /// Someone else saved in between; what the person wrote is still in their hands, and here is theirs.
    #[error("{}", self.message())]
    Conflict { theirs: Box<ArticleVersion> },
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

/// What somebody wrote, checked. The short name is not chosen yet.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub text: ArticleText,
    pub tags: Vec<Tag>,
    /// The short name that was asked for.
    pub wanted: Option<Slug>,
}

impl Written {
    /// The tags with commas, as a version holds them.
    pub fn tag_names(&self) -> String {
        self.tags.iter().map(Tag::name).collect::<Vec<_>>().join(", ")
    }

    /// The text with the short name that was asked for, which a version keeps also where the article does not have it yet.
    pub fn as_typed(&self) -> ArticleText {
        let slug = self.wanted.clone().unwrap_or_else(|| self.text.slug.clone());
        ArticleText { slug, ..self.text.clone() }
    }
}

pub(super) fn parse(input: &ArticleInput) -> Result<Written, FieldErrors> {
    let mut errors = FieldErrors::new();
    let wanted = match input.slug.trim() {
        "" => None,
        slug => Slug::parse(slug).map_err(|_| errors.add("slug", Message::new("error-slug"))).ok(),
    };
    let language = input.language.trim().parse::<Language>();
    let language = language.map_err(|_| errors.add("language", Message::new("error-language"))).ok();
    let text = ArticleText {
        slug: wanted.clone().or_else(|| Slug::parse(NAMELESS_SLUG).ok()).ok_or_else(FieldErrors::new)?,
        language: language.unwrap_or(Language::English),
        title: super::line(&mut errors, "title", &input.title, TITLE_MAX_CHARS, true),
        author: super::line(&mut errors, "author", &input.author, AUTHOR_MAX_CHARS, false),
        teaser: super::text(&mut errors, "teaser", &input.teaser, TEASER_MAX_CHARS),
        body: super::text(&mut errors, "body", &input.body, BODY_MAX_CHARS),
        canonical_url: super::url(&mut errors, "canonical_url", &input.canonical_url),
    };
    let tags = parse_tags(&mut errors, &input.tags);
    errors.or(Written { text, tags, wanted })
}

/// Words between commas; the same word once.
pub(super) fn parse_tags(errors: &mut FieldErrors, text: &str) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for name in text.split([',', ';', '\n']).filter(|name| !name.trim().is_empty()) {
        match Tag::parse(name) {
            Ok(tag) if tags.iter().any(|known| known.key() == tag.key()) => {}
            Ok(tag) => tags.push(tag),
            Err(_) => {
                errors.add("tags", Message::new("error-tag").text("tag", super::shown(name)));
                return tags;
            }
        }
    }
    if tags.len() > TAGS_MAX {
        errors.add("tags", Message::new("error-tags-too-many").number("most", super::number(TAGS_MAX)));
    }
    tags
}

/// Stores a new draft that nobody at the desk wrote: by the command line, or from a file.
///
/// # Errors
/// [`ArticleError::Invalid`] names every field that is wrong.
pub async fn create(store: &Store, clock: &Clock, input: &ArticleInput) -> Result<Article, ArticleError> {
    create_by(store, clock, None, VersionKind::Saved, input).await
}

/// Stores a new draft of a user.
///
/// # Errors
/// As [`create`].
pub async fn create_by(
    store: &Store,
    clock: &Clock,
    by: Option<UserId>,
    kind: VersionKind,
    input: &ArticleInput,
) -> Result<Article, ArticleError> {
    store.permit(Permission::WriteArticles, None)?;
    let new = New { by, kind, status: ArticleStatus::Draft, original: None };
    insert(store, clock, parse(input)?, new).await
}

/// What is known of a new article beside its words.
pub(super) struct New {
    pub by: Option<UserId>,
    pub kind: VersionKind,
    pub status: ArticleStatus,
    pub original: Option<ArticleId>,
}

pub(super) async fn insert(
    store: &Store,
    clock: &Clock,
    mut written: Written,
    new: New,
) -> Result<Article, ArticleError> {
    let now = clock.now();
    for race in 1.. {
        let mut tx = store.begin().await?;
        let is_asked = choose_slug(&mut tx, &mut written, new.kind).await?;
        match insert_once(&mut tx, &written, &new, now).await {
            Ok(article) => {
                tx.note(Act::ArticleAdded, None, article.id.0).await?;
                tx.commit().await?;
                return Ok(article);
            }
            Err(error) if error.is_duplicate() && (is_asked || race == RACES_MAX) => {
                return Err(FieldErrors::of("slug", Message::new("error-slug-taken")).into());
            }
            Err(error) if error.is_duplicate() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ArticleError::NotFound)
}

/// A new article in a transaction of the caller, with a short name made of its title where none was asked for.
pub(super) async fn insert_in(
    tx: &mut Tx,
    mut written: Written,
    new: &New,
    now: Timestamp,
) -> Result<Article, ArticleError> {
    let is_asked = choose_slug(tx, &mut written, new.kind).await?;
    match insert_once(tx, &written, new, now).await {
        Err(error) if error.is_duplicate() && is_asked => {
            Err(FieldErrors::of("slug", Message::new("error-slug-taken")).into())
        }
        inserted => Ok(inserted?),
    }
}

async fn insert_once(
    tx: &mut Tx,
    written: &Written,
    new: &New,
    now: Timestamp,
) -> Result<Article, StoreError> {
    if new.status == ArticleStatus::Published {
        tx.permit(Permission::PublishArticles, None)?;
    }
    let mut article = table::insert_translation(tx, &written.text, new.original, now).await?;
    store::tags::set(tx, article.id, &written.tags).await?;
    let tags = written.tag_names();
    let saving = Saving { number: article.version, kind: new.kind, tags: &tags, by: new.by, at: now };
    article_versions::insert(tx, article.id, &written.as_typed(), saving).await?;
    if new.status == ArticleStatus::Published {
        table::set_status(tx, article.id, new.status, now).await?;
        article_versions::set_published(tx, article.id, article.version, now).await?;
        (article.status, article.published_at) = (new.status, Some(now));
    }
    Ok(article)
}

/// Gives a new article the short name that was asked for, or one made of its title; whether it is the one asked for. What
/// is still being typed, as an autosave has it, is none yet.
async fn choose_slug(tx: &mut Tx, written: &mut Written, kind: VersionKind) -> Result<bool, ArticleError> {
    match &written.wanted {
        Some(wanted) if kind != VersionKind::Autosaved => {
            check_slug(tx, wanted, None).await?;
            Ok(true)
        }
        _ => {
            written.text.slug = free_slug(tx, &written.text.title).await?;
            Ok(false)
        }
    }
}

/// A short name that another article has, or has had, leads to that article.
async fn check_slug(tx: &mut Tx, slug: &Slug, own: Option<ArticleId>) -> Result<(), ArticleError> {
    let owner = article_slugs::owner(tx.db(), slug).await?;
    if owner.is_none() || owner == own {
        return Ok(());
    }
    let is_of_today = table::by_slug(tx.db(), slug).await?.is_some();
    let key = if is_of_today { "error-slug-taken" } else { "error-slug-had" };
    Err(FieldErrors::of("slug", Message::new(key)).into())
}

/// A short name made of the title, numbered when another article has it, or has had it.
async fn free_slug(tx: &mut Tx, title: &str) -> Result<Slug, ArticleError> {
    let taken = || FieldErrors::of("title", Message::new("error-slug-taken"));
    let base = Slug::from_title(title).or_else(|| Slug::parse(NAMELESS_SLUG).ok()).ok_or_else(taken)?;
    let mut slug = base.clone();
    for number in 2..SAME_TITLE_MAX {
        let is_taken = table::by_slug(tx.db(), &slug).await?.is_some()
            || article_slugs::owner(tx.db(), &slug).await?.is_some();
        if !is_taken {
            return Ok(slug);
        }
        slug = base.numbered(number);
    }
    Err(taken().into())
}

/// Saves over the version that was begun with, for nobody at the desk.
///
/// # Errors
/// As [`save_by`].
pub async fn save(
    store: &Store,
    clock: &Clock,
    id: ArticleId,
    version: i64,
    input: &ArticleInput,
) -> Result<Article, ArticleError> {
    save_by(store, clock, None, VersionKind::Saved, id, version, input).await
}

/// Saves over the version that the person began with. Readers see it, if the article is published.
///
/// # Errors
/// [`ArticleError::Conflict`] when someone else saved in between; nothing is written then.
pub async fn save_by(
    store: &Store,
    clock: &Clock,
    by: Option<UserId>,
    kind: VersionKind,
    id: ArticleId,
    version: i64,
    input: &ArticleInput,
) -> Result<Article, ArticleError> {
    store.permit(Permission::WriteArticles, None)?;
    let written = parse(input)?;
    let mut tx = store.begin().await?;
    let article = save_over(&mut tx, (id, version), written, by, kind, clock.now()).await?;
    tx.commit().await?;
    Ok(article)
}

/// Saves over a version in a transaction of the caller, unless there is a later one by now.
pub(super) async fn save_over(
    tx: &mut Tx,
    (id, version): (ArticleId, i64),
    mut written: Written,
    by: Option<UserId>,
    kind: VersionKind,
    now: Timestamp,
) -> Result<Article, ArticleError> {
    let (stored, latest) = versions::hold(tx, id, version).await?;
    written.text.slug = written.wanted.clone().unwrap_or_else(|| stored.slug.clone());
    let tags = written.tag_names();
    let saving = Saving { number: latest.number + 1, kind, tags: &tags, by, at: now };
    save_in(tx, &stored, &written, saving).await
}

/// Saves in a transaction of the caller, who holds the article.
pub(super) async fn save_in(
    tx: &mut Tx,
    stored: &Article,
    written: &Written,
    saving: Saving<'_>,
) -> Result<Article, ArticleError> {
    let is_read = stored.status == ArticleStatus::Published;
    if is_read {
        tx.permit(Permission::PublishArticles, None)?;
    }
    check_family(tx, stored, written.text.language).await?;
    let article = write_row(tx, stored, written, saving).await?;
    article_versions::insert(tx, stored.id, &written.text, saving).await?;
    if is_read {
        article_versions::set_published(tx, stored.id, saving.number, saving.at).await?;
    }
    tx.note(Act::ArticleSaved, None, stored.id.0).await?;
    Ok(article)
}

/// Writes what readers see.
pub(super) async fn write_row(
    tx: &mut Tx,
    stored: &Article,
    written: &Written,
    saving: Saving<'_>,
) -> Result<Article, ArticleError> {
    check_slug(tx, &written.text.slug, Some(stored.id)).await?;
    let updated = table::update(tx, stored.id, stored.version, saving.number, &written.text, saving.at).await;
    let article = match updated {
        Ok(article) => article.ok_or(ArticleError::NotFound)?,
        Err(error) if error.is_duplicate() => {
            return Err(FieldErrors::of("slug", Message::new("error-slug-taken")).into());
        }
        Err(error) => return Err(error.into()),
    };
    store::tags::set(tx, stored.id, &written.tags).await?;
    Ok(article)
}

/// No two articles of a family are in one language.
pub(super) async fn check_family(
    tx: &mut Tx,
    stored: &Article,
    language: Language,
) -> Result<(), ArticleError> {
    if stored.language == language {
        return Ok(());
    }
    let family = table::family(tx.db(), stored.family()).await?;
    if family.iter().any(|other| other.id != stored.id && other.language == language) {
        let message = Message::new("error-translation-there").language("language", language);
        return Err(FieldErrors::of("language", message).into());
    }
    Ok(())
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
    store.permit(Permission::PublishArticles, None)?;
    let mut tx = store.begin().await?;
    // An autosave in between would make another version of what is published here.
    let mut stored = table::lock(&mut tx, id).await?.ok_or(ArticleError::NotFound)?;
    if stored.status != status {
        set_status_in(&mut tx, &mut stored, status, clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Puts an article away, so that no list offers it, or brings it back. Where it was sent and where it can be read it
/// stays. Doing so twice is fine.
///
/// # Errors
/// [`ArticleError::NotFound`].
pub async fn set_archived(
    store: &Store,
    clock: &Clock,
    id: ArticleId,
    is_archived: bool,
) -> Result<(), ArticleError> {
    store.permit(Permission::WriteArticles, None)?;
    let mut tx = store.begin().await?;
    table::lock(&mut tx, id).await?.ok_or(ArticleError::NotFound)?;
    if table::set_archived(&mut tx, id, is_archived.then(|| clock.now())).await? {
        let act = if is_archived { Act::ArticleArchived } else { Act::ArticleUnarchived };
        tx.note(act, None, id.0).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// [`set_status`] in a transaction of the caller, for an article that has another status.
pub(super) async fn set_status_in(
    tx: &mut Tx,
    stored: &mut Article,
    status: ArticleStatus,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.permit(Permission::PublishArticles, None)?;
    table::set_status(tx, stored.id, status, now).await?;
    let act = match status {
        ArticleStatus::Published => {
            article_versions::set_published(tx, stored.id, stored.version, now).await?;
            Act::ArticlePublished
        }
        ArticleStatus::Draft => Act::ArticleWithdrawn,
    };
    stored.status = status;
    tx.note(act, None, stored.id.0).await
}

/// Copies an article as a draft in another language, and links the two; answers the one that is there already.
///
/// # Errors
/// [`ArticleError::NotFound`].
pub async fn translate(
    store: &Store,
    clock: &Clock,
    by: Option<UserId>,
    id: ArticleId,
    language: Language,
) -> Result<Article, ArticleError> {
    store.permit(Permission::WriteArticles, None)?;
    let mut reader = store.read().await?;
    let article = table::by_id(reader.db(), id).await?.ok_or(ArticleError::NotFound)?;
    let family = table::family(reader.db(), article.family()).await?;
    if let Some(there) = family.into_iter().find(|other| other.language == language) {
        return Ok(there);
    }
    let latest = versions::latest(reader.db(), &article).await?;
    drop(reader);
    // Where the original lives on the web is not where the translation will.
    let input = ArticleInput {
        language: language.to_string(),
        slug: String::new(),
        canonical_url: String::new(),
        ..ArticleInput::of_version(&latest)
    };
    let original = Some(article.family());
    let new = New { by, kind: VersionKind::Saved, status: ArticleStatus::Draft, original };
    insert(store, clock, parse(&input)?, new).await
}

/// Stores an article from Markdown with front matter; see [`front_matter`].
///
/// # Errors
/// [`ArticleError`].
pub async fn import(store: &Store, clock: &Clock, source: &str) -> Result<Article, ArticleError> {
    store.permit(Permission::WriteArticles, None)?;
    let file = front_matter::parse(source)?;
    let original = match file.translation_of.trim() {
        "" => None,
        slug => Some(original_of(store, slug).await?),
    };
    let written = parse(&file.input)?;
    if let Some(first) = original {
        let family = table::family(store.read().await?.db(), first).await?;
        if family.iter().any(|other| other.language == written.text.language) {
            let message = Message::new("error-translation-there").language("language", written.text.language);
            return Err(FieldErrors::of("language", message).into());
        }
    }
    let new = New { by: None, kind: VersionKind::Saved, status: file.status, original };
    insert(store, clock, written, new).await
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    Added,
    /// A new version of the article of its short name.
    Updated,
    /// It says what the article says already.
    Same,
}

impl Imported {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Same => "same",
        }
    }
}

/// Stores a file of a folder as [`import`] does, again and again: the article of its short name, which is `name` where the
/// front matter has none, gets a new version where the file says something else. Its status stays what it is. Pictures come
/// along, from the folder and from the web.
///
/// # Errors
/// [`ArticleError`].
pub async fn import_named(
    pictures: Fetcher<'_>,
    folder: &Path,
    source: &str,
    name: &str,
) -> Result<(Article, Imported), ArticleError> {
    let Fetcher { store, clock, .. } = pictures;
    let mut file = front_matter::parse(source)?;
    let body = pictures.with_files(&file.input.body, folder).await;
    file.input.body = pictures.with_own_pictures(&body).await;
    if file.input.slug.trim().is_empty() {
        file.input.slug = Slug::from_title(name).map(|slug| slug.to_string()).unwrap_or_default();
    }
    let known = match Slug::parse(file.input.slug.trim()) {
        Ok(slug) => table::by_slug(store.read().await?.db(), &slug).await?,
        Err(_) => None,
    };
    let Some(known) = known else {
        let original = match file.translation_of.trim() {
            "" => None,
            slug => Some(original_of(store, slug).await?),
        };
        let new = New { by: None, kind: VersionKind::Saved, status: file.status, original };
        return Ok((insert(store, clock, parse(&file.input)?, new).await?, Imported::Added));
    };
    let latest = versions::latest(store.read().await?.db(), &known).await?;
    let (written, there) = (parse(&file.input)?, parse(&ArticleInput::of_version(&latest))?);
    let words = |written: &Written| {
        let text = &written.text;
        let parts = [&text.title, &text.author, &text.teaser, &text.body, &text.canonical_url];
        (text.language, parts.map(String::clone), written.tag_names())
    };
    if words(&written) == words(&there) {
        return Ok((known, Imported::Same));
    }
    let saved = save_by(store, clock, None, VersionKind::Saved, known.id, latest.number, &file.input).await?;
    Ok((saved, Imported::Updated))
}

/// The first of the family of an article, by its short name.
async fn original_of(store: &Store, slug: &str) -> Result<ArticleId, ArticleError> {
    let unknown = || FieldErrors::of("translation_of", Message::new("error-article-not-found"));
    let slug = Slug::parse(slug).map_err(|_| unknown())?;
    let found = table::by_slug(store.read().await?.db(), &slug).await?;
    Ok(found.ok_or_else(unknown)?.family())
}
