//! The table `subscriptions`.

use super::{Db, Result, Tx, on};
use crate::model::{
    FormId, Language, NewsletterId, SubscriberId, Subscription, SubscriptionId, SubscriptionStatus, Timestamp,
};

/// The subscription, made Pending now if there is none. A row that is there stays as it is: only the
/// owner of the address changes a state.
pub async fn find_or_insert(
    tx: &mut Tx,
    subscriber: SubscriberId,
    newsletter: NewsletterId,
    language: Language,
    now: Timestamp,
) -> Result<Subscription> {
    const SQL: &str = "INSERT INTO subscriptions (subscriber_id, newsletter_id, status, language, created_at)
        VALUES ($1, $2, 'pending', $3, $4)
        ON CONFLICT (subscriber_id, newsletter_id) DO UPDATE SET newsletter_id = excluded.newsletter_id RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(subscriber)
        .bind(newsletter)
        .bind(language)
        .bind(now)
        .fetch_one(c)
        .await?))
}

pub async fn by_id(db: Db<'_>, id: SubscriptionId) -> Result<Option<Subscription>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM subscriptions WHERE id = $1")
        .bind(id)
        .fetch_optional(c)
        .await?))
}

pub async fn of_subscriber(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<Subscription>> {
    const SQL: &str = "SELECT * FROM subscriptions WHERE subscriber_id = $1 ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}

/// Language and form of the newest request, until its owner confirms it.
pub async fn set_request(tx: &mut Tx, id: SubscriptionId, language: Language, form: FormId) -> Result<()> {
    const SQL: &str =
        "UPDATE subscriptions SET language = $2, form_id = $3 WHERE id = $1 AND status <> 'confirmed'";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(language).bind(form).execute(c).await?.rows_affected());
    Ok(())
}

/// Pending or Unsubscribed becomes Confirmed; `false` when it was Confirmed already, or is gone.
pub async fn confirm(tx: &mut Tx, id: SubscriptionId, language: Language, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE subscriptions SET status = 'confirmed', language = $2, confirmed_at = $3,
            audience_since = CASE WHEN rhythm = 'each' AND paused_until IS NULL THEN $3 END
        WHERE id = $1 AND status <> 'confirmed'";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(language)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Anything becomes Unsubscribed; `false` when it was already, or is gone.
pub async fn unsubscribe(tx: &mut Tx, id: SubscriptionId, now: Timestamp) -> Result<bool> {
    const SQL: &str =
        "UPDATE subscriptions SET status = 'unsubscribed', unsubscribed_at = $2, audience_since = NULL
        WHERE id = $1 AND status <> 'unsubscribed'";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// How many subscriptions of a newsletter are in a state.
pub async fn count(db: Db<'_>, newsletter: NewsletterId, status: SubscriptionStatus) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM subscriptions WHERE newsletter_id = $1 AND status = $2";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(newsletter).bind(status).fetch_one(c).await?))
}

/// Erases subscriptions that were never confirmed (L6), also those whose owner said no, unless they were
/// asked for again since; and then people without any subscription. Answers how many subscriptions went.
pub async fn delete_unconfirmed(tx: &mut Tx, created_before: Timestamp) -> Result<u64> {
    const SUBSCRIPTIONS: &str = "DELETE FROM subscriptions WHERE confirmed_at IS NULL AND created_at < $1
        AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.subscription_id = subscriptions.id AND t.created_at >= $1)";
    const SUBSCRIBERS: &str = "DELETE FROM subscribers WHERE created_at < $1
        AND NOT EXISTS (SELECT 1 FROM subscriptions n WHERE n.subscriber_id = subscribers.id)";
    let rows =
        on!(tx.db(), |c| sqlx::query(SUBSCRIPTIONS).bind(created_before).execute(c).await?.rows_affected());
    if rows > 0 {
        on!(tx.db(), |c| sqlx::query(SUBSCRIBERS).bind(created_before).execute(c).await?.rows_affected());
    }
    Ok(rows)
}
