//! The tables `issues` and `issue_articles`.

use uuid::Uuid;

use super::{Db, PAGE_ROWS, Result, Tx, on};
use crate::model::{
    Actor, Issue, IssueArticle, IssueId, MailingId, MailingStatus, NewsletterId, Placed, Rhythm, Theme,
    Timestamp, TopicId, TrialPlan, UserId,
};

/// What an editor sets.
#[derive(Debug, Clone, Default)]
pub struct IssueText {
    pub subject: String,
    pub preheader: String,
    pub intro: String,
    pub outro: String,
    pub topic: Option<TopicId>,
    pub theme: Option<Theme>,
    pub editor: Option<UserId>,
    pub second_subject: String,
    pub trial: TrialPlan,
}

pub async fn insert(
    tx: &mut Tx,
    newsletter: NewsletterId,
    text: &IssueText,
    now: Timestamp,
) -> Result<Issue> {
    // The unique (newsletter, number) turns two at once into a duplicate, never into the same number.
    const SQL: &str =
        "INSERT INTO issues (public_id, newsletter_id, number, subject, preheader, intro, version,
            created_at, updated_at, topic_id, outro, theme, edited_by, second_subject, trial_share, trial_by,
            trial_hours)
        SELECT $1, $2, COALESCE(MAX(number), 0) + 1, $3, $4, $5, 1, $6, $6, CAST($7 AS BIGINT), $8,
            CAST($9 AS TEXT), CAST($10 AS BIGINT), $11, $12, $13, $14 FROM issues
        WHERE newsletter_id = $2
        RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(Uuid::now_v7())
        .bind(newsletter)
        .bind(&text.subject)
        .bind(&text.preheader)
        .bind(&text.intro)
        .bind(now)
        .bind(text.topic)
        .bind(&text.outro)
        .bind(text.theme)
        .bind(text.editor)
        .bind(&text.second_subject)
        .bind(text.trial.share)
        .bind(text.trial.by)
        .bind(text.trial.hours)
        .fetch_one(c)
        .await?))
}

/// Saves over `version`; `None` when someone else saved in between, or the issue was scheduled.
pub async fn update(
    tx: &mut Tx,
    id: IssueId,
    version: i64,
    text: &IssueText,
    now: Timestamp,
) -> Result<Option<Issue>> {
    const SQL: &str = "UPDATE issues SET subject = $3, preheader = $4, intro = $5, version = version + 1,
            updated_at = $6, topic_id = $7, outro = $8, theme = $9, edited_by = $10, second_subject = $11,
            trial_share = $12, trial_by = $13, trial_hours = $14
        WHERE id = $1 AND version = $2
            AND NOT EXISTS (SELECT 1 FROM mailings m WHERE m.issue_id = $1 AND m.status <> 'cancelled')
        RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(version)
        .bind(&text.subject)
        .bind(&text.preheader)
        .bind(&text.intro)
        .bind(now)
        .bind(text.topic)
        .bind(&text.outro)
        .bind(text.theme)
        .bind(text.editor)
        .bind(&text.second_subject)
        .bind(text.trial.share)
        .bind(text.trial.by)
        .bind(text.trial.hours)
        .fetch_optional(c)
        .await?))
}

/// Notes who changed what belongs to an issue, which is not its own row.
pub async fn touch(tx: &mut Tx, id: IssueId, editor: Option<UserId>, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE issues SET updated_at = $2, edited_by = $3 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(now).bind(editor).execute(c).await?.rows_affected());
    Ok(())
}

/// Notes that colleagues are asked to approve an issue as it is; `false` when they were already.
pub async fn ask_approval(tx: &mut Tx, id: IssueId, content: &str) -> Result<bool> {
    const SQL: &str = "UPDATE issues SET approval_asked = $2 WHERE id = $1 AND approval_asked <> $2";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(content).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// The second of two subjects becomes that of the issue, in each of its languages: it won a trial.
pub async fn swap_subjects(tx: &mut Tx, id: IssueId) -> Result<()> {
    const SQL: &str = "UPDATE issues SET subject = second_subject, second_subject = subject WHERE id = $1";
    const TRANSLATIONS: &str =
        "UPDATE issue_translations SET subject = second_subject, second_subject = subject
        WHERE issue_id = $1 AND second_subject <> ''";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected());
    on!(tx.db(), |c| sqlx::query(TRANSLATIONS).bind(id).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes the row until the end of the transaction: who schedules and who saves take turns.
pub async fn lock(tx: &mut Tx, id: IssueId) -> Result<Option<Issue>> {
    const SQL: &str = "UPDATE issues SET version = version WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

/// Removes an issue that never had a mailing, with all that is only its own; whether it was one. What tells of it, a
/// digest that came to nothing or a test mail, tells of none then.
pub async fn delete(tx: &mut Tx, id: IssueId) -> Result<bool> {
    const RUNS: &str = "UPDATE digest_runs SET issue_id = NULL WHERE issue_id = $1";
    const MAILS: &str = "UPDATE outbox SET issue_id = NULL WHERE issue_id = $1";
    const SQL: &str = "DELETE FROM issues WHERE id = $1";
    if super::mailings::has_any(tx.db(), id).await? {
        return Ok(false);
    }
    for sql in [RUNS, MAILS] {
        on!(tx.db(), |c| sqlx::query(sql).bind(id).execute(c).await?.rows_affected());
    }
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

pub async fn by_id(db: Db<'_>, id: IssueId) -> Result<Option<Issue>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM issues WHERE id = $1").bind(id).fetch_optional(c).await?))
}

pub async fn by_public_id(db: Db<'_>, id: Uuid) -> Result<Option<Issue>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM issues WHERE public_id = $1")
        .bind(id)
        .fetch_optional(c)
        .await?))
}

/// Puts these articles into an issue, in this order, in place of those that were there.
pub async fn set_articles(tx: &mut Tx, id: IssueId, articles: &[Placed]) -> Result<()> {
    const DELETE: &str = "DELETE FROM issue_articles WHERE issue_id = $1";
    const INSERT: &str = "INSERT INTO issue_articles (issue_id, article_id, position, display, heading)
        VALUES ($1, $2, $3, $4, $5)";
    on!(tx.db(), |c| sqlx::query(DELETE).bind(id).execute(c).await?.rows_affected());
    for (position, placed) in (1_i64..).zip(articles) {
        on!(tx.db(), |c| sqlx::query(INSERT)
            .bind(id)
            .bind(placed.article)
            .bind(position)
            .bind(placed.display)
            .bind(&placed.heading)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}

/// The articles of an issue as they are now, in order.
pub async fn articles(db: Db<'_>, id: IssueId) -> Result<Vec<IssueArticle>> {
    const SQL: &str =
        "SELECT i.position, i.display, i.heading, a.* FROM issue_articles i JOIN articles a ON a.id = i.article_id
        WHERE i.issue_id = $1 ORDER BY i.position";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(id).fetch_all(c).await?))
}

/// Whom an issue is for. Not of one that is scheduled: its mailing has its own.
pub async fn set_rhythm(tx: &mut Tx, id: IssueId, rhythm: Rhythm) -> Result<()> {
    const SQL: &str = "UPDATE issues SET rhythm = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(rhythm).execute(c).await?.rows_affected());
    Ok(())
}

/// An issue in a list, with its mailing, if any: not one that was cancelled before it began.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct IssueRow {
    pub id: IssueId,
    pub newsletter_id: NewsletterId,
    pub newsletter_name: String,
    pub time_zone: String,
    pub number: i64,
    pub subject: String,
    pub updated_at: Timestamp,
    pub articles: i64,
    pub mailing_id: Option<MailingId>,
    pub mailing_status: Option<MailingStatus>,
    pub due_at: Option<Timestamp>,
    pub audience: Option<i64>,
    pub sent: Option<i64>,
}

/// [`list`] of the newsletters that somebody sees.
pub async fn list_for(mut db: Db<'_>, actor: &Actor, page: i64) -> Result<Vec<IssueRow>> {
    let seen = seen_by(db.again(), actor).await?;
    list_where(db, None, Some(&seen), PAGE_ROWS + 1, page.max(0) * PAGE_ROWS, FOREVER).await
}

/// Those of the newsletters that somebody sees, or of one, with a smaller id, the newest first, at most so many.
pub async fn before(
    mut db: Db<'_>,
    actor: &Actor,
    newsletter: Option<NewsletterId>,
    before: IssueId,
    most: i64,
) -> Result<Vec<IssueRow>> {
    let seen = seen_by(db.again(), actor).await?;
    list_where(db, newsletter, Some(&seen), most, 0, before).await
}

/// The newsletters that somebody sees, each between commas.
pub(super) async fn seen_by(db: Db<'_>, actor: &Actor) -> Result<String> {
    let seen = super::newsletters::ids(db).await?.into_iter().filter(|id| actor.sees(*id));
    Ok(seen.map(|id| format!(",{id},")).collect())
}

/// No id is larger.
const FOREVER: IssueId = IssueId(i64::MAX);

/// Issues of a newsletter of which the sending has begun, by id, number and subject: the latest, at most `limit`.
pub async fn sent(db: Db<'_>, newsletter: NewsletterId, limit: i64) -> Result<Vec<(IssueId, i64, String)>> {
    const SQL: &str = "SELECT i.id, i.number, i.subject FROM issues i WHERE i.newsletter_id = $1
            AND EXISTS (SELECT 1 FROM mailings m WHERE m.issue_id = i.id AND m.started_at IS NOT NULL)
        ORDER BY i.number DESC LIMIT $2";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).bind(limit).fetch_all(c).await?))
}

/// One page, the newest first, and one row more if there is a next page; of one newsletter or of all.
pub async fn list(db: Db<'_>, newsletter: Option<NewsletterId>, page: i64) -> Result<Vec<IssueRow>> {
    list_where(db, newsletter, None, PAGE_ROWS + 1, page.max(0) * PAGE_ROWS, FOREVER).await
}

/// `seen`: the newsletters, each between commas; `None`: all.
async fn list_where(
    db: Db<'_>,
    newsletter: Option<NewsletterId>,
    seen: Option<&str>,
    rows: i64,
    skipped: i64,
    before: IssueId,
) -> Result<Vec<IssueRow>> {
    const SQL: &str =
        "SELECT i.id, i.newsletter_id, n.name AS newsletter_name, n.time_zone, i.number, i.subject,
            i.updated_at, (SELECT count(*) FROM issue_articles a WHERE a.issue_id = i.id) AS articles,
            m.id AS mailing_id, m.status AS mailing_status, m.due_at, m.audience, m.sent
        FROM issues i JOIN newsletters n ON n.id = i.newsletter_id
            LEFT JOIN mailings m ON m.issue_id = i.id AND (m.status <> 'cancelled' OR m.started_at IS NOT NULL)
        WHERE (CAST($1 AS BIGINT) IS NULL OR i.newsletter_id = $1)
            AND (CAST($4 AS TEXT) IS NULL OR $4 LIKE '%,' || CAST(i.newsletter_id AS TEXT) || ',%')
            AND i.id < $5
        ORDER BY i.id DESC LIMIT $2 OFFSET $3";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(rows)
        .bind(skipped)
        .bind(seen)
        .bind(before)
        .fetch_all(c)
        .await?))
}
