//! The table `mailing_audience`: who was in the segment of a mailing at its start.

use super::filter::Statement;
use super::{Db, Result, StoreError, Tx, on};
use crate::model::{Filter, Mailing, MailingId, Rhythm, SubscriptionId, Timestamp};

/// Writes the audience of a mailing down, and answers the mailing with the account that follows. One statement, so that
/// it is all or nobody: a million subscriptions take SQLite some seconds.
pub(super) async fn fill(tx: &mut Tx, mailing: &Mailing, now: Timestamp) -> Result<Mailing> {
    const ACCOUNT: &str = "UPDATE mailings SET
            audience = (SELECT count(*) FROM mailing_audience a WHERE a.mailing_id = $1),
            audience_end = (SELECT COALESCE(MAX(a.subscription_id), 0) FROM mailing_audience a WHERE a.mailing_id = $1)
        WHERE id = $1 RETURNING *";
    // A filter that cannot be read selects nobody, never everybody.
    let filter = mailing.segment_filter.as_deref().map(Filter::parse);
    if let Some(Ok(filter)) = filter {
        let mut statement =
            Statement::of("INSERT INTO mailing_audience (mailing_id, subscription_id) SELECT ");
        statement.is_of_all = true;
        statement.know_mailings(tx.db(), &[&filter]).await?;
        statement
            .sql("CAST(")
            .number(mailing.id.0)
            .sql(" AS BIGINT), n.id FROM subscriptions n WHERE n.status = 'confirmed' AND ")
            .sql(since_of(mailing.rhythm))
            .sql(" <= ")
            .number(now.as_millis())
            .of_newsletter(mailing.newsletter_id);
        if let Some(topic) = mailing.topic_id {
            statement
                .sql(" AND EXISTS (SELECT 1 FROM subscription_topics t WHERE t.subscription_id = n.id AND t.topic_id = ")
                .number(topic.0)
                .sql(" AND t.since <= ")
                .number(now.as_millis())
                .sql(")");
        }
        statement.filtered(&filter).execute(tx.db()).await?;
    }
    let filled = on!(tx.db(), |c| sqlx::query_as(ACCOUNT).bind(mailing.id).fetch_optional(c).await?);
    filled.ok_or_else(StoreError::missing)
}

/// The column of those who get mailings of this rhythm.
pub(super) const fn since_of(rhythm: Rhythm) -> &'static str {
    match rhythm {
        Rhythm::Each => "n.audience_since",
        Rhythm::Monthly => "n.monthly_since",
    }
}

/// Whether a subscription was in it at the start.
pub async fn contains(db: Db<'_>, mailing: MailingId, subscription: SubscriptionId) -> Result<bool> {
    const SQL: &str =
        "SELECT EXISTS (SELECT 1 FROM mailing_audience WHERE mailing_id = $1 AND subscription_id = $2)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(mailing).bind(subscription).fetch_one(c).await?))
}

/// The mailings that have one and need it no more: everyone in it has a row in the ledger.
pub async fn of_ended(db: Db<'_>) -> Result<Vec<MailingId>> {
    // One look at the beginning of the rows of each mailing: there are as many as are under way.
    const SQL: &str = "WITH RECURSIVE found (id) AS (
            SELECT MIN(mailing_id) FROM mailing_audience
            UNION ALL
            SELECT (SELECT MIN(a.mailing_id) FROM mailing_audience a WHERE a.mailing_id > found.id)
            FROM found WHERE found.id IS NOT NULL)
        SELECT m.id FROM found f JOIN mailings m ON m.id = f.id
        WHERE m.status = 'sent' OR (m.status = 'cancelled' AND m.cursor >= m.audience_end)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_all(c).await?))
}

/// Forgets some of it. Answers how many: fewer than the limit when none is left.
pub async fn empty(tx: &mut Tx, mailing: MailingId, limit: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM mailing_audience WHERE mailing_id = $1 AND subscription_id <= (
        SELECT MAX(f.subscription_id) FROM (SELECT subscription_id FROM mailing_audience WHERE mailing_id = $1
            ORDER BY subscription_id LIMIT $2) AS f)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(mailing).bind(limit).execute(c).await?.rows_affected()))
}
