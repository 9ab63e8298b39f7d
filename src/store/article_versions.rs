//! The table `article_versions`.

use super::articles::ArticleText;
use super::{Db, PAGE_ROWS, Result, Tx, on};
use crate::model::{ArticleId, ArticleVersion, ArticleVersionId, IssueId, Timestamp, UserId, VersionKind};

/// What is kept with the words of a version.
#[derive(Debug, Clone, Copy)]
pub struct Saving<'a> {
    pub number: i64,
    pub kind: VersionKind,
    pub tags: &'a str,
    pub by: Option<UserId>,
    pub at: Timestamp,
}

/// A duplicate error means that somebody else saved that number.
pub async fn insert(
    tx: &mut Tx,
    article: ArticleId,
    text: &ArticleText,
    saving: Saving<'_>,
) -> Result<ArticleVersion> {
    const SQL: &str = "INSERT INTO article_versions (article_id, number, kind, slug, language, title, author,
            teaser, body, canonical_url, tags, user_id, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(article)
        .bind(saving.number)
        .bind(saving.kind)
        .bind(&text.slug)
        .bind(text.language)
        .bind(&text.title)
        .bind(&text.author)
        .bind(&text.teaser)
        .bind(&text.body)
        .bind(&text.canonical_url)
        .bind(saving.tags)
        .bind(saving.by)
        .bind(saving.at)
        .fetch_one(c)
        .await?))
}

/// Writes a newer autosave in the place of an older one, which readers have never seen. `None` when it is gone.
pub async fn replace(
    tx: &mut Tx,
    id: ArticleVersionId,
    text: &ArticleText,
    saving: Saving<'_>,
) -> Result<Option<ArticleVersion>> {
    const SQL: &str =
        "UPDATE article_versions SET number = $2, slug = $3, language = $4, title = $5, author = $6,
            teaser = $7, body = $8, canonical_url = $9, tags = $10, updated_at = $11
        WHERE id = $1 AND kind = 'autosaved' AND published_at IS NULL RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(saving.number)
        .bind(&text.slug)
        .bind(text.language)
        .bind(&text.title)
        .bind(&text.author)
        .bind(&text.teaser)
        .bind(&text.body)
        .bind(&text.canonical_url)
        .bind(saving.tags)
        .bind(saving.at)
        .fetch_optional(c)
        .await?))
}

/// Notes that readers can see a version; the first time stays.
pub async fn set_published(tx: &mut Tx, article: ArticleId, number: i64, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE article_versions SET published_at = $3
        WHERE article_id = $1 AND number = $2 AND published_at IS NULL";
    on!(tx.db(), |c| sqlx::query(SQL).bind(article).bind(number).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// The last one written.
pub async fn latest(db: Db<'_>, article: ArticleId) -> Result<Option<ArticleVersion>> {
    const SQL: &str = "SELECT * FROM article_versions WHERE article_id = $1 ORDER BY number DESC LIMIT 1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(article).fetch_optional(c).await?))
}

pub async fn by_number(db: Db<'_>, article: ArticleId, number: i64) -> Result<Option<ArticleVersion>> {
    const SQL: &str = "SELECT * FROM article_versions WHERE article_id = $1 AND number = $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(article).bind(number).fetch_optional(c).await?))
}

/// The one before.
pub async fn before(db: Db<'_>, article: ArticleId, number: i64) -> Result<Option<ArticleVersion>> {
    const SQL: &str =
        "SELECT * FROM article_versions WHERE article_id = $1 AND number < $2 ORDER BY number DESC LIMIT 1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(article).bind(number).fetch_optional(c).await?))
}

/// Who wrote the articles of an issue, and those of their families, as readers see them now: each time whoever first wrote
/// these words. Who saved them again, or brought them back, has written nothing.
pub async fn authors_in(db: Db<'_>, issue: IssueId) -> Result<Vec<(ArticleId, UserId)>> {
    const SQL: &str = "SELECT v.article_id, v.user_id FROM issue_articles i
            JOIN articles p ON p.id = i.article_id
            JOIN articles a ON a.id = COALESCE(p.original_id, p.id) OR a.original_id = COALESCE(p.original_id, p.id)
            JOIN article_versions s ON s.article_id = a.id AND s.number = a.version
            JOIN article_versions v ON v.article_id = a.id AND v.number = (
                SELECT MIN(w.number) FROM article_versions w WHERE w.article_id = a.id AND w.number <= s.number
                    AND w.title = s.title AND w.author = s.author AND w.teaser = s.teaser AND w.body = s.body
                    AND w.language = s.language AND w.canonical_url = s.canonical_url)
        WHERE i.issue_id = $1 AND v.user_id IS NOT NULL";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(issue).fetch_all(c).await?))
}

/// Whether a mailing holds this version.
pub async fn was_mailed(db: Db<'_>, article: ArticleId, number: i64) -> Result<bool> {
    const SQL: &str =
        "SELECT EXISTS (SELECT 1 FROM mailing_articles WHERE article_id = $1 AND article_version = $2)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(article).bind(number).fetch_one(c).await?))
}

/// A version in a list, without its words.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct VersionLine {
    pub number: i64,
    pub kind: VersionKind,
    pub title: String,
    /// Who saved it.
    pub user_name: Option<String>,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>,
}

/// One page, the latest first, and one row more if there is a next page.
pub async fn list(db: Db<'_>, article: ArticleId, page: i64) -> Result<Vec<VersionLine>> {
    const SQL: &str = "SELECT v.number, v.kind, v.title, u.name AS user_name, v.updated_at, v.published_at
        FROM article_versions v LEFT JOIN users u ON u.id = v.user_id
        WHERE v.article_id = $1 ORDER BY v.number DESC LIMIT $2 OFFSET $3";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(article)
        .bind(PAGE_ROWS + 1)
        .bind(page.max(0) * PAGE_ROWS)
        .fetch_all(c)
        .await?))
}

/// Published articles with words that readers do not see yet, at most so many.
pub async fn pending(db: Db<'_>, most: i64) -> Result<Vec<ArticleId>> {
    const SQL: &str = "SELECT a.id FROM articles a WHERE a.status = 'published'
            AND EXISTS (SELECT 1 FROM article_versions v WHERE v.article_id = a.id AND v.number > a.version)
        ORDER BY a.updated_at DESC LIMIT $1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(most).fetch_all(c).await?))
}
