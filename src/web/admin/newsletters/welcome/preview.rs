//! `/admin/newsletters/{id}/welcome/{step}/preview`: a step as it will arrive, in each language; and a test mail.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{base, languages_of, newsletter, step};
use crate::mail::slot::{escape_html, without_recipient};
use crate::model::{Language, Newsletter, WelcomeStep};
use crate::publishing::welcome::{Composed, StepError, compose, send_test};
use crate::store;
use crate::web::admin::{Frame, Mistakes};
use crate::web::form::Form;
use crate::web::headers::MAIL_POLICY;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const VIEWS: [&str; 3] = ["desktop", "phone", "text"];

#[derive(Template)]
#[template(path = "admin/welcome_preview.html")]
struct PreviewPage {
    page: Frame,
    newsletter: Newsletter,
    href: String,
    language: Language,
    /// Those that have words of their own.
    languages: Vec<Language>,
    view: &'static str,
    views: Vec<(&'static str, String)>,
    subject: String,
    preheader: String,
    /// `None` when it cannot be rendered.
    text: Option<String>,
    to: String,
    mistakes: Mistakes,
}

impl PreviewPage {
    fn is_view(&self, key: &str) -> bool {
        self.view == key
    }

    fn is_language(&self, language: &Language) -> bool {
        self.language == *language
    }
}

/// The language that a query or a form asks for.
fn language_of(form: &Form, newsletter: &Newsletter) -> Language {
    form.first("language").parse().unwrap_or(newsletter.language)
}

async fn composed(app: &App, step: &WelcomeStep, language: Language) -> Result<Composed, PageError> {
    let mut reader = app.store.read().await?;
    let composed = compose(reader.db(), step.id, language, &app.settings.public_url).await?;
    composed.ok_or(PageError::NotFound)
}

async fn found(app: &App, path: &(String, String)) -> Result<(Newsletter, WelcomeStep), PageError> {
    let mut reader = app.store.read().await?;
    let newsletter = newsletter(&mut reader, &path.0).await?;
    let step = step(&mut reader, &newsletter, &path.1).await?;
    Ok((newsletter, step))
}

/// `GET /admin/newsletters/{id}/welcome/{step}/preview`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (newsletter, step) = found(&app, &path).await?;
    let query = Form::of_query(&request);
    let to = signed_in.user.address.as_str().to_owned();
    let mistakes = Mistakes::none(signed_in.texts());
    show(&request, &app, &signed_in, (newsletter, step), &query, to, mistakes).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    (newsletter, step): (Newsletter, WelcomeStep),
    form: &Form,
    to: String,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let composed = composed(app, &step, language_of(form, &newsletter)).await?;
    let texts = store::welcome::texts(app.store.read().await?.db(), step.id).await?;
    let rendered = composed.rendered.as_ref().ok();
    let shown = |text: &str| without_recipient(text, str::to_owned);
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = PreviewPage {
        page: Frame::new(request, signed_in, "newsletters", t.text("desk-preview-title")),
        href: format!("{}/{}", base(newsletter.id), step.id),
        languages: languages_of(&newsletter, &texts),
        newsletter,
        language: composed.text.language,
        view: VIEWS.into_iter().find(|view| *view == form.first("view")).unwrap_or("desktop"),
        views: VIEWS.iter().map(|view| (*view, t.text(&format!("desk-view-{view}")))).collect(),
        subject: rendered.map_or_else(|| composed.text.subject.clone(), |mail| shown(&mail.subject)),
        preheader: composed.text.preheader.clone(),
        text: rendered.map(|mail| shown(&mail.text)),
        to,
        mistakes,
    };
    html(status, &template)
}

/// `GET /admin/newsletters/{id}/welcome/{step}/mail`: the HTML part alone, for the frame.
pub async fn mail(
    request: HttpRequest,
    app: Data<App>,
    _: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (newsletter, step) = found(&app, &path).await?;
    let language = language_of(&Form::of_query(&request), &newsletter);
    let rendered = composed(&app, &step, language).await?.rendered.map_err(|_| PageError::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .body(without_recipient(&rendered.html, escape_html)))
}

/// `POST /admin/newsletters/{id}/welcome/{step}/test`.
pub async fn test(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let (newsletter, step) = found(&app, &path).await?;
    let language = language_of(&form, &newsletter);
    let to = form.first("to").to_owned();
    match send_test(&app.store, &app.clock, &app.settings.public_url, step.id, language, &to).await {
        Ok(_) => {
            app.wake.notify_one();
            let href = format!("{}/{}", base(newsletter.id), step.id);
            Ok(see_other(&format!("{href}/preview?language={language}&done=tested")))
        }
        Err(StepError::Invalid(errors)) => {
            let mistakes = Mistakes::beside(signed_in.texts(), errors);
            show(&request, &app, &signed_in, (newsletter, step), &form, to, mistakes).await
        }
        Err(StepError::NotFound) => Err(PageError::NotFound),
        Err(StepError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a test mail failed", error)),
    }
}
