//! The table `subscription_values`: what a subscriber answered to the fields of a form. Each answer has a key, in which
//! filters look for a part of it.

use super::bulk::{self, BULK_ROWS_MAX, Column};
use super::{Db, Result, Tx, on, sql};
use crate::model::{FieldId, SubscriberId, SubscriptionId};

/// An answer to a field; without a value it is forgotten.
pub type NewAnswer<'a> = (SubscriptionId, FieldId, Option<&'a str>);

/// Most answers whose keys are written in one transaction.
const KEY_ROWS: i64 = 500;

/// What is looked in: the lower case of Rust, because that of the databases is not the same.
fn key_of(value: &str) -> String {
    value.to_lowercase()
}

/// Sets or forgets answers, until the owner of the address has confirmed anything: a stranger's form must not
/// change what a subscriber said. Each pair of subscription and field once.
pub async fn set_all(tx: &mut Tx, answers: &[NewAnswer<'_>]) -> Result<()> {
    const SET: &str = "INSERT INTO subscription_values (subscription_id, field_id, value, value_key)
            SELECT s.id, v.field_id, v.value, v.value_key FROM v JOIN subscriptions s ON s.id = v.id
            WHERE s.confirmed_at IS NULL
        ON CONFLICT (subscription_id, field_id) DO UPDATE SET value = excluded.value, value_key = excluded.value_key";
    const FORGET: &str = "DELETE FROM subscription_values WHERE (subscription_id, field_id) IN
        (SELECT v.id, v.field_id FROM v JOIN subscriptions s ON s.id = v.id WHERE s.confirmed_at IS NULL)";
    let (set, forgotten): (Vec<_>, Vec<_>) = answers.iter().partition(|(.., value)| value.is_some());
    let ids = |answers: &[NewAnswer<'_>]| {
        [
            Column::Numbers("id", answers.iter().map(|(id, ..)| Some(id.0)).collect()),
            Column::Numbers("field_id", answers.iter().map(|(_, field, _)| Some(field.0)).collect()),
        ]
    };
    for set in set.chunks(BULK_ROWS_MAX) {
        let [id, field_id] = ids(set);
        let values = Column::Texts("value", set.iter().map(|(.., value)| *value).collect());
        let keys: Vec<Option<String>> = set.iter().map(|(.., value)| value.map(key_of)).collect();
        let keys = Column::Texts("value_key", keys.iter().map(Option::as_deref).collect());
        bulk::execute(tx, &[id, field_id, values, keys], SET, &[]).await?;
    }
    for forgotten in forgotten.chunks(BULK_ROWS_MAX) {
        bulk::execute(tx, &ids(forgotten), FORGET, &[]).await?;
    }
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

/// Sets answers of subscriptions that are new.
pub async fn insert_all(tx: &mut Tx, answers: &[(SubscriptionId, FieldId, &str)]) -> Result<()> {
    const SQL: &str = "INSERT INTO subscription_values (subscription_id, field_id, value, value_key)
            SELECT v.id, v.field_id, v.value, v.value_key FROM v WHERE v.id IS NOT NULL
        ON CONFLICT (subscription_id, field_id) DO NOTHING";
    for chunk in answers.chunks(BULK_ROWS_MAX) {
        let keys: Vec<String> = chunk.iter().map(|(.., value)| key_of(value)).collect();
        let columns = [
            Column::Numbers("id", chunk.iter().map(|(id, ..)| Some(id.0)).collect()),
            Column::Numbers("field_id", chunk.iter().map(|(_, field, _)| Some(field.0)).collect()),
            Column::Texts("value", chunk.iter().map(|(.., value)| Some(*value)).collect()),
            Column::Texts("value_key", keys.iter().map(|key| Some(key.as_str())).collect()),
        ];
        bulk::execute(tx, &columns, SQL, &[]).await?;
    }
    Ok(())
}

/// The answers of several subscriptions, in the order of their ids.
pub async fn of_all(db: Db<'_>, subscriptions: &[SubscriptionId]) -> Result<Vec<Answer>> {
    const SQL: &str = "SELECT a.subscription_id, f.key, a.value FROM v
            JOIN subscription_values a ON a.subscription_id = v.id JOIN fields f ON f.id = a.field_id
        ORDER BY a.subscription_id, f.id";
    let columns = [Column::Numbers("id", subscriptions.iter().map(|id| Some(id.0)).collect())];
    bulk::fetch_all(db, &columns, SQL, &[]).await
}

/// Whether there is an answer of before without a key: a look that costs no lock.
pub async fn has_unwritten_keys(db: Db<'_>) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM subscription_values WHERE value_key IS NULL)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// Writes the keys of answers that have none; `false` when there are no more.
pub async fn write_keys(tx: &mut Tx) -> Result<bool> {
    const WRITE: &str = "UPDATE subscription_values SET value_key = v.value_key FROM v
        WHERE subscription_values.subscription_id = v.id AND subscription_values.field_id = v.field_id";
    let sql = sql!(
        tx.db(),
        "SELECT subscription_id, field_id, value FROM subscription_values WHERE value_key IS NULL
        ORDER BY subscription_id, field_id LIMIT $1",
        sqlite: "",
        postgres: " FOR UPDATE SKIP LOCKED",
        ""
    );
    let answers: Vec<(SubscriptionId, FieldId, String)> =
        on!(tx.db(), |c| sqlx::query_as(sql).bind(KEY_ROWS).fetch_all(c).await?);
    let keys: Vec<String> = answers.iter().map(|(.., value)| key_of(value)).collect();
    let columns = [
        Column::Numbers("id", answers.iter().map(|(id, ..)| Some(id.0)).collect()),
        Column::Numbers("field_id", answers.iter().map(|(_, field, _)| Some(field.0)).collect()),
        Column::Texts("value_key", keys.iter().map(|key| Some(key.as_str())).collect()),
    ];
    bulk::execute(tx, &columns, WRITE, &[]).await?;
    Ok(i64::try_from(answers.len()).is_ok_and(|count| count == KEY_ROWS))
}
