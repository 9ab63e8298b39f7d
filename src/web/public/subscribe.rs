//! The sign-up page of a newsletter, and the endpoint that any website's form may post to.
//!
//! The endpoint takes a plain `<form method="post">` from anywhere: no script, no cookie, no token. Its
//! fields: `email`, `name` (optional), `language` (optional), `consent` (any value, the box was ticked).

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::inbox_cookie::{self, Typed};
use super::{LatestIssue, evidence, latest_issue, page, signup_cookie};
use crate::i18n::Texts;
use crate::model::{EmailAddress, Language, Newsletter};
use crate::subscriptions::capture::Capture;
use crate::subscriptions::consent_text::consent_text;
use crate::subscriptions::open_form::OpenForm;
use crate::subscriptions::signup::{Problem, SignUp, SignUpError, sign_up};
use crate::subscriptions::stamp::stamp;
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

/// Fields that a person fills in: one of them twice, with different values, is a mistake to be shown.
const FIELDS: [&str; 3] = ["email", "name", "language"];

/// What the form holds when it is shown.
#[derive(Debug, Default)]
struct Filled {
    address: String,
    name: String,
    has_consented: bool,
    /// Field and key of each mistake.
    mistakes: Vec<(&'static str, &'static str)>,
    /// What is wrong with the form as a whole.
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "public/subscribe.html")]
struct SignUpPage {
    page: Page,
    newsletter: Newsletter,
    /// Chosen for the mails; the page may be in another one.
    language: Language,
    filled: Filled,
    consent: String,
    stamp: String,
    latest: Option<LatestIssue>,
}

impl SignUpPage {
    fn mistake(&self, field: &str) -> Option<String> {
        let found = self.filled.mistakes.iter().find(|(name, _)| *name == field);
        found.map(|(_, key)| self.page.t.text(key))
    }

    /// Where the cursor goes: to the first mistake.
    fn is_first_mistake(&self, field: &str) -> bool {
        self.filled.mistakes.first().is_some_and(|(name, _)| *name == field)
    }
}

/// `GET /n/{slug}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    slug: Path<String>,
) -> Result<HttpResponse, PageError> {
    let newsletter = super::newsletter(&app, &slug).await?;
    let shown_in = language::of(&request, newsletter.language);
    let (filled, language) = typed_before(&request, &app, &newsletter);
    let language = language.unwrap_or(shown_in);
    show(&request, &app, newsletter, (shown_in, language), filled, StatusCode::OK).await
}

/// `?change`: back from the page after the form, with what was typed; another address means another consent, so the
/// box is empty.
fn typed_before(request: &HttpRequest, app: &App, newsletter: &Newsletter) -> (Filled, Option<Language>) {
    let typed =
        Form::of_query(request).has("change").then(|| inbox_cookie::read(request, app, newsletter.id));
    match typed.flatten() {
        Some(typed) => {
            let filled = Filled { address: typed.address.to_string(), name: typed.name, ..Filled::default() };
            (filled, Some(typed.language))
        }
        None => (Filled::default(), None),
    }
}

async fn show(
    request: &HttpRequest,
    app: &App,
    newsletter: Newsletter,
    (shown_in, language): (Language, Language),
    filled: Filled,
    status: StatusCode,
) -> Result<HttpResponse, PageError> {
    let t = Texts::new(shown_in);
    let title = t.with("signup-title", "newsletter", newsletter.name.clone());
    let mut frame = Page::new(t, title).of_newsletter(&newsletter).with_languages(request);
    for link in &mut frame.languages {
        // A form that failed stands under the address that it was posted to.
        link.href = format!("/n/{}?lang={}", newsletter.slug, link.language);
    }
    let latest = latest_issue(&mut app.store.read().await?, newsletter.id).await?;
    let template = SignUpPage {
        page: frame,
        consent: consent_text(&newsletter, shown_in),
        stamp: stamp(&app.keys, app.clock.now()),
        newsletter,
        language,
        filled,
        latest,
    };
    page(status, &template)
}

/// `GET /n/{slug}/subscribe`: a reload or a typed address, not a form.
pub async fn get_again(app: Data<App>, slug: Path<String>) -> Result<HttpResponse, PageError> {
    let newsletter = super::newsletter(&app, &slug).await?;
    Ok(see_other(&format!("/n/{}", newsletter.slug)))
}

/// `POST /n/{slug}/subscribe`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    slug: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    let newsletter = super::newsletter(&app, &slug).await?;
    let parsed = |field: &str| form.first(field).parse::<Language>().ok();
    let shown_in = parsed("shown_in").unwrap_or_else(|| language::of(&request, newsletter.language));
    let language = parsed("language").unwrap_or(shown_in);
    let mut filled = Filled {
        address: form.first("email").to_owned(),
        name: form.first("name").to_owned(),
        has_consented: is_ticked(&form),
        ..Filled::default()
    };
    let twice = FIELDS.into_iter().filter(|field| form.one(field).is_err());
    filled.mistakes = twice.map(|field| (field, "error-field-twice")).collect();
    if !filled.mistakes.is_empty() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return show(&request, &app, newsletter, (shown_in, language), filled, status).await;
    }
    let stamp = form.first("stamp");
    let mut evidence = evidence(client, if stamp.is_empty() { "form" } else { "page" });
    if !stamp.is_empty() {
        // Our own pages send no Referer.
        evidence.page = app.url(&format!("/n/{}", newsletter.slug));
    }
    let capture = Capture::of(form.first("referrer"), |name| form.first(name));
    let open_form = OpenForm::default_of(app.store.read().await?.db(), newsletter.clone()).await?;
    let filled_in = SignUp {
        form: &open_form,
        address: &filled.address,
        name: &filled.name,
        language,
        shown_in,
        has_consented: filled.has_consented,
        trap: form.first("website"),
        stamp,
        proof: form.first("altcha"),
        values: &[],
        evidence,
        capture,
    };
    match sign_up(&app.store, &app.clock, &app.keys, &app.gate, &filled_in).await {
        Ok(_) => {
            app.wake.notify_one();
            let inbox = format!("/n/{}/check-inbox?lang={shown_in}", newsletter.slug);
            let mut response = see_other(&inbox);
            if let Ok(address) = EmailAddress::parse(&filled.address) {
                let (name, asked_at) = (filled.name.clone(), app.clock.now());
                let signed_up = signup_cookie::make(&app, newsletter.id, &address);
                let newsletter = newsletter.id;
                let typed = Typed { newsletter, address, name, language, asked_at, is_again: false };
                for cookie in [signed_up, inbox_cookie::make(&app, &typed)] {
                    response
                        .add_cookie(&cookie)
                        .map_err(|error| PageError::internal("a cookie could not be set", error))?;
                }
            }
            Ok(response)
        }
        Err(SignUpError::Invalid(problems)) => {
            filled.mistakes = problems.iter().map(|problem| (problem.field(), problem.key())).collect();
            filled.notice = Some(Texts::new(shown_in).text(match problems.as_slice() {
                [Problem::TooFast] => Problem::TooFast.key(),
                _ => "error-marked",
            }));
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            show(&request, &app, newsletter, (shown_in, language), filled, status).await
        }
        Err(SignUpError::TooMany { minutes }) => {
            filled.notice = Some(Texts::new(shown_in).with("page-error-too-many", "minutes", minutes));
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = show(&request, &app, newsletter, (shown_in, language), filled, status).await?;
            response.headers_mut().insert(RETRY_AFTER, (minutes * 60).into());
            Ok(response)
        }
        Err(SignUpError::Store(error)) => Err(error.into()),
        Err(SignUpError::NoRandomness(error)) => Err(PageError::internal("a sign-up failed", error)),
    }
}

/// A box that is not ticked is absent; a website's own form may say `0` or `no` instead.
fn is_ticked(form: &Form) -> bool {
    form.all("consent").any(|value| !matches!(value.trim(), "" | "0" | "no" | "off" | "false"))
}
