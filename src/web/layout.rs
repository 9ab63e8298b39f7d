//! What every page has: title, language, brand. The templates `public/layout.html` and
//! `admin/layout.html` take it as `page`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::PageError;
use crate::i18n::Texts;
use crate::model::{Language, Newsletter};

/// The frame around a visitor's page.
#[derive(Debug, Clone)]
pub struct Page {
    pub t: Texts,
    pub title: String,
    /// Whose page it is; Postiljon's own where there is none.
    pub newsletter: Option<Newsletter>,
    /// The same page in the other languages; empty where that makes no sense.
    pub languages: Vec<LanguageLink>,
    /// `light` or `dark` whatever the browser prefers; `None`: as it prefers.
    pub scheme: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub struct LanguageLink {
    pub language: Language,
    pub href: String,
    pub is_current: bool,
}

impl Page {
    pub fn new(t: Texts, title: String) -> Self {
        Self { t, title, newsletter: None, languages: Vec::new(), scheme: None }
    }

    pub fn of_newsletter(mut self, newsletter: &Newsletter) -> Self {
        self.newsletter = Some(newsletter.clone());
        self
    }

    /// Offers this page in every language.
    pub fn with_languages(self, request: &HttpRequest) -> Self {
        self.with_languages_at(request.path())
    }

    /// The same for a page that is shown in answer to a post, and has its address elsewhere.
    pub fn with_languages_at(mut self, path: &str) -> Self {
        let current = self.t.language();
        let link = |language: Language| LanguageLink {
            language,
            href: format!("{path}?lang={language}"),
            is_current: language == current,
        };
        self.languages = Language::ALL.iter().copied().map(link).collect();
        self
    }

    /// The stylesheet with the brand's colours.
    pub fn brand_css(&self) -> Option<String> {
        let sheet = |newsletter: &Newsletter| {
            // The colour stands in the address, so that another one is not an old file of the browser.
            let color = newsletter.brand_color.trim_start_matches('#');
            self.sheet(&format!("/n/{}/brand.css?color={color}", newsletter.slug))
        };
        self.newsletter.as_ref().map(sheet)
    }

    /// A style sheet, in the page's scheme.
    pub fn sheet(&self, path: &str) -> String {
        let sign = if path.contains('?') { '&' } else { '?' };
        self.scheme.map_or_else(|| path.to_owned(), |scheme| format!("{path}{sign}scheme={scheme}"))
    }
}

/// Answers with a page.
///
/// # Errors
/// When the template cannot be rendered, which is a defect.
pub fn html(status: StatusCode, template: &impl Template) -> Result<HttpResponse, PageError> {
    let body = rendered(template)?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(body))
}

/// A part of a page as HTML.
///
/// # Errors
/// When the template cannot be rendered, which is a defect.
pub fn rendered(template: &impl Template) -> Result<String, PageError> {
    template.render().map_err(|error| PageError::internal("a page could not be rendered", error))
}

/// Answers a form with another page (303), so that a reload does not send it again.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("Location", location)).finish()
}
