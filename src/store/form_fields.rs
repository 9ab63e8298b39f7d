//! The table `form_fields`: which fields a form asks, in which order.

use super::{Db, Result, Tx, on};
use crate::model::{Field, FieldId, FormId};

/// A field as a form asks it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FormField {
    #[sqlx(flatten)]
    pub field: Field,
    pub is_required: bool,
}

/// The fields that a form asks, in its order; archived ones are not asked.
pub async fn of_form(db: Db<'_>, form: FormId) -> Result<Vec<FormField>> {
    const SQL: &str = "SELECT f.*, a.is_required FROM form_fields a JOIN fields f ON f.id = a.field_id
        WHERE a.form_id = $1 AND f.archived_at IS NULL ORDER BY a.position, f.id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(form).fetch_all(c).await?))
}

/// Replaces what a form asks.
pub async fn replace(tx: &mut Tx, form: FormId, asked: &[(FieldId, bool)]) -> Result<()> {
    const SQL: &str =
        "INSERT INTO form_fields (form_id, field_id, position, is_required) VALUES ($1, $2, $3, $4)";
    on!(tx.db(), |c| sqlx::query("DELETE FROM form_fields WHERE form_id = $1")
        .bind(form)
        .execute(c)
        .await?
        .rows_affected());
    for (position, (field, is_required)) in (1_i64..).zip(asked) {
        on!(tx.db(), |c| sqlx::query(SQL)
            .bind(form)
            .bind(*field)
            .bind(position)
            .bind(*is_required)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}
