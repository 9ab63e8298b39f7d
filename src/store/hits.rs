//! What is counted of clicks and opens: `mailing_counts`, `mailing_hours`, `mailing_rules`, the numbers of `mailing_links`,
//! and of those who agreed `reader_hits`.
//!
//! Whoever counts takes the readers first ([`lock_readers`]), as the verbs of a subscriber do, and then mailings in the
//! order of their ids, so that no two wait for each other. Nothing here refers to `mailings`: such a reference takes a lock
//! for which a verb that holds a reader may wait.

use std::collections::HashMap;

use super::{Db, Result, Tx, on, sql};
use crate::model::{
    Agreed, HitKind, HitRule, MailingId, NewsletterId, SubscriberId, SubscriptionId, Timestamp,
};

/// Hits of one kind, those of people and those of machines. Negative ones take back what was counted too early.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub human: i64,
    pub machine: i64,
}

impl Tally {
    pub fn add(&mut self, rule: HitRule, hits: i64) {
        if rule.is_machine() {
            self.machine += hits;
        } else {
            self.human += hits;
        }
    }

    const fn is_zero(self) -> bool {
        self.human == 0 && self.machine == 0
    }
}

/// What is added to a mailing, or to an hour of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    pub clicks: Tally,
    pub opens: Tally,
    /// Readers who agreed, and of whom these are the first hits.
    pub click_readers: i64,
    pub open_readers: i64,
}

/// What those of these readers agree to now who agree to anything. Their rows are held until the end of the transaction:
/// who withdraws meanwhile waits, and then deletes what was written. In the order of their ids.
pub async fn lock_readers(
    tx: &mut Tx,
    readers: &[SubscriptionId],
) -> Result<HashMap<SubscriptionId, Agreed>> {
    let sql = sql!(
        tx.db(),
        "SELECT opens_since IS NOT NULL AS opens, clicks_since IS NOT NULL AS clicks FROM subscriptions
            WHERE id = $1 AND status = 'confirmed' AND (opens_since IS NOT NULL OR clicks_since IS NOT NULL)",
        sqlite: "",
        postgres: " FOR NO KEY UPDATE",
        ""
    );
    let mut agreed = HashMap::new();
    for reader in readers {
        let found: Option<Agreed> =
            on!(tx.db(), |c| sqlx::query_as(sql).bind(reader).fetch_optional(c).await?);
        agreed.extend(found.map(|found| (*reader, found)));
    }
    Ok(agreed)
}

/// When the relay took the mail of a mailing to a reader, or may have; `None` when it has not, as far as is known.
pub async fn delivered_at(
    db: Db<'_>,
    mailing: MailingId,
    reader: SubscriptionId,
) -> Result<Option<Timestamp>> {
    const SQL: &str = "SELECT d.at FROM subscriptions n
            JOIN deliveries d ON d.mailing_id = $1 AND d.subscriber_id = n.subscriber_id
        WHERE n.id = $2 AND d.outcome IN ('sent', 'uncertain')";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(mailing).bind(reader).fetch_optional(c).await?))
}

/// Hits of one reader on one link; number 0 is the mail itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderHits {
    pub reader: SubscriptionId,
    pub mailing: MailingId,
    pub number: u16,
    pub at: Timestamp,
    pub tally: Tally,
}

/// Adds to what a reader has hit. Answers what that reader had hit of it as a person, before and after.
pub async fn add_reader(tx: &mut Tx, hits: &ReaderHits) -> Result<(i64, i64)> {
    const SQL: &str = "INSERT INTO reader_hits (subscription_id, mailing_id, number, first_at, last_at, hits, machine_hits)
        VALUES ($1, $2, $3, $4, $4, $5, $6)
        ON CONFLICT (subscription_id, mailing_id, number) DO UPDATE SET last_at = excluded.last_at,
            hits = reader_hits.hits + excluded.hits, machine_hits = reader_hits.machine_hits + excluded.machine_hits
        RETURNING hits";
    let after: i64 = on!(tx.db(), |c| sqlx::query_scalar(SQL)
        .bind(hits.reader)
        .bind(hits.mailing)
        .bind(i64::from(hits.number))
        .bind(hits.at)
        .bind(hits.tally.human)
        .bind(hits.tally.machine)
        .fetch_one(c)
        .await?);
    Ok((after - hits.tally.human, after))
}

/// How many links of a mailing a reader has followed as a person.
pub async fn links_followed(db: Db<'_>, mailing: MailingId, reader: SubscriptionId) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM reader_hits
        WHERE subscription_id = $1 AND mailing_id = $2 AND number > 0 AND hits > 0";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(reader).bind(mailing).fetch_one(c).await?))
}

pub async fn add_to_link(
    tx: &mut Tx,
    mailing: MailingId,
    number: u16,
    clicks: Tally,
    readers: i64,
) -> Result<()> {
    const SQL: &str = "UPDATE mailing_links SET clicks = clicks + $3, machine_clicks = machine_clicks + $4,
            readers = readers + $5 WHERE mailing_id = $1 AND number = $2";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(i64::from(number))
        .bind(clicks.human)
        .bind(clicks.machine)
        .bind(readers)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn add_to_mailing(tx: &mut Tx, mailing: MailingId, added: &Added) -> Result<()> {
    const SQL: &str = "INSERT INTO mailing_counts (mailing_id, clicks, machine_clicks, opens, machine_opens,
            click_readers, open_readers) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (mailing_id) DO UPDATE SET clicks = mailing_counts.clicks + excluded.clicks,
            machine_clicks = mailing_counts.machine_clicks + excluded.machine_clicks,
            opens = mailing_counts.opens + excluded.opens,
            machine_opens = mailing_counts.machine_opens + excluded.machine_opens,
            click_readers = mailing_counts.click_readers + excluded.click_readers,
            open_readers = mailing_counts.open_readers + excluded.open_readers";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(added.clicks.human)
        .bind(added.clicks.machine)
        .bind(added.opens.human)
        .bind(added.opens.machine)
        .bind(added.click_readers)
        .bind(added.open_readers)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn add_to_hour(tx: &mut Tx, mailing: MailingId, hour: i64, added: &Added) -> Result<()> {
    const SQL: &str =
        "INSERT INTO mailing_hours (mailing_id, hour, clicks, machine_clicks, opens, machine_opens)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (mailing_id, hour) DO UPDATE SET clicks = mailing_hours.clicks + excluded.clicks,
            machine_clicks = mailing_hours.machine_clicks + excluded.machine_clicks,
            opens = mailing_hours.opens + excluded.opens,
            machine_opens = mailing_hours.machine_opens + excluded.machine_opens";
    if added.clicks.is_zero() && added.opens.is_zero() {
        return Ok(());
    }
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(hour)
        .bind(added.clicks.human)
        .bind(added.clicks.machine)
        .bind(added.opens.human)
        .bind(added.opens.machine)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn add_to_rule(
    tx: &mut Tx,
    mailing: MailingId,
    kind: HitKind,
    rule: HitRule,
    hits: i64,
) -> Result<()> {
    const SQL: &str = "INSERT INTO mailing_rules (mailing_id, kind, rule, hits) VALUES ($1, $2, $3, $4)
        ON CONFLICT (mailing_id, kind, rule) DO UPDATE SET hits = mailing_rules.hits + excluded.hits";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(kind)
        .bind(rule)
        .bind(hits)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Forgets what a reader has opened and followed; the totals stay.
pub async fn forget_reader(tx: &mut Tx, reader: SubscriptionId) -> Result<u64> {
    const SQL: &str = "DELETE FROM reader_hits WHERE subscription_id = $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(reader).execute(c).await?.rows_affected()))
}

/// The same of one kind only.
pub async fn forget_kind(tx: &mut Tx, reader: SubscriptionId, kind: HitKind) -> Result<u64> {
    const OPENS: &str = "DELETE FROM reader_hits WHERE subscription_id = $1 AND number = 0";
    const CLICKS: &str = "DELETE FROM reader_hits WHERE subscription_id = $1 AND number > 0";
    let sql = match kind {
        HitKind::Open => OPENS,
        HitKind::Click => CLICKS,
    };
    Ok(on!(tx.db(), |c| sqlx::query(sql).bind(reader).execute(c).await?.rows_affected()))
}

/// Forgets some of what readers did last before a moment.
pub async fn delete_before(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM reader_hits WHERE (subscription_id, mailing_id, number) IN
        (SELECT subscription_id, mailing_id, number FROM reader_hits WHERE last_at < $1 ORDER BY last_at LIMIT $2)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(before).bind(limit).execute(c).await?.rows_affected()))
}

/// What one person opened and followed, in words.
#[derive(Debug, sqlx::FromRow, serde::Serialize)]
pub struct HitOf {
    pub newsletter_id: NewsletterId,
    pub subject: String,
    /// Where the link leads; `None`: the mail was opened.
    pub url: Option<String>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub hits: i64,
    pub machine_hits: i64,
}

/// Everything that is kept of what one person opened and followed.
pub async fn of_subscriber(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<HitOf>> {
    const SQL: &str =
        "SELECT m.newsletter_id, i.subject, l.url, h.first_at, h.last_at, h.hits, h.machine_hits
        FROM subscriptions n JOIN reader_hits h ON h.subscription_id = n.id
            JOIN mailings m ON m.id = h.mailing_id JOIN issues i ON i.id = m.issue_id
            LEFT JOIN mailing_links l ON l.mailing_id = h.mailing_id AND l.number = h.number
        WHERE n.subscriber_id = $1 ORDER BY h.first_at, h.mailing_id, h.number";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}

/// Notes which mailing somebody who leaves has received last, if it began after `since`, and counts it there.
pub async fn note_departure(tx: &mut Tx, reader: SubscriptionId, since: Timestamp) -> Result<()> {
    const LAST: &str = "SELECT m.id FROM subscriptions n JOIN mailings m ON m.newsletter_id = n.newsletter_id
            JOIN deliveries d ON d.mailing_id = m.id AND d.subscriber_id = n.subscriber_id AND d.outcome = 'sent'
        WHERE n.id = $1 AND m.started_at > $2 ORDER BY m.started_at DESC, m.id DESC LIMIT 1";
    const MARK: &str = "UPDATE subscriptions SET left_after = $2 WHERE id = $1";
    let last: Option<MailingId> =
        on!(tx.db(), |c| sqlx::query_scalar(LAST).bind(reader).bind(since).fetch_optional(c).await?);
    on!(tx.db(), |c| sqlx::query(MARK).bind(reader).bind(last).execute(c).await?.rows_affected());
    match last {
        Some(mailing) => add_departures(tx, mailing, 1).await,
        None => Ok(()),
    }
}

/// Takes that back for somebody who has come back.
pub async fn undo_departure(tx: &mut Tx, reader: SubscriptionId) -> Result<()> {
    const LAST: &str = "SELECT left_after FROM subscriptions WHERE id = $1";
    const MARK: &str = "UPDATE subscriptions SET left_after = NULL WHERE id = $1";
    let last: Option<Option<MailingId>> =
        on!(tx.db(), |c| sqlx::query_scalar(LAST).bind(reader).fetch_optional(c).await?);
    on!(tx.db(), |c| sqlx::query(MARK).bind(reader).execute(c).await?.rows_affected());
    match last.flatten() {
        Some(mailing) => add_departures(tx, mailing, -1).await,
        None => Ok(()),
    }
}

async fn add_departures(tx: &mut Tx, mailing: MailingId, more: i64) -> Result<()> {
    const SQL: &str = "INSERT INTO mailing_counts (mailing_id, departures) VALUES ($1, $2)
        ON CONFLICT (mailing_id) DO UPDATE SET departures = mailing_counts.departures + excluded.departures";
    on!(tx.db(), |c| sqlx::query(SQL).bind(mailing).bind(more).execute(c).await?.rows_affected());
    Ok(())
}
