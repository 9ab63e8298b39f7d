//! The table `outbox`: single mails, written in the transaction of their cause.

use uuid::Uuid;

use super::bulk::{self, Column, Same};
use super::{Db, Result, StoreError, Tx, on, sql};
use crate::model::{
    EmailAddress, IssueId, Language, NewsletterId, OutboxId, OutboxKind, OutboxMail, OutboxStatus,
    SubscriptionId, Timestamp, WelcomeStepId, WorkerId,
};

/// A mail to be sent.
#[derive(Debug, Clone)]
pub struct NewMail {
    pub kind: OutboxKind,
    pub newsletter_id: NewsletterId,
    pub subscription_id: Option<SubscriptionId>,
    pub to_address: Option<EmailAddress>,
    pub issue_id: Option<IssueId>,
    pub welcome_step_id: Option<WelcomeStepId>,
    pub language: Language,
    pub nonce: Vec<u8>,
    pub message_uuid: Uuid,
}

/// A mail to be sent now.
pub async fn insert(tx: &mut Tx, mail: &NewMail, now: Timestamp) -> Result<OutboxId> {
    insert_due(tx, mail, now, now).await
}

/// A mail to be sent at a moment.
pub async fn insert_due(tx: &mut Tx, mail: &NewMail, due_at: Timestamp, now: Timestamp) -> Result<OutboxId> {
    let ids = insert_all(tx, &[(mail, due_at)], now).await?;
    ids.into_iter().next().ok_or_else(StoreError::missing)
}

/// Several mails, each to be sent at a moment of its own. Answers their ids in no order.
pub async fn insert_all(
    tx: &mut Tx,
    mails: &[(&NewMail, Timestamp)],
    now: Timestamp,
) -> Result<Vec<OutboxId>> {
    insert_many(tx, mails, false, now).await
}

/// Mails of which there may be thousands: they wait for all others that are due.
pub async fn insert_bulk(tx: &mut Tx, mails: &[&NewMail], now: Timestamp) -> Result<()> {
    let mails: Vec<(&NewMail, Timestamp)> = mails.iter().map(|mail| (*mail, now)).collect();
    insert_many(tx, &mails, true, now).await.map(drop)
}

async fn insert_many(
    tx: &mut Tx,
    mails: &[(&NewMail, Timestamp)],
    is_bulk: bool,
    now: Timestamp,
) -> Result<Vec<OutboxId>> {
    const SQL: &str =
        "INSERT INTO outbox (kind, status, newsletter_id, subscription_id, to_address, issue_id, language,
            nonce, message_uuid, attempts, due_at, reply, created_at, is_bulk, welcome_step_id, to_key)
        SELECT v.kind, 'queued', v.newsletter_id, v.subscription_id, v.to_address, v.issue_id, v.language,
            v.nonce, v.message_uuid, 0, v.due_at, '', CAST(? AS BIGINT), CAST(? AS BIGINT) <> 0, v.welcome_step_id, v.to_key
        FROM v WHERE v.kind IS NOT NULL RETURNING id";
    fn numbers<'a>(
        mails: &[(&'a NewMail, Timestamp)],
        name: &'static str,
        of: impl Fn(&'a NewMail) -> Option<i64>,
    ) -> Column<'a> {
        Column::Numbers(name, mails.iter().map(|(mail, _)| of(mail)).collect())
    }
    fn texts<'a>(
        mails: &[(&'a NewMail, Timestamp)],
        name: &'static str,
        of: impl Fn(&'a NewMail) -> Option<&'a str>,
    ) -> Column<'a> {
        Column::Texts(name, mails.iter().map(|(mail, _)| of(mail)).collect())
    }
    let keys: Vec<Option<String>> =
        mails.iter().map(|(mail, _)| mail.to_address.as_ref().map(EmailAddress::key)).collect();
    let columns = [
        texts(mails, "kind", |mail| Some(mail.kind.as_str())),
        numbers(mails, "newsletter_id", |mail| Some(mail.newsletter_id.0)),
        numbers(mails, "subscription_id", |mail| mail.subscription_id.map(|id| id.0)),
        texts(mails, "to_address", |mail| mail.to_address.as_ref().map(EmailAddress::as_str)),
        numbers(mails, "issue_id", |mail| mail.issue_id.map(|id| id.0)),
        texts(mails, "language", |mail| Some(mail.language.as_str())),
        Column::Octets("nonce", mails.iter().map(|(mail, _)| mail.nonce.as_slice()).collect()),
        Column::Uuids("message_uuid", mails.iter().map(|(mail, _)| mail.message_uuid).collect()),
        Column::Numbers("due_at", mails.iter().map(|(_, due_at)| Some(due_at.as_millis())).collect()),
        numbers(mails, "welcome_step_id", |mail| mail.welcome_step_id.map(|id| id.0)),
        Column::Texts("to_key", keys.iter().map(Option::as_deref).collect()),
    ];
    let ids: Vec<(OutboxId,)> = bulk::fetch_all(
        tx.db(),
        &columns,
        SQL,
        &[Same::Number(now.as_millis()), Same::Number(is_bulk.into())],
    )
    .await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Claims mails that are due, the oldest first; of those that come by the thousand only what is left of the limit.
pub async fn claim(tx: &mut Tx, worker: WorkerId, limit: i64, now: Timestamp) -> Result<Vec<OutboxMail>> {
    claim_few_bulk(tx, worker, limit, limit, now).await
}

/// The same with a limit more for those that come by the thousand.
pub async fn claim_few_bulk(
    tx: &mut Tx,
    worker: WorkerId,
    limit: i64,
    bulk_limit: i64,
    now: Timestamp,
) -> Result<Vec<OutboxMail>> {
    let mut mails = claim_of(tx, worker, false, limit, now).await?;
    let rest = bulk_limit.min(limit - i64::try_from(mails.len()).unwrap_or(limit));
    if rest > 0 {
        mails.extend(claim_of(tx, worker, true, rest, now).await?);
    }
    Ok(mails)
}

async fn claim_of(
    tx: &mut Tx,
    worker: WorkerId,
    is_bulk: bool,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<OutboxMail>> {
    // Materialized: PostgreSQL may run a subquery anew for each row, and then the limit is none.
    let sql = sql!(
        tx.db(),
        "WITH due AS MATERIALIZED (
            SELECT id FROM outbox WHERE status = 'queued' AND is_bulk = $4 AND due_at <= $2 ORDER BY due_at, id LIMIT $3",
        sqlite: "",
        postgres: " FOR UPDATE SKIP LOCKED",
        ") UPDATE outbox SET status = 'claimed', worker_id = $1
        WHERE status = 'queued' AND id IN (SELECT id FROM due)
        RETURNING id, kind, status, newsletter_id, subscription_id, to_address, issue_id, welcome_step_id, language,
            nonce, message_uuid, attempts, doubts, due_at, created_at, is_bulk"
    );
    Ok(on!(tx.db(), |c| sqlx::query_as(sql)
        .bind(worker)
        .bind(now)
        .bind(limit)
        .bind(is_bulk)
        .fetch_all(c)
        .await?))
}

/// Ends a mail that this worker claimed; `false` when others have recovered it.
pub async fn finish(
    tx: &mut Tx,
    id: OutboxId,
    worker: WorkerId,
    status: OutboxStatus,
    reply: &str,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE outbox SET status = $3, reply = $4, finished_at = $5, attempts = attempts + 1
        WHERE id = $1 AND status = 'claimed' AND worker_id = $2";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(worker)
        .bind(status)
        .bind(reply)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// What another try of a mail adds to its row.
#[derive(Debug, Clone, Copy)]
pub struct AnotherTry {
    /// 0 when the mail never reached the wire.
    pub attempts: i64,
    /// 1 when nobody knows whether the relay took it.
    pub doubts: i64,
    pub due_at: Timestamp,
}

/// Puts a claimed mail back for another try.
pub async fn put_back(
    tx: &mut Tx,
    id: OutboxId,
    worker: WorkerId,
    another: AnotherTry,
    reply: &str,
) -> Result<bool> {
    const SQL: &str =
        "UPDATE outbox SET status = 'queued', worker_id = NULL, attempts = attempts + $3, doubts = doubts + $4,
            due_at = $5, reply = $6
        WHERE id = $1 AND status = 'claimed' AND worker_id = $2";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(worker)
        .bind(another.attempts)
        .bind(another.doubts)
        .bind(another.due_at)
        .bind(reply)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Puts back what a worker held that stopped in good order: nothing of it was on the wire.
pub async fn release(tx: &mut Tx, worker: WorkerId) -> Result<u64> {
    const SQL: &str = "UPDATE outbox SET status = 'queued', worker_id = NULL
        WHERE status = 'claimed' AND worker_id = $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(worker).execute(c).await?.rows_affected()))
}

/// Recovers what a worker held that died. A confirmation that arrives twice harms nobody, and one that never
/// arrives loses a reader: it is sent again until it has been in doubt `doubts_max` times. A test mail is
/// not: who asked for it can ask again. Nor is a mail of the welcome series: nobody gets one twice.
pub async fn recover(tx: &mut Tx, worker: WorkerId, doubts_max: i64, now: Timestamp) -> Result<u64> {
    const HOLD: &str = "UPDATE outbox SET status = 'uncertain', doubts = doubts + 1, finished_at = $3
        WHERE status = 'claimed' AND worker_id = $1 AND (kind IN ('test', 'welcome') OR doubts >= $2)";
    const AGAIN: &str = "UPDATE outbox SET status = 'queued', doubts = doubts + 1, worker_id = NULL
        WHERE status = 'claimed' AND worker_id = $1";
    let held = on!(tx.db(), |c| sqlx::query(HOLD)
        .bind(worker)
        .bind(doubts_max)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    let again = on!(tx.db(), |c| sqlx::query(AGAIN).bind(worker).execute(c).await?.rows_affected());
    Ok(held + again)
}

/// When the next mail is due.
pub async fn next_due(db: Db<'_>) -> Result<Option<Timestamp>> {
    // Two looks at the beginning of an index instead of a walk through it.
    const SQL: &str = "SELECT MIN(due_at) FROM (
            SELECT MIN(due_at) AS due_at FROM outbox WHERE status = 'queued' AND is_bulk = FALSE
            UNION ALL SELECT MIN(due_at) FROM outbox WHERE status = 'queued' AND is_bulk = TRUE) AS next";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// The same of those for which somebody waits.
pub async fn next_due_of_few(db: Db<'_>) -> Result<Option<Timestamp>> {
    const SQL: &str = "SELECT MIN(due_at) FROM outbox WHERE status = 'queued' AND is_bulk = FALSE";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// How many mails wait or are on the wire.
pub async fn open_count(db: Db<'_>) -> Result<i64> {
    const SQL: &str = "SELECT (SELECT count(*) FROM outbox WHERE status = 'queued')
        + (SELECT count(*) FROM outbox WHERE status = 'claimed')";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// A mail about a subscription, and what became of it.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct SingleMail {
    pub kind: OutboxKind,
    pub status: OutboxStatus,
    pub message_uuid: Uuid,
    pub attempts: i64,
    pub reply: String,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// The single mails about a subscription, the oldest first.
pub async fn of_subscription(db: Db<'_>, subscription: SubscriptionId) -> Result<Vec<SingleMail>> {
    const SQL: &str =
        "SELECT kind, status, message_uuid, attempts, reply, created_at, finished_at FROM outbox
        WHERE subscription_id = $1 ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscription).fetch_all(c).await?))
}

/// Withdraws mails that ask for a subscription or welcome to it, before they are sent: its owner has confirmed, or left.
/// What else was to be said stays: that the address was changed, or the links that were asked for. A step of the welcome
/// series that is withdrawn has its turn again, should the reader come back.
pub async fn delete_queued(tx: &mut Tx, subscription: SubscriptionId) -> Result<u64> {
    super::welcome::unmark_queued(tx, subscription).await?;
    const SQL: &str = "DELETE FROM outbox WHERE subscription_id = $1 AND status = 'queued'
        AND kind IN ('confirm', 'reminder', 'already_subscribed', 'welcome')";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(subscription).execute(c).await?.rows_affected()))
}

/// The mails to an address of their own that [`delete_to`] forgets, in the index that holds those alone.
pub const DELETE_TO: &str = "DELETE FROM outbox WHERE to_address IS NOT NULL AND to_key = $1";
/// Those of before there was a key, whose key no database could work out; in the same index.
pub const WITHOUT_KEY: &str =
    "SELECT id, to_address FROM outbox WHERE to_address IS NOT NULL AND to_key IS NULL";

/// Forgets test mails to the address of a person who is erased, whatever became of them and however it was
/// written.
pub async fn delete_to(tx: &mut Tx, address: &EmailAddress) -> Result<u64> {
    let key = address.key();
    let mut rows = on!(tx.db(), |c| sqlx::query(DELETE_TO).bind(&key).execute(c).await?.rows_affected());
    let old: Vec<(OutboxId, EmailAddress)> =
        on!(tx.db(), |c| sqlx::query_as(WITHOUT_KEY).fetch_all(c).await?);
    for (id, _) in old.iter().filter(|(_, to)| to.key() == key) {
        rows += on!(tx.db(), |c| sqlx::query("DELETE FROM outbox WHERE id = $1")
            .bind(id)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(rows)
}
