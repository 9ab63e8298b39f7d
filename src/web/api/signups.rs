//! `POST /api/forms/{form}/signups`: a sign-up as JSON, through the same gate as every other.

use std::collections::BTreeMap;

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cors::{self, Caller};
use super::error::ApiError;
use super::once::each_once;
use super::{is_json, texts};
use crate::i18n::Texts;
use crate::model::Language;
use crate::subscriptions::Evidence;
use crate::subscriptions::capture::Capture;
use crate::subscriptions::open_form::OpenForm;
use crate::subscriptions::signup::{SignUp, SignUpError, sign_up};
use crate::web::client::Client;
use crate::web::public::door::open_form;
use crate::web::{App, PageError};

/// Most fields in one request: several times what a form can ask.
const FIELDS_MAX: usize = 200;

/// What is posted. Unknown names are left alone: a newer script may say more. A known one that stands there twice is
/// refused, as in a form: which of the two was meant, nobody knows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    email: String,
    name: String,
    /// For the mails; and for the page, where `shown_in` says nothing else.
    language: String,
    shown_in: String,
    consent: bool,
    #[serde(deserialize_with = "each_once")]
    fields: BTreeMap<String, Value>,
    website: String,
    stamp: String,
    /// A proof of work.
    altcha: String,
    page: String,
    referrer: String,
    #[serde(deserialize_with = "each_once")]
    utm: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct TakenBody {
    title: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<HintBody>,
}

/// An address that was probably meant instead.
#[derive(Serialize)]
struct HintBody {
    email: String,
    message: String,
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    form: Path<String>,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    let mut t = texts(&request, Language::English);
    let open = match open_form(&app, &form).await {
        Ok(Some(open)) => open,
        Ok(None) => return cors::allow(ApiError::NoForm.response(t), None),
        Err(error) => return cors::allow(ApiError::from(error).response(t), None),
    };
    t = texts(&request, open.newsletter.language);
    let caller = match cors::check(&request, &app, &open.form) {
        Ok(caller) => caller,
        Err(error) => return cors::allow(error.response(t), None),
    };
    let answer = match read(&request, body) {
        Ok(body) => {
            // The visitor's language, where the request says it.
            let said = [&body.shown_in, &body.language].into_iter().find_map(|text| text.parse().ok());
            t = said.map_or(t, Texts::new);
            take(&app, &open, client, &caller, &body, t).await
        }
        Err(error) => Err(error),
    };
    cors::allow(answer.unwrap_or_else(|error| error.response(t)), Some(&caller))
}

fn read(request: &HttpRequest, body: Result<Bytes, actix_web::Error>) -> Result<Body, ApiError> {
    // A browser sends this type to another origin only after it has asked: no form can post here.
    if !is_json(request) {
        return Err(ApiError::NoJsonType);
    }
    let body = body.map_err(|error| match error.as_response_error().status_code().as_u16() {
        413 => ApiError::TooLarge,
        _ => ApiError::NotJson,
    })?;
    // serde would also fill the fields from a list, in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::NotJson);
    }
    let body: Body = serde_json::from_slice(&body).map_err(|_| ApiError::NotJson)?;
    if body.fields.len() > FIELDS_MAX || body.utm.len() > FIELDS_MAX {
        return Err(ApiError::TooLarge);
    }
    Ok(body)
}

/// An answer as a form would send it.
fn typed(value: &Value) -> Result<String, ApiError> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(true) => Ok("yes".to_owned()),
        Value::Bool(false) => Ok("no".to_owned()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => Err(ApiError::NotJson),
    }
}

async fn take(
    app: &App,
    open: &OpenForm,
    client: Client,
    caller: &Caller,
    body: &Body,
    t: Texts,
) -> Result<HttpResponse, ApiError> {
    let mut values = Vec::new();
    for (key, value) in &body.fields {
        values.push((key.clone(), typed(value)?));
    }
    let evidence = Evidence {
        source: if matches!(caller, Caller::Script(_)) { "script" } else { "api" },
        page: if body.page.is_empty() { client.page } else { body.page.clone() },
        ip: Some(client.ip),
        user_agent: client.user_agent,
    };
    let sign_up_form = SignUp {
        form: open,
        address: &body.email,
        name: &body.name,
        language: body.language.parse().unwrap_or(t.language()),
        shown_in: t.language(),
        has_consented: body.consent,
        trap: &body.website,
        stamp: &body.stamp,
        proof: &body.altcha,
        values: &values,
        evidence,
        capture: Capture::of(&body.referrer, |name| body.utm.get(name).map_or("", String::as_str)),
    };
    match sign_up(&app.store, &app.clock, &app.keys, &app.gate, &sign_up_form).await {
        Ok(taken) => {
            app.wake.notify_one();
            let hint = taken
                .hint
                .map(|email| HintBody { message: t.with("signup-hint", "address", email.clone()), email });
            let message = t.with("inbox", "sender", open.newsletter.sender_name.clone());
            let body = TakenBody { title: t.text("inbox-title"), message, hint };
            Ok(HttpResponse::Accepted().json(body))
        }
        Err(SignUpError::Invalid(problems)) => Err(ApiError::Invalid(problems)),
        Err(SignUpError::TooMany { minutes }) => Err(ApiError::TooMany { minutes }),
        Err(SignUpError::Store(error)) => Err(PageError::from(error).into()),
        Err(SignUpError::NoRandomness(error)) => Err(PageError::internal("a sign-up failed", error).into()),
    }
}
