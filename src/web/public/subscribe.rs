//! The sign-up page of a form, and the endpoint that any website's form may post to.
//!
//! The endpoint takes a plain `<form method="post">` from anywhere: no script, no cookie, no token. Its
//! fields: `email`, `name` (optional), `language` (optional), the form's own by their keys, `consent` (any
//! value: the box was ticked).

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::door::Door;
use super::inbox_cookie::{self, Typed};
use super::signup_page::{Filled, Hidden, show};
use super::{evidence, signup_cookie};
use crate::i18n::{Message, Texts};
use crate::model::{AskedField, EmailAddress, Language};
use crate::subscriptions::capture::Capture;
use crate::subscriptions::gate;
use crate::subscriptions::signup::{Problem, SignUp, SignUpError, sign_up};
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::{App, PageError, language};

/// Fields that a person fills in: one of them twice, with different values, is a mistake to be shown.
const FIELDS: [&str; 3] = ["email", "name", "language"];

/// `GET /f/{form}` and `GET /n/{slug}`.
pub async fn get(request: HttpRequest, app: Data<App>, client: Client) -> Result<HttpResponse, PageError> {
    let door = Door::of(&request, &app).await?;
    let shown_in = language::of(&request, door.open.newsletter.language);
    let filled = typed_before(&request, &app, &door)
        .unwrap_or_else(|| Filled::of_link(&request, &door.open.asked, &client.page));
    show(&request, &app, door, shown_in, filled, StatusCode::OK).await
}

/// `?change`: back from the page after the form, with what was typed, or with `meant` the address that was probably
/// meant; another address means another consent, so the box is empty.
fn typed_before(request: &HttpRequest, app: &App, door: &Door) -> Option<Filled> {
    let query = Form::of_query(request);
    if !query.has("change") {
        return None;
    }
    let typed = inbox_cookie::read(request, app, door.open.newsletter.id)?;
    let meant = if query.has("meant") { gate::hint(typed.address.as_str()) } else { None };
    let (address, language) = (meant.unwrap_or_else(|| typed.address.to_string()), Some(typed.language));
    Some(Filled { address, name: typed.name, language, ..Filled::default() })
}

/// `GET ../subscribe`: a reload or a typed address, not a form.
pub async fn get_again(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, PageError> {
    Ok(see_other(&Door::of(&request, &app).await?.base))
}

/// What was typed, to show it again if need be.
fn filled_of(form: &Form, asked: &[AskedField]) -> Filled {
    let own = asked.iter().map(|asked| asked.field.key.as_str());
    let twice = FIELDS.into_iter().chain(own.clone()).filter(|field| form.one(field).is_err());
    Filled {
        address: form.first("email").to_owned(),
        name: form.first("name").to_owned(),
        language: form.first("language").parse().ok(),
        has_consented: is_ticked(form),
        mistakes: twice.map(|field| (field.to_owned(), Message::new("error-field-twice"))).collect(),
        values: own.map(|key| (key.to_owned(), form.first(key).to_owned())).collect(),
        capture: Hidden::of(form.first("referrer"), form),
        notice: None,
    }
}

/// `POST /f/{form}/subscribe` and `POST /n/{slug}/subscribe`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    form: Form,
) -> Result<HttpResponse, PageError> {
    let door = Door::of(&request, &app).await?;
    let parsed = |field: &str| form.first(field).parse::<Language>().ok();
    let shown_in =
        parsed("shown_in").unwrap_or_else(|| language::of(&request, door.open.newsletter.language));
    let mut filled = filled_of(&form, &door.open.asked);
    if !filled.mistakes.is_empty() {
        return show(&request, &app, door, shown_in, filled, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let stamp = form.first("stamp");
    let mut evidence = evidence(client, if stamp.is_empty() { "form" } else { "page" });
    if !stamp.is_empty() {
        // Our own pages send no Referer; a form on a website that has a stamp says where it is.
        let said = form.first("page");
        evidence.page = if said.is_empty() { app.url(&door.base) } else { said.to_owned() };
    }
    let sign_up_form = SignUp {
        form: &door.open,
        address: &filled.address,
        name: &filled.name,
        language: filled.language.unwrap_or(shown_in),
        shown_in,
        has_consented: filled.has_consented,
        trap: form.first("website"),
        stamp,
        proof: form.first("altcha"),
        values: &filled.values,
        evidence,
        capture: Capture::of(form.first("referrer"), |name| form.first(name)),
    };
    match sign_up(&app.store, &app.clock, &app.keys, &app.gate, &sign_up_form).await {
        Ok(_) => {
            app.wake.notify_one();
            taken(&app, &door, shown_in, &filled)
        }
        Err(SignUpError::Invalid(problems)) => {
            let mistake = |problem: &Problem| (problem.field().to_owned(), problem.message());
            filled.mistakes = problems.iter().map(mistake).collect();
            let t = Texts::new(shown_in);
            filled.notice = Some(match problems.as_slice() {
                [Problem::TooFast] => Problem::TooFast.message().in_words(t),
                _ => t.text("error-marked"),
            });
            show(&request, &app, door, shown_in, filled, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(SignUpError::TooMany { minutes }) => {
            filled.notice = Some(Texts::new(shown_in).with("page-error-too-many", "minutes", minutes));
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = show(&request, &app, door, shown_in, filled, status).await?;
            response.headers_mut().insert(RETRY_AFTER, (minutes * 60).into());
            Ok(response)
        }
        Err(SignUpError::Store(error)) => Err(error.into()),
        Err(SignUpError::NoRandomness(error)) => Err(PageError::internal("a sign-up failed", error)),
    }
}

/// On to the owner's page, or to ours.
fn taken(app: &App, door: &Door, shown_in: Language, filled: &Filled) -> Result<HttpResponse, PageError> {
    let redirect_url = &door.open.form.redirect_url;
    let mut response = if redirect_url.is_empty() {
        see_other(&format!("{}/check-inbox?lang={shown_in}", door.base))
    } else {
        see_other(redirect_url)
    };
    if let Ok(address) = EmailAddress::parse(&filled.address) {
        let newsletter = door.open.newsletter.id;
        let signed_up = signup_cookie::make(app, newsletter, &address);
        let (name, asked_at) = (filled.name.clone(), app.clock.now());
        let language = filled.language.unwrap_or(shown_in);
        let typed = Typed { newsletter, address, name, language, asked_at, is_again: false };
        for cookie in [signed_up, inbox_cookie::make(app, &typed)] {
            response
                .add_cookie(&cookie)
                .map_err(|error| PageError::internal("a cookie could not be set", error))?;
        }
    }
    Ok(response)
}

/// A box that is not ticked is absent; a website's own form may say `0` or `no` instead.
fn is_ticked(form: &Form) -> bool {
    form.all("consent").any(|value| !matches!(value.trim(), "" | "0" | "no" | "off" | "false"))
}
