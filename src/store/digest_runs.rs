//! The tables `digest_runs` and `digest_tokens`.

use super::{Db, Result, Tx, on};
use crate::model::{
    DigestRule, DigestRuleId, DigestRun, DigestRunId, IssueId, MailingId, NewsletterId, RunReason, RunState,
    Timestamp, UserId,
};

/// Begins the run of a rule and a date; `None` when there is one already.
pub async fn insert(
    tx: &mut Tx,
    rule: &DigestRule,
    period: &str,
    due_at: Timestamp,
    state: (RunState, RunReason),
    found: i64,
    now: Timestamp,
) -> Result<Option<DigestRun>> {
    const SQL: &str = "INSERT INTO digest_runs
            (rule_id, newsletter_id, period, due_at, state, reason, approved_content, found, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8) ON CONFLICT (rule_id, period) DO NOTHING RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(rule.id)
        .bind(rule.newsletter_id)
        .bind(period)
        .bind(due_at)
        .bind(state.0)
        .bind(state.1)
        .bind(found)
        .bind(now)
        .fetch_optional(c)
        .await?))
}

/// The issue that was made for a run.
pub async fn set_issue(tx: &mut Tx, id: DigestRunId, issue: IssueId, version: i64) -> Result<()> {
    const SQL: &str = "UPDATE digest_runs SET issue_id = $2, issue_version = $3 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(issue).bind(version).execute(c).await?.rows_affected());
    Ok(())
}

/// What the mail of its proposal shows.
pub async fn set_proposed(tx: &mut Tx, id: DigestRunId, content: &str) -> Result<()> {
    const SQL: &str = "UPDATE digest_runs SET proposed_content = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(content).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes the row until the end of the transaction.
pub async fn lock(tx: &mut Tx, id: DigestRunId) -> Result<Option<DigestRun>> {
    const SQL: &str = "UPDATE digest_runs SET found = found WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

/// Moves a run on; the transaction holds it.
pub async fn set_state(tx: &mut Tx, id: DigestRunId, state: RunState, reason: RunReason) -> Result<()> {
    const SQL: &str = "UPDATE digest_runs SET state = $2, reason = $3 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(state).bind(reason).execute(c).await?.rows_affected());
    Ok(())
}

/// Who acted on it, and what they approved.
pub async fn set_actor(
    tx: &mut Tx,
    id: DigestRunId,
    by: Option<UserId>,
    approved_content: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "UPDATE digest_runs SET acted_by = $2, acted_at = $3, approved_content = $4 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(by)
        .bind(now)
        .bind(approved_content)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn set_due(tx: &mut Tx, id: DigestRunId, due_at: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE digest_runs SET due_at = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(due_at).execute(c).await?.rows_affected());
    Ok(())
}

/// Its issue has a mailing.
pub async fn set_mailing(tx: &mut Tx, id: DigestRunId, mailing: MailingId) -> Result<()> {
    const SQL: &str = "UPDATE digest_runs SET mailing_id = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(mailing).execute(c).await?.rows_affected());
    Ok(())
}

pub async fn by_id(db: Db<'_>, id: DigestRunId) -> Result<Option<DigestRun>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM digest_runs WHERE id = $1")
        .bind(id)
        .fetch_optional(c)
        .await?))
}

pub async fn of_period(db: Db<'_>, rule: DigestRuleId, period: &str) -> Result<Option<DigestRun>> {
    const SQL: &str = "SELECT * FROM digest_runs WHERE rule_id = $1 AND period = $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(rule).bind(period).fetch_optional(c).await?))
}

/// The run that an issue was made for.
pub async fn of_issue(db: Db<'_>, issue: IssueId) -> Result<Option<DigestRun>> {
    const SQL: &str = "SELECT * FROM digest_runs WHERE issue_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(issue).fetch_optional(c).await?))
}

/// A date that somebody skipped ahead is one without a run again; `false` when that is too late.
pub async fn delete_skipped(tx: &mut Tx, id: DigestRunId, now: Timestamp) -> Result<bool> {
    const SQL: &str = "DELETE FROM digest_runs WHERE id = $1 AND state = 'skipped' AND reason = 'stopped'
        AND issue_id IS NULL AND due_at > $2";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected()) == 1)
}

/// Of a rule: those with which somebody is asked to do something, the earliest first, at most so many.
pub async fn asking(db: Db<'_>, rule: DigestRuleId, limit: i64) -> Result<Vec<DigestRun>> {
    const SQL: &str =
        "SELECT * FROM digest_runs WHERE rule_id = $1 AND state IN ('proposed', 'approved', 'failed')
        ORDER BY due_at, id LIMIT $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(rule).bind(limit).fetch_all(c).await?))
}

/// Of a rule: those of dates to come that are decided, the next first, at most so many.
pub async fn decided(db: Db<'_>, rule: DigestRuleId, now: Timestamp, limit: i64) -> Result<Vec<DigestRun>> {
    const SQL: &str =
        "SELECT * FROM digest_runs WHERE rule_id = $1 AND state IN ('scheduled', 'sent', 'skipped')
            AND due_at > $2 ORDER BY due_at, id LIMIT $3";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(rule).bind(now).bind(limit).fetch_all(c).await?))
}

/// Of a rule: those that are over, the last first, at most so many.
pub async fn past(db: Db<'_>, rule: DigestRuleId, now: Timestamp, limit: i64) -> Result<Vec<DigestRun>> {
    const SQL: &str =
        "SELECT * FROM digest_runs WHERE rule_id = $1 AND state IN ('scheduled', 'sent', 'skipped')
            AND due_at <= $2 ORDER BY due_at DESC, id DESC LIMIT $3";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(rule).bind(now).bind(limit).fetch_all(c).await?))
}

/// Of a rule, the latest date first, at most so many.
pub async fn of_rule(db: Db<'_>, rule: DigestRuleId, limit: i64) -> Result<Vec<DigestRun>> {
    const SQL: &str = "SELECT * FROM digest_runs WHERE rule_id = $1 ORDER BY period DESC, id DESC LIMIT $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(rule).bind(limit).fetch_all(c).await?))
}

/// Runs that wait and should have gone by now, whether or not their rule is still on.
pub async fn due(db: Db<'_>, now: Timestamp, limit: i64) -> Result<Vec<DigestRun>> {
    const SQL: &str = "SELECT * FROM digest_runs WHERE state IN ('proposed', 'approved') AND due_at <= $1
        ORDER BY due_at, id LIMIT $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(now).bind(limit).fetch_all(c).await?))
}

/// Of a rule: those that wait for their moment.
pub async fn open(db: Db<'_>, rule: DigestRuleId) -> Result<Vec<DigestRun>> {
    const SQL: &str = "SELECT * FROM digest_runs WHERE state IN ('proposed', 'approved') AND rule_id = $1
        ORDER BY due_at, id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(rule).fetch_all(c).await?))
}

/// Whose mailings have ended, one way or the other: the run has too. One that was cancelled on the way counts as sent,
/// because some have it.
pub async fn follow_mailings(tx: &mut Tx) -> Result<u64> {
    const SENT: &str = "UPDATE digest_runs SET state = 'sent' WHERE state = 'scheduled'
        AND EXISTS (SELECT 1 FROM mailings m WHERE m.id = digest_runs.mailing_id AND m.status = 'sent')";
    const HALF: &str = "UPDATE digest_runs SET state = 'sent', reason = 'cancelled' WHERE state = 'scheduled'
        AND EXISTS (SELECT 1 FROM mailings m WHERE m.id = digest_runs.mailing_id AND m.status = 'cancelled'
            AND m.started_at IS NOT NULL)";
    const GONE: &str =
        "UPDATE digest_runs SET state = 'skipped', reason = 'cancelled' WHERE state = 'scheduled'
        AND EXISTS (SELECT 1 FROM mailings m WHERE m.id = digest_runs.mailing_id AND m.status = 'cancelled'
            AND m.started_at IS NULL)";
    let mut rows = 0;
    for sql in [SENT, HALF, GONE] {
        rows += on!(tx.db(), |c| sqlx::query(sql).execute(c).await?.rows_affected());
    }
    Ok(rows)
}

/// Whether any run waits for the end of its mailing.
pub async fn has_scheduled(db: Db<'_>) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM digest_runs WHERE state = 'scheduled')";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// Between two moments, of one newsletter or of all, at most so many.
pub async fn between(
    db: Db<'_>,
    newsletter: Option<NewsletterId>,
    from: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<DigestRun>> {
    const SQL: &str = "SELECT * FROM digest_runs WHERE due_at >= $1 AND due_at < $2
            AND (CAST($3 AS BIGINT) IS NULL OR newsletter_id = $3) ORDER BY due_at, id LIMIT $4";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(from)
        .bind(until)
        .bind(newsletter)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// A link for a user, by the SHA-256 of its token.
pub async fn insert_token(
    tx: &mut Tx,
    hash: &[u8],
    run: DigestRunId,
    user: UserId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO digest_tokens (hash, run_id, user_id, created_at) VALUES ($1, $2, $3, $4)";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(hash)
        .bind(run)
        .bind(user)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Whose link to which run; `None` also when the user works here no more.
pub async fn of_token(db: Db<'_>, hash: &[u8]) -> Result<Option<(DigestRunId, UserId)>> {
    const SQL: &str = "SELECT t.run_id, t.user_id FROM digest_tokens t JOIN users u ON u.id = t.user_id
        WHERE t.hash = $1 AND u.disabled_at IS NULL";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(hash).fetch_optional(c).await?))
}
