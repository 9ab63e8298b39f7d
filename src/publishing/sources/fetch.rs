//! Asking sources, politely: with what they said last, at most so many at once, ever more rarely while one fails, and
//! never when it asked us to stay away. What is new becomes an article once; what changed becomes a new version of it,
//! unless somebody edited it here.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use reqwest::Url;

use super::feed::{self, Entry};
use crate::clock::Clock;
use crate::http::{Http, HttpError, Known};
use crate::model::{
    Act, ArticleId, ArticleStatus, Intake, Permission, Source, SourceId, SourceItem, Timestamp, VersionKind,
};
use crate::publishing::articles::{self, ArticleError, ArticleInput, New};
use crate::publishing::images::Images;
use crate::publishing::pictures::Fetcher;
use crate::publishing::versions;
use crate::store::sources::{self as table, Outcome};
use crate::store::{self, Store, StoreError, Tx};

/// Largest feed, in octets (S13).
const FEED_MAX_OCTETS: usize = 5 * 1024 * 1024;
/// Asked side by side.
const AT_ONCE: usize = 4;
/// Nobody else asks a source that is being asked for so long: longer than a feed full of pictures takes.
const CLAIMED_FOR: Duration = Duration::from_secs(15 * 60);
/// A source that fails is asked at least so often, and a server that wants us away for longer is asked all the same.
const BACKOFF_MAX: Duration = Duration::from_secs(24 * 3600);
/// What was published so long before we knew of a source is old news.
const NEW_WITHIN: Duration = Duration::from_secs(30 * 24 * 3600);
/// The pictures of one article are fetched for so long; the others stay where they are.
const PICTURES_WITHIN: Duration = Duration::from_secs(60);
/// Articles that one look makes; the rest comes with the next.
const ARTICLES_MAX: usize = 30;
/// A look begins no further article after this: together with the last it stays below [`CLAIMED_FOR`].
const LOOK_MAX: Duration = Duration::from_secs(5 * 60);
/// How often a new article is tried whose short name was just taken by another.
const RACES_MAX: usize = 5;

/// What asking needs.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub http: &'a Http,
    pub images: &'a Images,
}

impl<'a> Reader<'a> {
    const fn pictures(self) -> Fetcher<'a> {
        let Self { store, clock, http, images } = self;
        Fetcher { store, clock, http, images, within: PICTURES_WITHIN }
    }
}

/// What a look found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    pub added: usize,
    pub updated: usize,
    /// Changed there, and edited here: left as they are.
    pub kept: usize,
    /// Key of what went wrong in the language files; empty: nothing.
    pub error: &'static str,
}

/// Asks every source that is due. Answers how many were.
///
/// # Errors
/// Of the database. A source that does not answer is no error.
pub async fn tick(reader: Reader<'_>) -> Result<usize, StoreError> {
    let now = reader.clock.now();
    let limit = i64::try_from(AT_ONCE).unwrap_or(1);
    let mut tx = reader.store.begin().await?;
    let due = table::claim_due(&mut tx, now, now.plus(CLAIMED_FOR), limit).await?;
    tx.commit().await?;
    let count = due.len();
    let asked = futures_util::stream::iter(due).map(|source| async move { ask(reader, &source).await });
    // One that fails does not stop the others in the middle.
    let answers: Vec<Result<Report, StoreError>> = asked.buffer_unordered(AT_ONCE).collect().await;
    answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(count)
}

/// Asks one source now, whether or not it is due or on; `None` when there is none.
///
/// # Errors
/// Of the database.
pub async fn fetch_now(reader: Reader<'_>, id: SourceId) -> Result<Option<Report>, StoreError> {
    reader.store.permit(Permission::SetSources, None)?;
    let Some(source) = table::by_id(reader.store.read().await?.db(), id).await? else { return Ok(None) };
    let mut tx = reader.store.begin().await?;
    tx.note_detail(Act::SourceChanged, None, Some(id.0), "fetch").await?;
    tx.commit().await?;
    ask(reader, &source).await.map(Some)
}

/// What a source answered.
enum Answer {
    Feed { entries: Vec<Entry>, etag: String, last_modified: String },
    Unchanged,
    Failed { error: &'static str, status: u16, stay_away: Option<Duration> },
}

async fn answer_of(http: &Http, source: &Source) -> Answer {
    let failed = |error| Answer::Failed { error, status: 0, stay_away: None };
    let Ok(url) = Url::parse(&source.url) else { return failed("source-error-unreachable") };
    let known = Known { etag: &source.etag, last_modified: &source.last_modified };
    match http.fetch(&url, known, FEED_MAX_OCTETS).await {
        Ok(fetched) if fetched.status == 304 => Answer::Unchanged,
        Ok(fetched) if (200..300).contains(&fetched.status) => {
            match feed::read(&fetched.body, &fetched.url) {
                Ok(entries) => {
                    Answer::Feed { entries, etag: fetched.etag, last_modified: fetched.last_modified }
                }
                Err(_) => failed("source-error-no-feed"),
            }
        }
        Ok(fetched) => Answer::Failed {
            error: "source-error-status",
            status: fetched.status,
            stay_away: fetched.retry_after,
        },
        Err(HttpError::Private) => failed("source-error-private"),
        Err(HttpError::TooLarge(_)) => failed("source-error-large"),
        // A name of ours, found when it was resolved, comes in the chain of causes.
        Err(HttpError::Request(error)) if is_private(&error) => failed("source-error-private"),
        Err(HttpError::Request(_)) => failed("source-error-unreachable"),
    }
}

fn is_private(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(HttpError::Private)) {
            return true;
        }
        cause = error.source();
    }
    false
}

async fn ask(reader: Reader<'_>, source: &Source) -> Result<Report, StoreError> {
    let now = reader.clock.now();
    let interval = Duration::from_secs(u64::try_from(source.interval_minutes).unwrap_or(60) * 60);
    let mut report = Report::default();
    let mut outcome = Outcome {
        etag: source.etag.clone(),
        last_modified: source.last_modified.clone(),
        next_at: now.plus(interval),
        failures: 0,
        error: "",
        error_status: 0,
    };
    match answer_of(reader.http, source).await {
        Answer::Unchanged => {}
        Answer::Feed { entries, etag, last_modified } => {
            let is_whole = take_all(reader, source, entries, &mut report).await?;
            // What did not fit would not come again where the server says that nothing is new.
            if is_whole {
                (outcome.etag, outcome.last_modified) = (etag, last_modified);
            }
        }
        Answer::Failed { error, status, stay_away } => {
            let failures = source.failures.saturating_add(1);
            let doubled = interval.saturating_mul(1 << u32::try_from(failures).unwrap_or(7).min(7));
            let wait = doubled.max(stay_away.unwrap_or_default()).min(BACKOFF_MAX.max(interval));
            outcome.next_at = now.plus(wait);
            (outcome.failures, outcome.error, outcome.error_status) = (failures, error, i64::from(status));
            report.error = error;
            tracing::warn!(source = %source.id, error, status, "a source could not be read");
        }
    }
    let mut tx = reader.store.begin().await?;
    table::set_outcome(&mut tx, source, &outcome, now).await?;
    tx.commit().await?;
    if report.added + report.updated > 0 {
        tracing::info!(source = %source.id, added = report.added, updated = report.updated, "articles came from a source");
    }
    Ok(report)
}

/// Makes articles of what is new or changed; `false` when there was more than one look makes.
async fn take_all(
    reader: Reader<'_>,
    source: &Source,
    entries: Vec<Entry>,
    report: &mut Report,
) -> Result<bool, StoreError> {
    let now = reader.clock.now();
    let oldest = source.created_at.minus(NEW_WITHIN);
    let begun = Instant::now();
    let shared = shared_urls(&entries);
    // The oldest first, so that articles stand in the order in which they came.
    for entry in entries.into_iter().rev() {
        let known = table::item(reader.store.read().await?.db(), source.id, &entry.key).await?;
        if known.as_ref().is_some_and(|item| item.content == entry.content()) {
            continue;
        }
        if report.added + report.updated >= ARTICLES_MAX || begun.elapsed() > LOOK_MAX {
            return Ok(false);
        }
        match known {
            None if entry.published_at.is_some_and(|at| at < oldest) => {
                note(reader.store, source.id, &entry, now).await?;
            }
            None => {
                let has_own_url = !entry.url.is_empty() && !shared.contains(&entry.url);
                report.added += usize::from(add(reader, source, &entry, has_own_url, now).await?);
            }
            Some(item) => {
                // Where its article is gone, or it was old news, that it changed makes it no news.
                if let Some(article) = item.article_id {
                    change(reader, source, &entry, item, article, report).await?;
                }
            }
        }
    }
    Ok(true)
}

/// Addresses of several entries, such as the front page of their website: they say nothing about which piece one is.
fn shared_urls(entries: &[Entry]) -> HashSet<String> {
    let mut seen = HashSet::new();
    entries.iter().filter(|entry| !seen.insert(entry.url.as_str())).map(|entry| entry.url.clone()).collect()
}

fn item_of(source: SourceId, entry: &Entry, now: Timestamp) -> SourceItem {
    SourceItem {
        source_id: source,
        key: entry.key.clone(),
        article_id: None,
        article_version: 0,
        content: entry.content(),
        changed_at: None,
        seen_at: now,
    }
}

async fn note(store: &Store, source: SourceId, entry: &Entry, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    table::insert_item(&mut tx, &item_of(source, entry, now)).await?;
    tx.commit().await
}

/// As somebody would have typed it.
fn input_of(source: &Source, entry: &Entry, body: String) -> ArticleInput {
    ArticleInput {
        title: entry.title.clone(),
        author: entry.author.clone(),
        language: entry.language.unwrap_or(source.language).to_string(),
        teaser: entry.teaser.clone(),
        body,
        canonical_url: entry.url.clone(),
        slug: String::new(),
        tags: source.tags.clone(),
    }
}

/// A new article, and the note that its entry is taken, in one transaction. `false` when somebody else made it, or it
/// cannot be one; or when another source has the same piece, by an address that only this entry has.
async fn add(
    reader: Reader<'_>,
    source: &Source,
    entry: &Entry,
    has_own_url: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let body = reader.pictures().with_own_pictures(&entry.body).await;
    let Ok(written) = articles::parse(&input_of(source, entry, body)) else {
        tracing::warn!(source = %source.id, "an entry of a feed cannot be an article");
        note(reader.store, source.id, entry, now).await?;
        return Ok(false);
    };
    let status = match source.intake {
        Intake::Draft => ArticleStatus::Draft,
        Intake::Published => ArticleStatus::Published,
    };
    let new = New { by: None, kind: VersionKind::Saved, status, original: None };
    for race in 1.. {
        let mut tx = reader.store.begin().await?;
        if has_own_url {
            table::lock_items(&mut tx).await?;
        }
        let mut item = item_of(source.id, entry, now);
        if !table::insert_item(&mut tx, &item).await? {
            break;
        }
        if has_own_url && table::is_elsewhere(tx.db(), source.id, &written.text.canonical_url).await? {
            tx.commit().await?;
            break;
        }
        match articles::insert_in(&mut tx, written.clone(), &new, now).await {
            Ok(article) => {
                (item.article_id, item.article_version) = (Some(article.id), article.version);
                table::update_item(&mut tx, &item, 0).await?;
                tx.commit().await?;
                return Ok(true);
            }
            // A short name that was taken at this moment: another is chosen.
            Err(ArticleError::Store(error)) if error.is_duplicate() && race < RACES_MAX => {}
            Err(ArticleError::Store(error)) => return Err(error),
            Err(_) => break,
        }
    }
    Ok(false)
}

/// A source whose articles somebody looks at before readers see them changes none that readers see already.
fn is_held(source: &Source, status: ArticleStatus) -> bool {
    source.intake == Intake::Draft && status == ArticleStatus::Published
}

/// A new version of an article of which the entry says something else now, unless somebody edited it here, or published
/// what came as a draft.
async fn change(
    reader: Reader<'_>,
    source: &Source,
    entry: &Entry,
    mut item: SourceItem,
    article: ArticleId,
    report: &mut Report,
) -> Result<(), StoreError> {
    let now = reader.clock.now();
    let from = item.article_version;
    let mut db = reader.store.read().await?;
    let Some(stored) = store::articles::by_id(db.db(), article).await? else { return Ok(()) };
    let latest = versions::latest(db.db(), &stored).await?;
    drop(db);
    item.content = entry.content();
    if latest.number != from || is_held(source, stored.status) {
        item.changed_at = Some(now);
        report.kept += usize::from(keep(reader.store, &item, from).await?);
        return Ok(());
    }
    let body = reader.pictures().with_own_pictures(&entry.body).await;
    // Its tags may have been chosen here; its short name is an address by now.
    let input = ArticleInput { tags: latest.tags.clone(), ..input_of(source, entry, body) };
    match take_over(reader.store, source, article, &input, item.clone(), now).await {
        Ok(Taken::Over) => report.updated += 1,
        Ok(Taken::Gone) => {}
        Err(ArticleError::Store(error)) => return Err(error),
        // Somebody edited it in this moment, or published it.
        Ok(Taken::Held) | Err(_) => {
            item.changed_at = Some(now);
            report.kept += usize::from(keep(reader.store, &item, from).await?);
        }
    }
    Ok(())
}

/// What became of a change.
enum Taken {
    Over,
    /// The source is, or another look has taken over more since.
    Gone,
    /// Readers see the article already.
    Held,
}

/// The new version, and the note that it came from there, in one transaction. Without the note it would be taken for an
/// edit of ours, and the article would never change again.
async fn take_over(
    store: &Store,
    source: &Source,
    article: ArticleId,
    input: &ArticleInput,
    mut item: SourceItem,
    now: Timestamp,
) -> Result<Taken, ArticleError> {
    let from = item.article_version;
    let written = articles::parse(input)?;
    let mut tx = store.begin().await?;
    let saved = articles::save_over(&mut tx, (article, from), written, None, VersionKind::Saved, now).await?;
    if is_held(source, saved.status) {
        return Ok(Taken::Held);
    }
    (item.article_version, item.changed_at) = (saved.version, None);
    if !table::update_item(&mut tx, &item, from).await? {
        return Ok(Taken::Gone);
    }
    tx.commit().await?;
    Ok(Taken::Over)
}

/// Unless another look has taken over more since: two may be at the same entry.
async fn keep(store: &Store, item: &SourceItem, from: i64) -> Result<bool, StoreError> {
    let mut tx: Tx = store.begin().await?;
    let was = table::update_item(&mut tx, item, from).await?;
    tx.commit().await?;
    Ok(was)
}
