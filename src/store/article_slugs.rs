//! The table `article_slugs`: every short name that an article has had. Links in mails that were sent lead by them, so
//! that none of them ever becomes another article's.

use super::{Db, Result, StoreError, Tx, on};
use crate::model::{ArticleId, Slug};

/// Remembers that an article has this short name now. A duplicate error: another article has it, or has had it.
pub async fn keep(tx: &mut Tx, slug: &Slug, article: ArticleId) -> Result<()> {
    const SQL: &str = "INSERT INTO article_slugs (slug, article_id) VALUES ($1, $2)
        ON CONFLICT (slug) DO UPDATE SET article_id = excluded.article_id
            WHERE article_slugs.article_id = excluded.article_id";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(slug).bind(article).execute(c).await?.rows_affected());
    if rows == 1 { Ok(()) } else { Err(StoreError::taken()) }
}

/// Which article has a short name, or has had it.
pub async fn owner(db: Db<'_>, slug: &Slug) -> Result<Option<ArticleId>> {
    const SQL: &str = "SELECT article_id FROM article_slugs WHERE slug = $1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(slug).fetch_optional(c).await?))
}

/// The short name of today of the article that had this one.
pub async fn current(db: Db<'_>, slug: &Slug) -> Result<Option<Slug>> {
    const SQL: &str = "SELECT a.slug FROM article_slugs s JOIN articles a ON a.id = s.article_id
        WHERE s.slug = $1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(slug).fetch_optional(c).await?))
}
