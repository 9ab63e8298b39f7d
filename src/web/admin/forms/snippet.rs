//! What one copies into a website: the form as plain HTML, with or without the script, and a call of the API.

use askama::Template;

use crate::i18n::Texts;
use crate::model::{AskedField, Form, Newsletter};
use crate::subscriptions::consent_text::consent_text;
use crate::web::{App, PageError};

/// The form, ready to be pasted: everything that it says is in one language.
#[derive(Template)]
#[template(path = "snippet/form.html")]
pub struct Snippet<'a> {
    t: Texts,
    /// Of our own server.
    root: String,
    form: &'a Form,
    privacy_url: &'a str,
    asked: &'a [AskedField],
    consent: String,
    /// What ids begin with: several forms may stand on one page.
    prefix: String,
    has_script: bool,
    /// `light` or `dark` in a preview; empty in what is copied.
    scheme: &'static str,
}

impl<'a> Snippet<'a> {
    pub fn of(
        app: &App,
        t: Texts,
        newsletter: &'a Newsletter,
        form: &'a Form,
        asked: &'a [AskedField],
    ) -> Self {
        let id = form.public_id.simple().to_string();
        Self {
            t,
            root: app.url(""),
            form,
            privacy_url: &newsletter.privacy_url,
            asked,
            consent: consent_text(newsletter, t.language()),
            prefix: format!("pj{}", id.get(26..).unwrap_or_default()),
            has_script: false,
            scheme: "",
        }
    }

    pub fn with_script(mut self) -> Self {
        self.has_script = true;
        self
    }

    pub fn in_scheme(mut self, scheme: &'static str) -> Self {
        self.scheme = scheme;
        self
    }

    /// Without the blank lines that a template leaves.
    pub fn text(&self) -> Result<String, PageError> {
        let text = self.render();
        let text = text.map_err(|error| PageError::internal("a form could not be written", error))?;
        Ok(text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n"))
    }

    fn describes(&self, asked: &AskedField) -> String {
        if asked.hint(self.t.language()).is_empty() {
            String::new()
        } else {
            format!(" aria-describedby=\"{}-{}-hint\"", self.prefix, asked.field.key)
        }
    }
}

/// A sign-up by the API, as a command.
pub fn call(app: &App, t: Texts, form: &Form, asked: &[AskedField]) -> String {
    let mut fields = serde_json::Map::new();
    for asked in asked {
        use crate::model::FieldKind;
        let example = match asked.field.kind {
            FieldKind::Text => serde_json::json!(asked.label(t.language())),
            FieldKind::Choice => serde_json::json!(asked.field.options.lines().next().unwrap_or_default()),
            FieldKind::Number => serde_json::json!(asked.field.least.or(asked.field.most).unwrap_or(1)),
            FieldKind::Date => serde_json::json!("2026-11-26"),
            FieldKind::YesNo => serde_json::json!(true),
        };
        fields.insert(asked.field.key.clone(), example);
    }
    let body = serde_json::json!({
        "email": "jan@example.org", "language": t.language(), "consent": true, "fields": fields,
    });
    let body = serde_json::to_string_pretty(&body).unwrap_or_default().replace('\'', "\\u0027");
    format!(
        "curl {} \\\n  -H 'content-type: application/json' \\\n  -d '{body}'",
        app.url(&format!("/api/forms/{}/signups", form.public_id))
    )
}
