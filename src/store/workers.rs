//! The table `workers`: the sender processes that are alive.

use super::{Db, Result, Tx, on};
use crate::model::{Timestamp, WorkerId};

pub async fn insert(tx: &mut Tx, now: Timestamp) -> Result<WorkerId> {
    const SQL: &str = "INSERT INTO workers (started_at, heartbeat_at) VALUES ($1, $1) RETURNING id";
    Ok(on!(tx.db(), |c| sqlx::query_scalar(SQL).bind(now).fetch_one(c).await?))
}

/// `false` when others have declared this worker dead: it must stop, and begin again under a new id.
pub async fn beat(tx: &mut Tx, id: WorkerId, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE workers SET heartbeat_at = $2 WHERE id = $1";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Those whose heart stopped before a moment.
pub async fn silent_since(db: Db<'_>, before: Timestamp) -> Result<Vec<WorkerId>> {
    const SQL: &str = "SELECT id FROM workers WHERE heartbeat_at < $1 ORDER BY id";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(before).fetch_all(c).await?))
}

/// Declares a worker dead, if it still has not shown itself; `true` for the one process that may then
/// recover its claims.
pub async fn bury(tx: &mut Tx, id: WorkerId, silent_since: Timestamp) -> Result<bool> {
    const SQL: &str = "DELETE FROM workers WHERE id = $1 AND heartbeat_at < $2";
    let rows =
        on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(silent_since).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Signs off, after everything claimed was given back.
pub async fn delete(tx: &mut Tx, id: WorkerId) -> Result<()> {
    on!(tx.db(), |c| sqlx::query("DELETE FROM workers WHERE id = $1")
        .bind(id)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Every worker, also the dead: on SQLite, where one process sends, all of them are from the past.
pub async fn all(db: Db<'_>) -> Result<Vec<WorkerId>> {
    Ok(on!(db, |c| sqlx::query_scalar("SELECT id FROM workers ORDER BY id").fetch_all(c).await?))
}
