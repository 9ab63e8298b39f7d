//! The table `deliveries`: the row before the wire, and the account of every recipient.
//!
//! A row is born Claimed (or Skipped), and only the worker that claimed it may give it an outcome. The
//! numbers of the mailing move in the same transaction, so that the account always equals its rows.

use super::{Db, Result, Tx, on, sql};
use crate::model::{
    Account, Delivery, EmailAddress, Language, Mailing, MailingId, NewsletterId, Outcome, SubscriberId,
    SubscriptionId, SubscriptionStatus, Timestamp, UncertainPolicy, WorkerId,
};

/// Most rows claimed or recorded by one statement: its parameters stay below SQLite's 32,766.
pub const RECORD_ROWS_MAX: usize = 500;

/// Whom a claimed delivery is for.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Recipient {
    pub subscription_id: SubscriptionId,
    pub subscriber_id: SubscriberId,
    pub address: EmailAddress,
    pub name: String,
    pub language: Language,
}

/// The next confirmed subscriptions of the audience behind the cursor, in the order of their ids.
async fn candidates(db: Db<'_>, mailing: &Mailing, limit: i64) -> Result<Vec<Recipient>> {
    const SQL: &str = "SELECT n.id AS subscription_id, n.subscriber_id, s.address, s.name, n.language
        FROM subscriptions n JOIN subscribers s ON s.id = n.subscriber_id
        WHERE n.newsletter_id = $1 AND n.status = 'confirmed' AND n.id > $2 AND n.id <= $3 AND n.confirmed_at <= $4
        ORDER BY n.id LIMIT $5";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(mailing.newsletter_id)
        .bind(mailing.cursor)
        .bind(mailing.audience_end)
        .bind(mailing.started_at)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Claims up to `limit` recipients behind the cursor of a mailing that this transaction has locked, and
/// moves the cursor. Empty when there is nobody behind it, or all of them have a row already.
pub async fn claim_next(
    tx: &mut Tx,
    mailing: &Mailing,
    worker: WorkerId,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Recipient>> {
    let limit = limit.min(RECORD_ROWS_MAX as i64);
    let mut found = candidates(tx.db(), mailing, limit).await?;
    let full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit;
    let end = match found.last() {
        Some(last) if full => last.subscription_id,
        _ => mailing.audience_end,
    };
    let claimed = insert_claims(tx, mailing.id, worker, &found, now).await?;
    found.retain(|recipient| claimed.contains(&recipient.subscriber_id));
    super::mailings::advance(tx, mailing.id, end).await?;
    Ok(found)
}

/// Makes the rows of exactly these recipients: a second look at the subscriptions could claim someone whom
/// nobody has in hand. Answers those who had none.
async fn insert_claims(
    tx: &mut Tx,
    mailing: MailingId,
    worker: WorkerId,
    recipients: &[Recipient],
    now: Timestamp,
) -> Result<std::collections::HashSet<SubscriberId>> {
    use std::fmt::Write as _;
    if recipients.is_empty() {
        return Ok(std::collections::HashSet::new());
    }
    let mut sql = String::from(
        "INSERT INTO deliveries (mailing_id, subscriber_id, outcome, attempts, doubts, at, worker_id, due_at, reply)
        VALUES ",
    );
    for row in 0..recipients.len() {
        let comma = if row == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}($1, ${}, 'claimed', 0, 0, $2, $3, NULL, '')", row + 4);
    }
    sql.push_str(" ON CONFLICT (mailing_id, subscriber_id) DO NOTHING RETURNING subscriber_id");
    let claimed: Vec<SubscriberId> = on!(tx.db(), |c| {
        // The text is made of numbers only.
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(mailing).bind(now).bind(worker);
        for recipient in recipients {
            query = query.bind(recipient.subscriber_id);
        }
        query.fetch_all(c).await?
    });
    Ok(claimed.into_iter().collect())
}

/// A deferred delivery that was claimed for another try.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Retry {
    pub subscriber_id: SubscriberId,
    pub attempts: i64,
    pub doubts: i64,
}

/// Claims deferred deliveries that are due.
pub async fn claim_due(
    tx: &mut Tx,
    mailing: MailingId,
    worker: WorkerId,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Retry>> {
    // Materialized: PostgreSQL may run a subquery anew for each row, and then the limit is none.
    let sql = sql!(
        tx.db(),
        "WITH due AS MATERIALIZED (
            SELECT subscriber_id FROM deliveries WHERE mailing_id = $1 AND outcome = 'deferred' AND due_at <= $3
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
        .fetch_all(c)
        .await?);
    let count = i64::try_from(retries.len()).unwrap_or(i64::MAX);
    add_to_account(tx, mailing, &Account { deferred: -count, ..Account::default() }).await?;
    Ok(retries)
}

/// A recipient as it is now, with the state of the subscription; `None` when the person was erased.
pub async fn recipient(
    db: Db<'_>,
    newsletter: NewsletterId,
    subscriber: SubscriberId,
) -> Result<Option<(Recipient, SubscriptionStatus)>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        status: SubscriptionStatus,
        #[sqlx(flatten)]
        recipient: Recipient,
    }
    const SQL: &str =
        "SELECT n.status, n.id AS subscription_id, n.subscriber_id, s.address, s.name, n.language
        FROM subscriptions n JOIN subscribers s ON s.id = n.subscriber_id
        WHERE n.newsletter_id = $1 AND n.subscriber_id = $2";
    let row: Option<Row> =
        on!(db, |c| sqlx::query_as(SQL).bind(newsletter).bind(subscriber).fetch_optional(c).await?);
    Ok(row.map(|row| (row.recipient, row.status)))
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
#[derive(Debug, Clone)]
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
}

/// Gives claimed deliveries their outcome, if this worker still holds the claim, and moves the account.
/// Answers how many rows there were: fewer than given means that others recovered them.
pub async fn record(
    tx: &mut Tx,
    mailing: MailingId,
    worker: WorkerId,
    records: &[Record],
    now: Timestamp,
) -> Result<usize> {
    let mut recorded = 0;
    for chunk in records.chunks(RECORD_ROWS_MAX) {
        let outcomes = record_chunk(tx, mailing, worker, chunk, now).await?;
        recorded += outcomes.len();
        let mut change = Account::default();
        for outcome in outcomes {
            *number(&mut change, outcome) += 1;
        }
        add_to_account(tx, mailing, &change).await?;
    }
    Ok(recorded)
}

async fn record_chunk(
    tx: &mut Tx,
    mailing: MailingId,
    worker: WorkerId,
    records: &[Record],
    now: Timestamp,
) -> Result<Vec<Outcome>> {
    use std::fmt::Write as _;
    if records.is_empty() {
        return Ok(Vec::new());
    }
    // Columns of VALUES are called column1 .. on both databases; the casts give PostgreSQL their types.
    let mut sql = String::from(
        "UPDATE deliveries SET outcome = v.column2, attempts = attempts + v.column3, doubts = doubts + v.column4,
            due_at = v.column5, reply = v.column6, at = $3
        FROM (VALUES ",
    );
    for row in 0..records.len() {
        let first = 4 + row * 6;
        let comma = if row == 0 { "" } else { ", " };
        let _ = write!(
            sql,
            "{comma}(CAST(${} AS BIGINT), CAST(${} AS TEXT), CAST(${} AS BIGINT), CAST(${} AS BIGINT), \
             CAST(${} AS BIGINT), CAST(${} AS TEXT))",
            first,
            first + 1,
            first + 2,
            first + 3,
            first + 4,
            first + 5
        );
    }
    sql.push_str(
        ") AS v WHERE deliveries.mailing_id = $1 AND deliveries.subscriber_id = v.column1
            AND deliveries.outcome = 'claimed' AND deliveries.worker_id = $2 RETURNING outcome",
    );
    Ok(on!(tx.db(), |c| {
        // The text is made of numbers only.
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(mailing).bind(worker).bind(now);
        for record in records {
            query = query
                .bind(record.subscriber_id)
                .bind(record.outcome)
                .bind(record.attempts)
                .bind(record.doubts)
                .bind(record.due_at)
                .bind(record.reply.as_str());
        }
        query.fetch_all(c).await?
    }))
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

async fn add_to_account(tx: &mut Tx, mailing: MailingId, change: &Account) -> Result<()> {
    const SQL: &str =
        "UPDATE mailings SET sent = sent + $2, deferred = deferred + $3, bounced = bounced + $4,
            uncertain = uncertain + $5, skipped = skipped + $6, expired = expired + $7 WHERE id = $1";
    if *change == Account::default() {
        return Ok(());
    }
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(change.sent)
        .bind(change.deferred)
        .bind(change.bounced)
        .bind(change.uncertain)
        .bind(change.skipped)
        .bind(change.expired)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
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
    add_to_account(tx, mailing.id, &change).await
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

/// When the next deferred delivery of any mailing that is Sending is due.
pub async fn next_due(db: Db<'_>) -> Result<Option<Timestamp>> {
    // `due_at > 0` is always true: it makes SQLite choose the small index.
    const SQL: &str = "SELECT MIN(d.due_at) FROM deliveries d JOIN mailings m ON m.id = d.mailing_id
        WHERE m.status = 'sending' AND d.outcome = 'deferred' AND d.due_at > 0";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// The account counted from the rows themselves: what the numbers of the mailing must equal.
pub async fn count(db: Db<'_>, mailing: MailingId) -> Result<Vec<(Outcome, i64)>> {
    const SQL: &str = "SELECT outcome, count(*) FROM deliveries WHERE mailing_id = $1 GROUP BY outcome";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(mailing).fetch_all(c).await?))
}

/// The next rows of the ledger, after a subscriber's id.
pub async fn ledger(
    db: Db<'_>,
    mailing: MailingId,
    after: SubscriberId,
    limit: i64,
) -> Result<Vec<Delivery>> {
    const SQL: &str =
        "SELECT mailing_id, subscriber_id, outcome, attempts, doubts, at, due_at, reply FROM deliveries
        WHERE mailing_id = $1 AND subscriber_id > $2 ORDER BY subscriber_id LIMIT $3";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(mailing).bind(after).bind(limit).fetch_all(c).await?))
}

/// What one person was sent, over all mailings.
pub async fn of_subscriber(db: Db<'_>, subscriber: SubscriberId) -> Result<Vec<Delivery>> {
    const SQL: &str =
        "SELECT d.mailing_id, d.subscriber_id, d.outcome, d.attempts, d.doubts, d.at, d.due_at, d.reply
        FROM mailings m JOIN deliveries d ON d.mailing_id = m.id AND d.subscriber_id = $1 ORDER BY m.id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscriber).fetch_all(c).await?))
}
