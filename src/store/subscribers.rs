//! The table `subscribers`.

use uuid::Uuid;

use super::bulk::{self, Column, Same};
use super::{Db, Result, Tx, on, sql};
use crate::model::{
    EmailAddress, Language, NewsletterId, Subscriber, SubscriberId, SubscriptionStatus, Timestamp,
};

const BY_ID: &str =
    "SELECT id, public_id, address, name, language, created_at FROM subscribers WHERE id = $1";

/// The subscriber of an address, made now if there is none. A row that is there stays as it is: what a
/// stranger types into a form must not rename anyone.
pub async fn find_or_insert(
    tx: &mut Tx,
    address: &EmailAddress,
    name: &str,
    language: Language,
    now: Timestamp,
) -> Result<Subscriber> {
    // The update that changes nothing makes the row come back, and locks it on PostgreSQL.
    const SQL: &str = "INSERT INTO subscribers (public_id, address, address_key, name, language, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (address_key) DO UPDATE SET address_key = excluded.address_key
        RETURNING id, public_id, address, name, language, created_at";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(Uuid::now_v7())
        .bind(address)
        .bind(address.key())
        .bind(name)
        .bind(language)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// A person who is known, with one of the subscriptions; without any, once.
#[derive(Debug, sqlx::FromRow)]
pub struct KnownRow {
    pub id: SubscriberId,
    pub address_key: String,
    pub name: String,
    pub language: Language,
    pub newsletter_id: Option<NewsletterId>,
    pub status: Option<SubscriptionStatus>,
    pub subscription_language: Option<Language>,
    pub confirmed_at: Option<Timestamp>,
}

/// Takes the rows of those of several keys that are known, with all their subscriptions. As [`lock`].
pub async fn lock_known(tx: &mut Tx, address_keys: &[&str]) -> Result<Vec<KnownRow>> {
    let sql = sql!(
        tx.db(),
        "SELECT s.id, s.address_key, s.name, s.language, n.newsletter_id, n.status,
            n.language AS subscription_language, n.confirmed_at
        FROM subscribers s LEFT JOIN subscriptions n ON n.subscriber_id = s.id
        WHERE s.address_key IN (SELECT k FROM v)",
        sqlite: "",
        postgres: " ORDER BY s.id FOR UPDATE OF s",
        ""
    );
    let columns = [Column::Texts("k", address_keys.iter().map(|key| Some(*key)).collect())];
    bulk::fetch_all(tx.db(), &columns, sql, &[]).await
}

/// A person to be added.
#[derive(Debug)]
pub struct NewSubscriber<'a> {
    pub address: &'a str,
    /// [`EmailAddress::key`].
    pub address_key: &'a str,
    pub name: &'a str,
    pub language: Language,
}

/// Adds several people with different keys, and answers the id of each key. As [`find_or_insert`].
pub async fn insert_all(
    tx: &mut Tx,
    people: &[NewSubscriber<'_>],
    now: Timestamp,
) -> Result<Vec<(SubscriberId, String)>> {
    const SQL: &str = "INSERT INTO subscribers (public_id, address, address_key, name, language, created_at)
            SELECT v.public_id, v.address, v.address_key, v.name, v.language, CAST(? AS BIGINT)
            FROM v WHERE v.address IS NOT NULL
        ON CONFLICT (address_key) DO UPDATE SET address_key = excluded.address_key
        RETURNING id, address_key";
    let columns = [
        Column::Uuids("public_id", people.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Texts("address", people.iter().map(|person| Some(person.address)).collect()),
        Column::Texts("address_key", people.iter().map(|person| Some(person.address_key)).collect()),
        Column::Texts("name", people.iter().map(|person| Some(person.name)).collect()),
        Column::Texts("language", people.iter().map(|person| Some(person.language.as_str())).collect()),
    ];
    bulk::fetch_all(tx.db(), &columns, SQL, &[Same::Number(now.as_millis())]).await
}

/// Gives several people the name and language of a sign-up.
pub async fn update_profiles(tx: &mut Tx, profiles: &[(SubscriberId, &str, Language)]) -> Result<()> {
    const SQL: &str =
        "UPDATE subscribers SET name = v.name, language = v.language, is_searchable = FALSE FROM v
        WHERE subscribers.id = v.id";
    let columns = [
        Column::Numbers("id", profiles.iter().map(|(id, ..)| Some(id.0)).collect()),
        Column::Texts("name", profiles.iter().map(|(_, name, _)| Some(*name)).collect()),
        Column::Texts("language", profiles.iter().map(|(.., language)| Some(language.as_str())).collect()),
    ];
    bulk::execute(tx, &columns, SQL, &[]).await?;
    Ok(())
}

pub async fn by_id(db: Db<'_>, id: SubscriberId) -> Result<Option<Subscriber>> {
    Ok(on!(db, |c| sqlx::query_as(BY_ID).bind(id).fetch_optional(c).await?))
}

pub async fn by_public_id(db: Db<'_>, public_id: Uuid) -> Result<Option<Subscriber>> {
    const SQL: &str =
        "SELECT id, public_id, address, name, language, created_at FROM subscribers WHERE public_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(public_id).fetch_optional(c).await?))
}

/// Takes the row of a person: the verbs about one person take turns, and always take this row first.
pub async fn lock(tx: &mut Tx, id: SubscriberId) -> Result<Option<Subscriber>> {
    let sql = sql!(
        tx.db(),
        "SELECT id, public_id, address, name, language, created_at FROM subscribers WHERE id = $1",
        sqlite: "",
        postgres: " FOR UPDATE",
        ""
    );
    Ok(on!(tx.db(), |c| sqlx::query_as(sql).bind(id).fetch_optional(c).await?))
}

pub async fn by_address(db: Db<'_>, address: &EmailAddress) -> Result<Option<Subscriber>> {
    const SQL: &str =
        "SELECT id, public_id, address, name, language, created_at FROM subscribers WHERE address_key = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(address.key()).fetch_optional(c).await?))
}

/// Moves a person to another address. A duplicate error means that it is another person's.
pub async fn set_address(tx: &mut Tx, id: SubscriberId, address: &EmailAddress) -> Result<()> {
    const SQL: &str =
        "UPDATE subscribers SET address = $2, address_key = $3, is_searchable = FALSE WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(address)
        .bind(address.key())
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Erases a person: subscriptions, consents, tokens and outbox mails go with the row.
pub async fn delete(tx: &mut Tx, id: SubscriberId) -> Result<bool> {
    let rows = on!(tx.db(), |c| sqlx::query("DELETE FROM subscribers WHERE id = $1")
        .bind(id)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}
