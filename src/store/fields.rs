//! The tables `fields` and `field_texts`: what a newsletter asks for beyond address, name and language.

use super::{Db, Result, Tx, on};
use crate::model::{Field, FieldId, FieldKind, FieldText, Language, NewsletterId, Timestamp};

/// What may change of a field: not its key and kind, which stored values depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldRules {
    pub max_length: Option<i64>,
    pub least: Option<i64>,
    pub most: Option<i64>,
    /// Values of a choice, one a line.
    pub options: String,
}

pub async fn insert(
    tx: &mut Tx,
    newsletter: NewsletterId,
    key: &str,
    kind: FieldKind,
    rules: &FieldRules,
    now: Timestamp,
) -> Result<Field> {
    const SQL: &str =
        "INSERT INTO fields (newsletter_id, key, kind, max_length, least, most, options, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(key)
        .bind(kind)
        .bind(rules.max_length)
        .bind(rules.least)
        .bind(rules.most)
        .bind(&rules.options)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// `false` when the row is gone.
pub async fn update(tx: &mut Tx, id: FieldId, rules: &FieldRules) -> Result<bool> {
    const SQL: &str = "UPDATE fields SET max_length = $2, least = $3, most = $4, options = $5 WHERE id = $1";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(rules.max_length)
        .bind(rules.least)
        .bind(rules.most)
        .bind(&rules.options)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Archives a field, or brings it back; `false` when the row is gone.
pub async fn set_archived(tx: &mut Tx, id: FieldId, at: Option<Timestamp>) -> Result<bool> {
    const SQL: &str = "UPDATE fields SET archived_at = $2 WHERE id = $1";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(at).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

pub async fn by_id(db: Db<'_>, id: FieldId) -> Result<Option<Field>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM fields WHERE id = $1").bind(id).fetch_optional(c).await?))
}

/// All fields of a newsletter, the archived ones last.
pub async fn of_newsletter(db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<Field>> {
    const SQL: &str = "SELECT * FROM fields WHERE newsletter_id = $1
        ORDER BY CASE WHEN archived_at IS NULL THEN 0 ELSE 1 END, id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}

/// Every field of every newsletter: the columns of an export.
pub async fn all_keys(db: Db<'_>) -> Result<Vec<String>> {
    const SQL: &str = "SELECT DISTINCT key FROM fields ORDER BY key";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_all(c).await?))
}

/// What the fields of a newsletter are called, in all languages.
pub async fn texts_of_newsletter(db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<FieldText>> {
    const SQL: &str = "SELECT t.* FROM field_texts t JOIN fields f ON f.id = t.field_id
        WHERE f.newsletter_id = $1 ORDER BY t.field_id, t.language";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}

/// What a field is called in a language.
pub async fn set_text(tx: &mut Tx, text: &FieldText) -> Result<()> {
    const SQL: &str = "INSERT INTO field_texts (field_id, language, label, hint, options)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (field_id, language) DO UPDATE SET label = excluded.label, hint = excluded.hint,
            options = excluded.options";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(text.field_id)
        .bind(text.language)
        .bind(&text.label)
        .bind(&text.hint)
        .bind(&text.options)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// The words of a language go: the newsletter's own language then stands in.
pub async fn delete_text(tx: &mut Tx, id: FieldId, language: Language) -> Result<()> {
    const SQL: &str = "DELETE FROM field_texts WHERE field_id = $1 AND language = $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(language).execute(c).await?.rows_affected());
    Ok(())
}
