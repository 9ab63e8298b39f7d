//! `/admin/settings/domains`: the domains of senders, and whether mail from them is signed. `POST` makes the first key of
//! one that is not here yet.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::domain::href;
use crate::i18n::Texts;
use crate::model::{DkimAlgorithm, DkimKeyState};
use crate::setup::domains::{self as verbs, Domain, DomainError, KeyInput};
use crate::web::admin::{Frame, Mistakes, Status};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/domains.html")]
struct DomainsPage {
    page: Frame,
    domains: Vec<Row>,
    typed: Form,
    mistakes: Mistakes,
}

struct Row {
    name: String,
    href: String,
    status: Status,
    words: String,
}

impl Row {
    fn of(t: Texts, domain: &Domain) -> Self {
        let mut words = vec![newsletters(t, domain)];
        words.extend(signed_with(t, domain));
        Self {
            href: href(&domain.name),
            status: status(t, domain),
            words: words.join(" · "),
            name: domain.name.clone(),
        }
    }
}

/// Whose senders are of it.
pub(super) fn newsletters(t: Texts, domain: &Domain) -> String {
    let names: Vec<_> = domain.newsletters.iter().map(|newsletter| newsletter.name.as_str()).collect();
    if names.is_empty() { t.text("domain-unused") } else { names.join(", ") }
}

/// Which keys sign its mails, if any do.
pub(super) fn signed_with(t: Texts, domain: &Domain) -> Option<String> {
    let signing = domain.signed_with.first()?;
    let selectors: Vec<_> = domain.signed_with.iter().map(|key| key.selector.as_str()).collect();
    let selectors = selectors.join(", ");
    Some(if signing.domain == domain.name {
        t.with("domain-signed-with", "selectors", selectors)
    } else {
        t.with2("domain-signed-above", "selectors", selectors, "domain", signing.domain.clone())
    })
}

pub(super) fn status(t: Texts, domain: &Domain) -> Status {
    let waits =
        |key: &verbs::KnownKey| key.stored().is_some_and(|stored| stored.state == DkimKeyState::Waiting);
    let (class, key) = if domain.is_of_provider {
        ("paused", "domain-is-provider")
    } else if !domain.signed_with.is_empty() {
        ("published", "domain-is-signed")
    } else if domain.keys.iter().any(waits) {
        ("scheduled", "domain-is-waiting")
    } else {
        ("draft", "domain-is-unsigned")
    };
    Status { class, word: t.text(key) }
}

/// `GET /admin/settings/domains`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let mistakes = Mistakes::none(signed_in.texts());
    show(&request, &app, &signed_in, Form::default(), mistakes).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    typed: Form,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let domains = verbs::all(app.store.read().await?.db(), &app.keys).await?;
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = DomainsPage {
        page: Frame::new(request, signed_in, "settings", t.text("desk-domains")),
        domains: domains.iter().map(|domain| Row::of(t, domain)).collect(),
        typed,
        mistakes,
    };
    html(status, &template)
}

/// `POST /admin/settings/domains`.
pub async fn add(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let input = KeyInput {
        domain: form.first("domain").to_owned(),
        selector: String::new(),
        algorithm: DkimAlgorithm::Rsa.to_string(),
    };
    match verbs::make_key(&app.store, &app.clock, &app.keys, &input).await {
        Ok(key) => Ok(see_other(&format!("{}?done=domain-key-made", href(&key.domain)))),
        Err(error) => {
            let mistakes = mistakes_of(signed_in.texts(), error)?;
            show(&request, &app, &signed_in, form, mistakes).await
        }
    }
}

/// What to show of an error that somebody can do something about.
pub(super) fn mistakes_of(t: Texts, error: DomainError) -> Result<Mistakes, PageError> {
    match error {
        DomainError::Invalid(errors) => Ok(Mistakes::of(t, errors)),
        DomainError::NotFound => Err(PageError::NotFound),
        DomainError::Changed | DomainError::TooMany | DomainError::Sealed | DomainError::Signs => {
            Ok(Mistakes::notice(t, &error.message()))
        }
        DomainError::Store(error) => Err(error.into()),
        error => Err(PageError::internal("a signing key could not be set", error)),
    }
}
