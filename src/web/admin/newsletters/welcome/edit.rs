//! `/admin/newsletters/{id}/welcome/{step}`: when a step is sent, and its words in each language.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{base, day_in_words, newsletter, step};
use crate::model::welcome::DAYS_MAX;
use crate::model::{Language, Newsletter, Timestamp, WelcomeStep, WelcomeText};
use crate::publishing::welcome::{self as verbs, StepError, StepInput, TextInput, Then, choosable};
use crate::store::{self, Reader};
use crate::web::admin::{Frame, Mistakes};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// Days between a step and the one that is offered next.
const NEXT_DAYS: i64 = 3;

#[derive(Template)]
#[template(path = "admin/welcome_step.html")]
struct StepPage {
    page: Frame,
    newsletter: Newsletter,
    base: String,
    action: String,
    input: StepInput,
    version: i64,
    days_max: i64,
    articles: Vec<Choice>,
    mistakes: Mistakes,
    /// `None` while it is new.
    stored: Option<Stored>,
}

struct Stored {
    href: String,
    is_active: bool,
}

/// An article to choose.
struct Choice {
    id: String,
    title: String,
    language: Language,
}

impl StepPage {
    /// The name of a field of a language.
    #[expect(clippy::unused_self, reason = "templates call functions on what they hold")]
    fn name(&self, part: &str, language: &Language) -> &'static str {
        verbs::field(part, *language)
    }

    /// Open are the newsletter's own language, what is written, and what is wrong.
    fn is_open(&self, text: &TextInput) -> bool {
        let parts = ["subject", "preheader", "body", "article"];
        text.language == self.newsletter.language
            || !text.is_empty()
            || parts.iter().any(|part| !self.mistakes.line(verbs::field(part, text.language)).is_empty())
    }

    fn is_home(&self, language: &Language) -> bool {
        *language == self.newsletter.language
    }
}

/// Every language, that of the newsletter first.
fn languages(newsletter: &Newsletter) -> Vec<Language> {
    let others = Language::ALL.iter().copied().filter(|language| *language != newsletter.language);
    std::iter::once(newsletter.language).chain(others).collect()
}

fn input_of(form: &Form, newsletter: &Newsletter) -> StepInput {
    let text = |language: Language| {
        let part = |name: &str| form.first(verbs::field(name, language)).to_owned();
        TextInput {
            language,
            subject: part("subject"),
            preheader: part("preheader"),
            body: part("body"),
            article: part("article"),
        }
    };
    StepInput {
        days: form.first("days").to_owned(),
        texts: languages(newsletter).into_iter().map(text).collect(),
    }
}

fn input_from(step: &WelcomeStep, texts: &[WelcomeText], newsletter: &Newsletter) -> StepInput {
    let text = |language: Language| match texts.iter().find(|text| text.language == language) {
        Some(text) => TextInput {
            language,
            subject: text.subject.clone(),
            preheader: text.preheader.clone(),
            body: text.body.clone(),
            article: text.article_id.map(|id| id.to_string()).unwrap_or_default(),
        },
        None => TextInput::empty(language),
    };
    StepInput { days: step.days.to_string(), texts: languages(newsletter).into_iter().map(text).collect() }
}

/// What the page shows beside its frame.
struct Shown {
    newsletter: Newsletter,
    step: Option<WelcomeStep>,
    input: StepInput,
    mistakes: Mistakes,
    status: StatusCode,
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    shown: Shown,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let Shown { newsletter, step, input, mistakes, status } = shown;
    let base = base(newsletter.id);
    let articles = articles(&mut app.store.read().await?, &input).await?;
    let title = match &step {
        Some(step) => day_in_words(t, step.days),
        None => t.text("welcome-new"),
    };
    let template = StepPage {
        page: Frame::new(request, signed_in, "newsletters", title),
        action: step.as_ref().map_or_else(|| base.clone(), |step| format!("{base}/{}", step.id)),
        version: step.as_ref().map_or(0, |step| step.updated_at.as_millis()),
        days_max: DAYS_MAX,
        stored: step.map(|step| Stored {
            href: format!("{base}/{}", step.id),
            is_active: step.active_since.is_some(),
        }),
        newsletter,
        base,
        input,
        articles,
        mistakes,
    };
    html(status, &template)
}

/// What can be chosen: the latest that are published, and what is chosen already.
async fn articles(reader: &mut Reader, input: &StepInput) -> Result<Vec<Choice>, PageError> {
    let mut found = choosable(reader.db()).await?;
    for id in input.texts.iter().filter_map(|text| text.article.parse().ok()) {
        let id = crate::model::ArticleId(id);
        if found.iter().all(|article| article.id != id) {
            found.extend(store::articles::by_id(reader.db(), id).await?);
        }
    }
    let choice = |article: crate::model::Article| Choice {
        id: article.id.to_string(),
        title: article.title,
        language: article.language,
    };
    Ok(found.into_iter().map(choice).collect())
}

/// `GET /admin/newsletters/{id}/welcome/new`.
pub async fn new(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let mut reader = app.store.read().await?;
    let newsletter = newsletter(&mut reader, &id).await?;
    let steps = store::welcome::of_newsletter(reader.db(), newsletter.id).await?;
    drop(reader);
    let days = steps.last().map_or(0, |last| (last.days + NEXT_DAYS).min(DAYS_MAX));
    let texts = languages(&newsletter).into_iter().map(TextInput::empty).collect();
    let input = StepInput { days: days.to_string(), texts };
    let mistakes = Mistakes::none(signed_in.texts());
    let shown = Shown { newsletter, step: None, input, mistakes, status: StatusCode::OK };
    show(&request, &app, &signed_in, shown).await
}

/// `POST /admin/newsletters/{id}/welcome`.
pub async fn create(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let newsletter = newsletter(&mut app.store.read().await?, &id).await?;
    let input = input_of(&form, &newsletter);
    let made = verbs::create(&app.store, &app.clock, &app.settings.public_url, newsletter.id, &input).await;
    match made {
        Ok(step) if form.first("do") == "preview" => {
            Ok(see_other(&format!("{}/{}/preview", base(newsletter.id), step.id)))
        }
        Ok(step) => Ok(see_other(&format!("{}/{}?done=saved", base(newsletter.id), step.id))),
        Err(error) => refused(&request, &app, &signed_in, error, (newsletter, None, input)).await,
    }
}

/// `GET /admin/newsletters/{id}/welcome/{step}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let mut reader = app.store.read().await?;
    let newsletter = newsletter(&mut reader, &path.0).await?;
    let step = step(&mut reader, &newsletter, &path.1).await?;
    let texts = store::welcome::texts(reader.db(), step.id).await?;
    drop(reader);
    let input = input_from(&step, &texts, &newsletter);
    let mistakes = Mistakes::none(signed_in.texts());
    let shown = Shown { newsletter, step: Some(step), input, mistakes, status: StatusCode::OK };
    show(&request, &app, &signed_in, shown).await
}

/// `POST /admin/newsletters/{id}/welcome/{step}`.
pub async fn save(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let mut reader = app.store.read().await?;
    let newsletter = newsletter(&mut reader, &path.0).await?;
    let step = step(&mut reader, &newsletter, &path.1).await?;
    drop(reader);
    let input = input_of(&form, &newsletter);
    let seen = Timestamp::from_millis(form.first("version").parse().unwrap_or(0));
    let (then, done) = match form.first("do") {
        "activate" => (Then::Activate, "?done=step-on"),
        "deactivate" => (Then::Deactivate, "?done=step-off"),
        "preview" => (Then::Stay, "/preview"),
        _ => (Then::Stay, "?done=saved"),
    };
    let saved =
        verbs::save(&app.store, &app.clock, &app.settings.public_url, step.id, seen, &input, then).await;
    match saved {
        Ok(step) => {
            app.wake.notify_one();
            Ok(see_other(&format!("{}/{}{done}", base(newsletter.id), step.id)))
        }
        Err(error) => refused(&request, &app, &signed_in, error, (newsletter, Some(step), input)).await,
    }
}

/// The form again, with everything that was typed and what is wrong.
async fn refused(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    error: StepError,
    (newsletter, step, input): (Newsletter, Option<WelcomeStep>, StepInput),
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let (mistakes, status) = match error {
        StepError::Invalid(errors) => (Mistakes::of(t, errors), StatusCode::UNPROCESSABLE_ENTITY),
        ref error @ (StepError::Conflict | StepError::TooMany) => {
            (Mistakes::notice(t, &error.message()), StatusCode::CONFLICT)
        }
        StepError::NotFound => return Err(PageError::NotFound),
        StepError::Store(error) => return Err(error.into()),
        error => return Err(PageError::internal("a step of the welcome series could not be saved", error)),
    };
    show(request, app, signed_in, Shown { newsletter, step, input, mistakes, status }).await
}

/// `POST /admin/newsletters/{id}/welcome/{step}/delete`.
pub async fn delete(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let mut reader = app.store.read().await?;
    let newsletter = newsletter(&mut reader, &path.0).await?;
    let step = step(&mut reader, &newsletter, &path.1).await?;
    drop(reader);
    match verbs::delete(&app.store, step.id).await {
        Ok(_) | Err(StepError::NotFound) => {
            Ok(see_other(&format!("{}?done=step-deleted", base(newsletter.id))))
        }
        Err(StepError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a step of the welcome series could not be removed", error)),
    }
}
