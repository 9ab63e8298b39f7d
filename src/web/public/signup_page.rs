//! The page with the form, filled in or not: what the templates `public/subscribe.html` and
//! `public/form_fields.html` show.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use uuid::Uuid;

use super::door::Door;
use super::{IssueLink, latest_issue, page};
use crate::i18n::{Message, Texts};
use crate::model::{AskedField, Language, Newsletter, ProofPolicy};
use crate::subscriptions::capture::{Capture, UTM_NAMES};
use crate::subscriptions::consent_text::consent_text;
use crate::subscriptions::stamp::stamp;
use crate::web::form::Form;
use crate::web::headers::POLICY;
use crate::web::layout::Page;
use crate::web::{App, PageError, scheme};

/// Most characters that a link may fill into a field.
const PREFILL_MAX_CHARS: usize = 500;

/// What the form holds when it is shown.
#[derive(Debug, Default)]
pub struct Filled {
    pub address: String,
    pub name: String,
    /// In the mails; the page may be in another one.
    pub language: Option<Language>,
    pub has_consented: bool,
    /// Key and text of the form's own fields.
    pub values: Vec<(String, String)>,
    pub capture: Hidden,
    /// Field and words of each mistake.
    pub mistakes: Vec<(String, Message)>,
    /// What is wrong with the form as a whole.
    pub notice: Option<String>,
}

/// Where the visitor came from, carried along by the page.
#[derive(Debug, Default)]
pub struct Hidden {
    pub referrer: String,
    pub utm: Vec<(&'static str, String)>,
}

impl Hidden {
    pub fn of(referrer: &str, form: &Form) -> Self {
        let known = UTM_NAMES.into_iter().map(|name| (name, cut(form.first(name))));
        Self {
            referrer: Capture::of(referrer, |_| "").referrer,
            utm: known.filter(|(_, value)| !value.is_empty()).collect(),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(PREFILL_MAX_CHARS).collect()
}

impl Filled {
    /// From a link: `?email=..&name=..&language=..` and the keys of fields. Nothing is ticked by a link:
    /// neither the consent nor a yes or no.
    pub fn of_link(request: &HttpRequest, asked: &[AskedField], referrer: &str) -> Self {
        let query = Form::of_query(request);
        let fillable = asked.iter().filter(|asked| asked.field.kind != crate::model::FieldKind::YesNo);
        let value = |asked: &AskedField| (asked.field.key.clone(), cut(query.first(&asked.field.key)));
        Self {
            address: cut(query.first("email")),
            name: cut(query.first("name")),
            language: query.first("language").parse().ok(),
            values: fillable.map(value).collect(),
            capture: Hidden::of(referrer, &query),
            ..Self::default()
        }
    }

    pub fn value(&self, key: &str) -> &str {
        self.values.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }
}

#[derive(Template)]
#[template(path = "public/subscribe.html")]
struct SignUpPage {
    page: Page,
    newsletter: Newsletter,
    base: String,
    language: Language,
    filled: Filled,
    asked: Vec<AskedField>,
    consent: String,
    stamp: String,
    /// The form that a proof of work may be asked for, at any moment.
    proof_of: Option<Uuid>,
    latest: Option<IssueLink>,
}

impl SignUpPage {
    fn mistake(&self, field: &str) -> Option<String> {
        let found = self.filled.mistakes.iter().find(|(name, _)| name == field);
        found.map(|(_, message)| message.in_words(self.page.t))
    }

    /// Where the cursor goes: to the first mistake.
    fn is_first_mistake(&self, field: &str) -> bool {
        self.filled.mistakes.first().is_some_and(|(name, _)| name == field)
    }

    /// Attributes of one of the form's own fields.
    fn attributes(&self, asked: &AskedField) -> String {
        let key = &asked.field.key;
        let has_mistake = self.mistake(key).is_some();
        let mut attributes = String::new();
        let mut described = Vec::new();
        if !asked.hint(self.page.t.language()).is_empty() {
            described.push(format!("{key}-hint"));
        }
        if has_mistake {
            described.push(format!("{key}-error"));
            attributes.push_str(" aria-invalid=\"true\"");
        }
        if !described.is_empty() {
            attributes.push_str(&format!(" aria-describedby=\"{}\"", described.join(" ")));
        }
        if self.is_first_mistake(key) {
            attributes.push_str(" autofocus");
        }
        attributes
    }
}

/// Answers with the form. `shown_in` is the language of the page.
pub async fn show(
    request: &HttpRequest,
    app: &App,
    door: Door,
    shown_in: Language,
    filled: Filled,
    status: StatusCode,
) -> Result<HttpResponse, PageError> {
    let Door { open, base } = door;
    let t = Texts::new(shown_in);
    let newsletter = open.newsletter;
    let title = t.with("signup-title", "newsletter", newsletter.name.clone());
    let mut frame = Page::new(t, title).of_newsletter(&newsletter).with_languages(request);
    frame.scheme = scheme::chosen(request);
    for link in &mut frame.languages {
        // A form that failed stands under the address that it was posted to.
        link.href = format!("{base}?{}", with_language(request, link.language));
    }
    // The desk's preview lets no script run.
    let is_framed = request.headers().get("sec-fetch-dest").is_some_and(|place| place == "iframe");
    let latest = latest_issue(&mut app.store.read().await?, &newsletter).await?;
    let template = SignUpPage {
        page: frame,
        consent: consent_text(&newsletter, shown_in),
        stamp: stamp(&app.keys, app.clock.now()),
        proof_of: (open.form.proof_policy != ProofPolicy::Never && !is_framed).then_some(open.form.public_id),
        language: newsletter.language_for(filled.language.unwrap_or(shown_in)),
        base,
        newsletter,
        filled,
        asked: open.asked,
        latest,
    };
    let mut response = page(status, &template)?;
    if let Some(policy) = policy(&open.form.redirect_url) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The same link in another language, with what it fills in.
fn with_language(request: &HttpRequest, language: Language) -> String {
    let query = Form::of_query(request);
    let kept = query.fields().iter().filter(|(name, _)| name != "lang");
    let mut link = form_urlencoded::Serializer::new(String::new());
    link.append_pair("lang", language.as_str());
    for (name, value) in kept {
        link.append_pair(name, value);
    }
    link.finish()
}

/// The desk shows this page in a frame. And browsers hold the redirect after a form against `form-action` too:
/// the owner's page must be in it.
fn policy(redirect_url: &str) -> Option<HeaderValue> {
    let policy = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'");
    let Some((scheme, rest)) = redirect_url.split_once("://") else {
        return HeaderValue::from_str(&policy).ok();
    };
    let origin = format!("{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap_or_default());
    HeaderValue::from_str(&policy.replace("form-action 'self'", &format!("form-action 'self' {origin}"))).ok()
}
