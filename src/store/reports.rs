//! What reports read: totals that were kept as they happened, never rows that would have to be counted.

use super::{Db, PAGE_ROWS, Result, on};
use crate::model::calendar::Span;
use crate::model::{
    HitCounts, HitKind, HitRule, IssueId, MailingId, MailingStatus, NewsletterId, Timestamp, Tracking,
};

/// What came of a mailing; nothing yet is all zeros.
pub async fn counts(db: Db<'_>, mailing: MailingId) -> Result<HitCounts> {
    const SQL: &str =
        "SELECT clicks, machine_clicks, opens, machine_opens, click_readers, open_readers, departures
        FROM mailing_counts WHERE mailing_id = $1";
    let counts: Option<HitCounts> = on!(db, |c| sqlx::query_as(SQL).bind(mailing).fetch_optional(c).await?);
    Ok(counts.unwrap_or_default())
}

/// An hour of a mailing in which something was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct HourCounts {
    /// Its number since 1970-01-01 UTC.
    pub hour: i64,
    pub clicks: i64,
    pub machine_clicks: i64,
    pub opens: i64,
    pub machine_opens: i64,
}

/// The hours from one up to and without another, in order.
pub async fn hours(db: Db<'_>, mailing: MailingId, from: i64, before: i64) -> Result<Vec<HourCounts>> {
    const SQL: &str = "SELECT hour, clicks, machine_clicks, opens, machine_opens FROM mailing_hours
        WHERE mailing_id = $1 AND hour >= $2 AND hour < $3 ORDER BY hour";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(mailing).bind(from).bind(before).fetch_all(c).await?))
}

/// By which rules the hits of a mailing were judged.
pub async fn rules(db: Db<'_>, mailing: MailingId) -> Result<Vec<(HitKind, HitRule, i64)>> {
    const SQL: &str =
        "SELECT kind, rule, hits FROM mailing_rules WHERE mailing_id = $1 AND hits > 0 ORDER BY kind, rule";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(mailing).fetch_all(c).await?))
}

/// A mailing that has begun, in one line.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct MailingLine {
    pub id: MailingId,
    pub issue_id: IssueId,
    /// Of the issue.
    pub number: i64,
    pub subject: String,
    pub status: MailingStatus,
    pub started_at: Timestamp,
    pub tracking: Tracking,
    pub audience: i64,
    pub sent: i64,
    pub bounced: i64,
    pub clicks: i64,
    pub machine_clicks: i64,
    pub click_readers: i64,
    pub departures: i64,
    /// Unreliable: to be marked so wherever they are shown.
    pub opens: i64,
    pub machine_opens: i64,
}

/// The columns of [`MailingLine`]; the hole is for the rest.
macro_rules! lines_sql {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.issue_id, i.number, i.subject, m.status, m.started_at, m.tracking, m.audience, m.sent, m.bounced,
                COALESCE(k.clicks, 0) AS clicks, COALESCE(k.machine_clicks, 0) AS machine_clicks,
                COALESCE(k.click_readers, 0) AS click_readers, COALESCE(k.departures, 0) AS departures,
                COALESCE(k.opens, 0) AS opens, COALESCE(k.machine_opens, 0) AS machine_opens
            FROM mailings m JOIN issues i ON i.id = m.issue_id LEFT JOIN mailing_counts k ON k.mailing_id = m.id
            WHERE m.newsletter_id = $1 AND m.started_at IS NOT NULL ",
            $rest
        )
    };
}

/// The mailings of a newsletter, the latest first. `page` counts from 0; a row more than [`PAGE_ROWS`] says that there is
/// a next page.
pub async fn mailings(db: Db<'_>, newsletter: NewsletterId, page: i64) -> Result<Vec<MailingLine>> {
    const SQL: &str = lines_sql!("ORDER BY m.started_at DESC, m.id DESC LIMIT $2 OFFSET $3");
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(PAGE_ROWS + 1)
        .bind(page.max(0) * PAGE_ROWS)
        .fetch_all(c)
        .await?))
}

/// The same behind one that began at a moment: for exports.
pub async fn mailings_behind(
    db: Db<'_>,
    newsletter: NewsletterId,
    behind: (Timestamp, MailingId),
    limit: i64,
) -> Result<Vec<MailingLine>> {
    const SQL: &str =
        lines_sql!("AND (m.started_at, m.id) < ($2, $3) ORDER BY m.started_at DESC, m.id DESC LIMIT $4");
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(behind.0)
        .bind(behind.1)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Those that were begun before another, the latest first: what it is compared with.
pub async fn mailings_before(
    db: Db<'_>,
    newsletter: NewsletterId,
    started_at: Timestamp,
    limit: i64,
) -> Result<Vec<MailingLine>> {
    const SQL: &str =
        lines_sql!("AND m.started_at < $2 AND m.sent > 0 ORDER BY m.started_at DESC, m.id DESC LIMIT $3");
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).bind(started_at).bind(limit).fetch_all(c).await?))
}

/// Those that began in a period, in order.
pub async fn mailings_in(
    db: Db<'_>,
    newsletter: NewsletterId,
    span: &Span,
    limit: i64,
) -> Result<Vec<MailingLine>> {
    const SQL: &str =
        lines_sql!("AND m.started_at >= $2 AND m.started_at < $3 ORDER BY m.started_at, m.id LIMIT $4");
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(span.from)
        .bind(span.until)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// How many mails to the mailings that began in a period came back.
pub async fn bounced_in(db: Db<'_>, newsletter: NewsletterId, span: &Span) -> Result<i64> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(bounced), 0) AS BIGINT) FROM mailings
        WHERE newsletter_id = $1 AND started_at >= $2 AND started_at < $3";
    Ok(on!(db, |c| sqlx::query_scalar(SQL)
        .bind(newsletter)
        .bind(span.from)
        .bind(span.until)
        .fetch_one(c)
        .await?))
}
