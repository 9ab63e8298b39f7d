//! In which language a page speaks: the visitor's choice, then what the browser prefers, then the page's own.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;

use crate::model::Language;

/// The visitor's choice: `?lang=fr`.
pub fn chosen(request: &HttpRequest) -> Option<Language> {
    form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "lang")
        .and_then(|(_, value)| value.parse().ok())
}

/// What the browser prefers, of the languages that we speak.
pub fn accepted(request: &HttpRequest) -> Option<Language> {
    request
        .headers()
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .and_then(Language::from_accept)
}

/// The visitor's choice, the browser's preference, or the fallback.
pub fn of(request: &HttpRequest, fallback: Language) -> Language {
    chosen(request).or_else(|| accepted(request)).unwrap_or(fallback)
}
