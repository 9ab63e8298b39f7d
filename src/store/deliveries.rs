//! The table `deliveries`: the row before the wire, and the account of every recipient.
//!
//! A row is born Claimed (or Skipped), and only the worker that claimed it may give it an outcome. The
//! numbers of the mailing move in the same transaction, so that the account always equals its rows.

use super::bulk::{self, BULK_ROWS_MAX, Column, Same};
use super::{Db, Result, Tx, like_pattern, on, sql};
use crate::model::trial::PLACE_STEP;
use crate::model::{
    Account, Agreed, Delivery, EmailAddress, Language, Mailing, MailingId, NewsletterId, Outcome, Refusal,
    SubscriberId, SubscriptionId, Timestamp, TopicId, UncertainPolicy, WorkerId,
};

/// Most outcomes recorded in one transaction: one statement, if they are alike.
pub const RECORD_ROWS_MAX: usize = BULK_ROWS_MAX;

/// Whom a claimed delivery is for.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Recipient {
    pub subscription_id: SubscriptionId,
    pub subscriber_id: SubscriberId,
    pub address: EmailAddress,
    pub name: String,
    pub language: Language,
    /// What this reader agrees now to be counted for.
    #[sqlx(flatten)]
    pub agreed: Agreed,
}

/// A [`Recipient`] as one row of many in JSON.
#[derive(serde::Deserialize)]
struct Candidate(SubscriptionId, SubscriberId, String, String, Language, i64, i64);

/// The next confirmed subscriptions of the audience behind the cursor, in the order of their ids.
pub async fn candidates(db: Db<'_>, mailing: &Mailing, limit: i64) -> Result<Vec<Recipient>> {
    if mailing.segment_filter.is_some() {
        return candidates_of_segment(db, mailing, limit).await;
    }
    if let Some(topic) = mailing.topic_id {
        return candidates_of_topic(db, mailing, topic, limit).await;
    }
    let (step, share) = trial(mailing);
    // In one row: each row of its own is a message between two threads where the database is SQLite.
    let sql = sql!(
        db,
        "SELECT CAST(",
        sqlite: "json_group_array(json_array(",
        postgres: "json_agg(json_build_array(",
        "f.id, f.subscriber_id, f.address, f.name, f.language, f.opens, f.clicks)) AS TEXT)
        FROM (SELECT n.id, n.subscriber_id, s.address, s.name, n.language,
                CASE WHEN n.opens_since IS NULL THEN 0 ELSE 1 END AS opens,
                CASE WHEN n.clicks_since IS NULL THEN 0 ELSE 1 END AS clicks
            FROM subscriptions n JOIN subscribers s ON s.id = n.subscriber_id
            WHERE n.newsletter_id = $1 AND n.status = 'confirmed' AND n.id > $2 AND n.id <= $3
                AND (CASE WHEN $9 = 'monthly' THEN n.monthly_since ELSE n.audience_since END) <= $4
                AND (n.subscriber_id * $6 + $7) % 100 < $8
                AND ($10 = 0 OR NOT EXISTS (SELECT 1 FROM deliveries d
                    WHERE d.mailing_id = $7 AND d.subscriber_id = n.subscriber_id LIMIT 1 OFFSET 0))
            ORDER BY n.id LIMIT $5) AS f"
    );
    let json: Option<String> = on!(db, |c| sqlx::query_scalar(sql)
        .bind(mailing.newsletter_id)
        .bind(mailing.cursor)
        .bind(mailing.audience_end)
        .bind(mailing.started_at)
        .bind(limit)
        .bind(step)
        .bind(mailing.id)
        .bind(share)
        .bind(mailing.rhythm)
        .bind(is_rest(mailing))
        .fetch_one(c)
        .await?);
    let unreadable = |error| sqlx::Error::Decode(error);
    let found: Vec<Candidate> =
        serde_json::from_str(json.as_deref().unwrap_or("[]")).map_err(|error| unreadable(error.into()))?;
    let mut found = found
        .into_iter()
        .map(|Candidate(subscription_id, subscriber_id, address, name, language, opens, clicks)| {
            let address = EmailAddress::parse(&address).map_err(|error| unreadable(error.into()))?;
            let agreed = Agreed { opens: opens != 0, clicks: clicks != 0 };
            Ok(Recipient { subscription_id, subscriber_id, address, name, language, agreed })
        })
        .collect::<Result<Vec<_>>>()?;
    found.sort_unstable_by_key(|recipient| recipient.subscription_id);
    Ok(found)
}

/// What the condition of a trial is bound to, after [`crate::model::trial::Trial::variant_of`]: everybody where none
/// is open.
fn trial(mailing: &Mailing) -> (i64, i64) {
    (PLACE_STEP, if mailing.is_trying() { mailing.trial.share } else { 100 })
}

/// 1: the winner of a trial goes to those who were not asked, and who was asked has a row. The offset keeps PostgreSQL from
/// reading all of those rows for each batch.
fn is_rest(mailing: &Mailing) -> i64 {
    i64::from(mailing.trial.winner.is_some())
}

/// To how many of a trial each of its two subjects was sent.
pub async fn count_tried(db: Db<'_>, mailing: &Mailing) -> Result<[i64; 2]> {
    const SQL: &str = "SELECT (subscriber_id * $2 + $1) % 2, count(*) FROM deliveries
        WHERE mailing_id = $1 AND outcome = 'sent' AND (subscriber_id * $2 + $1) % 100 < $3 GROUP BY 1";
    let rows: Vec<(i64, i64)> = on!(db, |c| sqlx::query_as(SQL)
        .bind(mailing.id)
        .bind(PLACE_STEP)
        .bind(mailing.trial.share)
        .fetch_all(c)
        .await?);
    let of = |place| rows.iter().find(|(found, _)| *found == place).map_or(0, |(_, count)| *count);
    Ok([of(0), of(1)])
}

/// The same of an issue with a topic: those who have had it since before the start.
async fn candidates_of_topic(
    db: Db<'_>,
    mailing: &Mailing,
    topic: TopicId,
    limit: i64,
) -> Result<Vec<Recipient>> {
    const SQL: &str = "SELECT n.id AS subscription_id, n.subscriber_id, s.address, s.name, n.language,
            n.opens_since IS NOT NULL AS opens, n.clicks_since IS NOT NULL AS clicks
        FROM subscription_topics t JOIN subscriptions n ON n.id = t.subscription_id
            JOIN subscribers s ON s.id = n.subscriber_id
        WHERE t.topic_id = $6 AND t.since <= $4 AND t.subscription_id > $2 AND t.subscription_id <= $3
            AND n.newsletter_id = $1 AND n.status = 'confirmed'
            AND (CASE WHEN $10 = 'monthly' THEN n.monthly_since ELSE n.audience_since END) <= $4
            AND (n.subscriber_id * $7 + $8) % 100 < $9
            AND ($11 = 0 OR NOT EXISTS (SELECT 1 FROM deliveries d
                WHERE d.mailing_id = $8 AND d.subscriber_id = n.subscriber_id LIMIT 1 OFFSET 0))
        ORDER BY t.subscription_id LIMIT $5";
    let (step, share) = trial(mailing);
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(mailing.newsletter_id)
        .bind(mailing.cursor)
        .bind(mailing.audience_end)
        .bind(mailing.started_at)
        .bind(limit)
        .bind(topic)
        .bind(step)
        .bind(mailing.id)
        .bind(share)
        .bind(mailing.rhythm)
        .bind(is_rest(mailing))
        .fetch_all(c)
        .await?))
}

/// The same of a mailing to a segment: those who were written down at the start. Who dropped the topic since has a
/// row already.
async fn candidates_of_segment(db: Db<'_>, mailing: &Mailing, limit: i64) -> Result<Vec<Recipient>> {
    const SQL: &str = "SELECT n.id AS subscription_id, n.subscriber_id, s.address, s.name, n.language,
            n.opens_since IS NOT NULL AS opens, n.clicks_since IS NOT NULL AS clicks
        FROM mailing_audience a JOIN subscriptions n ON n.id = a.subscription_id
            JOIN subscribers s ON s.id = n.subscriber_id
        WHERE a.mailing_id = $1 AND a.subscription_id > $2 AND a.subscription_id <= $3
            AND n.status = 'confirmed'
            AND (CASE WHEN $8 = 'monthly' THEN n.monthly_since ELSE n.audience_since END) <= $4
            AND (n.subscriber_id * $6 + $1) % 100 < $7
            AND ($9 = 0 OR NOT EXISTS (SELECT 1 FROM deliveries d
                WHERE d.mailing_id = $1 AND d.subscriber_id = n.subscriber_id LIMIT 1 OFFSET 0))
        ORDER BY a.subscription_id LIMIT $5";
    let (step, share) = trial(mailing);
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(mailing.id)
        .bind(mailing.cursor)
        .bind(mailing.audience_end)
        .bind(mailing.started_at)
        .bind(limit)
        .bind(step)
        .bind(share)
        .bind(mailing.rhythm)
        .bind(is_rest(mailing))
        .fetch_all(c)
        .await?))
}

/// The condition of the index `deliveries_failed`, word for word: only so does SQLite use it.
macro_rules! of_failed {
    ($outcome:literal) => {
        concat!($outcome, " IN ('bounced', 'expired', 'uncertain', 'skipped')")
    };
}

/// How a delivery begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Birth {
    /// For this worker's hand.
    Claimed,
    /// Its destination takes no more for now: it waits there.
    Waiting,
    /// The mailing was cancelled before it was reached.
    Skipped,
}

/// A row to be made for someone of the audience.
#[derive(Debug)]
pub struct Newborn<'a> {
    pub subscriber_id: SubscriberId,
    pub destination: &'a str,
    pub birth: Birth,
}

/// Makes the rows of exactly these recipients of a mailing that this transaction has locked, and moves the
/// account: a second look at the subscriptions could claim someone whom nobody has in hand. Answers those
/// who had no row yet.
pub async fn insert(
    tx: &mut Tx,
    mailing: MailingId,
    worker: WorkerId,
    newborns: &[Newborn<'_>],
    now: Timestamp,
) -> Result<std::collections::HashSet<SubscriberId>> {
    let mut inserted = std::collections::HashSet::with_capacity(newborns.len());
    for birth in [Birth::Claimed, Birth::Waiting, Birth::Skipped] {
        let alike: Vec<_> = newborns.iter().filter(|newborn| newborn.birth == birth).collect();
        for chunk in alike.chunks(BULK_ROWS_MAX) {
            inserted.extend(insert_alike(tx, mailing, worker, birth, chunk, now).await?);
        }
    }
    let mut change = Account::default();
    for newborn in newborns.iter().filter(|newborn| inserted.contains(&newborn.subscriber_id)) {
        match newborn.birth {
            Birth::Claimed => {}
            Birth::Waiting => change.deferred += 1,
            Birth::Skipped => change.skipped += 1,
        }
    }
    add_to_account(tx, mailing, &change).await?;
    Ok(inserted)
}

/// Rows that are born alike; the hole is for outcome, worker and due.
macro_rules! insert_sql {
    ($state:literal) => {
        concat!(
            "INSERT INTO deliveries (mailing_id, subscriber_id, destination, at, outcome, worker_id, due_at, attempts,
                doubts, reply)
            SELECT CAST(? AS BIGINT), v.subscriber_id, v.destination, CAST(? AS BIGINT), ",
            $state,
            ", 0, 0, '' FROM v WHERE v.subscriber_id IS NOT NULL
            ON CONFLICT (mailing_id, subscriber_id) DO NOTHING"
        )
    };
}

async fn insert_alike(
    tx: &mut Tx,
    mailing: MailingId,
    worker: WorkerId,
    birth: Birth,
    newborns: &[&Newborn<'_>],
    now: Timestamp,
) -> Result<Vec<SubscriberId>> {
    const CLAIMED: &str = insert_sql!("'claimed', CAST(? AS BIGINT), CAST(NULL AS BIGINT)");
    const WAITING: &str = insert_sql!("'deferred', CAST(NULL AS BIGINT), CAST(? AS BIGINT)");
    const SKIPPED: &str = insert_sql!("'skipped', CAST(NULL AS BIGINT), NULLIF(CAST(? AS BIGINT), 0)");
    let (sql, state) = match birth {
        Birth::Claimed => (CLAIMED, worker.0),
        Birth::Waiting => (WAITING, now.as_millis()),
        Birth::Skipped => (SKIPPED, 0),
    };
    let same = [Same::Number(mailing.0), Same::Number(now.as_millis()), Same::Number(state)];
    let columns = columns_of(newborns);
    if let db @ Db::Postgres(_) = tx.db() {
        let sql = format!("{sql} RETURNING deliveries.subscriber_id");
        let made: Vec<(SubscriberId,)> = bulk::fetch_all(db, &columns, &sql, &same).await?;
        return Ok(made.into_iter().map(|(subscriber,)| subscriber).collect());
    }
    // On SQLite each row that is answered is a message between two threads, and that all are made is the rule.
    tx.savepoint().await?;
    if bulk::execute(tx, &columns, sql, &same).await? == newborns.len() as u64 {
        return Ok(newborns.iter().map(|newborn| newborn.subscriber_id).collect());
    }
    tx.roll_back_to_savepoint().await?;
    let mut inserted = Vec::new();
    for newborn in newborns {
        let columns = columns_of(std::slice::from_ref(newborn));
        if bulk::execute(tx, &columns, sql, &same).await? == 1 {
            inserted.push(newborn.subscriber_id);
        }
    }
    Ok(inserted)
}

fn columns_of<'a>(newborns: &[&Newborn<'a>]) -> [Column<'a>; 2] {
    [
        Column::Numbers(
            "subscriber_id",
            newborns.iter().map(|newborn| Some(newborn.subscriber_id.0)).collect(),
        ),
        Column::Texts("destination", newborns.iter().map(|newborn| Some(newborn.destination)).collect()),
    ]
}

/// What waits at one destination of a mailing.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Waiting {
    pub destination: String,
    /// When the first of it is due.
    pub due_at: Timestamp,
}

/// A statement about `found`, the destinations at which deliveries of the mailing `$1` wait, found by one probe of the index
/// for each of them.
macro_rules! at_destinations {
    ($select:literal) => {
        // `due_at > 0` is always true: it makes SQLite choose the small index.
        concat!(
            "WITH RECURSIVE found (destination) AS (
                SELECT MIN(destination) FROM deliveries
                WHERE mailing_id = $1 AND outcome = 'deferred' AND destination >= '' AND due_at > 0
                UNION ALL
                SELECT (SELECT MIN(d.destination) FROM deliveries d
                    WHERE d.mailing_id = $1 AND d.outcome = 'deferred' AND d.destination > found.destination
                        AND d.due_at > 0)
                FROM found WHERE found.destination IS NOT NULL) ",
            $select
        )
    };
}

/// The destinations at which deliveries of a mailing wait. Costs two probes of the index for each of them,
/// however many wait there.
pub async fn waiting(db: Db<'_>, mailing: MailingId) -> Result<Vec<Waiting>> {
    const SQL: &str = at_destinations!(
        "SELECT f.destination, (SELECT MIN(d.due_at) FROM deliveries d WHERE d.mailing_id = $1
            AND d.outcome = 'deferred' AND d.destination = f.destination AND d.due_at > 0) AS due_at
        FROM found f WHERE f.destination IS NOT NULL ORDER BY due_at"
    );
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(mailing).fetch_all(c).await?))
}

/// A deferred delivery that was claimed for another try.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Retry {
    pub subscriber_id: SubscriberId,
    pub attempts: i64,
    pub doubts: i64,
}

/// Claims deferred deliveries of a destination that are due.
pub async fn claim_due(
    tx: &mut Tx,
    mailing: MailingId,
    destination: &str,
    worker: WorkerId,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Retry>> {
    // Materialized: PostgreSQL may run a subquery anew for each row, and then the limit is none.
    let sql = sql!(
        tx.db(),
        "WITH due AS MATERIALIZED (
            SELECT subscriber_id FROM deliveries
            WHERE mailing_id = $1 AND outcome = 'deferred' AND destination = $5 AND due_at <= $3
            ORDER BY due_at LIMIT $4",
        sqlite: "",
        postgres: " FOR UPDATE SKIP LOCKED",
        ") UPDATE deliveries SET outcome = 'claimed', worker_id = $2, at = $3, due_at = NULL
        WHERE mailing_id = $1 AND outcome = 'deferred' AND subscriber_id IN (SELECT subscriber_id FROM due)
        RETURNING subscriber_id, attempts, doubts"
    );
    let retries: Vec<Retry> = on!(tx.db(), |c| sqlx::query_as(sql)
        .bind(mailing)
        .bind(worker)
        .bind(now)
        .bind(limit)
        .bind(destination)
        .fetch_all(c)
        .await?);
    let count = i64::try_from(retries.len()).unwrap_or(i64::MAX);
    add_to_account(tx, mailing, &Account { deferred: -count, ..Account::default() }).await?;
    Ok(retries)
}

/// A recipient as it is now, and whether it is still in the audience of the mailing: subscribed without a break
/// since its start, and with its topic. `None` when the person was erased.
pub async fn recipient(
    db: Db<'_>,
    mailing: MailingId,
    subscriber: SubscriberId,
) -> Result<Option<(Recipient, bool)>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        in_audience: bool,
        #[sqlx(flatten)]
        recipient: Recipient,
    }
    const SQL: &str =
        "SELECT (n.status = 'confirmed' AND COALESCE((CASE WHEN m.rhythm = 'monthly' THEN n.monthly_since
                ELSE n.audience_since END) <= m.started_at, FALSE)
                AND (m.topic_id IS NULL OR EXISTS (SELECT 1 FROM subscription_topics t WHERE t.subscription_id = n.id
                    AND t.topic_id = m.topic_id AND t.since <= m.started_at))) AS in_audience,
            n.id AS subscription_id, n.subscriber_id, s.address, s.name, n.language,
            n.opens_since IS NOT NULL AS opens, n.clicks_since IS NOT NULL AS clicks
        FROM mailings m JOIN subscriptions n ON n.newsletter_id = m.newsletter_id
            JOIN subscribers s ON s.id = n.subscriber_id
        WHERE m.id = $1 AND n.subscriber_id = $2";
    let row: Option<Row> =
        on!(db, |c| sqlx::query_as(SQL).bind(mailing).bind(subscriber).fetch_optional(c).await?);
    Ok(row.map(|row| (row.recipient, row.in_audience)))
}

/// Whether a claim of this worker still stands: nobody skipped it, and the mailing is still Sending.
pub async fn still_claimed(
    db: Db<'_>,
    mailing: MailingId,
    subscriber: SubscriberId,
    worker: WorkerId,
) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM deliveries d JOIN mailings m ON m.id = d.mailing_id
        WHERE d.mailing_id = $1 AND d.subscriber_id = $2 AND d.outcome = 'claimed' AND d.worker_id = $3
            AND m.status = 'sending')";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(mailing).bind(subscriber).bind(worker).fetch_one(c).await?))
}

/// Whether the claim is this worker's, whatever the state of its mailing.
pub async fn is_claimed_by(
    db: Db<'_>,
    mailing: MailingId,
    subscriber: SubscriberId,
    worker: WorkerId,
) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM deliveries
        WHERE mailing_id = $1 AND subscriber_id = $2 AND outcome = 'claimed' AND worker_id = $3)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(mailing).bind(subscriber).bind(worker).fetch_one(c).await?))
}

/// What became of one claimed delivery.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    pub subscriber_id: SubscriberId,
    pub outcome: Outcome,
    /// Tries on the wire that this outcome adds: 0 when it never got there.
    pub attempts: i64,
    /// 1 when nobody knows whether the relay took this try.
    pub doubts: i64,
    /// When a Deferred one is tried again.
    pub due_at: Option<Timestamp>,
    pub reply: String,
    /// The relay that answered; empty when none did.
    pub relay: String,
    pub refusal: Refusal,
}

/// What records have in common that are written by one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Alike<'a> {
    outcome: Outcome,
    attempts: i64,
    doubts: i64,
    relay: &'a str,
    refusal: Refusal,
}

/// What came of [`record`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Fewer than given means that others recovered them.
    pub rows: usize,
    /// Nobody is left behind the cursor: this may have been the last outcome ([`super::mailings::finish`]).
    pub may_end: bool,
}

/// Gives claimed deliveries their outcome, if this worker still holds the claim, and moves the account.
pub async fn record(
    tx: &mut Tx,
    mailing: MailingId,
    worker: WorkerId,
    records: &[Record],
    now: Timestamp,
) -> Result<Recorded> {
    let mut groups = std::collections::BTreeMap::<Alike<'_>, Vec<&Record>>::new();
    for record in records {
        let &Record { outcome, attempts, doubts, refusal, .. } = record;
        let alike = Alike { outcome, attempts, doubts, relay: &record.relay, refusal };
        groups.entry(alike).or_default().push(record);
    }
    let mut recorded = 0;
    let mut change = Account::default();
    for (alike, records) in &groups {
        for chunk in records.chunks(BULK_ROWS_MAX) {
            let rows = record_alike(tx, mailing, worker, alike, chunk, now).await?;
            recorded += rows;
            *number(&mut change, alike.outcome) += rows;
        }
    }
    let may_end = add_to_account(tx, mailing, &change).await?;
    Ok(Recorded { rows: usize::try_from(recorded).unwrap_or(usize::MAX), may_end })
}

/// How many rows there were.
async fn record_alike(
    tx: &mut Tx,
    mailing: MailingId,
    worker: WorkerId,
    alike: &Alike<'_>,
    records: &[&Record],
    now: Timestamp,
) -> Result<i64> {
    const SQL: &str =
        "UPDATE deliveries SET outcome = ?, attempts = attempts + ?, doubts = doubts + ?, relay = ?,
            refusal = ?, at = ?, due_at = v.due_at, reply = v.reply
        FROM v WHERE deliveries.mailing_id = ? AND deliveries.subscriber_id = v.subscriber_id
            AND deliveries.outcome = 'claimed' AND deliveries.worker_id = ?";
    let columns = [
        Column::Numbers("subscriber_id", records.iter().map(|record| Some(record.subscriber_id.0)).collect()),
        Column::Numbers(
            "due_at",
            records.iter().map(|record| record.due_at.map(Timestamp::as_millis)).collect(),
        ),
        Column::Texts("reply", records.iter().map(|record| Some(record.reply.as_str())).collect()),
    ];
    let same = [
        Same::Text(alike.outcome.as_str()),
        Same::Number(alike.attempts),
        Same::Number(alike.doubts),
        Same::Text(alike.relay),
        Same::Text(alike.refusal.as_str()),
        Same::Number(now.as_millis()),
        Same::Number(mailing.0),
        Same::Number(worker.0),
    ];
    let rows = bulk::execute(tx, &columns, SQL, &same).await?;
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}

const fn number(account: &mut Account, outcome: Outcome) -> &mut i64 {
    match outcome {
        Outcome::Sent => &mut account.sent,
        Outcome::Deferred => &mut account.deferred,
        Outcome::Bounced => &mut account.bounced,
        Outcome::Uncertain => &mut account.uncertain,
        Outcome::Skipped => &mut account.skipped,
        Outcome::Expired => &mut account.expired,
        // A claim is no outcome, and no caller records it; it would leave the audience as it is.
        Outcome::Claimed => &mut account.audience,
    }
}

/// Answers whether nobody is left behind the cursor, as far as that is known.
async fn add_to_account(tx: &mut Tx, mailing: MailingId, change: &Account) -> Result<bool> {
    const SQL: &str =
        "UPDATE mailings SET sent = sent + $2, deferred = deferred + $3, bounced = bounced + $4,
            uncertain = uncertain + $5, skipped = skipped + $6, expired = expired + $7 WHERE id = $1
        RETURNING cursor >= audience_end";
    if *change == Account::default() {
        return Ok(true);
    }
    let at_end: Option<bool> = on!(tx.db(), |c| sqlx::query_scalar(SQL)
        .bind(mailing)
        .bind(change.sent)
        .bind(change.deferred)
        .bind(change.bounced)
        .bind(change.uncertain)
        .bind(change.skipped)
        .bind(change.expired)
        .fetch_optional(c)
        .await?);
    Ok(at_end.unwrap_or(true))
}

/// Someone leaves, or is erased, while a mailing that this transaction has locked is in progress: a
/// deferred or claimed delivery is skipped, and one that the feeder has not reached is born Skipped, so
/// that the account still balances. `in_audience`: whether it was counted at the start.
pub async fn skip(
    tx: &mut Tx,
    mailing: &Mailing,
    subscriber: SubscriberId,
    in_audience: bool,
    now: Timestamp,
) -> Result<()> {
    const BEFORE: &str = "SELECT outcome FROM deliveries WHERE mailing_id = $1 AND subscriber_id = $2";
    const INSERT: &str =
        "INSERT INTO deliveries (mailing_id, subscriber_id, outcome, attempts, doubts, at, worker_id,
            due_at, reply)
        VALUES ($1, $2, 'skipped', 0, 0, $3, NULL, NULL, '')
        ON CONFLICT (mailing_id, subscriber_id) DO NOTHING";
    // A claimed row may be on the wire in this moment: its worker will record what became of it, unless
    // the claim is old enough to be looked at again before the wire (see `still_claimed`).
    const UPDATE: &str = "UPDATE deliveries SET outcome = 'skipped', due_at = NULL, at = $3
        WHERE mailing_id = $1 AND subscriber_id = $2 AND outcome = 'deferred'";
    let before: Option<Outcome> = on!(tx.db(), |c| sqlx::query_scalar(BEFORE)
        .bind(mailing.id)
        .bind(subscriber)
        .fetch_optional(c)
        .await?);
    let change = match before {
        None if in_audience => {
            let rows = on!(tx.db(), |c| sqlx::query(INSERT)
                .bind(mailing.id)
                .bind(subscriber)
                .bind(now)
                .execute(c)
                .await?
                .rows_affected());
            Account { skipped: i64::from(rows == 1), ..Account::default() }
        }
        Some(Outcome::Deferred) => {
            let rows = on!(tx.db(), |c| sqlx::query(UPDATE)
                .bind(mailing.id)
                .bind(subscriber)
                .bind(now)
                .execute(c)
                .await?
                .rows_affected());
            let moved = i64::from(rows == 1);
            Account { skipped: moved, deferred: -moved, ..Account::default() }
        }
        _ => Account::default(),
    };
    add_to_account(tx, mailing.id, &change).await?;
    Ok(())
}

/// Forgets what relays said about a person who is erased: their words may hold the address.
pub async fn forget_replies(tx: &mut Tx, subscriber: SubscriberId) -> Result<()> {
    const SQL: &str = "UPDATE deliveries SET reply = ''
        WHERE mailing_id IN (SELECT id FROM mailings) AND subscriber_id = $1 AND reply <> ''";
    on!(tx.db(), |c| sqlx::query(SQL).bind(subscriber).execute(c).await?.rows_affected());
    Ok(())
}

/// Gives back the claims of a worker that stops in good order: nothing of them was on the wire.
pub async fn release(tx: &mut Tx, worker: WorkerId, now: Timestamp) -> Result<u64> {
    const SQL: &str = "UPDATE deliveries SET outcome = 'deferred', due_at = $2, at = $2, worker_id = NULL
        WHERE outcome = 'claimed' AND worker_id = $1 RETURNING mailing_id";
    let mailings: Vec<MailingId> =
        on!(tx.db(), |c| sqlx::query_scalar(SQL).bind(worker).bind(now).fetch_all(c).await?);
    count_per_mailing(tx, &mailings, Outcome::Deferred).await
}

/// Recovers the claims of a worker that died: nobody knows which of them the relay took. They are tried
/// again under the same Message-ID, or held, as the newsletter is set; either way the doubt is counted.
pub async fn recover(tx: &mut Tx, worker: WorkerId, policy: UncertainPolicy, now: Timestamp) -> Result<u64> {
    const SQL: &str = "UPDATE deliveries SET outcome = $3, due_at = $4, at = $2, worker_id = NULL, doubts = doubts + 1
        WHERE outcome = 'claimed' AND worker_id = $1 AND mailing_id IN (
            SELECT m.id FROM mailings m JOIN newsletters n ON n.id = m.newsletter_id WHERE n.on_uncertain = $5)
        RETURNING mailing_id";
    let (outcome, due_at) = match policy {
        UncertainPolicy::Resend => (Outcome::Deferred, Some(now)),
        UncertainPolicy::Hold => (Outcome::Uncertain, None),
    };
    let mailings: Vec<MailingId> = on!(tx.db(), |c| sqlx::query_scalar(SQL)
        .bind(worker)
        .bind(now)
        .bind(outcome)
        .bind(due_at)
        .bind(policy)
        .fetch_all(c)
        .await?);
    count_per_mailing(tx, &mailings, outcome).await
}

async fn count_per_mailing(tx: &mut Tx, mailings: &[MailingId], outcome: Outcome) -> Result<u64> {
    let mut counts = std::collections::BTreeMap::<MailingId, i64>::new();
    for mailing in mailings {
        *counts.entry(*mailing).or_default() += 1;
    }
    for (mailing, count) in counts {
        let mut change = Account::default();
        *number(&mut change, outcome) = count;
        add_to_account(tx, mailing, &change).await?;
    }
    Ok(mailings.len() as u64)
}

/// Deliveries that ended, for another try that someone asked for: the account moves with them. Answers how
/// many there were.
pub async fn try_again(tx: &mut Tx, mailing: MailingId, from: Outcome, now: Timestamp) -> Result<i64> {
    const SQL: &str = concat!(
        "UPDATE deliveries SET outcome = 'deferred', due_at = $3, at = $3, worker_id = NULL
        WHERE mailing_id = $1 AND outcome = $2 AND refusal <> 'address' AND ",
        of_failed!("outcome")
    );
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(from)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let mut change = Account { deferred: rows, ..Account::default() };
    *number(&mut change, from) -= rows;
    add_to_account(tx, mailing, &change).await?;
    Ok(rows)
}

/// Deliveries that wait for a moment after `latest` were planned by a clock that was wrong: they are due now.
pub async fn mend_due(tx: &mut Tx, latest: Timestamp, now: Timestamp) -> Result<u64> {
    const SQL: &str = "UPDATE deliveries SET due_at = $2 WHERE outcome = 'deferred' AND due_at > $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(latest).bind(now).execute(c).await?.rows_affected()))
}

/// Some of what waits of a mailing that was cancelled is Skipped. Answers how many: fewer than the limit when none is left.
pub async fn skip_waiting(tx: &mut Tx, mailing: MailingId, limit: i64, now: Timestamp) -> Result<i64> {
    // Materialized: as in `claim_due`.
    const SQL: &str = "WITH waiting AS MATERIALIZED (
            SELECT subscriber_id FROM deliveries
            WHERE mailing_id = $1 AND outcome = 'deferred' AND due_at > 0 LIMIT $3)
        UPDATE deliveries SET outcome = 'skipped', due_at = NULL, at = $2
        WHERE mailing_id = $1 AND outcome = 'deferred' AND subscriber_id IN (SELECT subscriber_id FROM waiting)";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(now)
        .bind(limit)
        .execute(c)
        .await?
        .rows_affected());
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    add_to_account(tx, mailing, &Account { skipped: rows, deferred: -rows, ..Account::default() }).await?;
    Ok(rows)
}

/// The account counted from the rows themselves: what the numbers of the mailing must equal.
pub async fn count(db: Db<'_>, mailing: MailingId) -> Result<Vec<(Outcome, i64)>> {
    const SQL: &str = "SELECT outcome, count(*) FROM deliveries WHERE mailing_id = $1 GROUP BY outcome";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(mailing).fetch_all(c).await?))
}

/// Most that [`waiting_counts`] counts at one destination, and [`count_failed`]: a page must not cost a walk through
/// millions.
pub const WAITING_COUNT_MAX: i64 = 10_000;

/// Most that wait and are put in order for a page of the ledger.
const WAITING_SORTED_MAX: i64 = 5_000;

/// The statement of [`count_failed`], for who looks at its plan.
pub const COUNT_FAILED_SQL: &str = concat!(
    "SELECT count(*) FROM (SELECT 1 FROM deliveries
        WHERE mailing_id = $1 AND outcome IN ('bounced', 'expired') AND ",
    of_failed!("outcome"),
    " AND refusal <> 'address' LIMIT $2) AS few"
);

/// How many that bounced or expired would be tried again by [`try_again`]. One more than [`WAITING_COUNT_MAX`] stands for
/// any number above it.
pub async fn count_failed(db: Db<'_>, mailing: MailingId) -> Result<i64> {
    Ok(on!(db, |c| sqlx::query_scalar(COUNT_FAILED_SQL)
        .bind(mailing)
        .bind(WAITING_COUNT_MAX + 1)
        .fetch_one(c)
        .await?))
}

/// A destination at which deliveries wait.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct WaitingCount {
    pub destination: String,
    /// One more than [`WAITING_COUNT_MAX`] stands for any number above it.
    pub count: i64,
    /// When the first of them is due.
    pub due_at: Timestamp,
}

/// The destinations at which most deliveries of a mailing wait.
pub async fn waiting_counts(db: Db<'_>, mailing: MailingId, limit: i64) -> Result<Vec<WaitingCount>> {
    const SQL: &str = at_destinations!(
        "SELECT f.destination,
            (SELECT count(*) FROM (SELECT 1 FROM deliveries d WHERE d.mailing_id = $1 AND d.outcome = 'deferred'
                AND d.destination = f.destination AND d.due_at > 0 LIMIT $2) AS few) AS count,
            (SELECT MIN(d.due_at) FROM deliveries d WHERE d.mailing_id = $1 AND d.outcome = 'deferred'
                AND d.destination = f.destination AND d.due_at > 0) AS due_at
        FROM found f WHERE f.destination IS NOT NULL ORDER BY count DESC, destination LIMIT $3"
    );
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(mailing)
        .bind(WAITING_COUNT_MAX + 1)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Whether somebody waits for the first try, because the destination had no room: of each destination those are looked at
/// that are due first, and nobody else, however many wait there.
pub async fn has_unasked(db: Db<'_>, mailing: MailingId) -> Result<bool> {
    const SQL: &str = at_destinations!(
        "SELECT EXISTS (SELECT 1 FROM found f WHERE f.destination IS NOT NULL AND EXISTS (
            SELECT 1 FROM (SELECT d.attempts FROM deliveries d WHERE d.mailing_id = $1 AND d.outcome = 'deferred'
                AND d.destination = f.destination AND d.due_at > 0 ORDER BY d.due_at LIMIT 100) AS few
            WHERE few.attempts = 0))"
    );
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(mailing).fetch_one(c).await?))
}

/// A row of the ledger with its person.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct LedgerRow {
    /// `None` for someone who was erased.
    pub address: Option<EmailAddress>,
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub delivery: Delivery,
}

/// Which rows of the ledger.
#[derive(Debug, Clone, Copy, Default)]
pub struct LedgerFilter<'a> {
    pub outcome: Option<Outcome>,
    /// Part of the address; empty for all.
    pub search: &'a str,
}

impl LedgerFilter<'_> {
    /// Whether the index of those that failed has all its rows.
    fn is_of_failed(&self) -> bool {
        let is_failed =
            |of| matches!(of, Outcome::Bounced | Outcome::Expired | Outcome::Uncertain | Outcome::Skipped);
        self.outcome.is_some_and(is_failed)
    }

    /// The statement for it, for who looks at its plan. Whatever it is, the numbers are bound to the same.
    pub fn sql(&self) -> &'static str {
        match (self.is_of_failed(), self.search.is_empty()) {
            (true, _) => LEDGER_OF_FAILED,
            (false, true) => LEDGER,
            (false, false) => LEDGER_BY_ADDRESS,
        }
    }
}

macro_rules! ledger_sql {
    ($from:literal, $outcome:expr, $search:literal, $order:literal) => {
        concat!(
            "SELECT s.address, d.mailing_id, d.subscriber_id, d.outcome, d.attempts, d.doubts, d.at, d.due_at, d.reply,
                d.destination, d.relay, d.refusal FROM ",
            $from,
            " WHERE d.mailing_id = $1 AND d.subscriber_id > $2 AND ",
            $outcome,
            " AND ",
            $search,
            " ORDER BY ",
            $order,
            " LIMIT $5"
        )
    };
}

const LEDGER: &str = ledger_sql!(
    "deliveries d LEFT JOIN subscribers s ON s.id = d.subscriber_id",
    "($3 = '' OR d.outcome = $3)",
    "$4 = ''",
    "d.subscriber_id"
);
/// Begins at the few that failed.
const LEDGER_OF_FAILED: &str = ledger_sql!(
    "deliveries d LEFT JOIN subscribers s ON s.id = d.subscriber_id",
    concat!("d.outcome = $3 AND ", of_failed!("d.outcome")),
    "($4 = '' OR s.address_key LIKE $4 ESCAPE '\\' OR LOWER(s.address) LIKE $4 ESCAPE '\\')",
    "d.subscriber_id"
);
/// Begins at those that wait, where they are few: they are put in order. The pluses keep SQLite from walking everybody in
/// that order instead, and what is true of all that wait makes it choose the small index.
pub const LEDGER_OF_WAITING: &str = ledger_sql!(
    "deliveries d LEFT JOIN subscribers s ON s.id = d.subscriber_id",
    "d.outcome = $3 AND d.outcome = 'deferred' AND d.destination >= '' AND d.due_at > 0",
    "($4 = '' OR s.address_key LIKE $4 ESCAPE '\\' OR LOWER(s.address) LIKE $4 ESCAPE '\\')",
    "+d.subscriber_id"
);
/// Begins at the addresses: of those that are alike few were sent to. CROSS: SQLite keeps to this order.
const LEDGER_BY_ADDRESS: &str = ledger_sql!(
    "subscribers s CROSS JOIN deliveries d",
    "d.subscriber_id = s.id AND s.id > $2 AND ($3 = '' OR d.outcome = $3)",
    "(s.address_key LIKE $4 ESCAPE '\\' OR LOWER(s.address) LIKE $4 ESCAPE '\\')",
    "s.id"
);
/// Of one address.
const LEDGER_OF_ADDRESS: &str = ledger_sql!(
    "subscribers s CROSS JOIN deliveries d",
    "d.subscriber_id = s.id AND ($3 = '' OR d.outcome = $3)",
    "s.address_key = $4",
    "s.id"
);

/// The next rows of the ledger with their addresses, after a subscriber's id. Where somebody of the mailing has exactly the
/// address that is looked for, that row alone.
pub async fn ledger_with_addresses(
    db: Db<'_>,
    mailing: MailingId,
    filter: LedgerFilter<'_>,
    after: SubscriberId,
    limit: i64,
) -> Result<Vec<LedgerRow>> {
    let outcome = filter.outcome.map_or("", Outcome::as_str);
    let mut db = db;
    if let Ok(whole) = EmailAddress::parse(filter.search) {
        let rows: Vec<LedgerRow> = on!(db.again(), |c| sqlx::query_as(LEDGER_OF_ADDRESS)
            .bind(mailing)
            .bind(after)
            .bind(outcome)
            .bind(whole.key())
            .bind(limit)
            .fetch_all(c)
            .await?);
        if !rows.is_empty() {
            return Ok(rows);
        }
    }
    let is_of_few = filter.outcome == Some(Outcome::Deferred) && are_few_waiting(db.again(), mailing).await?;
    let sql = if is_of_few { LEDGER_OF_WAITING } else { filter.sql() };
    let pattern = if filter.search.is_empty() { String::new() } else { like_pattern(filter.search) };
    Ok(on!(db, |c| sqlx::query_as(sql)
        .bind(mailing)
        .bind(after)
        .bind(outcome)
        .bind(pattern.as_str())
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Whether so few wait that all of them are quickly put in order. Where more do, one of them is never far in a walk.
async fn are_few_waiting(db: Db<'_>, mailing: MailingId) -> Result<bool> {
    const SQL: &str = "SELECT count(*) FROM (SELECT 1 FROM deliveries
        WHERE mailing_id = $1 AND outcome = 'deferred' AND destination >= '' AND due_at > 0 LIMIT $2) AS few";
    let count: i64 =
        on!(db, |c| sqlx::query_scalar(SQL).bind(mailing).bind(WAITING_SORTED_MAX).fetch_one(c).await?);
    Ok(count < WAITING_SORTED_MAX)
}

/// The next rows of the ledger, after a subscriber's id.
pub async fn ledger(
    db: Db<'_>,
    mailing: MailingId,
    after: SubscriberId,
    limit: i64,
) -> Result<Vec<Delivery>> {
    const SQL: &str =
        "SELECT mailing_id, subscriber_id, outcome, attempts, doubts, at, due_at, reply, destination, relay,
            refusal FROM deliveries
        WHERE mailing_id = $1 AND subscriber_id > $2 ORDER BY subscriber_id LIMIT $3";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(mailing).bind(after).bind(limit).fetch_all(c).await?))
}

/// What one person was sent, over all mailings.
pub async fn of_subscriber(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<Delivery>> {
    const SQL: &str =
        "SELECT d.mailing_id, d.subscriber_id, d.outcome, d.attempts, d.doubts, d.at, d.due_at, d.reply,
            d.destination, d.relay, d.refusal
        FROM mailings m JOIN deliveries d ON d.mailing_id = m.id AND d.subscriber_id = $1 ORDER BY m.id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}

/// A mail of a mailing in the words of its reader.
#[derive(Debug, sqlx::FromRow)]
pub struct MailOf {
    pub at: Timestamp,
    pub newsletter_id: NewsletterId,
    pub subject: String,
    pub outcome: Outcome,
    pub attempts: i64,
    pub doubts: i64,
    pub reply: String,
    /// That gave the last answer; may be empty.
    pub relay: String,
}

/// What one person was sent, over all mailings, with the subjects.
pub async fn mails_of(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<MailOf>> {
    const SQL: &str =
        "SELECT d.at, m.newsletter_id, i.subject, d.outcome, d.attempts, d.doubts, d.reply, d.relay
        FROM mailings m JOIN deliveries d ON d.mailing_id = m.id AND d.subscriber_id = $1
            JOIN issues i ON i.id = m.issue_id ORDER BY m.id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}
