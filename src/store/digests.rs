//! The tables `digest_rules`, `digest_rule_tags` and `digest_pins`, and which articles a rule may choose from.

use super::{Db, Result, Tx, on};
use crate::model::{
    ArticleDisplay, ArticleId, CalendarText, DigestOrder, DigestPolicy, DigestRule, DigestRuleId, DigestRun,
    DigestSource, IssueId, Language, NewsletterId, Rhythm, Tag, Timestamp,
};

/// What somebody sets.
#[derive(Debug, Clone)]
pub struct RuleText {
    pub name: String,
    pub audience: Rhythm,
    pub source: DigestSource,
    pub policy: DigestPolicy,
    pub language: Option<Language>,
    /// As typed, with commas.
    pub tags: String,
    pub sort: DigestOrder,
    pub fewest: i64,
    pub most: i64,
    pub display: ArticleDisplay,
    pub subject: String,
    pub intro: String,
    pub calendar: CalendarText,
    pub lead_hours: i64,
    pub since: Timestamp,
}

/// A rule that is off.
pub async fn insert(
    tx: &mut Tx,
    newsletter: NewsletterId,
    text: &RuleText,
    now: Timestamp,
) -> Result<DigestRule> {
    const SQL: &str = "INSERT INTO digest_rules (newsletter_id, name, audience, source, policy, language, tags, sort,
            fewest, most, display, subject, intro, calendar, lead_hours, since, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, CAST($6 AS TEXT), $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $17)
        RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(&text.name)
        .bind(text.audience)
        .bind(text.source)
        .bind(text.policy)
        .bind(text.language)
        .bind(&text.tags)
        .bind(text.sort)
        .bind(text.fewest)
        .bind(text.most)
        .bind(text.display)
        .bind(&text.subject)
        .bind(&text.intro)
        .bind(&text.calendar)
        .bind(text.lead_hours)
        .bind(text.since)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// Saves over `version`; `None` when somebody else saved in between, or it is gone. Another calendar counts from now on:
/// the dates that it would have had before are none.
pub async fn update(
    tx: &mut Tx,
    id: DigestRuleId,
    version: i64,
    text: &RuleText,
    now: Timestamp,
) -> Result<Option<DigestRule>> {
    const SQL: &str = "UPDATE digest_rules SET name = $3, audience = $4, source = $5, policy = $6,
            language = CAST($7 AS TEXT), tags = $8, sort = $9, fewest = $10, most = $11, display = $12, subject = $13,
            intro = $14, calendar = $15, lead_hours = $16, since = $17, version = version + 1, updated_at = $18,
            on_since = CASE WHEN on_since IS NULL OR calendar = $15 THEN on_since ELSE $18 END
        WHERE id = $1 AND version = $2 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(version)
        .bind(&text.name)
        .bind(text.audience)
        .bind(text.source)
        .bind(text.policy)
        .bind(text.language)
        .bind(&text.tags)
        .bind(text.sort)
        .bind(text.fewest)
        .bind(text.most)
        .bind(text.display)
        .bind(&text.subject)
        .bind(&text.intro)
        .bind(&text.calendar)
        .bind(text.lead_hours)
        .bind(text.since)
        .bind(now)
        .fetch_optional(c)
        .await?))
}

/// By which tags articles are chosen, in place of those of before.
pub async fn set_tags(tx: &mut Tx, id: DigestRuleId, tags: &[Tag]) -> Result<()> {
    const DELETE: &str = "DELETE FROM digest_rule_tags WHERE rule_id = $1";
    const INSERT: &str =
        "INSERT INTO digest_rule_tags (rule_id, key) VALUES ($1, $2) ON CONFLICT (rule_id, key) DO NOTHING";
    on!(tx.db(), |c| sqlx::query(DELETE).bind(id).execute(c).await?.rows_affected());
    for tag in tags {
        on!(tx.db(), |c| sqlx::query(INSERT).bind(id).bind(tag.key()).execute(c).await?.rows_affected());
    }
    Ok(())
}

/// Switches a rule on, or off with `None`.
pub async fn set_on(tx: &mut Tx, id: DigestRuleId, on_since: Option<Timestamp>) -> Result<()> {
    const SQL: &str = "UPDATE digest_rules SET on_since = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(on_since).execute(c).await?.rows_affected());
    Ok(())
}

/// With its runs; the issues that it made stay.
pub async fn delete(tx: &mut Tx, id: DigestRuleId) -> Result<bool> {
    const SQL: &str = "DELETE FROM digest_rules WHERE id = $1";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected()) == 1)
}

pub async fn by_id(db: Db<'_>, id: DigestRuleId) -> Result<Option<DigestRule>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM digest_rules WHERE id = $1")
        .bind(id)
        .fetch_optional(c)
        .await?))
}

/// Takes the row until the end of the transaction: whatever is done with a rule and its runs takes turns.
pub async fn lock(tx: &mut Tx, id: DigestRuleId) -> Result<Option<DigestRule>> {
    const SQL: &str = "UPDATE digest_rules SET version = version WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

pub async fn of_newsletter(db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<DigestRule>> {
    const SQL: &str = "SELECT * FROM digest_rules WHERE newsletter_id = $1 ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}

/// Those that are on, of every newsletter.
pub async fn active(db: Db<'_>) -> Result<Vec<DigestRule>> {
    const SQL: &str = "SELECT * FROM digest_rules WHERE on_since IS NOT NULL ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

/// Whether a newsletter has a digest for those who want one mail a month.
pub async fn has_monthly(db: Db<'_>, newsletter: NewsletterId) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM digest_rules
        WHERE newsletter_id = $1 AND audience = 'monthly' AND on_since IS NOT NULL)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(newsletter).fetch_one(c).await?))
}

/// Holds up every change of a subscription until the end of the transaction, for a verb that moves many. Before
/// [`super::mailings::lock_open`], which takes less.
pub async fn lock_subscriptions(tx: &mut Tx) -> Result<()> {
    if let Db::Postgres(c) = tx.db() {
        sqlx::query("LOCK TABLE subscriptions IN SHARE ROW EXCLUSIVE MODE").execute(c).await?;
    }
    Ok(())
}

pub async fn set_pin(tx: &mut Tx, id: DigestRuleId, article: ArticleId, is_pinned: bool) -> Result<()> {
    const SET: &str = "INSERT INTO digest_pins (rule_id, article_id) VALUES ($1, $2)
        ON CONFLICT (rule_id, article_id) DO NOTHING";
    const UNSET: &str = "DELETE FROM digest_pins WHERE rule_id = $1 AND article_id = $2";
    let sql = if is_pinned { SET } else { UNSET };
    on!(tx.db(), |c| sqlx::query(sql).bind(id).bind(article).execute(c).await?.rows_affected());
    Ok(())
}

/// An article that a rule may choose.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Candidate {
    pub id: ArticleId,
    pub title: String,
    pub teaser: String,
    pub language: Language,
    /// Since when it is one: when it was published, or mailed.
    pub at: Timestamp,
    pub is_pinned: bool,
}

/// An article with all its translations is one piece: the family of the article `$alias`.
macro_rules! family_sql {
    ($alias:literal) => {
        concat!("COALESCE(", $alias, ".original_id, ", $alias, ".id)")
    };
}

/// Whether a mailing `m` went to a part of the readers of its rhythm only.
macro_rules! to_a_part_sql {
    () => {
        "(m.segment_filter IS NOT NULL OR m.topic_id IS NOT NULL)"
    };
}

/// The families of what somebody mailed by hand to all readers of the newsletter `$2` and a rhythm, in mailings `m`. What
/// a part of them got is still to come for the others; what other rules sent counts for those alone.
macro_rules! by_hand_sql {
    ($rhythm:literal) => {
        concat!(
            "SELECT ",
            family_sql!("f"),
            " FROM mailing_articles h JOIN articles f ON f.id = h.article_id JOIN mailings m ON m.id = h.mailing_id
                WHERE m.newsletter_id = $2 AND m.rhythm = ",
            $rhythm,
            " AND (m.status <> 'cancelled' OR m.started_at IS NOT NULL) AND NOT ",
            to_a_part_sql!(),
            " AND NOT EXISTS (SELECT 1 FROM digest_runs r WHERE r.issue_id = m.issue_id
                        AND r.state IN ('proposed', 'approved', 'scheduled', 'sent'))"
        )
    };
}

/// The families that runs `r` of the rule `$1` took.
macro_rules! by_runs_sql {
    () => {
        concat!(
            "SELECT ",
            family_sql!("f"),
            " FROM digest_runs r JOIN issue_articles i ON i.issue_id = r.issue_id
                JOIN articles f ON f.id = i.article_id
                WHERE r.rule_id = $1 AND r.state IN ('proposed', 'approved', 'scheduled', 'sent')"
        )
    };
}

/// What is the same for both sources: `p` is the pool with `id` and `at`. Not what a run of the rule took, nor what its
/// readers got otherwise; and of each family one: that which somebody pinned, or in the language of the newsletter, or
/// the original.
macro_rules! pool_sql {
    ($($pool:tt)*) => {
        concat!(
            "SELECT c.id, c.title, c.teaser, c.language, c.at, c.is_pinned FROM (
                SELECT a.id, a.title, a.teaser, a.language, p.at, x.article_id IS NOT NULL AS is_pinned,
                    ROW_NUMBER() OVER (PARTITION BY ",
            family_sql!("a"),
            " ORDER BY CASE WHEN x.article_id IS NOT NULL THEN 0
                        WHEN a.language = (SELECT w.language FROM newsletters w WHERE w.id = $2) THEN 1
                        WHEN a.original_id IS NULL THEN 2 ELSE 3 END, a.id) AS place
                FROM (",
            $($pool)*,
            ") p JOIN articles a ON a.id = p.id
                LEFT JOIN digest_pins x ON x.rule_id = $1 AND x.article_id = a.id
                WHERE a.status = 'published' AND a.archived_at IS NULL AND p.at >= $3 AND p.at <= $4 AND ($5 = '' OR a.language = $5)
                    AND (NOT EXISTS (SELECT 1 FROM digest_rule_tags k WHERE k.rule_id = $1)
                        OR EXISTS (SELECT 1 FROM article_tags y JOIN tags t ON t.id = y.tag_id
                            JOIN digest_rule_tags k ON k.key = t.key WHERE y.article_id = a.id AND k.rule_id = $1))
                    AND ",
            family_sql!("a"),
            " NOT IN (",
            by_runs_sql!(),
            ") AND ",
            family_sql!("a"),
            " NOT IN (",
            by_hand_sql!("$7"),
            ")) c WHERE c.place = 1
            ORDER BY c.is_pinned DESC, c.at, c.id LIMIT $6"
        )
    };
}

macro_rules! published_sql {
    () => {
        pool_sql!("SELECT n.id, n.published_at AS at FROM articles n WHERE n.published_at IS NOT NULL")
    };
}

macro_rules! mailed_sql {
    () => {
        pool_sql!(
            "SELECT y.article_id AS id, MIN(m.started_at) AS at FROM mailing_articles y
                JOIN mailings m ON m.id = y.mailing_id
                WHERE m.newsletter_id = $2 AND m.rhythm = 'each' AND m.started_at IS NOT NULL
                GROUP BY y.article_id"
        )
    };
}

/// The articles that a rule may choose now: those that are pinned first, then those that have waited longest.
pub async fn candidates(db: Db<'_>, rule: &DigestRule, now: Timestamp, limit: i64) -> Result<Vec<Candidate>> {
    let sql = match rule.source {
        DigestSource::Published => published_sql!(),
        DigestSource::Mailed => mailed_sql!(),
    };
    Ok(on!(db, |c| sqlx::query_as(sql)
        .bind(rule.id)
        .bind(rule.newsletter_id)
        .bind(rule.since)
        .bind(now)
        .bind(rule.language.map_or("", Language::as_str))
        .bind(limit)
        .bind(rule.audience)
        .fetch_all(c)
        .await?))
}

/// The articles that are not for a run any more: another run of the rule took them, or somebody has mailed them to all
/// its readers since it was made; in whatever language. What they had before, somebody may have put into it on purpose.
pub async fn taken(db: Db<'_>, rule: &DigestRule, run: &DigestRun) -> Result<Vec<ArticleId>> {
    const SQL: &str = concat!(
        "SELECT y.id FROM articles y WHERE ",
        family_sql!("y"),
        " IN (",
        by_runs_sql!(),
        " AND r.id <> $3 UNION ",
        by_hand_sql!("$4"),
        " AND m.created_at >= $5 AND m.issue_id <> $6)"
    );
    Ok(on!(db, |c| sqlx::query_scalar(SQL)
        .bind(rule.id)
        .bind(rule.newsletter_id)
        .bind(run.id)
        .bind(rule.audience)
        .bind(run.created_at)
        .bind(run.issue_id.unwrap_or(IssueId(0)))
        .fetch_all(c)
        .await?))
}

/// An article that some readers have already: its title here, and in which issue they got it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HadBySome {
    pub title: String,
    pub number: i64,
}

/// The articles of the issue of a run that somebody mailed by hand to a part of the rule's readers, at most so many. They
/// come for the others; those few get them twice.
pub async fn had_by_some(
    db: Db<'_>,
    rule: &DigestRule,
    issue: IssueId,
    limit: i64,
) -> Result<Vec<HadBySome>> {
    const SQL: &str = concat!(
        "SELECT DISTINCT a.title, i.number FROM issue_articles y JOIN articles a ON a.id = y.article_id
            JOIN articles f ON ",
        family_sql!("f"),
        " = ",
        family_sql!("a"),
        " JOIN mailing_articles h ON h.article_id = f.id JOIN mailings m ON m.id = h.mailing_id
            JOIN issues i ON i.id = m.issue_id
        WHERE y.issue_id = $1 AND m.newsletter_id = $2 AND m.rhythm = $3 AND m.issue_id <> $1
            AND (m.status <> 'cancelled' OR m.started_at IS NOT NULL) AND ",
        to_a_part_sql!(),
        " ORDER BY i.number, a.title LIMIT $4"
    );
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(issue)
        .bind(rule.newsletter_id)
        .bind(rule.audience)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// How many articles wait for a rule, at most so many.
pub async fn count_candidates(db: Db<'_>, rule: &DigestRule, now: Timestamp, most: i64) -> Result<i64> {
    let sql = match rule.source {
        DigestSource::Published => concat!("SELECT COUNT(*) FROM (", published_sql!(), ") waiting"),
        DigestSource::Mailed => concat!("SELECT COUNT(*) FROM (", mailed_sql!(), ") waiting"),
    };
    Ok(on!(db, |c| sqlx::query_scalar(sql)
        .bind(rule.id)
        .bind(rule.newsletter_id)
        .bind(rule.since)
        .bind(now)
        .bind(rule.language.map_or("", Language::as_str))
        .bind(most)
        .bind(rule.audience)
        .fetch_one(c)
        .await?))
}

/// A mailing that has not begun, for the calendar.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ComingMailing {
    pub id: crate::model::MailingId,
    pub issue_id: IssueId,
    pub newsletter_id: NewsletterId,
    pub status: crate::model::MailingStatus,
    pub rhythm: Rhythm,
    pub due_at: Timestamp,
    pub subject: String,
}

/// Mailings between two moments, of one newsletter or of all, at most so many.
pub async fn mailings_between(
    db: Db<'_>,
    newsletter: Option<NewsletterId>,
    from: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<ComingMailing>> {
    const SQL: &str = "SELECT m.id, m.issue_id, m.newsletter_id, m.status, m.rhythm, m.due_at, i.subject
        FROM mailings m JOIN issues i ON i.id = m.issue_id
        WHERE m.due_at >= $1 AND m.due_at < $2 AND (CAST($3 AS BIGINT) IS NULL OR m.newsletter_id = $3)
            AND (m.status <> 'cancelled' OR m.started_at IS NOT NULL)
        ORDER BY m.due_at, m.id LIMIT $4";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(from)
        .bind(until)
        .bind(newsletter)
        .bind(limit)
        .fetch_all(c)
        .await?))
}
