//! The archive: the issues that were sent to everybody, and the table `archive_texts`, which a search in it looks in.
//! What went to a segment only is in none of the lists here: it was not meant for whoever comes by.

use uuid::Uuid;

use super::mailings::Content;
use super::{Db, Result, Tx, like_pattern, on};
use crate::model::{ArticleId, Language, MailingId, NewsletterId, Timestamp};

/// Most issues on one page of the archive.
pub const ARCHIVE_ROWS: usize = 20;
/// Most characters of an issue that a search looks in: five times what a long issue has. Bounds what a search reads.
const SEARCH_MAX_CHARS: usize = 50_000;
/// Most words of a search; those behind them are not looked for.
const SEARCH_MAX_WORDS: usize = 6;

/// An issue that was sent, or of which the sending has begun.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ArchivedIssue {
    pub mailing_id: MailingId,
    pub public_id: Uuid,
    pub number: i64,
    /// As written: may hold merge fields.
    pub subject: String,
    /// As written, too.
    pub preheader: String,
    pub started_at: Timestamp,
}

/// An article of an archived issue.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ArchivedArticle {
    pub mailing_id: MailingId,
    pub title: String,
    pub language: Language,
}

/// An archived issue with the copy for the web.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ArchivedCopy {
    #[sqlx(flatten)]
    pub issue: ArchivedIssue,
    pub language: Language,
    pub web_html: String,
}

/// Writes what a search looks in; with the contents of the mailing.
pub(super) async fn insert_text(tx: &mut Tx, mailing: MailingId, content: &Content) -> Result<()> {
    const PREHEADER: &str =
        "SELECT i.preheader FROM mailings m JOIN issues i ON i.id = m.issue_id WHERE m.id = $1";
    const SQL: &str = "INSERT INTO archive_texts (mailing_id, language, search_text) VALUES ($1, $2, $3)";
    let preheader: Option<String> =
        on!(tx.db(), |c| sqlx::query_scalar(PREHEADER).bind(mailing).fetch_optional(c).await?);
    let subjects = format!("{} {}", content.subject, content.second_subject);
    let text = search_text([&subjects, &preheader.unwrap_or_default(), &content.text]);
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(mailing)
        .bind(content.language)
        .bind(text)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// In the lower case of [`like_pattern`], without slots, each run of white space one space: a text part breaks its lines
/// anywhere.
fn search_text(parts: [&str; 3]) -> String {
    let words = parts.join("\n").replace(|c| matches!(c, '\u{e000}'..='\u{f8ff}'), "").to_lowercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    words.join(" ").chars().take(SEARCH_MAX_CHARS).collect()
}

/// One page of a newsletter's archive, the newest first, and one row more if there is a next page. `search` empty: all;
/// else those in which each of its words stands. `page` counts from 0.
pub async fn list(
    db: Db<'_>,
    newsletter: NewsletterId,
    search: &str,
    page: i64,
) -> Result<Vec<ArchivedIssue>> {
    const ROWS: i64 = ARCHIVE_ROWS as i64;
    const SQL: &str = r"SELECT m.id AS mailing_id, i.public_id, i.number, i.subject, i.preheader, m.started_at
        FROM mailings m JOIN issues i ON i.id = m.issue_id
        WHERE m.newsletter_id = $1 AND m.started_at IS NOT NULL AND m.status IN ('sending', 'paused', 'sent')
            AND m.segment_filter IS NULL AND ($4 = '%%' OR EXISTS (SELECT 1 FROM archive_texts t WHERE t.mailing_id = m.id
                AND t.search_text LIKE $4 ESCAPE '\' AND t.search_text LIKE $5 ESCAPE '\'
                AND t.search_text LIKE $6 ESCAPE '\' AND t.search_text LIKE $7 ESCAPE '\'
                AND t.search_text LIKE $8 ESCAPE '\' AND t.search_text LIKE $9 ESCAPE '\'))
        ORDER BY m.started_at DESC, m.id DESC LIMIT $2 OFFSET $3";
    let [a, b, c, d, e, f] = patterns(search);
    Ok(on!(db, |connection| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(ROWS + 1)
        .bind(page.max(0) * ROWS)
        .bind(a)
        .bind(b)
        .bind(c)
        .bind(d)
        .bind(e)
        .bind(f)
        .fetch_all(connection)
        .await?))
}

/// A pattern for each word; those that there are not match everything.
fn patterns(search: &str) -> [String; SEARCH_MAX_WORDS] {
    let mut words = search.split_whitespace().map(like_pattern);
    std::array::from_fn(|_| words.next().unwrap_or_else(|| like_pattern("")))
}

/// The last issue of which the sending has begun.
pub async fn latest(db: Db<'_>, newsletter: NewsletterId) -> Result<Option<ArchivedIssue>> {
    Ok(list(db, newsletter, "", 0).await?.into_iter().next())
}

/// The articles of some issues, in their order; of at most [`ARCHIVE_ROWS`] issues.
pub async fn articles(db: Db<'_>, issues: &[ArchivedIssue]) -> Result<Vec<ArchivedArticle>> {
    const SQL: &str = "SELECT a.mailing_id, r.title, r.language
        FROM mailing_articles a JOIN articles r ON r.id = a.article_id
        WHERE a.language = '' AND a.mailing_id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
        ORDER BY a.mailing_id, a.position";
    // No mailing has the id 0: what a page has less of finds nothing.
    let mut ids = [MailingId(0); ARCHIVE_ROWS];
    for (id, issue) in ids.iter_mut().zip(issues) {
        *id = issue.mailing_id;
    }
    Ok(on!(db, |c| {
        let mut query = sqlx::query_as(SQL);
        for id in ids {
            query = query.bind(id);
        }
        query.fetch_all(c).await?
    }))
}

/// The issue before a mailing in its archive.
pub async fn previous(
    db: Db<'_>,
    newsletter: NewsletterId,
    mailing: MailingId,
    started_at: Timestamp,
) -> Result<Option<ArchivedIssue>> {
    const SQL: &str = "SELECT m.id AS mailing_id, i.public_id, i.number, i.subject, i.preheader, m.started_at
        FROM mailings m JOIN issues i ON i.id = m.issue_id
        WHERE m.newsletter_id = $1 AND m.status IN ('sending', 'paused', 'sent')
            AND m.segment_filter IS NULL AND (m.started_at < $3 OR (m.started_at = $3 AND m.id < $2))
        ORDER BY m.started_at DESC, m.id DESC LIMIT 1";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(mailing)
        .bind(started_at)
        .fetch_optional(c)
        .await?))
}

/// The issue after a mailing in its archive.
pub async fn next(
    db: Db<'_>,
    newsletter: NewsletterId,
    mailing: MailingId,
    started_at: Timestamp,
) -> Result<Option<ArchivedIssue>> {
    const SQL: &str = "SELECT m.id AS mailing_id, i.public_id, i.number, i.subject, i.preheader, m.started_at
        FROM mailings m JOIN issues i ON i.id = m.issue_id
        WHERE m.newsletter_id = $1 AND m.status IN ('sending', 'paused', 'sent')
            AND m.segment_filter IS NULL AND (m.started_at > $3 OR (m.started_at = $3 AND m.id > $2))
        ORDER BY m.started_at, m.id LIMIT 1";
    Ok(on!(db, |c| sqlx::query_as(SQL)
        .bind(newsletter)
        .bind(mailing)
        .bind(started_at)
        .fetch_optional(c)
        .await?))
}

/// The newest issues with their copies: in `language` where there is one, else in the first that there is.
pub async fn newest(
    db: Db<'_>,
    newsletter: NewsletterId,
    language: Language,
    most: i64,
) -> Result<Vec<ArchivedCopy>> {
    const SQL: &str =
        "SELECT m.id AS mailing_id, i.public_id, i.number, i.subject, i.preheader, m.started_at,
            c.language, c.web_html
        FROM mailings m JOIN issues i ON i.id = m.issue_id
            JOIN mailing_contents c ON c.mailing_id = m.id AND c.language =
                (SELECT o.language FROM mailing_contents o WHERE o.mailing_id = m.id
                ORDER BY CASE WHEN o.language = $2 THEN 0 ELSE 1 END, o.language LIMIT 1)
        WHERE m.newsletter_id = $1 AND m.started_at IS NOT NULL AND m.status IN ('sending', 'paused', 'sent')
            AND m.segment_filter IS NULL
        ORDER BY m.started_at DESC, m.id DESC LIMIT $3";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).bind(language).bind(most).fetch_all(c).await?))
}

/// The last issue of a newsletter that an article was sent in.
pub async fn with_article(
    db: Db<'_>,
    newsletter: NewsletterId,
    article: ArticleId,
) -> Result<Option<ArchivedIssue>> {
    const SQL: &str = "SELECT m.id AS mailing_id, i.public_id, i.number, i.subject, i.preheader, m.started_at
        FROM mailing_articles a JOIN mailings m ON m.id = a.mailing_id JOIN issues i ON i.id = m.issue_id
        WHERE a.article_id = $2 AND m.newsletter_id = $1 AND m.started_at IS NOT NULL
            AND m.status IN ('sending', 'paused', 'sent') AND m.segment_filter IS NULL
        ORDER BY m.started_at DESC, m.id DESC LIMIT 1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).bind(article).fetch_optional(c).await?))
}
