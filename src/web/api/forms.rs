//! `GET /api/forms/{form}`: what a form asks, in a language, with a stamp for whoever fills it in now.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::cors::{self, Caller};
use super::error::ApiError;
use super::texts;
use crate::i18n::Texts;
use crate::model::{AskedField, FieldKind, Language};
use crate::subscriptions::consent_text::consent_text;
use crate::subscriptions::gate::asks_proof;
use crate::subscriptions::open_form::OpenForm;
use crate::subscriptions::stamp::stamp;
use crate::web::App;
use crate::web::public::door::open_form;

#[derive(Serialize)]
struct Described {
    id: String,
    version: i64,
    newsletter: String,
    language: Language,
    languages: Vec<Language>,
    /// The words beside the box.
    consent: String,
    privacy_url: String,
    fields: Vec<DescribedField>,
    stamp: String,
    /// Whether a proof of work is asked for now: `GET ../challenge`.
    proof: bool,
    texts: ScriptTexts,
}

#[derive(Serialize)]
struct DescribedField {
    key: String,
    kind: FieldKind,
    label: String,
    hint: String,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    least: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<DescribedOption>,
}

#[derive(Serialize)]
struct DescribedOption {
    value: String,
    label: String,
}

/// What the script says by itself.
#[derive(Serialize)]
struct ScriptTexts {
    sending: String,
    marked: String,
}

pub async fn get(request: HttpRequest, app: Data<App>, form: Path<String>) -> HttpResponse {
    let (answer, caller) = describe(&request, &app, &form).await;
    let response = answer.unwrap_or_else(|error| error.response(texts(&request, Language::English)));
    cors::allow(response, caller.as_ref())
}

async fn describe(
    request: &HttpRequest,
    app: &App,
    form: &str,
) -> (Result<HttpResponse, ApiError>, Option<Caller>) {
    let open = match open_form(app, form).await {
        Ok(Some(open)) => open,
        Ok(None) => return (Err(ApiError::NoForm), None),
        Err(error) => return (Err(error.into()), None),
    };
    match cors::check(request, app, &open.form) {
        Ok(caller) => {
            let described = described(app, &open, texts(request, open.newsletter.language));
            (Ok(HttpResponse::Ok().json(described)), Some(caller))
        }
        Err(error) => (Err(error), None),
    }
}

fn described(app: &App, open: &OpenForm, t: Texts) -> Described {
    let language = t.language();
    Described {
        id: open.form.public_id.to_string(),
        version: open.form.version,
        newsletter: open.newsletter.name.clone(),
        language,
        languages: open.newsletter.languages_of_readers(),
        consent: consent_text(&open.newsletter, language),
        privacy_url: open.newsletter.privacy_url.clone(),
        fields: open.asked.iter().map(|asked| described_field(asked, language)).collect(),
        stamp: stamp(&app.keys, app.clock.now()),
        proof: asks_proof(&open.form, app.clock.now()),
        texts: ScriptTexts { sending: t.text("signup-sending"), marked: t.text("error-marked") },
    }
}

fn described_field(asked: &AskedField, language: Language) -> DescribedField {
    let option =
        |(value, label): (&str, &str)| DescribedOption { value: value.to_owned(), label: label.to_owned() };
    DescribedField {
        key: asked.field.key.clone(),
        kind: asked.field.kind,
        label: asked.label(language).to_owned(),
        hint: asked.hint(language).to_owned(),
        required: asked.is_required,
        max_length: asked.field.max_length,
        least: asked.field.least,
        most: asked.field.most,
        options: asked.options(language).into_iter().map(option).collect(),
    }
}
