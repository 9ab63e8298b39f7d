//! The tables `bulk_acts` and `bulk_act_rows`.

use uuid::Uuid;

use super::{Db, PAGE_ROWS, Result, Tx, on};
use crate::model::{
    BulkAct, BulkActId, BulkActKind, BulkActStatus, NewsletterId, SubscriptionId, Timestamp, TopicId, UserId,
};

/// An act that is about to begin.
#[derive(Debug, Clone, Copy)]
pub struct NewAct<'a> {
    pub kind: BulkActKind,
    pub newsletter_id: NewsletterId,
    pub topic_id: Option<TopicId>,
    pub selection: &'a str,
    pub total: i64,
    pub end_id: SubscriptionId,
    pub user_id: Option<UserId>,
}

pub async fn insert(tx: &mut Tx, new: NewAct<'_>, now: Timestamp) -> Result<BulkAct> {
    const SQL: &str =
        "INSERT INTO bulk_acts (public_id, kind, status, newsletter_id, topic_id, selection, total, cursor,
            end_id, looked_at, changed, restored, user_id, worker, lease_until, created_at)
        VALUES ($1, $2, 'running', $3, $4, $5, $6, 0, $7, 0, 0, 0, $8, '', 0, $9) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(Uuid::now_v7())
        .bind(new.kind)
        .bind(new.newsletter_id)
        .bind(new.topic_id)
        .bind(new.selection)
        .bind(new.total)
        .bind(new.end_id)
        .bind(new.user_id)
        .bind(now)
        .fetch_one(c)
        .await?))
}

pub async fn by_id(db: Db<'_>, id: BulkActId) -> Result<Option<BulkAct>> {
    const SQL: &str = "SELECT * FROM bulk_acts WHERE id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

pub async fn by_public_id(db: Db<'_>, public_id: Uuid) -> Result<Option<BulkAct>> {
    const SQL: &str = "SELECT * FROM bulk_acts WHERE public_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(public_id).fetch_optional(c).await?))
}

/// The latest.
pub async fn list(db: Db<'_>) -> Result<Vec<BulkAct>> {
    const SQL: &str = "SELECT * FROM bulk_acts ORDER BY id DESC LIMIT $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(PAGE_ROWS).fetch_all(c).await?))
}

/// Takes one that has something left to do and that nobody else works on, until `until`.
pub async fn take(tx: &mut Tx, worker: &str, now: Timestamp, until: Timestamp) -> Result<Option<BulkAct>> {
    const SQL: &str = "UPDATE bulk_acts SET worker = $1, lease_until = $3
        WHERE id = (SELECT MIN(id) FROM bulk_acts WHERE status IN ('running', 'undoing')
            AND (worker = $1 OR lease_until < $2))
            AND status IN ('running', 'undoing') AND (worker = $1 OR lease_until < $2) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(worker).bind(now).bind(until).fetch_optional(c).await?))
}

/// Whether there is anything to take, by whomever: a look that costs no lock.
pub async fn has_work(db: Db<'_>) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM bulk_acts WHERE status IN ('running', 'undoing'))";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// Moves on; in the transaction of what was changed. `false` when somebody else has it.
pub async fn advance(tx: &mut Tx, before: &BulkAct, worker: &str, after: &BulkAct) -> Result<bool> {
    const SQL: &str =
        "UPDATE bulk_acts SET cursor = $4, looked_at = $5, changed = $6, restored = $7, status = $8,
            finished_at = $9, selection = $11 WHERE id = $1 AND worker = $2 AND cursor = $3 AND status = $10";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(before.id)
        .bind(worker)
        .bind(before.cursor)
        .bind(after.cursor)
        .bind(after.looked_at)
        .bind(after.changed)
        .bind(after.restored)
        .bind(after.status)
        .bind(after.finished_at)
        .bind(before.status)
        .bind(&after.selection)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Done becomes Undoing; `false` when it was not Done.
pub async fn begin_undo(tx: &mut Tx, id: BulkActId) -> Result<bool> {
    const SQL: &str = "UPDATE bulk_acts SET status = 'undoing', cursor = 0, worker = '', lease_until = 0
        WHERE id = $1 AND status = 'done' AND kind <> 'erase'";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// It cannot go on.
pub async fn fail(tx: &mut Tx, id: BulkActId, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE bulk_acts SET status = $2, finished_at = $3 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(BulkActStatus::Failed)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Ends what somebody began who is about to be removed, where it is done in their name.
pub async fn fail_erasing_of(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE bulk_acts SET status = $2, finished_at = $3, selection = ''
        WHERE user_id = $1 AND kind = 'erase' AND status = 'running'";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(user)
        .bind(BulkActStatus::Failed)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Notes that somebody was changed by an act.
pub async fn note(tx: &mut Tx, act: BulkActId, subscription: SubscriptionId, at: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO bulk_act_rows (act_id, subscription_id, changed_at) VALUES ($1, $2, $3)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(act)
        .bind(subscription)
        .bind(at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// The next who were changed by an act, behind `after`.
pub async fn noted(
    db: Db<'_>,
    act: BulkActId,
    after: SubscriptionId,
    limit: i64,
) -> Result<Vec<(SubscriptionId, Timestamp)>> {
    const SQL: &str =
        "SELECT subscription_id, changed_at FROM bulk_act_rows WHERE act_id = $1 AND subscription_id > $2
        ORDER BY subscription_id LIMIT $3";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(act).bind(after).bind(limit).fetch_all(c).await?))
}

/// Someone decided for herself: no undo of anybody else's act touches that.
pub async fn forget(tx: &mut Tx, subscription: SubscriptionId) -> Result<()> {
    const SQL: &str = "DELETE FROM bulk_act_rows WHERE subscription_id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(subscription).execute(c).await?.rows_affected());
    Ok(())
}
