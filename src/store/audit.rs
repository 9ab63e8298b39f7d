//! The table `audit`: what was done, by whom, append-only. Written by [`Tx::note`] in the transaction of the act, so that
//! what is undone is not told and what is done is. It outlives what it tells of: its ids refer to nothing.

use std::time::Duration;

use super::{Db, Result, Tx, on};
use crate::model::{Act, Actor, NewsletterId, Timestamp, UserId};

/// Within this time what is done again and again by one person to one object is told once.
const TOGETHER: Duration = Duration::from_secs(10 * 60);
/// Characters of a detail: a key or two.
const DETAIL_MAX_CHARS: usize = 100;
/// Rows of one page.
pub const PAGE_ROWS: i64 = 50;

/// A line of the log.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct AuditRow {
    pub id: i64,
    pub at: Timestamp,
    /// `None`: the command line.
    pub user_id: Option<UserId>,
    /// As they were called then.
    pub user_name: String,
    /// The key of an [`Act`]; of one that a later version has, it is just shown.
    pub act: String,
    pub object_id: Option<i64>,
    pub newsletter_id: Option<NewsletterId>,
    pub detail: String,
}

/// Which lines are asked for.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// `Some(None)`: the command line.
    pub user: Option<Option<UserId>>,
    /// A kind of object: the first word of its acts.
    pub kind: Option<String>,
    pub object: Option<i64>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Lines before this one: the next page.
    pub before: Option<i64>,
}

pub(super) async fn insert(
    tx: &mut Tx,
    act: Act,
    newsletter: Option<NewsletterId>,
    object: Option<i64>,
    detail: &str,
    now: Timestamp,
) -> Result<()> {
    let (user, name) = match tx.actor() {
        Actor::User(person) => {
            // A program that came by a key is told from its owner.
            let key = person.by_key.as_ref().map(|key| format!(" ({})", key.name)).unwrap_or_default();
            (Some(person.id), format!("{}{key}", person.name))
        }
        Actor::Operator | Actor::Visitor => (None, String::new()),
    };
    if act.is_frequent() && was_told(tx, act, user, &name, object, now).await? {
        return Ok(());
    }
    by(tx, user, &name, act, newsletter, object, detail, now).await
}

/// A line in the name of somebody who is not signed in yet: who signs in, or follows a link.
#[expect(clippy::too_many_arguments, reason = "they are the columns")]
pub async fn by(
    tx: &mut Tx,
    user: Option<UserId>,
    name: &str,
    act: Act,
    newsletter: Option<NewsletterId>,
    object: Option<i64>,
    detail: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "INSERT INTO audit (at, user_id, user_name, act, object_kind, object_id, newsletter_id, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let detail: String = detail.chars().take(DETAIL_MAX_CHARS).collect();
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(now)
        .bind(user)
        .bind(name)
        .bind(act.as_str())
        .bind(act.kind())
        .bind(object)
        .bind(newsletter)
        .bind(&detail)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

async fn was_told(
    tx: &mut Tx,
    act: Act,
    user: Option<UserId>,
    name: &str,
    object: Option<i64>,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM audit WHERE object_kind = $1 AND object_id = $2 AND act = $3
        AND COALESCE(user_id, 0) = $4 AND user_name = $6 AND at > $5";
    let count: i64 = on!(tx.db(), |c| sqlx::query_scalar(SQL)
        .bind(act.kind())
        .bind(object)
        .bind(act.as_str())
        .bind(user.map_or(0, |user| user.0))
        .bind(now.minus(TOGETHER))
        .bind(name)
        .fetch_one(c)
        .await?);
    Ok(count > 0)
}

/// A page of the log, the newest first, and one row more where there is a next page.
pub async fn list(db: Db<'_>, filter: &AuditFilter) -> Result<Vec<AuditRow>> {
    const SQL: &str = "SELECT id, at, user_id, user_name, act, object_id, newsletter_id, detail FROM audit
        WHERE ($1 = 0 OR (COALESCE(user_id, 0) = $2 AND (user_id IS NOT NULL OR act <> 'person_forgot')))
            AND ($3 = '' OR object_kind = $3) AND ($4 = 0 OR object_id = $4)
            AND at >= $5 AND at < $6 AND id < $7
        ORDER BY id DESC LIMIT $8";
    let forever = Timestamp::from_millis(i64::MAX);
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(i64::from(filter.user.is_some()))
        .bind(filter.user.flatten().map_or(0, |user| user.0))
        .bind(filter.kind.as_deref().unwrap_or_default())
        .bind(filter.object.unwrap_or(0))
        .bind(filter.from.unwrap_or(Timestamp::from_millis(0)))
        .bind(filter.until.unwrap_or(forever))
        .bind(filter.before.unwrap_or(i64::MAX))
        .bind(PAGE_ROWS + 1)
        .fetch_all(c)
        .await?))
}

/// Who stands in the log: also those who are gone. The name without that of a key comes first.
pub async fn people(db: Db<'_>) -> Result<Vec<(UserId, String)>> {
    const SQL: &str = "SELECT user_id, MIN(user_name) FROM audit WHERE user_id IS NOT NULL
        GROUP BY user_id ORDER BY MIN(user_name), user_id";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

/// Forgets a batch of what has had its period.
pub async fn delete_before(tx: &mut Tx, before: Timestamp, batch: i64) -> Result<u64> {
    const SQL: &str =
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY id LIMIT $2)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(before).bind(batch).execute(c).await?.rows_affected()))
}
