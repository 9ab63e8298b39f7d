//! The table `article_presence`: who has an article open.

use super::{Db, Result, Tx, on};
use crate::model::{ArticleId, Timestamp, UserId};

/// A sign of life of somebody's editor.
pub async fn touch(tx: &mut Tx, article: ArticleId, user: UserId, now: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO article_presence (article_id, user_id, seen_at) VALUES ($1, $2, $3)
        ON CONFLICT (article_id, user_id) DO UPDATE SET seen_at = $3";
    on!(tx.db(), |c| sqlx::query(SQL).bind(article).bind(user).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes somebody's sign of life back: the page was left.
pub async fn leave(tx: &mut Tx, article: ArticleId, user: UserId) -> Result<()> {
    const SQL: &str = "DELETE FROM article_presence WHERE article_id = $1 AND user_id = $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(article).bind(user).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets whose last sign of life is older.
pub async fn forget(tx: &mut Tx, before: Timestamp) -> Result<()> {
    const SQL: &str = "DELETE FROM article_presence WHERE seen_at < $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(before).execute(c).await?.rows_affected());
    Ok(())
}

/// The names of others who have an article open, seen since a moment.
pub async fn others(db: Db<'_>, article: ArticleId, user: UserId, since: Timestamp) -> Result<Vec<String>> {
    const SQL: &str = "SELECT u.name FROM article_presence p JOIN users u ON u.id = p.user_id
        WHERE p.article_id = $1 AND p.user_id <> $2 AND p.seen_at >= $3 ORDER BY u.name, u.id";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(article).bind(user).bind(since).fetch_all(c).await?))
}
