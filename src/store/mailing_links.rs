//! The table `mailing_links`: the links of a mailing that count who follows them, and where they lead.

use super::{Db, Result, Tx, on};
use crate::model::tracking::{Link, SECOND_LINKS};
use crate::model::{MailingId, MailingLink};

/// Freezes the links of a mailing, with its contents.
pub async fn insert(tx: &mut Tx, mailing: MailingId, links: &[Link]) -> Result<()> {
    const SQL: &str =
        "INSERT INTO mailing_links (mailing_id, number, url, heading, label) VALUES ($1, $2, $3, $4, $5)";
    for link in links {
        on!(tx.db(), |c| sqlx::query(SQL)
            .bind(mailing)
            .bind(i64::from(link.number))
            .bind(&link.url)
            .bind(&link.heading)
            .bind(&link.label)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}

/// Where a link leads; `None` when there is none of that number. One probe of the primary key: a reader waits for it.
pub async fn destination(db: Db<'_>, mailing: MailingId, number: u16) -> Result<Option<String>> {
    const SQL: &str = "SELECT url FROM mailing_links WHERE mailing_id = $1 AND number = $2";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(mailing).bind(i64::from(number)).fetch_optional(c).await?))
}

/// How many links the mails have in which one of this number stands.
pub async fn count_beside(db: Db<'_>, mailing: MailingId, number: u16) -> Result<i64> {
    const SQL: &str =
        "SELECT COUNT(*) FROM mailing_links WHERE mailing_id = $1 AND (number > $2) = ($3 > $2)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL)
        .bind(mailing)
        .bind(i64::from(SECOND_LINKS))
        .bind(i64::from(number))
        .fetch_one(c)
        .await?))
}

/// The links of a mailing in the order of the mail; what two subjects brought stands together.
pub async fn of_mailing(db: Db<'_>, mailing: MailingId) -> Result<Vec<MailingLink>> {
    const SQL: &str =
        "SELECT number % $2 AS number, MIN(url) AS url, MIN(heading) AS heading, MIN(label) AS label,
            CAST(SUM(clicks) AS BIGINT) AS clicks, CAST(SUM(machine_clicks) AS BIGINT) AS machine_clicks,
            CAST(SUM(readers) AS BIGINT) AS readers
        FROM mailing_links WHERE mailing_id = $1 GROUP BY number % $2 ORDER BY number % $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(mailing).bind(i64::from(SECOND_LINKS)).fetch_all(c).await?))
}

/// How many clicks of people each of two subjects brought.
pub async fn clicks_by_subject(db: Db<'_>, mailing: MailingId) -> Result<[i64; 2]> {
    const SQL: &str =
        "SELECT CAST(COALESCE(SUM(CASE WHEN number <= $2 THEN clicks ELSE 0 END), 0) AS BIGINT),
            CAST(COALESCE(SUM(CASE WHEN number > $2 THEN clicks ELSE 0 END), 0) AS BIGINT)
        FROM mailing_links WHERE mailing_id = $1";
    let (first, second) =
        on!(db, |c| sqlx::query_as(SQL).bind(mailing).bind(i64::from(SECOND_LINKS)).fetch_one(c).await?);
    Ok([first, second])
}
