//! The table `external_articles`: which article is which elsewhere.

use super::{Db, Result, Tx, on, sql};
use crate::model::{ArticleId, ExternalArticle, UserId};

/// Takes the row of an external id until the end of the transaction; one that is new has no article yet. Who hands in
/// the same at the same moment waits, and then finds it.
pub async fn claim(tx: &mut Tx, user: UserId, external_id: &str) -> Result<ExternalArticle> {
    const SQL: &str =
        "INSERT INTO external_articles (user_id, external_id, article_version) VALUES ($1, $2, 0)
        ON CONFLICT (user_id, external_id) DO UPDATE SET external_id = excluded.external_id
        RETURNING external_id, article_id, article_version, content";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(user).bind(external_id).fetch_one(c).await?))
}

/// What an external id stands for.
pub async fn by_external_id(db: Db<'_>, user: UserId, external_id: &str) -> Result<Option<ExternalArticle>> {
    const SQL: &str = "SELECT external_id, article_id, article_version, content FROM external_articles
        WHERE user_id = $1 AND external_id = $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(user).bind(external_id).fetch_optional(c).await?))
}

/// Which article it is, as which version it was taken over, and by which content that is recognised.
pub async fn set(
    tx: &mut Tx,
    user: UserId,
    external_id: &str,
    article: ArticleId,
    version: i64,
    content: &[u8],
) -> Result<()> {
    const SQL: &str = "UPDATE external_articles SET article_id = $3, article_version = $4, content = $5
        WHERE user_id = $1 AND external_id = $2";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(user)
        .bind(external_id)
        .bind(article)
        .bind(version)
        .bind(content)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// What a person calls an article elsewhere.
pub async fn of_article(db: Db<'_>, user: UserId, article: ArticleId) -> Result<Option<ExternalArticle>> {
    const SQL: &str = "SELECT external_id, article_id, article_version, content FROM external_articles
        WHERE article_id = $2 AND user_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(user).bind(article).fetch_optional(c).await?))
}

/// The same, held until the end of the transaction. Before the article itself is, as [`claim`] comes before it.
pub async fn lock_of_article(
    tx: &mut Tx,
    user: UserId,
    article: ArticleId,
) -> Result<Option<ExternalArticle>> {
    let db = tx.db();
    let text = sql!(
        db,
        "SELECT external_id, article_id, article_version, content FROM external_articles
        WHERE article_id = $2 AND user_id = $1",
        sqlite: "",
        postgres: " FOR UPDATE",
        ""
    );
    Ok(on!(db, |c| sqlx::query_as(text).bind(user).bind(article).fetch_optional(c).await?))
}
