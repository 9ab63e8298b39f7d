//! The table `articles`.

use super::{Db, PAGE_ROWS, Result, Tx, like_pattern, on, sql};
use crate::model::{Actor, Article, ArticleId, ArticleStatus, Language, Slug, Timestamp};

/// What an author writes.
#[derive(Debug, Clone)]
pub struct ArticleText {
    pub slug: Slug,
    pub language: Language,
    pub title: String,
    pub author: String,
    pub teaser: String,
    pub body: String,
    pub canonical_url: String,
}

/// What a search looks in, in the lower case of [`like_pattern`].
fn search_text(text: &ArticleText) -> String {
    [text.title.as_str(), &text.author, &text.body].join("\n").to_lowercase()
}

pub async fn insert(tx: &mut Tx, text: &ArticleText, now: Timestamp) -> Result<Article> {
    insert_translation(tx, text, None, now).await
}

/// The same for a translation of an article.
pub async fn insert_translation(
    tx: &mut Tx,
    text: &ArticleText,
    original: Option<ArticleId>,
    now: Timestamp,
) -> Result<Article> {
    const SQL: &str =
        "INSERT INTO articles (slug, language, title, author, teaser, body, canonical_url, search_text,
            status, version, created_at, updated_at, original_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'draft', 1, $9, $9, $10) RETURNING *";
    let article: Article = on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(&text.slug)
        .bind(text.language)
        .bind(&text.title)
        .bind(&text.author)
        .bind(&text.teaser)
        .bind(&text.body)
        .bind(&text.canonical_url)
        .bind(search_text(text))
        .bind(now)
        .bind(original)
        .fetch_one(c)
        .await?);
    super::article_slugs::keep(tx, &article.slug, article.id).await?;
    Ok(article)
}

/// Saves version `next` over `version`; `None` when someone else saved in between, or the row is gone.
pub async fn update(
    tx: &mut Tx,
    id: ArticleId,
    version: i64,
    next: i64,
    text: &ArticleText,
    now: Timestamp,
) -> Result<Option<Article>> {
    const SQL: &str =
        "UPDATE articles SET slug = $3, language = $4, title = $5, author = $6, teaser = $7, body = $8,
            canonical_url = $9, search_text = $10, version = $12, updated_at = $11
        WHERE id = $1 AND version = $2 RETURNING *";
    let article: Option<Article> = on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(version)
        .bind(&text.slug)
        .bind(text.language)
        .bind(&text.title)
        .bind(&text.author)
        .bind(&text.teaser)
        .bind(&text.body)
        .bind(&text.canonical_url)
        .bind(search_text(text))
        .bind(now)
        .bind(next)
        .fetch_optional(c)
        .await?);
    if let Some(article) = &article {
        super::article_slugs::keep(tx, &article.slug, article.id).await?;
    }
    Ok(article)
}

/// Publishes, or takes back to draft; the first publication keeps its time.
pub async fn set_status(tx: &mut Tx, id: ArticleId, status: ArticleStatus, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE articles SET status = $2, updated_at = $3,
            published_at = CASE WHEN $2 = 'published' THEN COALESCE(published_at, $3) ELSE published_at END
        WHERE id = $1";
    let rows =
        on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(status).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Puts an article away, or brings it back (`None`). Whether that changed anything.
pub async fn set_archived(tx: &mut Tx, id: ArticleId, at: Option<Timestamp>) -> Result<bool> {
    const SQL: &str = "UPDATE articles SET archived_at = $2
        WHERE id = $1 AND (archived_at IS NULL) = ($3 = 0)";
    let is_back = i64::from(at.is_none());
    let rows =
        on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(at).bind(is_back).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Whether an issue has it, sent or not.
pub async fn is_in_an_issue(db: Db<'_>, id: ArticleId) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM issue_articles WHERE article_id = $1)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(id).fetch_one(c).await?))
}

pub async fn is_archived(db: Db<'_>, id: ArticleId) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM articles WHERE id = $1 AND archived_at IS NOT NULL)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(id).fetch_one(c).await?))
}

pub async fn by_id(db: Db<'_>, id: ArticleId) -> Result<Option<Article>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM articles WHERE id = $1").bind(id).fetch_optional(c).await?))
}

/// The same, held until the end of the transaction: whoever saves it waits.
pub async fn lock(tx: &mut Tx, id: ArticleId) -> Result<Option<Article>> {
    let db = tx.db();
    let text = sql!(db, "SELECT * FROM articles WHERE id = $1", sqlite: "", postgres: " FOR UPDATE", "");
    Ok(on!(db, |c| sqlx::query_as(text).bind(id).fetch_optional(c).await?))
}

/// An article and its translations, by its first.
pub async fn family(db: Db<'_>, first: ArticleId) -> Result<Vec<Article>> {
    const SQL: &str = "SELECT * FROM articles WHERE id = $1 OR original_id = $1 ORDER BY language, id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(first).fetch_all(c).await?))
}

/// The names of authors, of the last edited articles first, at most so many.
pub async fn authors(db: Db<'_>, most: i64) -> Result<Vec<String>> {
    const SQL: &str = "SELECT author FROM articles WHERE author <> '' GROUP BY author
        ORDER BY max(updated_at) DESC, author LIMIT $1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(most).fetch_all(c).await?))
}

pub async fn by_slug(db: Db<'_>, slug: &Slug) -> Result<Option<Article>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM articles WHERE slug = $1")
        .bind(slug)
        .fetch_optional(c)
        .await?))
}

/// Which articles a list shows.
#[derive(Debug, Clone, Default)]
pub struct ArticleFilter {
    /// Looked for in title, author and body; empty for all.
    pub search: String,
    pub status: Option<ArticleStatus>,
    pub language: Option<Language>,
    /// The key of a tag; empty for all.
    pub tag: String,
    /// Those that were put away, instead of all others.
    pub is_archived: bool,
    /// 0 is the first page of [`PAGE_ROWS`].
    pub page: i64,
}

/// One page, the last edited first, and one row more if there is a next page.
pub async fn list(db: Db<'_>, filter: &ArticleFilter) -> Result<Vec<Article>> {
    const SQL: &str = r"SELECT * FROM articles
        WHERE ($1 = '%%' OR search_text LIKE $1 ESCAPE '\') AND ($2 = '' OR status = $2) AND ($3 = '' OR language = $3)
            AND ($6 = '' OR id IN (SELECT a.article_id FROM article_tags a JOIN tags t ON t.id = a.tag_id
                WHERE t.key = $6))
            AND (archived_at IS NULL) = ($7 = 0)
        ORDER BY updated_at DESC, id DESC LIMIT $4 OFFSET $5";
    let pattern = like_pattern(filter.search.trim());
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(&pattern)
        .bind(filter.status.map_or("", ArticleStatus::as_str))
        .bind(filter.language.map_or("", Language::as_str))
        .bind(PAGE_ROWS + 1)
        .bind(filter.page.max(0) * PAGE_ROWS)
        .bind(&filter.tag)
        .bind(i64::from(filter.is_archived))
        .fetch_all(c)
        .await?))
}

/// Those of a status and a tag with a smaller id, the last added first, at most so many. `tag` is a key; empty: all.
pub async fn before(
    db: Db<'_>,
    before: ArticleId,
    status: Option<ArticleStatus>,
    tag: &str,
    most: i64,
) -> Result<Vec<Article>> {
    const SQL: &str = "SELECT * FROM articles WHERE id < $1 AND ($2 = '' OR status = $2)
            AND ($3 = '' OR id IN (SELECT a.article_id FROM article_tags a JOIN tags t ON t.id = a.tag_id
                WHERE t.key = $3))
        ORDER BY id DESC LIMIT $4";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(before)
        .bind(status.map_or("", ArticleStatus::as_str))
        .bind(tag)
        .bind(most)
        .fetch_all(c)
        .await?))
}

/// An issue in which an article was mailed, or is about to be.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Appearance {
    pub article_id: ArticleId,
    pub issue_id: crate::model::IssueId,
    pub newsletter_id: crate::model::NewsletterId,
    pub newsletter_name: String,
    pub number: i64,
    pub subject: String,
    pub due_at: Timestamp,
    /// The version of the article that was mailed.
    pub article_version: i64,
}

/// Where an article was mailed, the latest first.
pub async fn appearances(db: Db<'_>, id: ArticleId) -> Result<Vec<Appearance>> {
    const SQL: &str = "SELECT a.article_id, i.id AS issue_id, i.newsletter_id, n.name AS newsletter_name, i.number, i.subject,
            m.due_at, a.article_version
        FROM mailing_articles a JOIN mailings m ON m.id = a.mailing_id JOIN issues i ON i.id = m.issue_id
            JOIN newsletters n ON n.id = i.newsletter_id
        WHERE a.article_id = $1 AND m.status <> 'cancelled' ORDER BY m.due_at DESC";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(id).fetch_all(c).await?))
}

/// [`appearances`] in the newsletters that somebody sees.
pub async fn appearances_for(mut db: Db<'_>, actor: &Actor, id: ArticleId) -> Result<Vec<Appearance>> {
    let seen = super::issues::seen_by(db.again(), actor).await?;
    appearances_in(db, &seen, id, i64::MAX).await
}

/// Where each of the articles of one page was mailed last in the newsletters that somebody sees, for those that were.
pub async fn last_appearances_for(
    mut db: Db<'_>,
    actor: &Actor,
    ids: &[ArticleId],
) -> Result<Vec<Appearance>> {
    let seen = super::issues::seen_by(db.again(), actor).await?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(appearances_in(db.again(), &seen, *id, 1).await?);
    }
    Ok(found)
}

/// `seen`: the newsletters, each between commas.
async fn appearances_in(db: Db<'_>, seen: &str, id: ArticleId, limit: i64) -> Result<Vec<Appearance>> {
    const SQL: &str = "SELECT a.article_id, i.id AS issue_id, i.newsletter_id, n.name AS newsletter_name, i.number, i.subject,
            m.due_at, a.article_version
        FROM mailing_articles a JOIN mailings m ON m.id = a.mailing_id JOIN issues i ON i.id = m.issue_id
            JOIN newsletters n ON n.id = i.newsletter_id
        WHERE a.article_id = $1 AND m.status <> 'cancelled'
            AND $2 LIKE '%,' || CAST(i.newsletter_id AS TEXT) || ',%'
        ORDER BY m.due_at DESC LIMIT $3";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(id).bind(seen).bind(limit).fetch_all(c).await?))
}
