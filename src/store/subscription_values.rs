//! The table `subscription_values`: what a subscriber answered to the fields of a form.

use super::{Db, Result, Tx, on};
use crate::model::{FieldId, NewsletterId, SubscriberId, SubscriptionId};

/// Sets or forgets an answer, until the owner of the address has confirmed anything: a stranger's form
/// must not change what a subscriber said.
pub async fn set(tx: &mut Tx, id: SubscriptionId, field: FieldId, value: Option<&str>) -> Result<()> {
    const SET: &str = "INSERT INTO subscription_values (subscription_id, field_id, value)
        SELECT id, $2, $3 FROM subscriptions WHERE id = $1 AND confirmed_at IS NULL
        ON CONFLICT (subscription_id, field_id) DO UPDATE SET value = excluded.value";
    const FORGET: &str = "DELETE FROM subscription_values WHERE subscription_id = $1 AND field_id = $2
        AND EXISTS (SELECT 1 FROM subscriptions WHERE id = $1 AND confirmed_at IS NULL)";
    match value {
        Some(value) => on!(tx.db(), |c| sqlx::query(SET)
            .bind(id)
            .bind(field)
            .bind(value)
            .execute(c)
            .await?
            .rows_affected()),
        None => {
            on!(tx.db(), |c| sqlx::query(FORGET).bind(id).bind(field).execute(c).await?.rows_affected())
        }
    };
    Ok(())
}

/// An answer, under the key of its field.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Answer {
    pub subscription_id: SubscriptionId,
    pub key: String,
    pub value: String,
}

/// Everything that one person answered.
pub async fn of_subscriber(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<Answer>> {
    const SQL: &str = "SELECT v.subscription_id, f.key, v.value FROM subscription_values v
        JOIN fields f ON f.id = v.field_id JOIN subscriptions s ON s.id = v.subscription_id
        WHERE s.subscriber_id = $1 ORDER BY v.subscription_id, f.id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}

/// The answers of the subscriptions after one id and up to another: those of a page of an export.
pub async fn between(
    db: Db<'_>,
    newsletter: Option<NewsletterId>,
    after: i64,
    up_to: i64,
) -> Result<Vec<Answer>> {
    const SQL: &str = "SELECT v.subscription_id, f.key, v.value FROM subscription_values v
        JOIN fields f ON f.id = v.field_id
        WHERE v.subscription_id > $1 AND v.subscription_id <= $2
            AND (CAST($3 AS BIGINT) IS NULL OR f.newsletter_id = $3)
        ORDER BY v.subscription_id, f.id";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(after)
        .bind(up_to)
        .bind(newsletter.map(|id| id.0))
        .fetch_all(c)
        .await?))
}
