//! What goes wrong, as JSON: `{"errors": [{"code": .., "field": .., "message": ..}]}`. Codes stay; words may not.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::accounts::api_keys::Refused;
use crate::i18n::{FieldErrors, Message, Texts};
use crate::model::{ArticleId, Permission};
use crate::publishing::articles::ArticleError;
use crate::publishing::handed_in::HandInError;
use crate::store::StoreError;
use crate::web::PageError;
use crate::web::api::error::{Body, One, RETRY_AFTER_SECONDS};

/// What is wrong with one field.
#[derive(Debug)]
pub struct Problem {
    code: &'static str,
    field: String,
    message: Message,
}

impl Problem {
    pub fn new(code: &'static str, field: &str, message: Message) -> Self {
        Self { code, field: field.chars().take(FIELD_MAX_CHARS).collect(), message }
    }
}

/// Of a name that is none of ours, so much is said back.
const FIELD_MAX_CHARS: usize = 60;

/// Why a request is not done.
#[derive(Debug)]
pub enum Refusal {
    KeyMissing,
    KeyUnknown,
    KeyExpired,
    /// Everybody needs a second factor, and the owner of the key has none.
    NoFactor,
    /// Neither the key nor its owner's role has it: which of both is not said apart.
    Denied(Permission),
    NotFound,
    /// Which methods there are instead.
    Method(String),
    NotJson,
    NoJsonType,
    TooLarge,
    Invalid(Vec<Problem>),
    /// Somebody edited the article here.
    EditedHere {
        id: ArticleId,
        version: i64,
    },
    /// Its last version is not the one that the body names.
    Conflict {
        version: i64,
    },
    /// It is not what `If-Match` names.
    Precondition,
    /// Neither a version nor `If-Match`.
    NoVersion,
    TooMany {
        minutes: i64,
    },
    Unavailable,
    Internal,
}

impl From<PageError> for Refusal {
    /// The cause was logged where the page's error was made.
    fn from(error: PageError) -> Self {
        match error {
            PageError::NotFound => Self::NotFound,
            PageError::Unavailable => Self::Unavailable,
            PageError::TooMany { minutes } => Self::TooMany { minutes },
            _ => Self::Internal,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Denied(denied) if !denied.is_hidden => Self::Denied(denied.permission),
            error => PageError::from(error).into(),
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::KeyUnknown,
            Refused::Expired => Self::KeyExpired,
            Refused::NoFactor => Self::NoFactor,
            Refused::TooMany(wait) => Self::TooMany { minutes: wait.minutes },
            Refused::Store(error) => error.into(),
        }
    }
}

impl From<FieldErrors> for Refusal {
    fn from(errors: FieldErrors) -> Self {
        let problem = |error: &crate::i18n::FieldError| {
            Problem::new(code_of(error.message.key()), error.field, error.message.clone())
        };
        Self::Invalid(errors.iter().map(problem).collect())
    }
}

/// The code of what a verb says of a field of an article.
fn code_of(key: &str) -> &'static str {
    match key {
        "error-required" => "required",
        "error-too-long" => "too_long",
        "error-url" => "not_a_url",
        "error-slug" => "not_a_slug",
        "error-slug-taken" | "error-slug-had" => "slug_taken",
        "error-language" => "not_a_language",
        "error-tag" => "not_a_tag",
        "error-tags-too-many" => "too_many_tags",
        "error-translation-there" => "translation_there",
        "error-external-id" => "not_an_id",
        _ => "invalid",
    }
}

impl From<HandInError> for Refusal {
    /// Of a [`HandInError::Stale`] the handler says by what it was known.
    fn from(error: HandInError) -> Self {
        match error {
            HandInError::EditedHere { id, version } => Self::EditedHere { id, version },
            HandInError::Stale { version } => Self::Conflict { version },
            HandInError::Article(ArticleError::Invalid(errors)) => errors.into(),
            HandInError::Article(ArticleError::NotFound) => Self::NotFound,
            HandInError::Article(ArticleError::Conflict { theirs }) => {
                Self::Conflict { version: theirs.number }
            }
            HandInError::Article(ArticleError::Store(error)) => error.into(),
            HandInError::Article(error @ ArticleError::FrontMatter(_)) => {
                PageError::internal("an article of the API failed", error).into()
            }
        }
    }
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::KeyMissing | Self::KeyUnknown | Self::KeyExpired => StatusCode::UNAUTHORIZED,
            Self::NoFactor | Self::Denied(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson => StatusCode::BAD_REQUEST,
            Self::NoJsonType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::EditedHere { .. } | Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::NoVersion => StatusCode::PRECONDITION_REQUIRED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Code, field and words of what is wrong with the request as a whole.
    fn whole(&self) -> (&'static str, Option<&'static str>, Message) {
        let whole = |code, key| (code, None, Message::new(key));
        match self {
            Self::KeyMissing => ("key_missing", None, Message::new("api-key-missing")),
            Self::KeyUnknown => ("key_unknown", None, Message::new("api-key-unknown")),
            Self::KeyExpired => ("key_expired", None, Message::new("api-key-expired")),
            Self::NoFactor => ("second_factor_missing", None, Message::new("api-no-factor")),
            Self::Denied(permission) => {
                let message = Message::new("api-denied").text("permission", permission.as_str());
                ("permission_missing", None, message)
            }
            Self::NotFound => ("not_found", None, Message::new("api-not-found")),
            Self::Method(_) => whole("method_not_allowed", "page-error-method"),
            Self::NotJson => whole("not_json", "api-not-json"),
            Self::NoJsonType => whole("not_json_type", "api-no-json-type"),
            Self::TooLarge => whole("too_large", "page-error-too-large"),
            Self::Invalid(_) => whole("invalid", "error-marked"),
            Self::EditedHere { id, version } => {
                let message = Message::new("api-edited-here").text("id", id.to_string());
                ("edited_here", Some("external_id"), message.text("version", version.to_string()))
            }
            Self::Conflict { version } => {
                let message = Message::new("api-conflict").text("version", version.to_string());
                ("version_conflict", Some("version"), message)
            }
            Self::Precondition => ("precondition_failed", None, Message::new("api-precondition")),
            Self::NoVersion => ("version_missing", Some("version"), Message::new("api-no-version")),
            Self::TooMany { minutes } => {
                let message = Message::new("page-error-too-many").number("minutes", *minutes);
                ("too_many", None, message)
            }
            Self::Unavailable => whole("unavailable", "page-error-unavailable"),
            Self::Internal => whole("internal", "page-error-internal"),
        }
    }

    pub fn response(&self, t: Texts) -> HttpResponse {
        let one = |problem: &Problem| One {
            code: problem.code,
            field: Some(problem.field.clone()),
            message: problem.message.in_words(t),
        };
        let errors = match self {
            Self::Invalid(problems) => problems.iter().map(one).collect(),
            other => {
                let (code, field, message) = other.whole();
                vec![One { code, field: field.map(str::to_owned), message: message.in_words(t) }]
            }
        };
        let mut response = HttpResponse::build(self.status());
        match self {
            Self::KeyMissing => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"Postiljon\""));
            }
            Self::KeyUnknown | Self::KeyExpired => {
                let challenge = "Bearer realm=\"Postiljon\", error=\"invalid_token\"";
                response.insert_header((WWW_AUTHENTICATE, challenge));
            }
            Self::Method(methods) => {
                response.insert_header((ALLOW, methods.as_str()));
            }
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
