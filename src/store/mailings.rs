//! The tables `mailings`, `mailing_contents` and `mailing_articles`.

use std::time::Duration;

use uuid::Uuid;

use super::{Db, PAGE_ROWS, Result, Tx, on};
use crate::model::{
    ArticleId, IssueId, Language, Mailing, MailingId, MailingStatus, Move, NewsletterId, PauseReason, Rhythm,
    Segment, SubscriberId, SubscriptionId, Timestamp, TopicId, Variant,
};

/// What is mailed, frozen. The texts hold slots for what differs per subscriber.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Content {
    pub language: Language,
    pub subject: String,
    /// The other of two that are tried; empty: there is one.
    pub second_subject: String,
    pub html: String,
    pub text: String,
    /// For the web view: no slots.
    pub web_html: String,
}

/// A duplicate error means that the issue has a mailing already. Its topic, whom it is for, its trial, and what is counted
/// of it, are frozen here.
pub async fn insert(
    tx: &mut Tx,
    issue: IssueId,
    newsletter: NewsletterId,
    due_at: Timestamp,
    now: Timestamp,
) -> Result<Mailing> {
    const SQL: &str =
        "INSERT INTO mailings (public_id, issue_id, newsletter_id, status, due_at, cursor, audience_end,
            audience, sent, deferred, bounced, uncertain, skipped, expired, created_at, topic_id,
            trial_share, trial_by, trial_hours, tracking, rhythm)
        SELECT $1, $2, $3, 'scheduled', $4, 0, 0, 0, 0, 0, 0, 0, 0, 0, $5, i.topic_id,
            CASE WHEN i.second_subject = '' THEN 0 ELSE i.trial_share END, i.trial_by, i.trial_hours, w.tracking,
            i.rhythm
        FROM issues i JOIN newsletters w ON w.id = $3 WHERE i.id = $2 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(Uuid::now_v7())
        .bind(issue)
        .bind(newsletter)
        .bind(due_at)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// Sends a mailing to a segment only; name and filter are frozen here.
pub async fn set_segment(tx: &mut Tx, id: MailingId, segment: &Segment) -> Result<()> {
    const SQL: &str =
        "UPDATE mailings SET segment_id = $2, segment_name = $3, segment_filter = $4 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(segment.id)
        .bind(&segment.name)
        .bind(&segment.filter)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Also what the archive looks in when somebody searches.
pub async fn insert_content(tx: &mut Tx, mailing: MailingId, content: &Content) -> Result<()> {
    const SQL: &str =
        "INSERT INTO mailing_contents (mailing_id, language, subject, html, text, web_html, second_subject)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(content.language)
        .bind(&content.subject)
        .bind(&content.html)
        .bind(&content.text)
        .bind(&content.web_html)
        .bind(&content.second_subject)
        .execute(c)
        .await?
        .rows_affected());
    super::archive::insert_text(tx, mailing, content).await
}

/// An article in the version that is mailed.
pub async fn insert_article(
    tx: &mut Tx,
    mailing: MailingId,
    article: ArticleId,
    position: i64,
    version: i64,
) -> Result<()> {
    insert_translated(tx, mailing, article, position, version, None).await
}

/// The same of one that only the readers of a language get. One that is in the mailing already stays as it is.
pub async fn insert_translated(
    tx: &mut Tx,
    mailing: MailingId,
    article: ArticleId,
    position: i64,
    version: i64,
    language: Option<Language>,
) -> Result<()> {
    const SQL: &str =
        "INSERT INTO mailing_articles (mailing_id, article_id, position, article_version, language)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (mailing_id, article_id) DO NOTHING";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(article)
        .bind(position)
        .bind(version)
        .bind(language.map_or("", Language::as_str))
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn by_id(db: Db<'_>, id: MailingId) -> Result<Option<Mailing>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM mailings WHERE id = $1").bind(id).fetch_optional(c).await?))
}

/// Whether an issue ever had a mailing, also one that was cancelled before it began.
pub async fn has_any(db: Db<'_>, issue: IssueId) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM mailings WHERE issue_id = $1)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(issue).fetch_one(c).await?))
}

/// The mailing of an issue: one that was cancelled before it began does not count, and one that was cancelled
/// later does, because some have that issue already.
pub async fn of_issue(db: Db<'_>, issue: IssueId) -> Result<Option<Mailing>> {
    const SQL: &str = "SELECT * FROM mailings WHERE issue_id = $1
        AND (status <> 'cancelled' OR started_at IS NOT NULL) ORDER BY id DESC LIMIT 1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(issue).fetch_optional(c).await?))
}

pub async fn contents(db: Db<'_>, id: MailingId) -> Result<Vec<Content>> {
    const SQL: &str = "SELECT language, subject, second_subject, html, text, web_html FROM mailing_contents
        WHERE mailing_id = $1 ORDER BY language";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(id).fetch_all(c).await?))
}

/// The languages in which a mailing goes out, without its contents.
pub async fn languages(db: Db<'_>, id: MailingId) -> Result<Vec<Language>> {
    const SQL: &str = "SELECT language FROM mailing_contents WHERE mailing_id = $1 ORDER BY language";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(id).fetch_all(c).await?))
}

/// How many the last mailing of a newsletter to such readers, or of one of its topics, went to; `None` before the first.
pub async fn last_audience(
    db: Db<'_>,
    newsletter: NewsletterId,
    topic: Option<TopicId>,
    rhythm: Rhythm,
) -> Result<Option<i64>> {
    const SQL: &str =
        "SELECT audience FROM mailings WHERE newsletter_id = $1 AND started_at IS NOT NULL AND rhythm = $3
            AND segment_filter IS NULL AND ((CAST($2 AS BIGINT) IS NULL AND topic_id IS NULL) OR topic_id = $2)
        ORDER BY started_at DESC LIMIT 1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL)
        .bind(newsletter)
        .bind(topic)
        .bind(rhythm)
        .fetch_optional(c)
        .await?))
}

/// Those that should have begun by now.
pub async fn due(db: Db<'_>, now: Timestamp) -> Result<Vec<MailingId>> {
    const SQL: &str =
        "SELECT id FROM mailings WHERE status = 'scheduled' AND due_at <= $1 ORDER BY due_at, id";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(now).fetch_all(c).await?))
}

/// When the next scheduled one is due.
pub async fn next_due(db: Db<'_>) -> Result<Option<Timestamp>> {
    const SQL: &str = "SELECT MIN(due_at) FROM mailings WHERE status = 'scheduled'";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

pub async fn sending(db: Db<'_>) -> Result<Vec<Mailing>> {
    const SQL: &str = "SELECT * FROM mailings WHERE status = 'sending' ORDER BY started_at, id";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

/// Scheduled becomes Sending, and its audience is fixed: those in the audience of issues now, and of an issue
/// with a topic those who have it. `None` when another process began it, or it was cancelled.
pub async fn start(tx: &mut Tx, id: MailingId, now: Timestamp) -> Result<Option<Mailing>> {
    // Taken in a statement of its own: PostgreSQL counts the audience in the second one with what those
    // who confirmed or left meanwhile, holding this row, have committed (see `lock_open`).
    const LOCK: &str =
        "UPDATE mailings SET cursor = cursor WHERE id = $1 AND status = 'scheduled' AND due_at <= $2";
    const SQL: &str = "UPDATE mailings SET status = 'sending', started_at = $2, retry_from = $2,
            audience = (SELECT count(*) FROM subscriptions n WHERE n.newsletter_id = mailings.newsletter_id
                AND n.status = 'confirmed'
                AND (CASE WHEN mailings.rhythm = 'monthly' THEN n.monthly_since ELSE n.audience_since END) <= $2),
            audience_end = (SELECT COALESCE(MAX(n.id), 0) FROM subscriptions n
                WHERE n.newsletter_id = mailings.newsletter_id AND n.status = 'confirmed'
                AND (CASE WHEN mailings.rhythm = 'monthly' THEN n.monthly_since ELSE n.audience_since END) <= $2)
        WHERE id = $1 AND status = 'scheduled' AND due_at <= $2 RETURNING *";
    const WITH_TOPIC: &str = "UPDATE mailings SET audience = (SELECT count(*) FROM subscriptions n
                JOIN subscription_topics t ON t.subscription_id = n.id
                WHERE n.newsletter_id = mailings.newsletter_id AND n.status = 'confirmed'
                    AND (CASE WHEN mailings.rhythm = 'monthly' THEN n.monthly_since ELSE n.audience_since END) <= $2
                    AND t.topic_id = mailings.topic_id AND t.since <= $2)
        WHERE id = $1 RETURNING *";
    // On PostgreSQL the transactions that change subscriptions end first, also those that looked for open
    // mailings before this one was scheduled (see `lock_open`, which takes its locks in the same order).
    if let Db::Postgres(c) = tx.db() {
        sqlx::query("LOCK TABLE subscriptions IN SHARE MODE").execute(c).await?;
    }
    on!(tx.db(), |c| sqlx::query(LOCK).bind(id).bind(now).execute(c).await?.rows_affected());
    let started: Option<Mailing> =
        on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).bind(now).fetch_optional(c).await?);
    if let Some(mailing) = started.as_ref().filter(|mailing| mailing.segment_filter.is_some()) {
        return super::mailing_audience::fill(tx, mailing, now).await.map(Some);
    }
    if started.as_ref().is_some_and(|mailing| mailing.topic_id.is_some()) {
        return Ok(on!(tx.db(), |c| sqlx::query_as(WITH_TOPIC).bind(id).bind(now).fetch_optional(c).await?));
    }
    Ok(started)
}

/// The moment to write for someone who comes into an audience while these mailings are locked: later than
/// every start, also where the clocks of two machines differ, since an audience is those who were in it at the
/// start.
pub fn after_starts(now: Timestamp, open: &[Mailing]) -> Timestamp {
    let started = open.iter().filter_map(|mailing| mailing.started_at).max();
    started.map_or(now, |started| now.max(started.plus(Duration::from_millis(1))))
}

/// Takes the row for feeding: `None` unless it is Sending. The update that changes nothing locks the row
/// on PostgreSQL, so that feeders and the verbs that change a mailing take turns.
pub async fn lock_sending(tx: &mut Tx, id: MailingId) -> Result<Option<Mailing>> {
    const SQL: &str = "UPDATE mailings SET cursor = cursor WHERE id = $1 AND status = 'sending' RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

/// Mailings that have not ended, in the order of their ids, taken until the end of the transaction.
macro_rules! open_sql {
    ($which:literal, $end:literal) => {
        concat!(
            "SELECT * FROM mailings WHERE ",
            $which,
            " AND (status IN ('scheduled', 'sending', 'paused')
                OR (status = 'cancelled' AND started_at IS NOT NULL AND cursor < audience_end)) ORDER BY id",
            $end
        )
    };
    ($db:expr, $which:literal) => {
        match $db {
            Db::Sqlite(_) => open_sql!($which, ""),
            Db::Postgres(_) => open_sql!($which, " FOR UPDATE"),
        }
    };
}

/// Takes the rows of a newsletter's mailings that have not ended, in the order of their ids, for a verb that
/// changes who is subscribed: a mailing cannot begin, and no feeder can claim, between what the verb reads
/// and what it commits, so that every audience is exact.
pub async fn lock_open(tx: &mut Tx, newsletter: NewsletterId) -> Result<Vec<Mailing>> {
    let sql = open_sql!(tx.db(), "newsletter_id = $1");
    hold_subscriptions(tx).await?;
    Ok(on!(tx.db(), |c| sqlx::query_as(sql).bind(newsletter).fetch_all(c).await?))
}

/// The same of all newsletters that a person has to do with, in one order: one after the other two transactions could wait for
/// each other.
pub async fn lock_open_of(tx: &mut Tx, person: SubscriberId) -> Result<Vec<Mailing>> {
    let sql = open_sql!(
        tx.db(),
        "newsletter_id IN (SELECT n.newsletter_id FROM subscriptions n WHERE n.subscriber_id = $1)"
    );
    hold_subscriptions(tx).await?;
    Ok(on!(tx.db(), |c| sqlx::query_as(sql).bind(person).fetch_all(c).await?))
}

async fn hold_subscriptions(tx: &mut Tx) -> Result<()> {
    if let Db::Postgres(c) = tx.db() {
        sqlx::query("LOCK TABLE subscriptions IN ROW EXCLUSIVE MODE").execute(c).await?;
    }
    Ok(())
}

/// Moves the cursor; in the transaction of the claims that it passed.
pub async fn advance(tx: &mut Tx, id: MailingId, cursor: SubscriptionId) -> Result<()> {
    const SQL: &str = "UPDATE mailings SET cursor = $2 WHERE id = $1 AND cursor < $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(cursor).execute(c).await?.rows_affected());
    Ok(())
}

/// Sending becomes Sent, if the cursor is at the end and no delivery is claimed or deferred.
///
/// Who confirmed in the moment of the start can have a row although the start did not count them: then the
/// audience is one more. It never becomes less: a recipient without an outcome must stay visible.
pub async fn finish(tx: &mut Tx, id: MailingId, now: Timestamp) -> Result<Option<Mailing>> {
    // `worker_id > 0` and `due_at > 0` are always true: they make SQLite choose the small indexes.
    const SQL: &str = "UPDATE mailings SET status = 'sent', finished_at = $2,
            audience = CASE WHEN audience < sent + bounced + uncertain + skipped + expired
                THEN sent + bounced + uncertain + skipped + expired ELSE audience END
        WHERE id = $1 AND status = 'sending' AND cursor >= audience_end
            AND (trial_share = 0 OR winner IS NOT NULL)
            AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.mailing_id = $1 AND d.outcome = 'claimed'
                AND d.worker_id > 0)
            AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.mailing_id = $1 AND d.outcome = 'deferred'
                AND d.due_at > 0)
        RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).bind(now).fetch_optional(c).await?))
}

/// Makes a move if the state allows it; `None` when it does not. With the second of two subjects as the winner the issue
/// is called by it from then on.
pub async fn make_move(
    tx: &mut Tx,
    id: MailingId,
    wanted: Move,
    reason: PauseReason,
    now: Timestamp,
) -> Result<Option<Mailing>> {
    const LOCK: &str = "UPDATE mailings SET cursor = cursor WHERE id = $1 RETURNING *";
    const SQL: &str =
        "UPDATE mailings SET status = $2, due_at = $3, finished_at = $4, retry_from = $5, pause_reason = $6,
            winner = $7, cursor = $8, are_bounces_accepted = $9
        WHERE id = $1 RETURNING *";
    let mailing: Option<Mailing> = on!(tx.db(), |c| sqlx::query_as(LOCK).bind(id).fetch_optional(c).await?);
    let Some(mailing) = mailing.filter(|mailing| mailing.allows(wanted)) else { return Ok(None) };
    let status = match wanted {
        // Where it is still under way it goes on as it is.
        Move::ResendUncertain if mailing.status == MailingStatus::Sent => MailingStatus::Sending,
        _ => wanted.to().unwrap_or(mailing.status),
    };
    let due_at = if wanted == Move::SendNow { mailing.due_at.min(now) } else { mailing.due_at };
    let finished_at = match status {
        MailingStatus::Cancelled => Some(now),
        MailingStatus::Sending => None,
        _ => mailing.finished_at,
    };
    let goes_on = wanted.is_again() || wanted == Move::Resume || wanted.winner().is_some();
    let retry_from = if goes_on { Some(now) } else { mailing.retry_from };
    // Behind the share of a trial are those who were not asked: they get the winner, or are skipped.
    let is_rest = mailing.trial.is_open() && (wanted.winner().is_some() || wanted == Move::Cancel);
    let cursor = if is_rest { SubscriptionId(0) } else { mailing.cursor };
    let saw_bounces = wanted == Move::Resume && mailing.pause_reason == PauseReason::Bounces;
    let reason = if wanted == Move::Pause { reason } else { mailing.pause_reason };
    if wanted.winner() == Some(Variant::Second) {
        super::issues::swap_subjects(tx, mailing.issue_id).await?;
    }
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(status)
        .bind(due_at)
        .bind(finished_at)
        .bind(retry_from)
        .bind(reason)
        .bind(wanted.winner().or(mailing.trial.winner))
        .bind(cursor)
        .bind(mailing.are_bounces_accepted || saw_bounces)
        .fetch_optional(c)
        .await?))
}

/// Mailings of which a trial is open and clicks decide.
pub async fn tried_by_clicks(db: Db<'_>) -> Result<Vec<Mailing>> {
    const SQL: &str = "SELECT * FROM mailings WHERE status IN ('sending', 'paused') AND trial_share > 0
        AND winner IS NULL AND trial_by = 'clicks' ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

/// Mailings that were cancelled on the way, and of which some of the audience has no outcome yet.
pub async fn to_wind_up(db: Db<'_>) -> Result<Vec<MailingId>> {
    const SQL: &str = "SELECT id FROM mailings WHERE status = 'cancelled' AND started_at IS NOT NULL
        AND (cursor < audience_end OR deferred > 0) ORDER BY id";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_all(c).await?))
}

/// Takes the row of a mailing that was cancelled, as [`lock_sending`] does.
pub async fn lock_cancelled(tx: &mut Tx, id: MailingId) -> Result<Option<Mailing>> {
    const SQL: &str =
        "UPDATE mailings SET cursor = cursor WHERE id = $1 AND status = 'cancelled' RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

/// A mailing in a list, with what it is called.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct MailingRow {
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub mailing: Mailing,
    pub newsletter_name: String,
    /// Of the issue.
    pub number: i64,
    pub subject: String,
}

/// Every mailing, or those of a newsletter, the latest first. `page` counts from 0; a row more than
/// [`PAGE_ROWS`] says that there is a next page.
pub async fn list(db: Db<'_>, newsletter: Option<NewsletterId>, page: i64) -> Result<Vec<MailingRow>> {
    const SQL: &str = "SELECT m.*, w.name AS newsletter_name, i.number, i.subject
        FROM mailings m JOIN issues i ON i.id = m.issue_id JOIN newsletters w ON w.id = m.newsletter_id
        WHERE (CAST($1 AS BIGINT) IS NULL OR m.newsletter_id = $1) ORDER BY m.id DESC LIMIT $2 OFFSET $3";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(PAGE_ROWS + 1)
        .bind(page.max(0) * PAGE_ROWS)
        .fetch_all(c)
        .await?))
}
