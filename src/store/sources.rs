//! The tables `sources` and `source_items`.

use super::{Db, Result, Tx, on, sql};
use crate::model::{ArticleId, Intake, Language, Source, SourceId, SourceItem, Timestamp};

/// What somebody sets.
#[derive(Debug, Clone)]
pub struct SourceText {
    pub name: String,
    pub url: String,
    pub language: Language,
    /// Names with commas.
    pub tags: String,
    pub intake: Intake,
    pub interval_minutes: i64,
    pub is_on: bool,
}

/// A duplicate error means that there is one of this address.
pub async fn insert(tx: &mut Tx, text: &SourceText, now: Timestamp) -> Result<Source> {
    const SQL: &str =
        "INSERT INTO sources (name, url, language, tags, intake, interval_minutes, is_on, etag, last_modified,
            next_at, failures, error, error_status, version, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', $8, 0, '', 0, 1, $8) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(&text.name)
        .bind(&text.url)
        .bind(text.language)
        .bind(&text.tags)
        .bind(text.intake)
        .bind(text.interval_minutes)
        .bind(text.is_on)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// Saves over `version`, and asks it soon; `None` when somebody else saved in between, or it is gone.
pub async fn update(
    tx: &mut Tx,
    id: SourceId,
    version: i64,
    text: &SourceText,
    now: Timestamp,
) -> Result<Option<Source>> {
    // Another address answers with validators of its own.
    const SQL: &str = "UPDATE sources SET name = $3, url = $4, language = $5, tags = $6, intake = $7,
            interval_minutes = $8, is_on = $9, etag = CASE WHEN url = $4 THEN etag ELSE '' END,
            last_modified = CASE WHEN url = $4 THEN last_modified ELSE '' END, next_at = $10, failures = 0,
            version = version + 1
        WHERE id = $1 AND version = $2 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(version)
        .bind(&text.name)
        .bind(&text.url)
        .bind(text.language)
        .bind(&text.tags)
        .bind(text.intake)
        .bind(text.interval_minutes)
        .bind(text.is_on)
        .bind(now)
        .fetch_optional(c)
        .await?))
}

/// Its articles stay.
pub async fn delete(tx: &mut Tx, id: SourceId) -> Result<bool> {
    const SQL: &str = "DELETE FROM sources WHERE id = $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected()) == 1)
}

pub async fn by_id(db: Db<'_>, id: SourceId) -> Result<Option<Source>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM sources WHERE id = $1").bind(id).fetch_optional(c).await?))
}

pub async fn all(db: Db<'_>) -> Result<Vec<Source>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM sources ORDER BY name, id").fetch_all(c).await?))
}

/// Takes those that are due until a moment: whoever else looks finds them later.
pub async fn claim_due(tx: &mut Tx, now: Timestamp, until: Timestamp, limit: i64) -> Result<Vec<Source>> {
    // Materialized: PostgreSQL may run a subquery anew for each row, and then the limit is none.
    let sql = sql!(
        tx.db(),
        "WITH due AS MATERIALIZED (
            SELECT id FROM sources WHERE is_on AND next_at <= $1 ORDER BY next_at LIMIT $3",
        sqlite: "",
        postgres: " FOR UPDATE SKIP LOCKED",
        ") UPDATE sources SET next_at = $2 WHERE is_on AND next_at <= $1 AND id IN (SELECT id FROM due) RETURNING *"
    );
    Ok(on!(tx.db(), |c| sqlx::query_as(sql).bind(now).bind(until).bind(limit).fetch_all(c).await?))
}

/// What a look at a source came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub etag: String,
    pub last_modified: String,
    pub next_at: Timestamp,
    pub failures: i64,
    pub error: &'static str,
    pub error_status: i64,
}

/// Unless somebody changed the source while it was asked: then it is asked anew.
pub async fn set_outcome(tx: &mut Tx, source: &Source, outcome: &Outcome, now: Timestamp) -> Result<()> {
    const SQL: &str =
        "UPDATE sources SET etag = $2, last_modified = $3, next_at = $4, failures = $5, error = $6,
            error_status = $7, fetched_at = $8 WHERE id = $1 AND version = $9";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(source.id)
        .bind(&outcome.etag)
        .bind(&outcome.last_modified)
        .bind(outcome.next_at)
        .bind(outcome.failures)
        .bind(outcome.error)
        .bind(outcome.error_status)
        .bind(now)
        .bind(source.version)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn item(db: Db<'_>, source: SourceId, key: &[u8]) -> Result<Option<SourceItem>> {
    const SQL: &str = "SELECT * FROM source_items WHERE source_id = $1 AND key = $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(source).bind(key).fetch_optional(c).await?))
}

/// Notes an entry; `false` when it was noted already: somebody else makes its article.
pub async fn insert_item(tx: &mut Tx, item: &SourceItem) -> Result<bool> {
    const SQL: &str =
        "INSERT INTO source_items (source_id, key, article_id, article_version, content, changed_at, seen_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (source_id, key) DO NOTHING";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(item.source_id)
        .bind(&item.key)
        .bind(item.article_id)
        .bind(item.article_version)
        .bind(&item.content)
        .bind(item.changed_at)
        .bind(item.seen_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Which article an entry is, and as what it was last taken over; `false` when somebody else has taken over more than the
/// version `from` since.
pub async fn update_item(tx: &mut Tx, item: &SourceItem, from: i64) -> Result<bool> {
    const SQL: &str =
        "UPDATE source_items SET article_id = $3, article_version = $4, content = $5, changed_at = $6
        WHERE source_id = $1 AND key = $2 AND article_version = $7";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(item.source_id)
        .bind(&item.key)
        .bind(item.article_id)
        .bind(item.article_version)
        .bind(&item.content)
        .bind(item.changed_at)
        .bind(from)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Holds up whoever else makes articles of entries, until the end of the transaction: two sources may carry one piece at
/// the same moment. The first thing that a transaction does.
pub async fn lock_items(tx: &mut Tx) -> Result<()> {
    if let Db::Postgres(c) = tx.db() {
        sqlx::query("LOCK TABLE source_items IN SHARE ROW EXCLUSIVE MODE").execute(c).await?;
    }
    Ok(())
}

/// Whether another source, or one that was removed, has made an article of the piece at an address: nobody at the desk
/// wrote its first version. What `source` made itself is none: it tells its entries apart better than an address does.
pub async fn is_elsewhere(db: Db<'_>, source: SourceId, url: &str) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM articles a
        WHERE a.canonical_url = $1 AND a.canonical_url <> ''
            AND NOT EXISTS (SELECT 1 FROM article_versions v
                WHERE v.article_id = a.id AND v.number = 1 AND v.user_id IS NOT NULL)
            AND NOT EXISTS (SELECT 1 FROM source_items i WHERE i.article_id = a.id AND i.source_id = $2))";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(url).bind(source).fetch_one(c).await?))
}

/// How many articles came from each source.
pub async fn counts(db: Db<'_>) -> Result<Vec<(SourceId, i64)>> {
    const SQL: &str = "SELECT source_id, count(article_id) FROM source_items GROUP BY source_id";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

/// An article of a source that changed there, and had been edited here.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Changed {
    pub article_id: ArticleId,
    pub title: String,
    pub changed_at: Timestamp,
}

/// Those of a source, the latest first, at most so many.
pub async fn changed(db: Db<'_>, source: SourceId, limit: i64) -> Result<Vec<Changed>> {
    const SQL: &str = "SELECT i.article_id, a.title, i.changed_at FROM source_items i
            JOIN articles a ON a.id = i.article_id
        WHERE i.source_id = $1 AND i.changed_at IS NOT NULL ORDER BY i.changed_at DESC, i.article_id LIMIT $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(source).bind(limit).fetch_all(c).await?))
}
