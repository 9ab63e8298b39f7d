//! The table `installation`: with which secret the database is used.

use super::{Db, Result, Tx, on};

/// By which the secret is recognised; `None` as long as nobody has used one.
pub async fn secret_check(db: Db<'_>) -> Result<Option<Vec<u8>>> {
    Ok(on!(db, |c| sqlx::query_scalar("SELECT secret_check FROM installation").fetch_optional(c).await?))
}

/// Notes it, where there is none yet.
pub async fn set_secret_check(tx: &mut Tx, check: &[u8]) -> Result<()> {
    const SQL: &str =
        "INSERT INTO installation (id, secret_check) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
    on!(tx.db(), |c| sqlx::query(SQL).bind(check).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets it: the next secret that is used is the right one.
pub async fn forget_secret_check(tx: &mut Tx) -> Result<()> {
    on!(tx.db(), |c| sqlx::query("DELETE FROM installation").execute(c).await?.rows_affected());
    Ok(())
}

/// Whether there is anybody whose links or hash a secret made; also in a database of an older version.
pub async fn has_subscribers(db: Db<'_>) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM subscribers) OR EXISTS (SELECT 1 FROM suppressions)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}
