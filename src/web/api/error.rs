//! What goes wrong, as JSON: `{"errors": [{"code": .., "field": .., "message": ..}]}`. Codes stay; words may not.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::texts;
use crate::i18n::{Message, Texts};
use crate::model::Language;
use crate::subscriptions::signup::Problem;
use crate::web::PageError;

/// After how many seconds to try again when the database does not answer.
pub(super) const RETRY_AFTER_SECONDS: i64 = 5;

#[derive(Debug)]
pub enum ApiError {
    /// There is none, or it is archived.
    NoForm,
    /// The form does not list this website.
    Origin,
    NotJson,
    NoJsonType,
    TooLarge,
    Invalid(Vec<Problem>),
    TooMany {
        minutes: i64,
    },
    Unavailable,
    Internal,
}

impl From<PageError> for ApiError {
    /// The cause was logged where the page's error was made.
    fn from(error: PageError) -> Self {
        match error {
            PageError::NotFound => Self::NoForm,
            PageError::Unavailable => Self::Unavailable,
            PageError::TooLarge => Self::TooLarge,
            PageError::TooMany { minutes } => Self::TooMany { minutes },
            _ => Self::Internal,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Body {
    pub errors: Vec<One>,
}

#[derive(Serialize)]
pub(super) struct One {
    pub code: &'static str,
    /// `null`: the request as a whole.
    pub field: Option<String>,
    pub message: String,
}

impl ApiError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NoForm => StatusCode::NOT_FOUND,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::NotJson => StatusCode::BAD_REQUEST,
            Self::NoJsonType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Code and words of what is wrong with the request as a whole.
    fn whole(&self) -> (&'static str, Message) {
        match self {
            Self::NoForm => ("form_not_found", Message::new("api-no-form")),
            Self::Origin => ("origin_not_allowed", Message::new("api-origin")),
            Self::NotJson => ("not_json", Message::new("api-not-json")),
            Self::NoJsonType => ("not_json_type", Message::new("api-no-json-type")),
            Self::TooLarge => ("too_large", Message::new("page-error-too-large")),
            Self::Invalid(_) => ("invalid", Message::new("error-marked")),
            Self::TooMany { minutes } => {
                ("too_many", Message::new("page-error-too-many").number("minutes", *minutes))
            }
            Self::Unavailable => ("unavailable", Message::new("page-error-unavailable")),
            Self::Internal => ("internal", Message::new("page-error-internal")),
        }
    }

    pub fn response(&self, t: Texts) -> HttpResponse {
        let errors = match self {
            Self::Invalid(problems) => problems.iter().map(|problem| of_problem(problem, t)).collect(),
            other => {
                let (code, message) = other.whole();
                vec![One { code, field: None, message: message.in_words(t) }]
            }
        };
        let mut response = HttpResponse::build(self.status());
        match self {
            Self::TooMany { minutes } => {
                response.insert_header((RETRY_AFTER, (minutes * 60).to_string()));
            }
            Self::Unavailable => {
                response.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS.to_string()));
            }
            _ => {}
        }
        response.json(Body { errors })
    }
}

fn of_problem(problem: &Problem, t: Texts) -> One {
    let field = Some(problem.field()).filter(|field| !field.is_empty());
    One { code: problem.code(), field: field.map(str::to_owned), message: problem.message().in_words(t) }
}

/// Any other method.
pub async fn not_allowed(request: HttpRequest) -> HttpResponse {
    let t = texts(&request, Language::English);
    let one = One { code: "method_not_allowed", field: None, message: t.text("page-error-method") };
    let methods = if request.path().ends_with("/signups") { "OPTIONS, POST" } else { "GET, OPTIONS" };
    HttpResponse::MethodNotAllowed().insert_header((ALLOW, methods)).json(Body { errors: vec![one] })
}
