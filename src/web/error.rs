//! What a visitor sees when something is wrong: a page in their language that says what to do.
//!
//! A handler fails with [`PageError`]. [`render`] turns it, and also actix's own bare 404, 405 and 413, into
//! a page; the log gets one line with the cause, here and nowhere else.

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use super::language;
use super::layout::Page;
use crate::i18n::Texts;
use crate::model::Language;
use crate::store::StoreError;

/// After how many seconds a browser may ask again when the database does not answer.
const RETRY_AFTER_SECONDS: &str = "5";

/// Why a request was not answered with its page.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PageError {
    #[error("there is no such page")]
    NotFound,
    #[error("the form is not one of ours, or the session has ended")]
    Forbidden,
    /// Their role does not allow that.
    #[error("whoever is signed in may not do that")]
    Denied,
    #[error("the form cannot be read")]
    BadRequest,
    #[error("the form is larger than allowed")]
    TooLarge,
    #[error("the form has a content type that is not taken here")]
    UnsupportedMediaType,
    #[error("too many requests")]
    TooMany { minutes: i64 },
    /// Not signed in: goes to the login page.
    #[error("not signed in")]
    SignIn,
    /// Everybody needs a second factor: goes to the page where one is made.
    #[error("a second factor is missing")]
    NeedsFactor,
    /// There is nobody yet who could sign in: goes to the page that says so.
    #[error("there is no user yet")]
    NotSetUp,
    #[error("the database does not answer now")]
    Unavailable,
    #[error("something went wrong")]
    Internal,
}

impl PageError {
    /// A defect or a failure of the system: logged with its cause, shown without.
    pub fn internal(what: &str, cause: impl std::fmt::Display) -> Self {
        tracing::error!(cause = %cause, "{what}");
        Self::Internal
    }

    const fn key(&self) -> &'static str {
        match self {
            Self::NotFound => "page-error-not-found",
            Self::Forbidden | Self::SignIn | Self::NotSetUp | Self::NeedsFactor => "page-error-forbidden",
            Self::Denied => "page-error-denied",
            Self::BadRequest => "page-error-bad-request",
            Self::TooLarge => "page-error-too-large",
            Self::UnsupportedMediaType => "page-error-media-type",
            Self::TooMany { .. } => "page-error-too-many",
            Self::Unavailable => "page-error-unavailable",
            Self::Internal => "page-error-internal",
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        if let StoreError::Denied(denied) = &error {
            // What is hidden from somebody does not exist for them.
            return if denied.is_hidden { Self::NotFound } else { Self::Denied };
        }
        if error.is_unavailable() {
            tracing::warn!(cause = %error, "a request found no database");
            return Self::Unavailable;
        }
        Self::internal("a request failed in the database", error)
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::Denied => StatusCode::FORBIDDEN,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::SignIn | Self::NotSetUp | Self::NeedsFactor => StatusCode::SEE_OTHER,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::Unavailable => {
                response.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS));
            }
            Self::TooMany { minutes } => {
                response.insert_header((RETRY_AFTER, (minutes * 60).to_string()));
            }
            Self::SignIn => {
                response.insert_header(("Location", "/admin/login"));
            }
            Self::NeedsFactor => {
                response.insert_header(("Location", "/admin/account/second-factor"));
            }
            Self::NotSetUp => {
                response.insert_header(("Location", "/setup"));
            }
            _ => {}
        }
        let mut response = response.finish();
        response.extensions_mut().insert(self.clone());
        response
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    page: Page,
    status: u16,
    message: String,
}

/// The page of an error, in the visitor's language.
fn page(request: &HttpRequest, status: StatusCode, error: Option<&PageError>) -> Option<String> {
    let t = Texts::new(language::of(request, Language::English));
    let message = match error {
        Some(PageError::TooMany { minutes }) => t.with("page-error-too-many", "minutes", *minutes),
        Some(error) => t.text(error.key()),
        None => t.text(match status {
            StatusCode::NOT_FOUND => "page-error-not-found",
            StatusCode::METHOD_NOT_ALLOWED => "page-error-method",
            StatusCode::PAYLOAD_TOO_LARGE => "page-error-too-large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "page-error-media-type",
            status if status.is_server_error() => "page-error-internal",
            _ => "page-error-bad-request",
        }),
    };
    ErrorPage { page: Page::new(t, t.text("page-error-title")), status: status.as_u16(), message }
        .render()
        .ok()
}

/// Middleware: gives every failed request without a body its page.
pub async fn render(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // A clone of the request kept across this call would keep actix from matching the route.
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    let error = response.response().extensions().get::<PageError>().cloned();
    let is_bare = error.is_some()
        || matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0))
        || !response.headers().contains_key(CONTENT_TYPE)
        || status == StatusCode::PAYLOAD_TOO_LARGE;
    // What answers in JSON says by itself what is wrong.
    let media_type = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
    let is_json = media_type.is_some_and(|media_type| media_type.starts_with(b"application/json"));
    if status.as_u16() < 400 || !is_bare || is_json {
        return Ok(response);
    }
    let Some(html) = page(response.request(), status, error.as_ref()) else { return Ok(response) };
    let (request, old) = response.into_parts();
    let mut new = HttpResponse::build(status);
    for name in [RETRY_AFTER, ALLOW] {
        if let Some(value) = old.headers().get(&name) {
            new.insert_header((name, value.clone()));
        }
    }
    let new = new.content_type("text/html; charset=utf-8").body(html);
    Ok(ServiceResponse::new(request, new))
}
