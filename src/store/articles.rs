//! The table `articles`.

use super::{Db, PAGE_ROWS, Result, Tx, like_pattern, on};
use crate::model::{Article, ArticleId, ArticleStatus, Language, Slug, Timestamp};

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
    const SQL: &str =
        "INSERT INTO articles (slug, language, title, author, teaser, body, canonical_url, search_text,
            status, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'draft', 1, $9, $9) RETURNING *";
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
        .fetch_one(c)
        .await?);
    super::article_slugs::keep(tx, &article.slug, article.id).await?;
    Ok(article)
}

/// Saves a new version over `version`; `None` when someone else saved in between, or the row is gone.
pub async fn update(
    tx: &mut Tx,
    id: ArticleId,
    version: i64,
    text: &ArticleText,
    now: Timestamp,
) -> Result<Option<Article>> {
    const SQL: &str =
        "UPDATE articles SET slug = $3, language = $4, title = $5, author = $6, teaser = $7, body = $8,
            canonical_url = $9, search_text = $10, version = version + 1, updated_at = $11
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

pub async fn by_id(db: Db<'_>, id: ArticleId) -> Result<Option<Article>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM articles WHERE id = $1").bind(id).fetch_optional(c).await?))
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
    /// 0 is the first page of [`PAGE_ROWS`].
    pub page: i64,
}

/// One page, the last edited first, and one row more if there is a next page.
pub async fn list(db: Db<'_>, filter: &ArticleFilter) -> Result<Vec<Article>> {
    const SQL: &str = r"SELECT * FROM articles
        WHERE ($1 = '%%' OR search_text LIKE $1 ESCAPE '\') AND ($2 = '' OR status = $2) AND ($3 = '' OR language = $3)
        ORDER BY updated_at DESC, id DESC LIMIT $4 OFFSET $5";
    let pattern = like_pattern(filter.search.trim());
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(&pattern)
        .bind(filter.status.map_or("", ArticleStatus::as_str))
        .bind(filter.language.map_or("", Language::as_str))
        .bind(PAGE_ROWS + 1)
        .bind(filter.page.max(0) * PAGE_ROWS)
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
