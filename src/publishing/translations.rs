//! An issue in the other languages of its newsletter's readers. What is not translated they get as it is.

use super::issues::{AROUND_MAX_CHARS, HEADING_MAX_CHARS, IssueError, LINE_MAX_CHARS};
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::mail::slot::clean_line;
use crate::model::{Act, ArticleId, Issue, IssueId, IssueTranslation, Language, Permission, UserId};
use crate::store::issue_translations as table;
use crate::store::{self, Store, Tx};

/// A translation as an editor leaves it; a draft may be empty.
#[derive(Debug, Clone, Default)]
pub struct TranslationInput {
    pub subject: String,
    pub second_subject: String,
    pub preheader: String,
    /// Markdown.
    pub intro: String,
    /// Markdown.
    pub outro: String,
    /// Of the sections, each by the article of the issue that begins it.
    pub headings: Vec<(ArticleId, String)>,
    /// Who saves it; without: the command line.
    pub editor: Option<UserId>,
}

fn parse(
    language: Language,
    input: &TranslationInput,
) -> Result<(IssueTranslation, Vec<(ArticleId, String)>), FieldErrors> {
    let mut errors = FieldErrors::new();
    let mut line = |field, text| super::line(&mut errors, field, text, LINE_MAX_CHARS, false);
    let subject = line("subject", &input.subject);
    let second_subject = line("second_subject", &input.second_subject);
    let preheader = line("preheader", &input.preheader);
    let intro = super::text(&mut errors, "intro", &input.intro, AROUND_MAX_CHARS);
    let outro = super::text(&mut errors, "outro", &input.outro, AROUND_MAX_CHARS);
    let mut headings = Vec::new();
    for (article, heading) in &input.headings {
        let heading = clean_line(heading);
        if heading.chars().count() > HEADING_MAX_CHARS {
            let most = i64::try_from(HEADING_MAX_CHARS).unwrap_or(i64::MAX);
            errors.add("articles", Message::new("error-heading-long").number("most", most));
        }
        if !heading.is_empty() {
            headings.push((*article, heading));
        }
    }
    let translation = IssueTranslation { language, subject, second_subject, preheader, intro, outro };
    errors.or((translation, headings))
}

/// Saves the words of an issue in one of the other languages of its newsletter, over the version of the issue that the
/// person began with. Headings of articles that are no longer in the issue are left out.
///
/// # Errors
/// [`IssueError::NotFound`] also for a language that the newsletter's readers cannot choose; else as of
/// [`super::issues::save`]. Nothing is written then.
pub async fn save(
    store: &Store,
    clock: &Clock,
    id: IssueId,
    language: Language,
    version: i64,
    input: &TranslationInput,
) -> Result<Issue, IssueError> {
    let (translation, mut headings) = parse(language, input)?;
    let mut tx = store.begin().await?;
    let issue = change(&mut tx, clock, id, language, version, input.editor).await?;
    let articles = store::issues::articles(tx.db(), id).await?;
    headings.retain(|(article, _)| articles.iter().any(|row| row.article.id == *article));
    table::set(&mut tx, id, &translation, &headings).await?;
    tx.commit().await?;
    Ok(issue)
}

/// Takes a translation away: its readers get the issue in the newsletter's language. One that is gone already is fine.
///
/// # Errors
/// As of [`save`].
pub async fn remove(
    store: &Store,
    clock: &Clock,
    id: IssueId,
    language: Language,
    version: i64,
    editor: Option<UserId>,
) -> Result<Issue, IssueError> {
    let mut tx = store.begin().await?;
    let issue = change(&mut tx, clock, id, language, version, editor).await?;
    table::delete(&mut tx, id, language).await?;
    tx.commit().await?;
    Ok(issue)
}

/// Takes the issue and counts a change of it.
async fn change(
    tx: &mut Tx,
    clock: &Clock,
    id: IssueId,
    language: Language,
    version: i64,
    editor: Option<UserId>,
) -> Result<Issue, IssueError> {
    let theirs = store::issues::lock(tx, id).await?.ok_or(IssueError::NotFound)?;
    tx.permit(Permission::DraftIssues, Some(theirs.newsletter_id))?;
    let newsletter = store::newsletters::by_id(tx.db(), theirs.newsletter_id).await?;
    let newsletter = newsletter.ok_or(IssueError::NotFound)?;
    if language == newsletter.language || !newsletter.reader_languages.has(language) {
        return Err(IssueError::NotFound);
    }
    if store::mailings::of_issue(tx.db(), id).await?.is_some() {
        return Err(IssueError::Scheduled);
    }
    let changed = store::issues::touch(tx, id, version, editor, clock.now()).await?;
    let changed = changed.ok_or_else(|| IssueError::Conflict { theirs: Box::new(theirs) })?;
    tx.note(Act::IssueSaved, Some(newsletter.id), id.0).await?;
    Ok(changed)
}

/// Gives a new issue the translations of an earlier one.
pub(super) async fn copy(store: &Store, from: IssueId, to: IssueId) -> Result<(), IssueError> {
    let mut tx = store.begin().await?;
    let headings = table::headings(tx.db(), from).await?;
    for translation in table::of_issue(tx.db(), from).await? {
        let translation = IssueTranslation { second_subject: String::new(), ..translation };
        let of_it = headings.iter().filter(|heading| heading.language == translation.language);
        let of_it: Vec<_> = of_it.map(|heading| (heading.article_id, heading.heading.clone())).collect();
        table::set(&mut tx, to, &translation, &of_it).await?;
    }
    tx.commit().await?;
    Ok(())
}
