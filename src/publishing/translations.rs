//! An issue in the other languages of its newsletter's readers. What is not translated they get as it is.

use super::issues::{AROUND_MAX_CHARS, HEADING_MAX_CHARS, IssueError, LINE_MAX_CHARS, Theirs};
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::mail::slot::clean_line;
use crate::model::{
    Act, ArticleId, Issue, IssueArticle, IssueId, IssueTranslation, Language, Permission, UserId,
};
use crate::store::issue_translations as table;
use crate::store::{self, Store, StoreError, Tx};

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
    version: i64,
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
    let translation =
        IssueTranslation { language, subject, second_subject, preheader, intro, outro, version };
    errors.or((translation, headings))
}

/// Saves the words of an issue in one of the other languages of its newsletter, over the version of the translation that
/// the person began with; 0: there was none. Answers the version that it has now. Headings of articles that are no longer
/// in the issue are left out.
///
/// # Errors
/// [`IssueError::NotFound`] also for a language that the newsletter's readers cannot choose;
/// [`IssueError::Conflict`] holds the issue in the words that someone else saved in between. Nothing is written then.
pub async fn save(
    store: &Store,
    clock: &Clock,
    id: IssueId,
    language: Language,
    version: i64,
    input: &TranslationInput,
) -> Result<i64, IssueError> {
    let (translation, mut headings) = parse(language, version, input)?;
    let mut tx = store.begin().await?;
    let issue = hold(&mut tx, id, language).await?;
    let articles = store::issues::articles(tx.db(), id).await?;
    headings.retain(|(article, _)| articles.iter().any(|row| row.article.id == *article));
    // Who saves it as it was has written nothing of it.
    let is_same = says_the_same(&mut tx, id, &translation, &headings, &articles).await?;
    let editor = if is_same { issue.edited_by } else { input.editor };
    store::issues::touch(&mut tx, id, editor, clock.now()).await?;
    if !table::set(&mut tx, id, &translation, &headings).await? {
        return Err(conflict(&mut tx, issue, language).await);
    }
    tx.commit().await?;
    Ok(version + 1)
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
) -> Result<(), IssueError> {
    let mut tx = store.begin().await?;
    let issue = hold(&mut tx, id, language).await?;
    let is_removed = table::delete(&mut tx, id, language, version).await?;
    if is_removed {
        store::issues::touch(&mut tx, id, editor, clock.now()).await?;
    }
    if !is_removed && stored(&mut tx, id, language).await?.is_some() {
        return Err(conflict(&mut tx, issue, language).await);
    }
    tx.commit().await?;
    Ok(())
}

async fn stored(
    tx: &mut Tx,
    id: IssueId,
    language: Language,
) -> Result<Option<IssueTranslation>, StoreError> {
    let all = table::of_issue(tx.db(), id).await?;
    Ok(all.into_iter().find(|translation| translation.language == language))
}

/// What someone else saved in between.
async fn conflict(tx: &mut Tx, issue: Issue, language: Language) -> IssueError {
    match theirs(tx, issue, language).await {
        Ok(theirs) => IssueError::Conflict { theirs: Box::new(theirs) },
        Err(error) => error.into(),
    }
}

/// A translation that is gone says nothing.
async fn theirs(tx: &mut Tx, issue: Issue, language: Language) -> Result<Theirs, StoreError> {
    let words = stored(tx, issue.id, language).await?.unwrap_or_else(|| IssueTranslation {
        language,
        subject: String::new(),
        second_subject: String::new(),
        preheader: String::new(),
        intro: String::new(),
        outro: String::new(),
        version: 0,
    });
    let headings = table::headings(tx.db(), issue.id).await?;
    let mut articles = store::issues::articles(tx.db(), issue.id).await?;
    for row in &mut articles {
        let own = headings.iter().find(|one| one.language == language && one.article_id == row.article.id);
        row.heading = own.map(|own| own.heading.clone()).unwrap_or_default();
    }
    Ok(Theirs { issue: issue.translated(&words), articles })
}

/// Whether what is to be saved is what the issue says in that language already.
async fn says_the_same(
    tx: &mut Tx,
    id: IssueId,
    translation: &IssueTranslation,
    headings: &[(ArticleId, String)],
    articles: &[IssueArticle],
) -> Result<bool, StoreError> {
    let Some(before) = stored(tx, id, translation.language).await? else { return Ok(false) };
    if (IssueTranslation { version: translation.version, ..before }) != *translation {
        return Ok(false);
    }
    let known = table::headings(tx.db(), id).await?;
    // Of an article that begins no section nobody reads one.
    Ok(articles.iter().filter(|row| !row.heading.is_empty()).all(|row| {
        let is_it = |heading: &&table::Heading| {
            heading.language == translation.language && heading.article_id == row.article.id
        };
        let before = known.iter().find(is_it).map(|heading| &heading.heading);
        before == headings.iter().find(|(article, _)| *article == row.article.id).map(|(_, heading)| heading)
    }))
}

/// Takes the issue for a change of its words in another language.
async fn hold(tx: &mut Tx, id: IssueId, language: Language) -> Result<Issue, IssueError> {
    let issue = store::issues::lock(tx, id).await?.ok_or(IssueError::NotFound)?;
    tx.permit(Permission::DraftIssues, Some(issue.newsletter_id))?;
    let newsletter = store::newsletters::by_id(tx.db(), issue.newsletter_id).await?;
    let newsletter = newsletter.ok_or(IssueError::NotFound)?;
    if language == newsletter.language || !newsletter.reader_languages.has(language) {
        return Err(IssueError::NotFound);
    }
    if store::mailings::of_issue(tx.db(), id).await?.is_some() {
        return Err(IssueError::Scheduled);
    }
    tx.note(Act::IssueSaved, Some(newsletter.id), id.0).await?;
    Ok(issue)
}

/// Gives a new issue the translations of an earlier one, in a transaction of the caller.
pub(super) async fn copy_in(tx: &mut Tx, from: IssueId, to: IssueId) -> Result<(), IssueError> {
    let headings = table::headings(tx.db(), from).await?;
    for translation in table::of_issue(tx.db(), from).await? {
        let translation = IssueTranslation { second_subject: String::new(), version: 0, ..translation };
        let of_it = headings.iter().filter(|heading| heading.language == translation.language);
        let of_it: Vec<_> = of_it.map(|heading| (heading.article_id, heading.heading.clone())).collect();
        table::set(tx, to, &translation, &of_it).await?;
    }
    Ok(())
}
