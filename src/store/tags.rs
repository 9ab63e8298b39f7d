//! The tables `tags` and `article_tags`.

use super::{Db, Result, Tx, on};
use crate::model::{ArticleId, Tag};

/// Gives an article these tags, in their order, in place of those that it had.
pub async fn set(tx: &mut Tx, article: ArticleId, tags: &[Tag]) -> Result<()> {
    const DELETE: &str = "DELETE FROM article_tags WHERE article_id = $1";
    // The first way to write a tag stays.
    const TAG: &str = "INSERT INTO tags (key, name) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    const INSERT: &str = "INSERT INTO article_tags (article_id, tag_id, position)
        SELECT $1, id, $3 FROM tags WHERE key = $2 ON CONFLICT (article_id, tag_id) DO NOTHING";
    on!(tx.db(), |c| sqlx::query(DELETE).bind(article).execute(c).await?.rows_affected());
    for (position, tag) in (0_i64..).zip(tags) {
        on!(tx.db(), |c| sqlx::query(TAG).bind(tag.key()).bind(tag.name()).execute(c).await?.rows_affected());
        on!(tx.db(), |c| sqlx::query(INSERT)
            .bind(article)
            .bind(tag.key())
            .bind(position)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}

/// The names of an article's tags in their order.
pub async fn of_article(db: Db<'_>, article: ArticleId) -> Result<Vec<String>> {
    const SQL: &str = "SELECT t.name FROM article_tags a JOIN tags t ON t.id = a.tag_id
        WHERE a.article_id = $1 ORDER BY a.position, t.name";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(article).fetch_all(c).await?))
}

/// The names of tags that articles have, those of the most articles first, at most so many.
pub async fn used(db: Db<'_>, most: i64) -> Result<Vec<String>> {
    const SQL: &str = "SELECT t.name FROM tags t JOIN article_tags a ON a.tag_id = t.id
        GROUP BY t.id, t.name ORDER BY count(*) DESC, t.name LIMIT $1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(most).fetch_all(c).await?))
}
