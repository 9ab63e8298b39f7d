//! What is forgotten after its period, table by table; the periods that were set at the desk, and when what was last
//! forgotten. Finding needs no lock, and is apart from forgetting, which takes a batch and so holds the one writer of
//! SQLite for a moment only.

use super::{Db, Result, Tx, on};
use crate::model::{MailingId, RetentionPeriod, RetentionRun, SubscriberId, Timestamp};

/// Subscriptions left before a moment whose evidence of then still has what is to be forgotten; those behind `after`.
/// Who asks again is still called unsubscribed until the button is pressed: the evidence of asking is newer than `left_before`.
pub async fn find_evidence(db: Db<'_>, left_before: Timestamp, after: i64, limit: i64) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT n.id FROM subscriptions n
        WHERE n.status = 'unsubscribed' AND n.unsubscribed_at < $1 AND n.id > $2 AND EXISTS (SELECT 1 FROM consents c
            WHERE c.subscriber_id = n.subscriber_id AND c.newsletter_id = n.newsletter_id
                AND c.at < $1 AND (c.ip <> '' OR c.user_agent <> '' OR c.referrer <> ''))
        ORDER BY n.id LIMIT $3";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(left_before).bind(after).bind(limit).fetch_all(c).await?))
}

/// Empties IP address, browser and referrer of what is older; unless the person came back meanwhile.
pub async fn forget_evidence(tx: &mut Tx, subscription: i64, left_before: Timestamp) -> Result<u64> {
    const SQL: &str = "UPDATE consents SET ip = '', user_agent = '', referrer = ''
        WHERE at < $2 AND (subscriber_id, newsletter_id) IN (SELECT subscriber_id, newsletter_id FROM subscriptions
            WHERE id = $1 AND status = 'unsubscribed' AND unsubscribed_at < $2)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL)
        .bind(subscription)
        .bind(left_before)
        .execute(c)
        .await?
        .rows_affected()))
}

/// Single mails that were finished before a moment, behind `after`. The mails in which a confirmed subscription was
/// asked for are evidence: they go with it.
pub async fn find_single_mails(
    db: Db<'_>,
    finished_before: Timestamp,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT o.id FROM outbox o WHERE o.finished_at < $1 AND o.id > $2
            AND NOT (o.kind IN ('confirm', 'reminder') AND o.status IN ('sent', 'uncertain') AND EXISTS (SELECT 1 FROM subscriptions n
                WHERE n.id = o.subscription_id AND n.confirmed_at IS NOT NULL))
        ORDER BY o.id LIMIT $3";
    Ok(on!(db, |c| sqlx::query_scalar(SQL)
        .bind(finished_before)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

pub async fn delete_single_mail(tx: &mut Tx, id: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM outbox WHERE id = $1 AND finished_at IS NOT NULL";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected()))
}

/// Reasons for leaving that were given before a moment.
pub async fn find_departures(
    db: Db<'_>,
    given_before: Timestamp,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT subscription_id FROM departures WHERE at < $1 AND subscription_id > $2
        ORDER BY subscription_id LIMIT $3";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(given_before).bind(after).bind(limit).fetch_all(c).await?))
}

pub async fn delete_departure(tx: &mut Tx, subscription: i64, given_before: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM departures WHERE subscription_id = $1 AND at < $2";
    Ok(on!(tx.db(), |c| sqlx::query(SQL)
        .bind(subscription)
        .bind(given_before)
        .execute(c)
        .await?
        .rows_affected()))
}

/// A mailing that ended before a moment and whose replies are all kept still.
pub async fn find_replies(db: Db<'_>, ended_before: Timestamp) -> Result<Option<MailingId>> {
    const SQL: &str =
        "SELECT id FROM mailings WHERE replies_forgotten_at IS NULL AND status IN ('sent', 'cancelled')
            AND finished_at < $1 ORDER BY id LIMIT 1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(ended_before).fetch_optional(c).await?))
}

/// Empties the replies to the next readers of a mailing behind `after`. Answers the last of them; `None` when there
/// were none.
pub async fn forget_replies(
    tx: &mut Tx,
    mailing: MailingId,
    after: SubscriberId,
    limit: i64,
) -> Result<Option<SubscriberId>> {
    const LAST: &str = "SELECT MAX(subscriber_id) FROM (SELECT subscriber_id FROM deliveries
        WHERE mailing_id = $1 AND subscriber_id > $2 ORDER BY subscriber_id LIMIT $3) AS part";
    const FORGET: &str = "UPDATE deliveries SET reply = ''
        WHERE mailing_id = $1 AND subscriber_id > $2 AND subscriber_id <= $3 AND reply <> ''";
    let last: Option<SubscriberId> =
        on!(tx.db(), |c| sqlx::query_scalar(LAST).bind(mailing).bind(after).bind(limit).fetch_one(c).await?);
    if let Some(last) = last {
        on!(tx.db(), |c| sqlx::query(FORGET)
            .bind(mailing)
            .bind(after)
            .bind(last)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(last)
}

pub async fn set_replies_forgotten(tx: &mut Tx, mailing: MailingId, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE mailings SET replies_forgotten_at = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(mailing).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// The periods that were set at the desk, in days.
pub async fn periods(db: Db<'_>) -> Result<Vec<(RetentionPeriod, i64)>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT period, days FROM retention_periods").fetch_all(c).await?))
}

pub async fn set_period(tx: &mut Tx, period: RetentionPeriod, days: i64) -> Result<()> {
    const SQL: &str = "INSERT INTO retention_periods (period, days) VALUES ($1, $2)
        ON CONFLICT (period) DO UPDATE SET days = $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(period).bind(days).execute(c).await?.rows_affected());
    Ok(())
}

/// Back to the configuration; whether something was set.
pub async fn unset_period(tx: &mut Tx, period: RetentionPeriod) -> Result<bool> {
    const SQL: &str = "DELETE FROM retention_periods WHERE period = $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(period).execute(c).await?.rows_affected()) == 1)
}

/// When what was last forgotten.
pub async fn runs(db: Db<'_>) -> Result<Vec<RetentionRun>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM retention_runs").fetch_all(c).await?))
}

/// Notes a run. That the last one found nothing does not hide when something went before.
pub async fn note_run(tx: &mut Tx, period: RetentionPeriod, now: Timestamp, removed: i64) -> Result<()> {
    const NOTHING: &str = "INSERT INTO retention_runs (period, ran_at, removed) VALUES ($1, $2, $3)
        ON CONFLICT (period) DO UPDATE SET ran_at = $2";
    const SOMETHING: &str =
        "INSERT INTO retention_runs (period, ran_at, removed_at, removed) VALUES ($1, $2, $2, $3)
        ON CONFLICT (period) DO UPDATE SET ran_at = $2, removed_at = $2, removed = $3";
    let sql = if removed > 0 { SOMETHING } else { NOTHING };
    on!(tx.db(), |c| sqlx::query(sql).bind(period).bind(now).bind(removed).execute(c).await?.rows_affected());
    Ok(())
}
