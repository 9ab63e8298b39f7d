//! The tables `imports`, `import_chunks` and `import_reports`.

use uuid::Uuid;

use super::{Db, PAGE_ROWS, Result, Tx, on};
use crate::model::{
    Import, ImportCounts, ImportId, ImportOrigin, ImportStatus, NewsletterId, SubscriptionId, Timestamp,
    UserId,
};

const COLUMNS: &str = "SELECT * FROM imports WHERE id = $1";

/// An import whose file is about to be read.
pub async fn insert(
    tx: &mut Tx,
    newsletter: NewsletterId,
    file_name: &str,
    user: Option<UserId>,
    now: Timestamp,
) -> Result<Import> {
    const SQL: &str = "INSERT INTO imports (public_id, newsletter_id, status, file_name, origin, columns, mapping, basis,
            row_count, chunk_count, cursor, added, asked, left_before, known, refused_left, refused_erased, duplicate,
            invalid, user_id, worker, lease_until, created_at)
        VALUES ($1, $2, 'reading', $3, 'unknown', '[]', '[]', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, $4, '', 0, $5)
        RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(Uuid::now_v7())
        .bind(newsletter)
        .bind(file_name)
        .bind(user)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// The next rows of a file.
pub async fn insert_chunk(tx: &mut Tx, import: ImportId, number: i64, body: &str) -> Result<()> {
    const SQL: &str = "INSERT INTO import_chunks (import_id, number, body) VALUES ($1, $2, $3)";
    on!(tx.db(), |c| sqlx::query(SQL).bind(import).bind(number).bind(body).execute(c).await?.rows_affected());
    Ok(())
}

/// What was found out about a file when all of it was read.
#[derive(Debug, Clone, Copy)]
pub struct FileRead<'a> {
    pub origin: ImportOrigin,
    pub columns: &'a str,
    pub mapping: &'a str,
    pub rows: i64,
    pub chunks: i64,
}

/// Reading becomes Mapping.
pub async fn set_read(tx: &mut Tx, import: ImportId, read: FileRead<'_>) -> Result<Option<Import>> {
    const SQL: &str =
        "UPDATE imports SET status = 'mapping', origin = $2, columns = $3, mapping = $4, row_count = $5,
            chunk_count = $6 WHERE id = $1 AND status = 'reading' RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(import)
        .bind(read.origin)
        .bind(read.columns)
        .bind(read.mapping)
        .bind(read.rows)
        .bind(read.chunks)
        .fetch_optional(c)
        .await?))
}

/// Notes mapping and basis, and begins with the check, or with the run; all counts begin anew. `None` when that is not
/// possible in the state it is in.
pub async fn begin(
    tx: &mut Tx,
    import: ImportId,
    status: ImportStatus,
    mapping: &str,
    basis: &str,
    now: Timestamp,
) -> Result<Option<Import>> {
    const SQL: &str =
        "UPDATE imports SET status = $2, mapping = $3, basis = $4, started_at = $5, cursor = 0, added = 0,
            asked = 0, left_before = 0, known = 0, still_subscribed = 0, refused_left = 0, refused_erased = 0,
            duplicate = 0, invalid = 0, worker = '', lease_until = 0
        WHERE id = $1 AND status IN ('mapping', 'checked') RETURNING *";
    let begun = on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(import)
        .bind(status)
        .bind(mapping)
        .bind(basis)
        .bind(now)
        .fetch_optional(c)
        .await?);
    forget_reports(tx, import).await?;
    Ok(begun)
}

async fn forget_reports(tx: &mut Tx, import: ImportId) -> Result<()> {
    on!(tx.db(), |c| sqlx::query("DELETE FROM import_reports WHERE import_id = $1")
        .bind(import)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn by_id(db: Db<'_>, id: ImportId) -> Result<Option<Import>> {
    Ok(on!(db, |c| sqlx::query_as(COLUMNS).bind(id).fetch_optional(c).await?))
}

/// The import that brought a subscription.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct BroughtBy {
    pub file_name: String,
    pub origin: ImportOrigin,
    /// On what the company bases that these people get mail; empty: each was asked.
    pub basis: String,
    pub created_at: Timestamp,
}

pub async fn that_brought(db: Db<'_>, subscription: SubscriptionId) -> Result<Option<BroughtBy>> {
    const SQL: &str = "SELECT i.file_name, i.origin, i.basis, i.created_at
        FROM subscriptions n JOIN imports i ON i.id = n.import_id WHERE n.id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscription).fetch_optional(c).await?))
}

pub async fn by_public_id(db: Db<'_>, public_id: Uuid) -> Result<Option<Import>> {
    const SQL: &str = "SELECT * FROM imports WHERE public_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(public_id).fetch_optional(c).await?))
}

/// The latest.
pub async fn list(db: Db<'_>) -> Result<Vec<Import>> {
    const SQL: &str = "SELECT * FROM imports WHERE status <> 'reading' ORDER BY id DESC LIMIT $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(PAGE_ROWS).fetch_all(c).await?))
}

/// Those of a newsletter that brought people, for a filter: the latest, at most `limit`.
pub async fn that_ran(db: Db<'_>, newsletter: NewsletterId, limit: i64) -> Result<Vec<Import>> {
    const SQL: &str = "SELECT * FROM imports WHERE newsletter_id = $1 AND added + asked + left_before > 0
            AND status IN ('running', 'done', 'cancelled') ORDER BY id DESC LIMIT $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).bind(limit).fetch_all(c).await?))
}

/// Takes an import that moves and that nobody else works on, until `until`.
pub async fn take(tx: &mut Tx, worker: &str, now: Timestamp, until: Timestamp) -> Result<Option<Import>> {
    const SQL: &str = "UPDATE imports SET worker = $1, lease_until = $3
        WHERE id = (SELECT MIN(id) FROM imports WHERE status IN ('checking', 'running')
            AND (worker = $1 OR lease_until < $2))
            AND status IN ('checking', 'running') AND (worker = $1 OR lease_until < $2) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(worker).bind(now).bind(until).fetch_optional(c).await?))
}

/// Whether there is anything to take, by whomever: a look that costs no lock.
pub async fn has_work(db: Db<'_>) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM imports WHERE status IN ('checking', 'running'))";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// Takes this one.
pub async fn take_one(
    tx: &mut Tx,
    id: ImportId,
    worker: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Import>> {
    const SQL: &str = "UPDATE imports SET worker = $2, lease_until = $4
        WHERE id = $1 AND status IN ('checking', 'running') AND (worker = $2 OR lease_until < $3) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(worker)
        .bind(now)
        .bind(until)
        .fetch_optional(c)
        .await?))
}

pub async fn chunk(db: Db<'_>, import: ImportId, number: i64) -> Result<Option<String>> {
    const SQL: &str = "SELECT body FROM import_chunks WHERE import_id = $1 AND number = $2";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(import).bind(number).fetch_optional(c).await?))
}

/// Where an import stands after chunks that are written in the same transaction.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    pub worker: &'a str,
    /// Before and after.
    pub cursors: (i64, i64),
    pub counts: ImportCounts,
    pub until: Timestamp,
}

/// Moves the cursor; `false` when somebody else has the import, or it was cancelled: then the transaction must not be
/// committed.
pub async fn advance(tx: &mut Tx, import: ImportId, status: ImportStatus, step: Step<'_>) -> Result<bool> {
    const SQL: &str = "UPDATE imports SET cursor = $4, added = $5, asked = $6, left_before = $7, known = $8,
            refused_left = $9, refused_erased = $10, duplicate = $11, invalid = $12, lease_until = $13,
            still_subscribed = $15
        WHERE id = $1 AND worker = $2 AND cursor = $3 AND status = $14";
    let counts = step.counts;
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(import)
        .bind(step.worker)
        .bind(step.cursors.0)
        .bind(step.cursors.1)
        .bind(counts.added)
        .bind(counts.asked)
        .bind(counts.left_before)
        .bind(counts.known)
        .bind(counts.refused_left)
        .bind(counts.refused_erased)
        .bind(counts.duplicate)
        .bind(counts.invalid)
        .bind(step.until)
        .bind(status)
        .bind(counts.still_subscribed)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// A check that was broken off begins anew.
pub async fn restart_check(tx: &mut Tx, import: ImportId, worker: &str) -> Result<()> {
    const SQL: &str = "UPDATE imports SET cursor = 0, added = 0, asked = 0, left_before = 0, known = 0,
            still_subscribed = 0, refused_left = 0, refused_erased = 0, duplicate = 0, invalid = 0
        WHERE id = $1 AND worker = $2 AND status = 'checking'";
    on!(tx.db(), |c| sqlx::query(SQL).bind(import).bind(worker).execute(c).await?.rows_affected());
    forget_reports(tx, import).await
}

/// Ends a state; the rows of the file go when it is the last one. `false` when it was in none of `from`.
pub async fn set_status(
    tx: &mut Tx,
    import: ImportId,
    from: &[ImportStatus],
    to: ImportStatus,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE imports SET status = $3, finished_at = $4, worker = '', lease_until = 0
        WHERE id = $1 AND status = $2";
    let is_last = matches!(to, ImportStatus::Done | ImportStatus::Cancelled | ImportStatus::Failed);
    let finished_at = is_last.then_some(now);
    let mut has_moved = false;
    for from in from {
        let rows = on!(tx.db(), |c| sqlx::query(SQL)
            .bind(import)
            .bind(*from)
            .bind(to)
            .bind(finished_at)
            .execute(c)
            .await?
            .rows_affected());
        has_moved |= rows == 1;
    }
    if has_moved && is_last {
        // A file without headings has a person in their place.
        const FORGET: [&str; 2] = [
            "DELETE FROM import_chunks WHERE import_id = $1",
            "UPDATE imports SET columns = '[]', mapping = '[]' WHERE id = $1",
        ];
        for sql in FORGET {
            on!(tx.db(), |c| sqlx::query(sql).bind(import).execute(c).await?.rows_affected());
        }
    }
    Ok(has_moved)
}

/// The part of a report about a chunk.
pub async fn report(db: Db<'_>, import: ImportId, number: i64) -> Result<Option<String>> {
    const SQL: &str = "SELECT body FROM import_reports WHERE import_id = $1 AND number = $2";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(import).bind(number).fetch_optional(c).await?))
}

pub async fn set_report(tx: &mut Tx, import: ImportId, number: i64, body: &str) -> Result<()> {
    const SQL: &str = "INSERT INTO import_reports (import_id, number, body) VALUES ($1, $2, $3)
        ON CONFLICT (import_id, number) DO UPDATE SET body = excluded.body";
    on!(tx.db(), |c| sqlx::query(SQL).bind(import).bind(number).bind(body).execute(c).await?.rows_affected());
    Ok(())
}

/// The next part of a report behind a chunk's number.
pub async fn report_after(db: Db<'_>, import: ImportId, after: i64) -> Result<Option<(i64, String)>> {
    const SQL: &str = "SELECT number, body FROM import_reports WHERE import_id = $1 AND number > $2
        ORDER BY number LIMIT 1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(import).bind(after).fetch_optional(c).await?))
}

/// Files that nobody went on with, and uploads that broke off, before a moment.
pub async fn abandoned(db: Db<'_>, before: Timestamp) -> Result<Vec<ImportId>> {
    const SQL: &str =
        "SELECT id FROM imports WHERE status IN ('reading', 'mapping', 'checked') AND created_at < $1
        ORDER BY id LIMIT $2";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(before).bind(PAGE_ROWS).fetch_all(c).await?))
}
