//! The table `article_slugs`: every short name that an article has had.

use super::{Db, Result, Tx, on};
use crate::model::{ArticleId, Slug};

/// Remembers that an article has this short name now; one that it took over from another is its own from then on.
pub async fn keep(tx: &mut Tx, slug: &Slug, article: ArticleId) -> Result<()> {
    const SQL: &str = "INSERT INTO article_slugs (slug, article_id) VALUES ($1, $2)
        ON CONFLICT (slug) DO UPDATE SET article_id = excluded.article_id";
    on!(tx.db(), |c| sqlx::query(SQL).bind(slug).bind(article).execute(c).await?.rows_affected());
    Ok(())
}

/// The short name of today of the article that had this one last.
pub async fn current(db: Db<'_>, slug: &Slug) -> Result<Option<Slug>> {
    const SQL: &str = "SELECT a.slug FROM article_slugs s JOIN articles a ON a.id = s.article_id
        WHERE s.slug = $1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(slug).fetch_optional(c).await?))
}
