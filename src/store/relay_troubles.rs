//! The table `relay_troubles`: the relays that cannot be used now, as the processes that send find them.

use super::{Db, Result, Tx, on};
use crate::model::{RelayTrouble, Timestamp};

/// Those that were seen since `after`, by their names: of others nobody knows any more.
pub async fn seen_since(db: Db<'_>, after: Timestamp) -> Result<Vec<RelayTrouble>> {
    const SQL: &str = "SELECT * FROM relay_troubles WHERE seen_at > $1 ORDER BY relay";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(after).fetch_all(c).await?))
}

/// That a relay cannot be used still. Since when, and whether people were told, stays as it is known, unless nobody has said
/// so since `forgotten`: then it begins anew.
pub async fn put(tx: &mut Tx, trouble: &RelayTrouble, forgotten: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO relay_troubles (relay, host, port, cause, detail, since, seen_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (relay) DO UPDATE SET host = excluded.host, port = excluded.port, cause = excluded.cause,
            detail = excluded.detail, seen_at = excluded.seen_at,
            since = CASE WHEN relay_troubles.seen_at > $8 THEN relay_troubles.since ELSE excluded.since END,
            told_at = CASE WHEN relay_troubles.seen_at > $8 THEN relay_troubles.told_at END";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(&trouble.relay)
        .bind(&trouble.host)
        .bind(trouble.port)
        .bind(trouble.cause)
        .bind(&trouble.detail)
        .bind(trouble.since)
        .bind(trouble.seen_at)
        .bind(forgotten)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Those that were seen later count as seen then: who has just begun knows nothing of them, and whoever still does says so
/// again.
pub async fn doubt(tx: &mut Tx, seen_at: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE relay_troubles SET seen_at = $1 WHERE seen_at > $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(seen_at).execute(c).await?.rows_affected());
    Ok(())
}

/// `true` for the one who may tell people of it now.
pub async fn claim_telling(tx: &mut Tx, relay: &str, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE relay_troubles SET told_at = $2 WHERE relay = $1 AND told_at IS NULL";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(relay).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// It can be used again, unless another process has said since that it cannot.
pub async fn delete(tx: &mut Tx, relay: &str, said_at: Timestamp) -> Result<()> {
    const SQL: &str = "DELETE FROM relay_troubles WHERE relay = $1 AND seen_at <= $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(relay).bind(said_at).execute(c).await?.rows_affected());
    Ok(())
}
