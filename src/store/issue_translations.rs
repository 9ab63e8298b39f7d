//! The tables `issue_translations` and `issue_translation_headings`: an issue in other languages than that of its
//! newsletter.

use super::{Db, Result, Tx, on};
use crate::model::{ArticleId, IssueId, IssueTranslation, Language};

/// The translations of an issue, in the order of their languages' codes.
pub async fn of_issue(db: Db<'_>, issue: IssueId) -> Result<Vec<IssueTranslation>> {
    const SQL: &str = "SELECT language, subject, second_subject, preheader, intro, outro, version
        FROM issue_translations WHERE issue_id = $1 ORDER BY language";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(issue).fetch_all(c).await?))
}

/// A heading of a section in another language.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Heading {
    pub language: Language,
    pub article_id: ArticleId,
    pub heading: String,
}

/// The headings of all translations of an issue.
pub async fn headings(db: Db<'_>, issue: IssueId) -> Result<Vec<Heading>> {
    const SQL: &str =
        "SELECT language, article_id, heading FROM issue_translation_headings WHERE issue_id = $1
        ORDER BY language, article_id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(issue).fetch_all(c).await?))
}

/// Puts a translation, with the headings of its sections, in the place of the version that it names; 0: there was none.
/// `false` when someone else saved in between: nothing is written then.
pub async fn set(
    tx: &mut Tx,
    issue: IssueId,
    translation: &IssueTranslation,
    headings: &[(ArticleId, String)],
) -> Result<bool> {
    const SQL: &str =
        "INSERT INTO issue_translations (issue_id, language, subject, second_subject, preheader, intro, outro, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8 + 1)
        ON CONFLICT (issue_id, language) DO UPDATE
            SET subject = $3, second_subject = $4, preheader = $5, intro = $6, outro = $7, version = $8 + 1
            WHERE issue_translations.version = $8";
    const DELETE: &str = "DELETE FROM issue_translation_headings WHERE issue_id = $1 AND language = $2";
    const HEADING: &str = "INSERT INTO issue_translation_headings (issue_id, language, article_id, heading) VALUES ($1, $2, $3, $4)";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(issue)
        .bind(translation.language)
        .bind(&translation.subject)
        .bind(&translation.second_subject)
        .bind(&translation.preheader)
        .bind(&translation.intro)
        .bind(&translation.outro)
        .bind(translation.version)
        .execute(c)
        .await?
        .rows_affected());
    if rows == 0 {
        return Ok(false);
    }
    on!(tx.db(), |c| sqlx::query(DELETE)
        .bind(issue)
        .bind(translation.language)
        .execute(c)
        .await?
        .rows_affected());
    for (article, heading) in headings {
        on!(tx.db(), |c| sqlx::query(HEADING)
            .bind(issue)
            .bind(translation.language)
            .bind(*article)
            .bind(heading)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(true)
}

/// Its readers get the issue in the newsletter's language then. Whether there was that version of it.
pub async fn delete(tx: &mut Tx, issue: IssueId, language: Language, version: i64) -> Result<bool> {
    const SQL: &str = "DELETE FROM issue_translations WHERE issue_id = $1 AND language = $2 AND version = $3";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(issue)
        .bind(language)
        .bind(version)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}
