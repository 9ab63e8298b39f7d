//! Who has an article open: so that two people do not write over each other without knowing.

use std::time::Duration;

use crate::clock::Clock;
use crate::model::{ArticleId, Permission, UserId};
use crate::store::{Store, StoreError, article_presence};

/// How long a sign of life counts. An editor gives one each 20 seconds, so that two may be late.
const PRESENT_FOR: Duration = Duration::from_secs(60);

/// Notes that somebody has an article open, and answers the names of the others who do.
///
/// # Errors
/// Of the database; also when the article is gone.
pub async fn here(
    store: &Store,
    clock: &Clock,
    article: ArticleId,
    user: UserId,
) -> Result<Vec<String>, StoreError> {
    store.permit(Permission::WriteArticles, None)?;
    let now = clock.now();
    let since = now.minus(PRESENT_FOR);
    let mut tx = store.begin().await?;
    article_presence::forget(&mut tx, since).await?;
    article_presence::touch(&mut tx, article, user, now).await?;
    let others = article_presence::others(tx.db(), article, user, since).await?;
    tx.commit().await?;
    Ok(others)
}

/// Notes that somebody has closed an article.
///
/// # Errors
/// Of the database.
pub async fn gone(store: &Store, article: ArticleId, user: UserId) -> Result<(), StoreError> {
    store.permit(Permission::WriteArticles, None)?;
    let mut tx = store.begin().await?;
    article_presence::leave(&mut tx, article, user).await?;
    tx.commit().await
}

/// The names of the others who have an article open.
///
/// # Errors
/// Of the database.
pub async fn others(
    store: &Store,
    clock: &Clock,
    article: ArticleId,
    user: UserId,
) -> Result<Vec<String>, StoreError> {
    let since = clock.now().minus(PRESENT_FOR);
    article_presence::others(store.read().await?.db(), article, user, since).await
}
