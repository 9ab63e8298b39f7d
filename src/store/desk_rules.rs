//! The table `desk_rules`: what holds for everybody at the desk.

use super::{Db, Result, Tx, on};

/// Whether everybody needs a second factor.
pub async fn second_factor(db: Db<'_>) -> Result<bool> {
    const SQL: &str = "SELECT second_factor FROM desk_rules WHERE id = 1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

pub async fn set_second_factor(tx: &mut Tx, is_needed: bool) -> Result<()> {
    const SQL: &str = "UPDATE desk_rules SET second_factor = $1, changes = changes + 1 WHERE id = 1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(is_needed).execute(c).await?.rows_affected());
    Ok(())
}
