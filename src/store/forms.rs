//! The table `forms`: the doors of newsletters.

use uuid::Uuid;

use super::{Db, Result, Tx, on};
use crate::model::{Form, FormId, NewsletterId, Timestamp};

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

/// Until when a form asks for a proof of work.
pub async fn ask_proof_until(tx: &mut Tx, form: FormId, until: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE forms SET proof_until = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(form).bind(until).execute(c).await?.rows_affected());
    Ok(())
}
