//! Composing an issue: its words, its articles and their order.

use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::mail::slot::clean_line;
use crate::model::{
    Act, Issue, IssueArticle, IssueId, NewsletterId, Permission, Placed, RunState, Theme, TopicId, TrialPlan,
    UserId, trial,
};
use crate::store::issues::{self as table, IssueText};
use crate::store::{self, Store, StoreError, Tx};

/// Longest subject and preheader: what no inbox shows in full.
pub(super) const LINE_MAX_CHARS: usize = 250;
/// Longest intro, and outro.
pub(super) const AROUND_MAX_CHARS: usize = 20_000;
/// Longest heading of a section.
pub(super) const HEADING_MAX_CHARS: usize = 120;
/// Most articles in an issue.
pub const ARTICLES_MAX: usize = 50;
/// How often a number that was just taken by someone else is chosen again.
const RACES_MAX: usize = 5;

/// An issue as an editor leaves it; a draft may be empty.
#[derive(Debug, Clone, Default)]
pub struct IssueInput {
    pub subject: String,
    pub preheader: String,
    /// Markdown.
    pub intro: String,
    /// Markdown.
    pub outro: String,
    /// In their order; one that stands twice counts once.
    pub articles: Vec<Placed>,
    /// One that the newsletter offers; without: the issue is for everyone.
    pub topic: Option<TopicId>,
    /// How it looks; without: as its newsletter does.
    pub theme: Option<Theme>,
    /// Who saves it; without: the command line.
    pub editor: Option<UserId>,
    /// The other subject that is tried; empty: there is one.
    pub second_subject: String,
    /// How, with one of the shares and hours of [`crate::model::trial`].
    pub trial: TrialPlan,
}

/// What someone else saved in between.
#[derive(Debug, Clone)]
pub struct Theirs {
    /// In the words of the language that was to be saved.
    pub issue: Issue,
    /// In their order, with the headings of that language.
    pub articles: Vec<IssueArticle>,
}

#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// Fields: as in [`IssueInput`].
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    /// Someone else saved in between.
    #[error("{}", self.message())]
    Conflict { theirs: Box<Theirs> },
    /// Scheduled issues are frozen.
    #[error("{}", self.message())]
    Scheduled,
    /// An issue that had a mailing is kept, also where that was cancelled.
    #[error("{}", self.message())]
    Mailed,
    /// A digest waits with it.
    #[error("{}", self.message())]
    OfDigest,
    /// Someone else saved in between what was to be thrown away.
    #[error("{}", self.message())]
    Changed,
    #[error("{}", self.message())]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IssueError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::Conflict { .. } => Message::new("error-conflict"),
            Self::Scheduled => Message::new("error-issue-scheduled"),
            Self::Mailed => Message::new("error-issue-mailed"),
            Self::OfDigest => Message::new("error-issue-of-digest"),
            Self::Changed => Message::new("error-issue-discard-changed"),
            Self::NotFound => Message::new("error-issue-not-found"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }

    /// Whether somebody else took the number.
    const fn is_race(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_duplicate())
    }
}

fn parse(input: &IssueInput) -> Result<(IssueText, Vec<Placed>), FieldErrors> {
    let mut errors = FieldErrors::new();
    let text = IssueText {
        subject: super::line(&mut errors, "subject", &input.subject, LINE_MAX_CHARS, false),
        preheader: super::line(&mut errors, "preheader", &input.preheader, LINE_MAX_CHARS, false),
        intro: super::text(&mut errors, "intro", &input.intro, AROUND_MAX_CHARS),
        outro: super::text(&mut errors, "outro", &input.outro, AROUND_MAX_CHARS),
        topic: input.topic,
        theme: input.theme,
        editor: input.editor,
        second_subject: super::line(
            &mut errors,
            "second_subject",
            &input.second_subject,
            LINE_MAX_CHARS,
            false,
        ),
        trial: input.trial,
    };
    if !trial::SHARES.contains(&input.trial.share) {
        errors.add("trial_share", Message::new("error-choose"));
    }
    if !trial::HOURS.contains(&input.trial.hours) {
        errors.add("trial_hours", Message::new("error-choose"));
    }
    let mut articles: Vec<Placed> = Vec::new();
    for placed in &input.articles {
        if articles.iter().all(|known| known.article != placed.article) {
            let heading = clean_line(&placed.heading);
            if heading.chars().count() > HEADING_MAX_CHARS {
                let most = i64::try_from(HEADING_MAX_CHARS).unwrap_or(i64::MAX);
                errors.add("articles", Message::new("error-heading-long").number("most", most));
            }
            articles.push(Placed { heading, ..placed.clone() });
        }
    }
    if articles.len() > ARTICLES_MAX {
        let most = i64::try_from(ARTICLES_MAX).unwrap_or(i64::MAX);
        errors.add("articles", Message::new("error-too-many-articles").number("most", most));
    }
    errors.or((text, articles))
}

async fn check_articles(tx: &mut Tx, articles: &[Placed]) -> Result<(), IssueError> {
    for placed in articles {
        if store::articles::by_id(tx.db(), placed.article).await?.is_none() {
            return Err(FieldErrors::of("articles", Message::new("error-article-not-found")).into());
        }
    }
    Ok(())
}

async fn check_topic(
    tx: &mut Tx,
    newsletter: NewsletterId,
    topic: Option<TopicId>,
) -> Result<(), IssueError> {
    let Some(topic) = topic else { return Ok(()) };
    let found = store::topics::by_id(tx.db(), topic).await?;
    if found.is_some_and(|topic| topic.newsletter_id == newsletter && topic.archived_at.is_none()) {
        return Ok(());
    }
    Err(FieldErrors::of("topic", Message::new("error-topic")).into())
}

/// Makes an issue with the next number of its newsletter.
///
/// # Errors
/// [`IssueError`].
pub async fn create(
    store: &Store,
    clock: &Clock,
    newsletter: NewsletterId,
    input: &IssueInput,
) -> Result<Issue, IssueError> {
    store.permit(Permission::DraftIssues, Some(newsletter))?;
    let (text, articles) = parse(input)?;
    for race in 1.. {
        let mut tx = store.begin().await?;
        match insert_in(&mut tx, clock, newsletter, &text, &articles).await {
            Err(error) if error.is_race() && race < RACES_MAX => {}
            made => {
                let issue = made?;
                tx.commit().await?;
                return Ok(issue);
            }
        }
    }
    Err(IssueError::NotFound)
}

/// A new issue in a transaction of the caller.
async fn insert_in(
    tx: &mut Tx,
    clock: &Clock,
    newsletter: NewsletterId,
    text: &IssueText,
    articles: &[Placed],
) -> Result<Issue, IssueError> {
    if store::newsletters::by_id(tx.db(), newsletter).await?.is_none() {
        return Err(IssueError::NotFound);
    }
    check_articles(tx, articles).await?;
    check_topic(tx, newsletter, text.topic).await?;
    let issue = table::insert(tx, newsletter, text, clock.now()).await?;
    table::set_articles(tx, issue.id, articles).await?;
    tx.note(Act::IssueAdded, Some(newsletter), issue.id.0).await?;
    Ok(issue)
}

/// Makes an issue with the next number that is like an earlier one: its words in all of its languages, its look, its
/// articles in their order. Whether two subjects are tried is decided for each issue anew.
///
/// # Errors
/// [`IssueError::NotFound`] when there is no such issue.
pub async fn copy(
    store: &Store,
    clock: &Clock,
    id: IssueId,
    editor: Option<UserId>,
) -> Result<Issue, IssueError> {
    for race in 1.. {
        let mut tx = store.begin().await?;
        match copy_in(&mut tx, clock, id, editor).await {
            Err(error) if error.is_race() && race < RACES_MAX => {}
            made => {
                let issue = made?;
                tx.commit().await?;
                return Ok(issue);
            }
        }
    }
    Err(IssueError::NotFound)
}

async fn copy_in(
    tx: &mut Tx,
    clock: &Clock,
    id: IssueId,
    editor: Option<UserId>,
) -> Result<Issue, IssueError> {
    // Held, so that words, articles and translations are of one moment.
    let issue = table::lock(tx, id).await?.ok_or(IssueError::NotFound)?;
    tx.permit(Permission::DraftIssues, Some(issue.newsletter_id))?;
    let articles = table::articles(tx.db(), id).await?;
    // A topic that is archived meanwhile is for no new issue.
    let topic = match issue.topic_id {
        Some(topic) => store::topics::by_id(tx.db(), topic).await?,
        None => None,
    };
    let (text, articles) = parse(&IssueInput {
        subject: issue.subject,
        preheader: issue.preheader,
        intro: issue.intro,
        outro: issue.outro,
        articles: articles.into_iter().map(Placed::from).collect(),
        topic: topic.filter(|topic| topic.archived_at.is_none()).map(|topic| topic.id),
        theme: issue.theme,
        editor,
        ..IssueInput::default()
    })?;
    let made = insert_in(tx, clock, issue.newsletter_id, &text, &articles).await?;
    super::translations::copy_in(tx, id, made.id).await?;
    Ok(made)
}

/// Throws a draft away, with its translations and approvals; its articles stay. If it was the last of its newsletter, its
/// number is free again.
///
/// # Errors
/// [`IssueError::Changed`] when it is not at this version, [`IssueError::Mailed`] and [`IssueError::OfDigest`] when it is
/// still needed; nothing is written then.
pub async fn discard(store: &Store, id: IssueId, version: i64) -> Result<(), IssueError> {
    let mut tx = store.begin().await?;
    let issue = table::lock(&mut tx, id).await?.ok_or(IssueError::NotFound)?;
    tx.permit(Permission::DraftIssues, Some(issue.newsletter_id))?;
    if issue.version != version {
        return Err(IssueError::Changed);
    }
    let run = store::digest_runs::of_issue(tx.db(), id).await?;
    // One that failed can be tried again.
    if run.is_some_and(|run| run.state.is_open() || run.state == RunState::Failed) {
        return Err(IssueError::OfDigest);
    }
    if !table::delete(&mut tx, id).await? {
        return Err(IssueError::Mailed);
    }
    tx.note(Act::IssueDiscarded, Some(issue.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// Saves words and articles over the version that the person began with.
///
/// # Errors
/// [`IssueError::Conflict`] when someone else saved something else in between, [`IssueError::Scheduled`] when it is too
/// late; nothing is written then.
pub async fn save(
    store: &Store,
    clock: &Clock,
    id: IssueId,
    version: i64,
    input: &IssueInput,
) -> Result<Issue, IssueError> {
    let (mut text, articles) = parse(input)?;
    let mut tx = store.begin().await?;
    let theirs = table::lock(&mut tx, id).await?.ok_or(IssueError::NotFound)?;
    tx.permit(Permission::DraftIssues, Some(theirs.newsletter_id))?;
    if store::mailings::of_issue(tx.db(), id).await?.is_some() {
        return Err(IssueError::Scheduled);
    }
    check_articles(&mut tx, &articles).await?;
    check_topic(&mut tx, theirs.newsletter_id, input.topic).await?;
    let rows = table::articles(tx.db(), id).await?;
    let is_same = says_the_same(&theirs, &rows, &text, &articles);
    // Who saves it as it was has written nothing of it: whoever did is still the one who cannot approve it.
    if is_same {
        text.editor = theirs.edited_by;
    }
    let Some(issue) = table::update(&mut tx, id, version, &text, clock.now()).await? else {
        // A press that came twice, or an answer that was lost on the way.
        if is_same {
            return Ok(theirs);
        }
        return Err(IssueError::Conflict { theirs: Box::new(Theirs { issue: theirs, articles: rows }) });
    };
    table::set_articles(&mut tx, id, &articles).await?;
    tx.note(Act::IssueSaved, Some(issue.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(issue)
}

fn says_the_same(issue: &Issue, rows: &[IssueArticle], text: &IssueText, articles: &[Placed]) -> bool {
    issue.subject == text.subject
        && issue.second_subject == text.second_subject
        && issue.preheader == text.preheader
        && issue.intro == text.intro
        && issue.outro == text.outro
        && issue.topic_id == text.topic
        && issue.theme == text.theme
        && issue.trial == text.trial
        && rows.iter().cloned().map(Placed::from).eq(articles.iter().cloned())
}
