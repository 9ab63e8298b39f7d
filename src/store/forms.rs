//! The table `forms`: the doors of newsletters.

use uuid::Uuid;

use super::{Db, Result, Tx, on};
use crate::model::{DisposablePolicy, FieldId, Form, FormId, NewsletterId, ProofPolicy, Timestamp};

/// The form of a newsletter's own page, made with the newsletter.
pub(super) async fn insert_default(
    tx: &mut Tx,
    newsletter: NewsletterId,
    name: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "INSERT INTO forms (public_id, newsletter_id, name, is_default, version, allowed_origins,
            redirect_url, disposable_policy, proof_policy, created_at, updated_at)
        VALUES ($1, $2, $3, TRUE, 1, '', '', 'allow', 'auto', $4, $4)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(Uuid::now_v7())
        .bind(newsletter)
        .bind(name)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// The form of a newsletter's own page.
pub async fn default_of(db: Db<'_>, newsletter: NewsletterId) -> Result<Form> {
    const SQL: &str = "SELECT * FROM forms WHERE newsletter_id = $1 AND is_default";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_one(c).await?))
}

/// The form of a URL.
pub async fn by_public_id(db: Db<'_>, public_id: Uuid) -> Result<Option<Form>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM forms WHERE public_id = $1")
        .bind(public_id)
        .fetch_optional(c)
        .await?))
}

/// What the owner of a form decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormRules {
    pub name: String,
    /// Origins of websites whose scripts may use the API, one a line.
    pub allowed_origins: String,
    pub redirect_url: String,
    pub disposable_policy: DisposablePolicy,
    pub proof_policy: ProofPolicy,
}

pub async fn insert(
    tx: &mut Tx,
    newsletter: NewsletterId,
    rules: &FormRules,
    now: Timestamp,
) -> Result<Form> {
    const SQL: &str =
        "INSERT INTO forms (public_id, newsletter_id, name, is_default, version, allowed_origins,
            redirect_url, disposable_policy, proof_policy, created_at, updated_at)
        VALUES ($1, $2, $3, FALSE, 1, $4, $5, $6, $7, $8, $8) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(Uuid::now_v7())
        .bind(newsletter)
        .bind(&rules.name)
        .bind(&rules.allowed_origins)
        .bind(&rules.redirect_url)
        .bind(rules.disposable_policy)
        .bind(rules.proof_policy)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// Changes a form over `version`; `None` when someone else did in between, or the row is gone.
pub async fn update(
    tx: &mut Tx,
    id: FormId,
    version: i64,
    rules: &FormRules,
    now: Timestamp,
) -> Result<Option<Form>> {
    const SQL: &str = "UPDATE forms SET name = $3, allowed_origins = $4, redirect_url = $5,
            disposable_policy = $6, proof_policy = $7, version = version + 1, updated_at = $8
        WHERE id = $1 AND version = $2 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(version)
        .bind(&rules.name)
        .bind(&rules.allowed_origins)
        .bind(&rules.redirect_url)
        .bind(rules.disposable_policy)
        .bind(rules.proof_policy)
        .bind(now)
        .fetch_optional(c)
        .await?))
}

/// Archives a form, or brings it back; `false` when it is gone, or is the form of a newsletter's own page.
pub async fn set_archived(
    tx: &mut Tx,
    id: FormId,
    archived_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE forms SET archived_at = $2, version = version + 1, updated_at = $3
        WHERE id = $1 AND NOT is_default";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(archived_at)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// A field was changed: whatever asks it looks different now.
pub async fn count_change_of_field(tx: &mut Tx, field: FieldId, now: Timestamp) -> Result<u64> {
    const SQL: &str = "UPDATE forms SET version = version + 1, updated_at = $2
        WHERE id IN (SELECT form_id FROM form_fields WHERE field_id = $1)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(field).bind(now).execute(c).await?.rows_affected()))
}

pub async fn by_id(db: Db<'_>, id: FormId) -> Result<Option<Form>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM forms WHERE id = $1").bind(id).fetch_optional(c).await?))
}

/// All forms of a newsletter: its own page's first, the archived ones last.
pub async fn of_newsletter(db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<Form>> {
    const SQL: &str = "SELECT * FROM forms WHERE newsletter_id = $1
        ORDER BY is_default DESC, CASE WHEN archived_at IS NULL THEN 0 ELSE 1 END, id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}

/// Until when a form asks for a proof of work.
pub async fn ask_proof_until(tx: &mut Tx, form: FormId, until: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE forms SET proof_until = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(form).bind(until).execute(c).await?.rows_affected());
    Ok(())
}
