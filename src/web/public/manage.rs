//! `/manage`: reaching one's subscriptions without an old mail. One field; the link comes by mail.
//!
//! `?newsletter=slug` gives the page a newsletter's brand, and changes nothing else.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{ask_failed, page};
use crate::i18n::Texts;
use crate::model::{Language, Newsletter};
use crate::subscriptions::another::AskError;
use crate::subscriptions::manage;
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

#[derive(Template)]
#[template(path = "public/manage.html")]
struct ManagePage {
    page: Page,
    address: String,
    mistake: Option<String>,
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "public/manage_sent.html")]
struct SentPage {
    page: Page,
}

/// `GET /manage`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, PageError> {
    let query = Form::of_query(&request);
    let brand = brand(&app, query.first("newsletter")).await?;
    let frame = frame(&request, brand.as_ref(), "/manage", "manage-title");
    page(StatusCode::OK, &ManagePage { page: frame, address: String::new(), mistake: None, notice: None })
}

/// `GET /manage/sent`: the same for every address.
pub async fn sent(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, PageError> {
    let query = Form::of_query(&request);
    let brand = brand(&app, query.first("newsletter")).await?;
    page(
        StatusCode::OK,
        &SentPage { page: frame(&request, brand.as_ref(), "/manage/sent", "manage-sent-title") },
    )
}

/// `POST /manage`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    form: Form,
) -> Result<HttpResponse, PageError> {
    let brand = brand(&app, form.first("newsletter")).await?;
    let frame = frame(&request, brand.as_ref(), "/manage", "manage-title");
    let (t, address) = (frame.t, form.first("email"));
    let asked = match form.one("email") {
        Ok(address) => {
            let ip = Some(client.ip);
            manage::manage(&app.store, &app.clock, &app.keys, address, t.language(), ip).await
        }
        Err(_) => {
            let mistake = Some(t.text("error-field-twice"));
            let template = ManagePage { page: frame, address: address.to_owned(), mistake, notice: None };
            return page(StatusCode::UNPROCESSABLE_ENTITY, &template);
        }
    };
    let mut template = ManagePage { page: frame, address: address.to_owned(), mistake: None, notice: None };
    match asked {
        Ok(()) => {
            app.wake.notify_one();
            Ok(see_other(&with_query("/manage/sent", brand.as_ref(), t.language())))
        }
        Err(AskError::Address(error)) => {
            template.mistake = Some(t.text(error.key()));
            page(StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
        Err(AskError::TooMany { minutes }) => {
            template.notice = Some(t.with("page-error-too-many", "minutes", minutes));
            let mut response = page(StatusCode::TOO_MANY_REQUESTS, &template)?;
            response.headers_mut().insert(RETRY_AFTER, (minutes * 60).into());
            Ok(response)
        }
        Err(error) => Err(ask_failed(error)),
    }
}

/// Whose brand the page has; a slug that is none has none.
async fn brand(app: &App, slug: &str) -> Result<Option<Newsletter>, PageError> {
    if slug.is_empty() {
        return Ok(None);
    }
    match super::newsletter(app, slug).await {
        Ok(newsletter) => Ok(Some(newsletter)),
        Err(PageError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn frame(request: &HttpRequest, brand: Option<&Newsletter>, path: &str, title: &str) -> Page {
    let fallback = brand.map_or(Language::English, |newsletter| newsletter.language);
    let t = Texts::new(language::of(request, fallback));
    let mut frame = Page::new(t, t.text(title)).with_languages(request);
    for link in &mut frame.languages {
        link.href = with_query(path, brand, link.language);
    }
    match brand {
        Some(newsletter) => frame.of_newsletter(newsletter),
        None => frame,
    }
}

fn with_query(path: &str, brand: Option<&Newsletter>, language: Language) -> String {
    match brand {
        Some(newsletter) => format!("{path}?newsletter={}&lang={language}", newsletter.slug),
        None => format!("{path}?lang={language}"),
    }
}
