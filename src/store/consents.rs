//! The tables `consents` (only ever added to) and `consent_texts` (versions, never changed).

use super::bulk::{self, Column};
use super::{Db, Result, Tx, on};
use crate::model::{
    Consent, ConsentText, ConsentTextId, FormId, Language, NewsletterId, SubscriberId, Timestamp,
};

/// How often a version that others took in this moment is chosen again.
const RACES_MAX: usize = 5;

pub async fn insert(tx: &mut Tx, consent: &Consent) -> Result<()> {
    insert_all(tx, std::slice::from_ref(consent)).await
}

/// Adds several, in this order.
pub async fn insert_all(tx: &mut Tx, consents: &[Consent]) -> Result<()> {
    const SQL: &str =
        "INSERT INTO consents (subscriber_id, newsletter_id, event, at, consent_text_id, language,
            source, page, ip, user_agent, message_id, form_id, form_version, referrer, utm, privacy_url,
            privacy_version)
        SELECT v.subscriber_id, v.newsletter_id, v.event, v.at, v.consent_text_id, v.language,
            v.source, v.page, v.ip, v.user_agent, v.message_id, v.form_id, v.form_version, v.referrer, v.utm,
            v.privacy_url, v.privacy_version
        FROM v WHERE v.subscriber_id IS NOT NULL";
    fn numbers<'a>(
        consents: &'a [Consent],
        name: &'static str,
        of: impl Fn(&'a Consent) -> Option<i64>,
    ) -> Column<'a> {
        Column::Numbers(name, consents.iter().map(of).collect())
    }
    fn texts<'a>(
        consents: &'a [Consent],
        name: &'static str,
        of: impl Fn(&'a Consent) -> Option<&'a str>,
    ) -> Column<'a> {
        Column::Texts(name, consents.iter().map(of).collect())
    }
    let columns = [
        numbers(consents, "subscriber_id", |it| Some(it.subscriber_id.0)),
        numbers(consents, "newsletter_id", |it| Some(it.newsletter_id.0)),
        texts(consents, "event", |it| Some(it.event.as_str())),
        numbers(consents, "at", |it| Some(it.at.as_millis())),
        numbers(consents, "consent_text_id", |it| it.consent_text_id.map(|id| id.0)),
        texts(consents, "language", |it| Some(it.language.as_str())),
        texts(consents, "source", |it| Some(&it.source)),
        texts(consents, "page", |it| Some(&it.page)),
        texts(consents, "ip", |it| Some(&it.ip)),
        texts(consents, "user_agent", |it| Some(&it.user_agent)),
        texts(consents, "message_id", |it| it.message_id.as_deref()),
        numbers(consents, "form_id", |it| it.form_id.map(|id| id.0)),
        numbers(consents, "form_version", |it| it.form_version),
        texts(consents, "referrer", |it| Some(&it.referrer)),
        texts(consents, "utm", |it| Some(&it.utm)),
        texts(consents, "privacy_url", |it| Some(&it.privacy_url)),
        texts(consents, "privacy_version", |it| Some(&it.privacy_version)),
    ];
    bulk::execute(tx, &columns, SQL, &[]).await?;
    Ok(())
}

/// The chain of proof of one person, the oldest first.
pub async fn of_subscriber(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<Consent>> {
    const SQL: &str =
        "SELECT subscriber_id, newsletter_id, event, at, consent_text_id, language, source, page, ip,
            user_agent, message_id, form_id, form_version, referrer, utm, privacy_url, privacy_version
        FROM consents WHERE subscriber_id = $1 ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}

/// A form that evidence was given on.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct FormName {
    pub id: FormId,
    pub public_id: uuid::Uuid,
    pub name: String,
}

/// The forms in the evidence of one person.
pub async fn forms_of(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<FormName>> {
    const SQL: &str = "SELECT id, public_id, name FROM forms
        WHERE id IN (SELECT form_id FROM consents WHERE subscriber_id = $1)";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}

pub async fn text_by_id(db: Db<'_>, id: ConsentTextId) -> Result<Option<ConsentText>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM consent_texts WHERE id = $1")
        .bind(id)
        .fetch_optional(c)
        .await?))
}

/// The newest words of a newsletter in a language.
pub async fn latest_text(
    db: Db<'_>,
    newsletter: NewsletterId,
    language: Language,
) -> Result<Option<ConsentText>> {
    const SQL: &str = "SELECT * FROM consent_texts WHERE newsletter_id = $1 AND language = $2
        ORDER BY version DESC LIMIT 1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).bind(language).fetch_optional(c).await?))
}

/// Keeps these words: the version that has them already, or a new one. Subscribing and tracking have words of
/// their own, which share the versions of a newsletter and language. `sha256` is hexadecimal.
pub async fn keep_text(
    tx: &mut Tx,
    newsletter: NewsletterId,
    language: Language,
    body: &str,
    sha256: &str,
    now: Timestamp,
) -> Result<ConsentTextId> {
    const SQL: &str = "INSERT INTO consent_texts (newsletter_id, language, version, sha256, body, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (newsletter_id, language, version) DO NOTHING RETURNING id";
    const KNOWN: &str =
        "SELECT id FROM consent_texts WHERE newsletter_id = $1 AND language = $2 AND sha256 = $3
        ORDER BY version LIMIT 1";
    for _ in 0..RACES_MAX {
        let known: Option<ConsentTextId> = on!(tx.db(), |c| sqlx::query_scalar(KNOWN)
            .bind(newsletter)
            .bind(language)
            .bind(sha256)
            .fetch_optional(c)
            .await?);
        if let Some(known) = known {
            return Ok(known);
        }
        let version =
            latest_text(tx.db(), newsletter, language).await?.map_or(1, |latest| latest.version + 1);
        let inserted: Option<ConsentTextId> = on!(tx.db(), |c| sqlx::query_scalar(SQL)
            .bind(newsletter)
            .bind(language)
            .bind(version)
            .bind(sha256)
            .bind(body)
            .bind(now)
            .fetch_optional(c)
            .await?);
        if let Some(id) = inserted {
            return Ok(id);
        }
        // Another process kept this version in this moment: the same words, or others.
    }
    Err(super::StoreError::missing())
}
