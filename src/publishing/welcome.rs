//! The welcome series of a newsletter: its steps, when each is sent, and in what words.

use uuid::Uuid;

use super::check::{field_message, markdown_message};
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::keys::{self, NoRandomness};
use crate::mail::render::{RenderError, RenderedMail};
use crate::mail::welcome::{WelcomeError, render};
use crate::model::welcome::{DAYS_MAX, STEPS_MAX, text_for};
use crate::model::{
    Act, Article, ArticleId, ArticleStatus, EmailAddress, Language, Newsletter, NewsletterId, OutboxId,
    OutboxKind, Permission, Timestamp, WelcomeStep, WelcomeStepId, WelcomeText,
};
use crate::store::outbox::{self, NewMail};
use crate::store::outbox_contents::{self, WrittenMail};
use crate::store::{self, Db, Store, StoreError, Tx, welcome as table};

/// Longest subject and preheader: what no inbox shows in full.
const LINE_MAX_CHARS: usize = 250;
/// Longest text of one's own; what is longer is an article.
const BODY_MAX_CHARS: usize = 20_000;
/// Octets of a nonce; a test mail derives nothing from it.
const NONCE_OCTETS: usize = 16;

/// A step as typed.
#[derive(Debug, Clone, Default)]
pub struct StepInput {
    pub days: String,
    /// One for each language; an empty one is none.
    pub texts: Vec<TextInput>,
}

#[derive(Debug, Clone)]
pub struct TextInput {
    pub language: Language,
    pub subject: String,
    pub preheader: String,
    /// Markdown.
    pub body: String,
    /// The number of an article; empty for none.
    pub article: String,
}

impl TextInput {
    pub const fn empty(language: Language) -> Self {
        Self {
            language,
            subject: String::new(),
            preheader: String::new(),
            body: String::new(),
            article: String::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        [&self.subject, &self.preheader, &self.body, &self.article].iter().all(|text| text.trim().is_empty())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Fields: `days`, and `subject-nl`, `preheader-nl`, `body-nl`, `article-nl` of each language.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    /// Someone else saved in between.
    #[error("{}", self.message())]
    Conflict,
    /// There are as many as there may be.
    #[error("{}", self.message())]
    TooMany,
    #[error("{}", self.message())]
    NotFound,
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StepError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::Conflict => Message::new("welcome-error-conflict"),
            Self::TooMany => Message::new("welcome-error-too-many")
                .number("most", i64::try_from(STEPS_MAX).unwrap_or(i64::MAX)),
            Self::NotFound => Message::new("welcome-error-not-found"),
            Self::Randomness(_) | Self::Store(_) => Message::new("page-error-internal"),
        }
    }
}

/// What is to be done with a step that is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It stays as it is: sent, or not.
    Stay,
    Activate,
    Deactivate,
}

/// The name of a field of a language, as the form has it.
pub const fn field(part: &str, language: Language) -> &'static str {
    const SUBJECTS: [&str; 4] = ["subject-nl", "subject-en", "subject-fr", "subject-de"];
    const PREHEADERS: [&str; 4] = ["preheader-nl", "preheader-en", "preheader-fr", "preheader-de"];
    const BODIES: [&str; 4] = ["body-nl", "body-en", "body-fr", "body-de"];
    const ARTICLES: [&str; 4] = ["article-nl", "article-en", "article-fr", "article-de"];
    let at = match language {
        Language::Dutch => 0,
        Language::English => 1,
        Language::French => 2,
        Language::German => 3,
    };
    match part.as_bytes() {
        b"subject" => SUBJECTS[at],
        b"preheader" => PREHEADERS[at],
        b"article" => ARTICLES[at],
        _ => BODIES[at],
    }
}

/// A step that parsed.
struct Parsed {
    days: i64,
    texts: Vec<Written>,
}

struct Written {
    language: Language,
    subject: String,
    preheader: String,
    body: String,
    article: Option<ArticleId>,
}

fn parse(input: &StepInput, errors: &mut FieldErrors) -> Parsed {
    let days = input.days.trim().parse::<i64>().ok().filter(|days| (0..=DAYS_MAX).contains(days));
    if days.is_none() {
        errors.add("days", Message::new("welcome-error-days").number("most", DAYS_MAX));
    }
    let texts = input.texts.iter().filter(|text| !text.is_empty()).map(|text| {
        let language = text.language;
        let subject = super::line(errors, field("subject", language), &text.subject, LINE_MAX_CHARS, true);
        let preheader =
            super::line(errors, field("preheader", language), &text.preheader, LINE_MAX_CHARS, false);
        let body = super::text(errors, field("body", language), &text.body, BODY_MAX_CHARS);
        let article = match text.article.trim() {
            "" => None,
            id => {
                let id = id.parse().map(ArticleId).ok();
                if id.is_none() {
                    errors.add(field("article", language), Message::new("error-article-not-found"));
                }
                id
            }
        };
        if body.is_empty() && article.is_none() {
            errors.add(field("body", language), Message::new("welcome-error-empty"));
        }
        Written { language, subject, preheader, body, article }
    });
    let texts = texts.collect();
    Parsed { days: days.unwrap_or_default(), texts }
}

/// Adds a step that is not sent yet.
///
/// # Errors
/// [`StepError`].
pub async fn create(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    newsletter: NewsletterId,
    input: &StepInput,
) -> Result<WelcomeStep, StepError> {
    store.permit(Permission::WriteWelcome, Some(newsletter))?;
    let mut errors = FieldErrors::new();
    let parsed = parse(input, &mut errors);
    let now = clock.now();
    let mut tx = store.begin().await?;
    let newsletter = store::newsletters::by_id(tx.db(), newsletter).await?.ok_or(StepError::NotFound)?;
    let others = table::of_newsletter(tx.db(), newsletter.id).await?;
    if others.len() >= STEPS_MAX {
        return Err(StepError::TooMany);
    }
    check(&mut tx, &newsletter, &parsed, public_url, &mut errors).await?;
    check_day(&others, None, parsed.days, &mut errors);
    errors.or(())?;
    let step = match table::insert_step(&mut tx, newsletter.id, parsed.days, now).await {
        Err(error) if error.is_duplicate() => return Err(day_taken().into()),
        step => step?,
    };
    set_texts(&mut tx, step.id, &parsed).await?;
    tx.note(Act::WelcomeAdded, Some(newsletter.id), step.id.0).await?;
    tx.commit().await?;
    Ok(step)
}

/// Saves a step over what the person had before them (`seen`), and begins or ends sending it. A step that moves to
/// another day begins anew: whoever is past that day does not get it.
///
/// # Errors
/// [`StepError::Conflict`] when someone else saved in between; nothing is written then.
pub async fn save(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    id: WelcomeStepId,
    seen: Timestamp,
    input: &StepInput,
    then: Then,
) -> Result<WelcomeStep, StepError> {
    let mut errors = FieldErrors::new();
    let parsed = parse(input, &mut errors);
    let now = clock.now();
    let mut tx = store.begin().await?;
    let step = table::step(tx.db(), id).await?.ok_or(StepError::NotFound)?;
    tx.permit(Permission::WriteWelcome, Some(step.newsletter_id))?;
    let newsletter =
        store::newsletters::by_id(tx.db(), step.newsletter_id).await?.ok_or(StepError::NotFound)?;
    check(&mut tx, &newsletter, &parsed, public_url, &mut errors).await?;
    check_day(&table::of_newsletter(tx.db(), newsletter.id).await?, Some(id), parsed.days, &mut errors);
    let active_since = match then {
        Then::Deactivate => None,
        Then::Activate => step.active_since.or(Some(now)),
        Then::Stay => step.active_since,
    };
    let active_since = active_since.map(|since| if parsed.days == step.days { since } else { now });
    let has_home = parsed.texts.iter().any(|text| text.language == newsletter.language);
    if active_since.is_some() && !has_home && errors.is_empty() {
        let language = newsletter.language;
        let message = Message::new("welcome-error-home").language("language", language);
        errors.add(field("subject", language), message);
    }
    errors.or(())?;
    let updated_at = now.max(Timestamp::from_millis(step.updated_at.as_millis() + 1));
    match table::update_step(&mut tx, id, seen, parsed.days, active_since, updated_at).await {
        Ok(true) => {}
        Ok(false) => return Err(StepError::Conflict),
        Err(error) if error.is_duplicate() => return Err(day_taken().into()),
        Err(error) => return Err(error.into()),
    }
    set_texts(&mut tx, id, &parsed).await?;
    if active_since.is_none() {
        table::withdraw_step(&mut tx, id).await?;
    }
    tx.note(Act::WelcomeChanged, Some(step.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(WelcomeStep { days: parsed.days, active_since, updated_at, ..step })
}

/// Removes a step; its mails that wait are withdrawn.
///
/// # Errors
/// [`StepError::NotFound`] when it is gone already.
pub async fn delete(store: &Store, id: WelcomeStepId) -> Result<NewsletterId, StepError> {
    let mut tx = store.begin().await?;
    let step = table::step(tx.db(), id).await?.ok_or(StepError::NotFound)?;
    tx.permit(Permission::WriteWelcome, Some(step.newsletter_id))?;
    table::delete_step(&mut tx, id).await?;
    tx.note(Act::WelcomeDeleted, Some(step.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(step.newsletter_id)
}

fn day_taken() -> FieldErrors {
    FieldErrors::of("days", Message::new("welcome-error-day-taken"))
}

fn check_day(steps: &[WelcomeStep], own: Option<WelcomeStepId>, days: i64, errors: &mut FieldErrors) {
    if steps.iter().any(|step| step.days == days && Some(step.id) != own) {
        errors.add("days", Message::new("welcome-error-day-taken"));
    }
}

/// Whether each text can be rendered, with its article.
async fn check(
    tx: &mut Tx,
    newsletter: &Newsletter,
    parsed: &Parsed,
    public_url: &str,
    errors: &mut FieldErrors,
) -> Result<(), StoreError> {
    for written in &parsed.texts {
        let language = written.language;
        let article = match written.article {
            Some(id) => store::articles::by_id(tx.db(), id).await?,
            None => None,
        };
        if written.article.is_some() && article.is_none() {
            errors.add(field("article", language), Message::new("error-article-not-found"));
            continue;
        }
        if let Err(error) = render(newsletter, &written.text(WelcomeStepId(0)), article.as_ref(), public_url)
            && let Some((part, message)) = complaint(&error)
            && errors.field(field(part, language)).is_none()
        {
            errors.add(field(part, language), message);
        }
    }
    Ok(())
}

/// What to tell of a text that cannot be rendered, beside which field. Emptiness is told already.
fn complaint(error: &WelcomeError) -> Option<(&str, Message)> {
    Some(match error {
        WelcomeError::Empty => return None,
        WelcomeError::Draft(_) => ("article", Message::new("check-article-draft")),
        WelcomeError::Render(RenderError::Markdown { place, source }) => (place, markdown_message(source)),
        WelcomeError::Render(RenderError::Field { place, source }) => (place, field_message(source)),
        WelcomeError::Render(error) => {
            tracing::error!(cause = %error, "a step of a welcome series could not be rendered");
            ("body", Message::new("page-error-internal"))
        }
    })
}

impl Written {
    fn text(&self, step_id: WelcomeStepId) -> WelcomeText {
        WelcomeText {
            step_id,
            language: self.language,
            subject: self.subject.clone(),
            preheader: self.preheader.clone(),
            body: self.body.clone(),
            article_id: self.article,
        }
    }
}

async fn set_texts(tx: &mut Tx, id: WelcomeStepId, parsed: &Parsed) -> Result<(), StoreError> {
    for language in Language::ALL {
        match parsed.texts.iter().find(|text| text.language == *language) {
            Some(written) => table::set_text(tx, &written.text(id)).await?,
            None => table::delete_text(tx, id, *language).await?,
        }
    }
    Ok(())
}

/// A step as a reader of a language gets it.
#[derive(Debug)]
pub struct Composed {
    pub newsletter: Newsletter,
    pub step: WelcomeStep,
    pub text: WelcomeText,
    pub rendered: Result<RenderedMail, WelcomeError>,
}

/// Reads and renders a step; `None` when there is none of that id, or it has no text.
///
/// # Errors
/// Of the database.
pub async fn compose(
    mut db: Db<'_>,
    id: WelcomeStepId,
    language: Language,
    public_url: &str,
) -> store::Result<Option<Composed>> {
    let Some(step) = table::step(db.again(), id).await? else { return Ok(None) };
    let Some(newsletter) = store::newsletters::by_id(db.again(), step.newsletter_id).await? else {
        return Ok(None);
    };
    let texts = table::texts(db.again(), id).await?;
    let Some(text) = text_for(&texts, language, newsletter.language).cloned() else { return Ok(None) };
    let article = match text.article_id {
        Some(id) => store::articles::by_id(db, id).await?,
        None => None,
    };
    let rendered = render(&newsletter, &text, article.as_ref(), public_url);
    Ok(Some(Composed { newsletter, step, text, rendered }))
}

/// Puts a test mail of a step, as it is now, into the outbox.
///
/// # Errors
/// [`StepError::Invalid`] for the address, or when the step cannot be rendered.
pub async fn send_test(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    id: WelcomeStepId,
    language: Language,
    to: &str,
) -> Result<OutboxId, StepError> {
    let to = EmailAddress::parse(to).map_err(|error| FieldErrors::of("to", Message::new(error.key())))?;
    let now = clock.now();
    let mut tx = store.begin().await?;
    let step = table::step(tx.db(), id).await?.ok_or(StepError::NotFound)?;
    tx.permit(Permission::WriteWelcome, Some(step.newsletter_id))?;
    let composed = compose(tx.db(), id, language, public_url).await?.ok_or(StepError::NotFound)?;
    let Ok(rendered) = composed.rendered else {
        return Err(FieldErrors::of("to", Message::new("test-mail-blocked")).into());
    };
    let mail = NewMail {
        kind: OutboxKind::Test,
        newsletter_id: composed.newsletter.id,
        subscription_id: None,
        to_address: Some(to),
        issue_id: None,
        welcome_step_id: None,
        language: composed.text.language,
        nonce: keys::random::<NONCE_OCTETS>()?.to_vec(),
        message_uuid: Uuid::now_v7(),
    };
    let outbox_id = outbox::insert(&mut tx, &mail, now).await?;
    let content = WrittenMail { subject: rendered.subject, html: rendered.html, text: rendered.text };
    outbox_contents::insert(&mut tx, outbox_id, &content).await?;
    tx.note(Act::WelcomeTested, Some(composed.newsletter.id), id.0).await?;
    tx.commit().await?;
    Ok(outbox_id)
}

/// Articles that a step may hold: those that are published, the last edited first.
///
/// # Errors
/// Of the database.
pub async fn choosable(db: Db<'_>) -> store::Result<Vec<Article>> {
    let filter = store::articles::ArticleFilter {
        status: Some(ArticleStatus::Published),
        ..store::articles::ArticleFilter::default()
    };
    store::articles::list(db, &filter).await
}
