//! The tables `welcome_steps`, `welcome_step_texts` and `welcome_sent`: the welcome series, and who had what.

use super::{Db, Result, Tx, on};
use crate::model::welcome::{WelcomeStep, WelcomeText};
use crate::model::{Language, NewsletterId, SubscriptionId, Timestamp, WelcomeStepId};

pub async fn insert_step(
    tx: &mut Tx,
    newsletter: NewsletterId,
    days: i64,
    now: Timestamp,
) -> Result<WelcomeStep> {
    const SQL: &str = "INSERT INTO welcome_steps (newsletter_id, days, created_at, updated_at)
        VALUES ($1, $2, $3, $3) RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(newsletter).bind(days).bind(now).fetch_one(c).await?))
}

pub async fn step(db: Db<'_>, id: WelcomeStepId) -> Result<Option<WelcomeStep>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM welcome_steps WHERE id = $1")
        .bind(id)
        .fetch_optional(c)
        .await?))
}

/// The series of a newsletter, in its order.
pub async fn of_newsletter(db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<WelcomeStep>> {
    const SQL: &str = "SELECT * FROM welcome_steps WHERE newsletter_id = $1 ORDER BY days";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}

/// What is sent, of all newsletters; the earlier steps first.
pub async fn active(db: Db<'_>) -> Result<Vec<WelcomeStep>> {
    const SQL: &str = "SELECT * FROM welcome_steps WHERE active_since IS NOT NULL ORDER BY days, id";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

/// Saves over the step as it was at `seen`; `false` when someone else saved in between, or it is gone.
pub async fn update_step(
    tx: &mut Tx,
    id: WelcomeStepId,
    seen: Timestamp,
    days: i64,
    active_since: Option<Timestamp>,
    updated_at: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE welcome_steps SET days = $3, active_since = $4, updated_at = $5
        WHERE id = $1 AND updated_at = $2";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(id)
        .bind(seen)
        .bind(days)
        .bind(active_since)
        .bind(updated_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// A step with its texts, its mails that wait, and the memory of who had it.
pub async fn delete_step(tx: &mut Tx, id: WelcomeStepId) -> Result<bool> {
    let rows = on!(tx.db(), |c| sqlx::query("DELETE FROM welcome_steps WHERE id = $1")
        .bind(id)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

pub async fn texts(db: Db<'_>, step: WelcomeStepId) -> Result<Vec<WelcomeText>> {
    const SQL: &str = "SELECT * FROM welcome_step_texts WHERE step_id = $1 ORDER BY language";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(step).fetch_all(c).await?))
}

pub async fn set_text(tx: &mut Tx, text: &WelcomeText) -> Result<()> {
    const SQL: &str =
        "INSERT INTO welcome_step_texts (step_id, language, subject, preheader, body, article_id)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (step_id, language) DO UPDATE SET subject = excluded.subject, preheader = excluded.preheader,
            body = excluded.body, article_id = excluded.article_id";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(text.step_id)
        .bind(text.language)
        .bind(&text.subject)
        .bind(&text.preheader)
        .bind(&text.body)
        .bind(text.article_id)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn delete_text(tx: &mut Tx, step: WelcomeStepId, language: Language) -> Result<()> {
    const SQL: &str = "DELETE FROM welcome_step_texts WHERE step_id = $1 AND language = $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(step).bind(language).execute(c).await?.rows_affected());
    Ok(())
}

/// Whose turn may have come: confirmed at `from` or later and at `until` or before.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub from: Timestamp,
    pub until: Timestamp,
    /// Behind this one, in the order of confirmation.
    pub after: Option<(Timestamp, SubscriptionId)>,
    /// Nobody who had another step later than this: what waited comes a day apart.
    pub quiet_since: Timestamp,
}

/// A reader whose step has come.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DueReader {
    pub subscription_id: SubscriptionId,
    pub language: Language,
    pub confirmed_at: Timestamp,
}

/// Who is to get a step now, by what can be seen without a lock.
pub async fn due(
    db: Db<'_>,
    step: &WelcomeStep,
    window: &Window,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<DueReader>> {
    // Nobody is welcomed who has read us for years: who came with an import.
    const SQL: &str = "SELECT n.id AS subscription_id, n.language, n.confirmed_at FROM subscriptions n
        WHERE n.newsletter_id = $1 AND n.status = 'confirmed' AND n.confirmed_at >= $2 AND n.confirmed_at <= $3
            AND NOT (n.import_id IS NOT NULL AND n.confirmed_at = n.created_at)
            AND (n.confirmed_at > $4 OR (n.confirmed_at = $4 AND n.id > $5))
            AND (n.paused_until IS NULL OR n.paused_until <= $6)
            AND NOT EXISTS (SELECT 1 FROM welcome_sent w
                WHERE w.subscription_id = n.id AND (w.step_id = $7 OR w.at > $8))
        ORDER BY n.confirmed_at, n.id LIMIT $9";
    let (after, after_id) = window.after.map_or((Timestamp::from_millis(i64::MIN), 0), |(at, id)| (at, id.0));
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(step.newsletter_id)
        .bind(window.from)
        .bind(window.until)
        .bind(after)
        .bind(after_id)
        .bind(now)
        .bind(step.id)
        .bind(window.quiet_since)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Writes down that a reader gets a step; `false` when that stands already, or the reader has left or pauses,
/// or the step is sent no more.
pub async fn mark(
    tx: &mut Tx,
    subscription: SubscriptionId,
    step: WelcomeStepId,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO welcome_sent (subscription_id, step_id, at)
        SELECT n.id, s.id, $3 FROM subscriptions n JOIN welcome_steps s ON s.newsletter_id = n.newsletter_id
        WHERE n.id = $1 AND s.id = $2 AND s.active_since IS NOT NULL AND n.status = 'confirmed'
            AND (n.paused_until IS NULL OR n.paused_until <= $3)
        ON CONFLICT (subscription_id, step_id) DO NOTHING";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(subscription)
        .bind(step)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// A step that a reader had.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Had {
    /// After confirming.
    pub days: i64,
    pub at: Timestamp,
}

/// The steps that a reader had, in their order.
pub async fn had(db: Db<'_>, subscription: SubscriptionId) -> Result<Vec<Had>> {
    const SQL: &str = "SELECT s.days, w.at FROM welcome_sent w JOIN welcome_steps s ON s.id = w.step_id
        WHERE w.subscription_id = $1 ORDER BY w.at, s.days";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscription).fetch_all(c).await?))
}

/// The mail never went out: its turn comes again.
pub async fn unmark(tx: &mut Tx, subscription: SubscriptionId, step: WelcomeStepId) -> Result<()> {
    const SQL: &str = "DELETE FROM welcome_sent WHERE subscription_id = $1 AND step_id = $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(subscription).bind(step).execute(c).await?.rows_affected());
    Ok(())
}

/// The same for the mails of a reader that still wait, before they are withdrawn.
pub(super) async fn unmark_queued(tx: &mut Tx, subscription: SubscriptionId) -> Result<()> {
    const SQL: &str = "DELETE FROM welcome_sent WHERE subscription_id = $1 AND step_id IN
        (SELECT welcome_step_id FROM outbox WHERE subscription_id = $1 AND status = 'queued' AND doubts = 0
            AND welcome_step_id IS NOT NULL)";
    on!(tx.db(), |c| sqlx::query(SQL).bind(subscription).execute(c).await?.rows_affected());
    Ok(())
}

/// Withdraws the mails of a step that still wait.
pub async fn withdraw_step(tx: &mut Tx, step: WelcomeStepId) -> Result<()> {
    const UNMARK: &str = "DELETE FROM welcome_sent WHERE step_id = $1 AND subscription_id IN
        (SELECT subscription_id FROM outbox WHERE welcome_step_id = $1 AND status = 'queued' AND doubts = 0)";
    const WITHDRAW: &str = "DELETE FROM outbox WHERE welcome_step_id = $1 AND status = 'queued'";
    for sql in [UNMARK, WITHDRAW] {
        on!(tx.db(), |c| sqlx::query(sql).bind(step).execute(c).await?.rows_affected());
    }
    Ok(())
}

/// How many mails of the series wait in the outbox.
pub async fn queued_count(db: Db<'_>) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM outbox WHERE status = 'queued' AND kind = 'welcome'";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// To how many readers each step of a newsletter went, or is about to.
pub async fn counts(db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<(WelcomeStepId, i64)>> {
    const SQL: &str = "SELECT s.id, (SELECT count(*) FROM welcome_sent w WHERE w.step_id = s.id)
        FROM welcome_steps s WHERE s.newsletter_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}
