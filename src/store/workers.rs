//! The table `workers`: the sender processes that are alive.

use super::{Db, Result, Tx, on, sql};
use crate::model::{Timestamp, WorkerId};

/// Signs on.
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

/// Keeps others from declaring this worker dead until the transaction ends; `false` when they have done so. Whoever claims
/// something holds its worker: what it claimed after its claims were recovered nobody would recover.
pub async fn hold(tx: &mut Tx, id: WorkerId) -> Result<bool> {
    let sql = sql!(
        tx.db(),
        "SELECT 1 FROM workers WHERE id = $1",
        sqlite: "",
        postgres: " FOR KEY SHARE",
        ""
    );
    let row: Option<i32> = on!(tx.db(), |c| sqlx::query_scalar(sql).bind(id).fetch_optional(c).await?);
    Ok(row.is_some())
}

/// Declares a worker dead, if its heart has not beaten since the beat that was seen; `true` for the one
/// process that may then recover its claims. Compared for equality only: clocks of machines differ.
pub async fn bury(tx: &mut Tx, id: WorkerId, last_beat: Timestamp) -> Result<bool> {
    const SQL: &str = "DELETE FROM workers WHERE id = $1 AND heartbeat_at = $2";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(last_beat).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Signs off; waits for claims that are still under way. Everything claimed is given back in the same transaction.
pub async fn delete(tx: &mut Tx, id: WorkerId) -> Result<()> {
    on!(tx.db(), |c| sqlx::query("DELETE FROM workers WHERE id = $1")
        .bind(id)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// One worker as others see it.
pub async fn by_id(db: Db<'_>, id: WorkerId) -> Result<Option<(Timestamp, Timestamp)>> {
    const SQL: &str = "SELECT started_at, heartbeat_at FROM workers WHERE id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

/// Every worker with its last beat, also the dead.
pub async fn all(db: Db<'_>) -> Result<Vec<(WorkerId, Timestamp)>> {
    const SQL: &str = "SELECT id, heartbeat_at FROM workers ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}
