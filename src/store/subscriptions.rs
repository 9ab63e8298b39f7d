//! The table `subscriptions`.

use super::bulk::{self, Column, Same};
use super::growth::{self, Change};
use super::{Db, Result, Tx, on, sql};
use crate::model::{
    EmailAddress, FormId, HitKind, Language, NewsletterId, Rhythm, SubscriberId, Subscription,
    SubscriptionId, SubscriptionStatus, Timestamp, TopicId,
};

/// Since when a subscription is in the audience of issues, and of monthly digests: never in both. Who chose a digest a
/// month gets each issue while the newsletter has none. The moments may be columns of the row as it was.
macro_rules! in_audiences {
    ($rhythm:literal, $if:literal, $each:literal, $monthly:literal) => {
        concat!(
            "audience_since = CASE WHEN ",
            $if,
            " AND NOT (",
            $rhythm,
            " = 'monthly' AND EXISTS (SELECT 1 FROM digest_rules d WHERE d.newsletter_id = subscriptions.newsletter_id
                AND d.audience = 'monthly' AND d.on_since IS NOT NULL)) THEN ",
            $each,
            " END, monthly_since = CASE WHEN ",
            $if,
            " AND ",
            $rhythm,
            " = 'monthly' AND EXISTS (SELECT 1 FROM digest_rules d WHERE d.newsletter_id = subscriptions.newsletter_id
                AND d.audience = 'monthly' AND d.on_since IS NOT NULL) THEN ",
            $monthly,
            " END"
        )
    };
}

/// The subscription, made Pending now if there is none. A row that is there stays as it is: only the
/// owner of the address changes a state.
pub async fn find_or_insert(
    tx: &mut Tx,
    subscriber: SubscriberId,
    newsletter: NewsletterId,
    language: Language,
    now: Timestamp,
) -> Result<Subscription> {
    const SQL: &str = "INSERT INTO subscriptions (subscriber_id, newsletter_id, status, language, created_at)
        VALUES ($1, $2, 'pending', $3, $4)
        ON CONFLICT (subscriber_id, newsletter_id) DO UPDATE SET newsletter_id = excluded.newsletter_id RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(subscriber)
        .bind(newsletter)
        .bind(language)
        .bind(now)
        .fetch_one(c)
        .await?))
}

pub async fn by_id(db: Db<'_>, id: SubscriptionId) -> Result<Option<Subscription>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM subscriptions WHERE id = $1")
        .bind(id)
        .fetch_optional(c)
        .await?))
}

pub async fn of_subscriber(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<Subscription>> {
    const SQL: &str = "SELECT * FROM subscriptions WHERE subscriber_id = $1 ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}

/// A request to subscribe.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub subscriber_id: SubscriberId,
    pub newsletter_id: NewsletterId,
    /// Language and form of the newest request count, until the owner of the address confirms one.
    pub language: Language,
    pub form_id: FormId,
    /// Whether the address is one of throw-away mailboxes; it stays noted.
    pub is_disposable: bool,
}

/// Makes Pending what is not there, and notes the newest request of what is; only the owner of the address
/// changes a state. Answers the ids. Each pair of subscriber and newsletter once.
pub async fn ask_all(
    tx: &mut Tx,
    asked: &[Asked],
    now: Timestamp,
) -> Result<Vec<(SubscriptionId, SubscriberId, NewsletterId)>> {
    const SQL: &str = "INSERT INTO subscriptions
            (subscriber_id, newsletter_id, status, language, form_id, is_disposable, created_at)
            SELECT v.subscriber_id, v.newsletter_id, 'pending', v.language, v.form_id, v.is_disposable,
                CAST(? AS BIGINT)
            FROM v WHERE v.subscriber_id IS NOT NULL
        ON CONFLICT (subscriber_id, newsletter_id) DO UPDATE SET
            language = CASE WHEN subscriptions.status = 'confirmed'
                THEN subscriptions.language ELSE excluded.language END,
            form_id = CASE WHEN subscriptions.status = 'confirmed'
                THEN subscriptions.form_id ELSE excluded.form_id END,
            is_disposable = subscriptions.is_disposable OR excluded.is_disposable
        RETURNING id, subscriber_id, newsletter_id";
    let columns = [
        Column::Numbers("subscriber_id", asked.iter().map(|one| Some(one.subscriber_id.0)).collect()),
        Column::Numbers("newsletter_id", asked.iter().map(|one| Some(one.newsletter_id.0)).collect()),
        Column::Texts("language", asked.iter().map(|one| Some(one.language.as_str())).collect()),
        Column::Numbers("form_id", asked.iter().map(|one| Some(one.form_id.0)).collect()),
        Column::Flags("is_disposable", asked.iter().map(|one| one.is_disposable).collect()),
    ];
    bulk::fetch_all(tx.db(), &columns, SQL, &[Same::Number(now.as_millis())]).await
}

/// Pending or Unsubscribed becomes Confirmed; `false` when it was Confirmed already, or is gone.
pub async fn confirm(tx: &mut Tx, id: SubscriptionId, language: Language, now: Timestamp) -> Result<bool> {
    const SQL: &str = concat!(
        "UPDATE subscriptions SET status = 'confirmed', language = $2, confirmed_at = $3, ",
        in_audiences!("rhythm", "paused_until IS NULL", "$3", "$3"),
        " WHERE id = $1 AND status <> 'confirmed'"
    );
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(language)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    if rows == 1 {
        growth::add(tx, id, now, Change::Confirmed).await?;
    }
    Ok(rows == 1)
}

/// Language and form of the request that is about to be confirmed, in place of those of the newest.
pub async fn set_request(tx: &mut Tx, id: SubscriptionId, language: Language, form: FormId) -> Result<()> {
    const SQL: &str =
        "UPDATE subscriptions SET language = $2, form_id = $3 WHERE id = $1 AND status <> 'confirmed'";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(language).bind(form).execute(c).await?.rows_affected());
    Ok(())
}

/// Unsubscribed becomes what it was: Confirmed since the same moment, and again in the audience of issues that
/// begin after `now`. `false` when it was not Unsubscribed, or is gone.
pub async fn restore(tx: &mut Tx, id: SubscriptionId, now: Timestamp) -> Result<bool> {
    const SQL: &str = concat!(
        "UPDATE subscriptions SET status = 'confirmed', ",
        in_audiences!("rhythm", "paused_until IS NULL", "$2", "$2"),
        " WHERE id = $1 AND status = 'unsubscribed' AND confirmed_at IS NOT NULL"
    );
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected());
    if rows == 1 {
        growth::add(tx, id, now, Change::Restored).await?;
    }
    Ok(rows == 1)
}

/// Anything becomes Unsubscribed; `false` when it was already, or is gone.
pub async fn unsubscribe(tx: &mut Tx, id: SubscriptionId, now: Timestamp) -> Result<bool> {
    const SQL: &str =
        "UPDATE subscriptions SET status = 'unsubscribed', unsubscribed_at = $2, audience_since = NULL, monthly_since = NULL
        WHERE id = $1 AND status <> 'unsubscribed'";
    // Who never confirmed has never come.
    if let Some(true) = was_confirmed(tx, id).await? {
        growth::add(tx, id, now, Change::Departed).await?;
    }
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Whether a subscription is confirmed; `None` when it is gone.
async fn was_confirmed(tx: &mut Tx, id: SubscriptionId) -> Result<Option<bool>> {
    const SQL: &str = "SELECT status = 'confirmed' FROM subscriptions WHERE id = $1";
    Ok(on!(tx.db(), |c| sqlx::query_scalar(SQL).bind(id).fetch_optional(c).await?))
}

/// A subscription that waits for its owner, and is reminded now.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Forgotten {
    pub id: SubscriptionId,
    pub newsletter_id: NewsletterId,
    pub language: Language,
    pub address: EmailAddress,
    /// Of its newest link: the reminder's goes by the same dates, and prolongs nothing.
    pub asked_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Marks subscriptions as reminded, and answers them: those that are still pending, were asked for before
/// `asked_before` for the last time, and have a link that works beyond `valid_beyond`. Not where the question
/// itself has not gone out, or came back. Nobody is marked twice, whoever else is at it.
pub async fn take_forgotten(
    tx: &mut Tx,
    asked_before: Timestamp,
    valid_beyond: Timestamp,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Forgotten>> {
    // Materialized: PostgreSQL may run a subquery anew for each row, and then the limit is none.
    let sql = sql!(
        tx.db(),
        "WITH due AS MATERIALIZED (
            SELECT n.id FROM subscriptions n
            WHERE n.status = 'pending' AND n.created_at <= $1 AND n.reminded_at IS NULL
                AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.subscription_id = n.id AND t.created_at > $1)
                AND EXISTS (SELECT 1 FROM tokens t WHERE t.subscription_id = n.id AND t.purpose = 'confirm'
                    AND t.used_at IS NULL AND t.expires_at > $2)
                AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.subscription_id = n.id
                    AND o.status IN ('queued', 'claimed', 'bounced'))
            ORDER BY n.created_at LIMIT $3",
        sqlite: "",
        postgres: " FOR UPDATE SKIP LOCKED",
        ") UPDATE subscriptions SET reminded_at = $4
        WHERE status = 'pending' AND reminded_at IS NULL AND id IN (SELECT id FROM due)
        RETURNING id, newsletter_id, language,
            (SELECT s.address FROM subscribers s WHERE s.id = subscriptions.subscriber_id) AS address,
            (SELECT MAX(t.created_at) FROM tokens t WHERE t.subscription_id = subscriptions.id) AS asked_at,
            (SELECT MAX(t.expires_at) FROM tokens t WHERE t.subscription_id = subscriptions.id) AS expires_at"
    );
    Ok(on!(tx.db(), |c| sqlx::query_as(sql)
        .bind(asked_before)
        .bind(valid_beyond)
        .bind(limit)
        .bind(now)
        .fetch_all(c)
        .await?))
}

/// Forgets pause, rhythm and the consent to be counted of a subscription that is not confirmed: its owner begins anew.
pub async fn start_afresh(tx: &mut Tx, id: SubscriptionId) -> Result<()> {
    const SQL: &str = "UPDATE subscriptions SET rhythm = 'each', paused_until = NULL, opens_since = NULL,
            clicks_since = NULL
        WHERE id = $1 AND status <> 'confirmed' AND (rhythm <> 'each' OR paused_until IS NOT NULL
            OR opens_since IS NOT NULL OR clicks_since IS NOT NULL)";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected());
    Ok(())
}

/// The language that the owner of a subscription chose.
pub async fn choose_language(tx: &mut Tx, id: SubscriptionId, language: Language) -> Result<()> {
    const SQL: &str = "UPDATE subscriptions SET language = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(language).execute(c).await?.rows_affected());
    Ok(())
}

/// How often, and not before when. Who is not paused is in the audience of issues, or of monthly digests, from `now` on
/// for someone who was not, or chose another rhythm; the others are in none. Only of a subscription that is confirmed; `false` for another.
pub async fn set_pace(
    tx: &mut Tx,
    id: SubscriptionId,
    rhythm: Rhythm,
    paused_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = concat!(
        "UPDATE subscriptions SET rhythm = $2, paused_until = CAST($3 AS BIGINT), ",
        in_audiences!(
            "$2",
            "CAST($3 AS BIGINT) IS NULL",
            "CASE WHEN rhythm = $2 THEN COALESCE(audience_since, $4) ELSE $4 END",
            "CASE WHEN rhythm = $2 THEN COALESCE(monthly_since, $4) ELSE $4 END"
        ),
        " WHERE id = $1 AND status = 'confirmed'"
    );
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(rhythm)
        .bind(paused_until)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Pauses that are over: subscription and newsletter, the first of them.
pub async fn pauses_over(
    db: Db<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(SubscriptionId, NewsletterId)>> {
    const SQL: &str =
        "SELECT id, newsletter_id FROM subscriptions WHERE paused_until IS NOT NULL AND paused_until <= $1
        ORDER BY paused_until LIMIT $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(now).bind(limit).fetch_all(c).await?))
}

/// Ends a pause that is over by `now`, also of someone who has left meanwhile. Who is back is in the audience
/// since `since`.
pub async fn end_pause(tx: &mut Tx, id: SubscriptionId, since: Timestamp, now: Timestamp) -> Result<bool> {
    const SQL: &str = concat!(
        "UPDATE subscriptions SET paused_until = NULL, ",
        in_audiences!("rhythm", "status = 'confirmed'", "$2", "$2"),
        " WHERE id = $1 AND paused_until <= $3"
    );
    let rows =
        on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(since).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Since when the owner agrees that hits of a kind are counted; `None`: not.
pub async fn set_tracking(
    tx: &mut Tx,
    id: SubscriptionId,
    kind: HitKind,
    since: Option<Timestamp>,
) -> Result<()> {
    const OPENS: &str = "UPDATE subscriptions SET opens_since = $2 WHERE id = $1";
    const CLICKS: &str = "UPDATE subscriptions SET clicks_since = $2 WHERE id = $1";
    let sql = match kind {
        HitKind::Open => OPENS,
        HitKind::Click => CLICKS,
    };
    on!(tx.db(), |c| sqlx::query(sql).bind(id).bind(since).execute(c).await?.rows_affected());
    Ok(())
}

/// How many would get an issue now, of this topic or without one.
pub async fn count_audience(db: Db<'_>, newsletter: NewsletterId, topic: Option<TopicId>) -> Result<i64> {
    // The cast, which PostgreSQL drops, has SQLite count in the index that has everything instead of looking at each row.
    const ALL: &str = "SELECT count(*) FROM subscriptions WHERE newsletter_id = $1
        AND CAST(status AS TEXT) = 'confirmed' AND audience_since IS NOT NULL";
    const OF_TOPIC: &str = "SELECT count(*) FROM subscriptions n JOIN subscription_topics t ON t.subscription_id = n.id
        WHERE n.newsletter_id = $1 AND n.status = 'confirmed' AND n.audience_since IS NOT NULL AND t.topic_id = $2";
    Ok(match topic {
        None => on!(db, |c| sqlx::query_scalar(ALL).bind(newsletter).fetch_one(c).await?),
        Some(topic) => {
            on!(db, |c| sqlx::query_scalar(OF_TOPIC).bind(newsletter).bind(topic).fetch_one(c).await?)
        }
    })
}

/// How many would get a monthly digest now.
pub async fn count_monthly(db: Db<'_>, newsletter: NewsletterId) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM subscriptions WHERE newsletter_id = $1
        AND CAST(status AS TEXT) = 'confirmed' AND monthly_since IS NOT NULL";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(newsletter).fetch_one(c).await?))
}

/// How many readers have chosen a digest a month, whether or not there is one; also those who pause.
pub async fn count_wish_monthly(db: Db<'_>, newsletter: NewsletterId) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM subscriptions WHERE newsletter_id = $1 AND status = 'confirmed'
        AND rhythm = 'monthly'";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(newsletter).fetch_one(c).await?))
}

/// Moves everybody who chose a digest a month into the audience where they belong now, after a newsletter got its first
/// monthly digest or lost its last: from `since` on, for those who were not in it. Answers how many moved.
pub async fn move_monthly(tx: &mut Tx, newsletter: NewsletterId, since: Timestamp) -> Result<u64> {
    const SQL: &str = concat!(
        "UPDATE subscriptions SET ",
        in_audiences!(
            "rhythm",
            "paused_until IS NULL",
            "COALESCE(audience_since, $2)",
            "COALESCE(monthly_since, $2)"
        ),
        " WHERE newsletter_id = $1 AND status = 'confirmed' AND rhythm = 'monthly'"
    );
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(newsletter).bind(since).execute(c).await?.rows_affected()))
}

/// How many subscriptions of a newsletter are in a state.
pub async fn count(db: Db<'_>, newsletter: NewsletterId, status: SubscriptionStatus) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM subscriptions WHERE newsletter_id = $1 AND status = $2";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(newsletter).bind(status).fetch_one(c).await?))
}

/// Most subscriptions that one transaction erases: others who write wait for a part of a second.
pub const UNCONFIRMED_ROWS: usize = 500;

/// Erases subscriptions that were never confirmed (L6), also those whose owner said no, unless they were
/// asked for again since; and then those of their people who have no other. Answers how many subscriptions went: fewer than
/// [`UNCONFIRMED_ROWS`] when none is left.
pub async fn delete_unconfirmed(tx: &mut Tx, created_before: Timestamp) -> Result<usize> {
    const FOUND: &str = "SELECT id FROM subscriptions WHERE confirmed_at IS NULL AND created_at < $1
            AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.subscription_id = subscriptions.id AND t.created_at >= $1)
        ORDER BY created_at, id LIMIT $2";
    // Asked anew, once the people are held: somebody may have signed up again in this moment.
    const SUBSCRIPTIONS: &str =
        "DELETE FROM subscriptions WHERE id IN (SELECT id FROM v) AND confirmed_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM tokens t
                WHERE t.subscription_id = subscriptions.id AND t.created_at >= CAST(? AS BIGINT))
        RETURNING subscriber_id";
    const SUBSCRIBERS: &str = "DELETE FROM subscribers WHERE id IN (SELECT id FROM v)
        AND NOT EXISTS (SELECT 1 FROM subscriptions n WHERE n.subscriber_id = subscribers.id)";
    let most = i64::try_from(UNCONFIRMED_ROWS).unwrap_or(i64::MAX);
    let found: Vec<SubscriptionId> =
        on!(tx.db(), |c| sqlx::query_scalar(FOUND).bind(created_before).bind(most).fetch_all(c).await?);
    super::people::lock_all(tx, &found).await?;
    let ids = [Column::Numbers("id", found.iter().map(|id| Some(id.0)).collect())];
    let before = [Same::Number(created_before.as_millis())];
    let gone: Vec<(i64,)> = bulk::fetch_all(tx.db(), &ids, SUBSCRIPTIONS, &before).await?;
    let people = [Column::Numbers("id", gone.iter().map(|(id,)| Some(*id)).collect())];
    bulk::execute(tx, &people, SUBSCRIBERS, &[]).await?;
    Ok(gone.len())
}
