//! What scripts on websites and other servers call: JSON in and out, described in docs/api.md.
//!
//! - No cookies, no sessions. Forms need no key, the rest ([`v1`]) needs one. A script may call from the origins that its form allows, and no others
//!   ([`cors`]); a server sends no `Origin`.
//! - Every answer that fails is [`error::ApiError`]: a code that stays, and words in the asked language.

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{PayloadConfig, ServiceConfig, resource, route};

use super::language;
use super::public::SIGNUP_MAX_OCTETS;
use crate::i18n::Texts;
use crate::model::Language;

pub mod challenge;
pub mod cors;
pub mod error;
pub mod forms;
pub mod once;
pub mod signups;
pub mod v1;

pub fn configure(config: &mut ServiceConfig) {
    v1::configure(config);
    config
        .service(
            resource("/api/forms/{form}")
                .get(forms::get)
                .route(route().method(actix_web::http::Method::OPTIONS).to(cors::preflight))
                .default_service(route().to(error::not_allowed)),
        )
        .service(resource("/api/forms/{form}/challenge").get(challenge::get))
        .service(
            resource("/api/forms/{form}/signups")
                .app_data(PayloadConfig::new(SIGNUP_MAX_OCTETS))
                .post(signups::post)
                .route(route().method(actix_web::http::Method::OPTIONS).to(cors::preflight))
                .default_service(route().to(error::not_allowed)),
        );
}

/// `?language=fr`, what the client prefers, or the fallback.
fn texts(request: &HttpRequest, fallback: Language) -> Texts {
    asked_texts(request).unwrap_or_else(|| Texts::new(language::of(request, fallback)))
}

/// Those that were asked for: `?language=fr`, or what the client prefers.
fn asked_texts(request: &HttpRequest) -> Option<Texts> {
    let asked = form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "language")
        .and_then(|(_, value)| value.parse().ok());
    asked.or_else(|| language::accepted(request)).map(Texts::new)
}

/// Whether the body of a request says that it is JSON.
fn is_json(request: &HttpRequest) -> bool {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}
