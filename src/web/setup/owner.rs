//! `/setup/{token}`: the first user, by the link that the program printed. The GET changes nothing.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Frame, path_of, start, status_of, texts_of};
use crate::accounts::first_user::{self, FirstUserError, Link};
use crate::accounts::users::{NewUser, UserError};
use crate::accounts::{passwords, sessions};
use crate::i18n::Texts;
use crate::model::{EmailAddress, Language, SetupStep};
use crate::web::admin::{Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::{Page, html, see_other};
use crate::web::session::{SESSION_COOKIE, SignedIn, cookie};
use crate::web::{App, PageError, csrf, kept};

const FIELDS: [&str; 4] = ["address", "name", "password", "language"];

#[derive(Template)]
#[template(path = "setup/owner.html")]
struct OwnerPage {
    page: Frame,
    /// Where the form is posted to.
    action: String,
    typed: Form,
    mistakes: Mistakes,
    /// The password that was typed, sealed.
    kept: String,
}

#[derive(Template)]
#[template(path = "setup/used.html")]
struct UsedPage {
    page: Page,
}

/// `GET /setup/{token}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
    signed_in: Option<SignedIn>,
) -> Result<HttpResponse, PageError> {
    // By the button of the browser back to where one began.
    if signed_in.is_some() {
        return Ok(see_other("/setup"));
    }
    match first_user::look(&app.store, &app.clock, &token).await? {
        Link::Open => {}
        link => return refused(&request, link),
    }
    let t = texts_of(&request);
    let typed = Form::of(&[("language", t.language().as_str())]);
    show(&token, t, typed, Mistakes::none(t), String::new())
}

/// The page of a link that does not work.
fn refused(request: &HttpRequest, link: Link) -> Result<HttpResponse, PageError> {
    if link != Link::Used {
        return start::show(request, StatusCode::NOT_FOUND, true);
    }
    let t = texts_of(request);
    let page = Page::new(t, t.text("setup-used-title"));
    html(StatusCode::GONE, &UsedPage { page })
}

fn show(
    token: &str,
    t: Texts,
    typed: Form,
    mistakes: Mistakes,
    kept: String,
) -> Result<HttpResponse, PageError> {
    let mut page = Frame::new(t, "setup-owner-title", None, None);
    let link = |language: &Language| (*language, format!("/setup/{token}?lang={language}"));
    page.languages = Language::ALL.iter().map(link).collect();
    let status = status_of(mistakes.has_any());
    let action = format!("/setup/{token}?lang={}", t.language());
    html(status, &OwnerPage { page, action, typed, mistakes, kept })
}

/// The password for the page that comes back, sealed. One that would be refused is typed again.
fn kept_of(app: &App, token: &str, form: &Form, password: &str) -> Result<String, PageError> {
    let address = EmailAddress::parse(form.first("address")).ok();
    match passwords::problem_for(password, address.as_ref()) {
        Some(_) => Ok(String::new()),
        None => kept::sealed(app, password, token),
    }
}

/// The same page with what was typed, in the language of the button that was pressed.
async fn in_another_language(
    request: &HttpRequest,
    app: &App,
    token: &str,
    form: Form,
    password: &str,
) -> Result<HttpResponse, PageError> {
    match first_user::look(&app.store, &app.clock, token).await? {
        Link::Open => {}
        link => return refused(request, link),
    }
    let t = texts_of(request);
    let language = t.language();
    let mut typed = Form::of(&[("language", language.as_str())]);
    for field in ["name", "address"] {
        typed.push(field, form.first(field));
    }
    show(token, t, typed, Mistakes::none(t), kept_of(app, token, &form, password)?)
}

/// `POST /setup/{token}`: makes the first user, or shows the page in another language.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    let t = texts_of(&request);
    let password = kept::password(&app, &form, &token);
    if form.first("do") == "language" {
        return in_another_language(&request, &app, &token, form, &password).await;
    }
    let new = NewUser {
        address: form.first("address"),
        name: form.first("name"),
        language: form.first("language").parse().unwrap_or(t.language()),
        password: &password,
    };
    let claimed = match given_twice(&form, &FIELDS).or(()) {
        Ok(()) => first_user::claim(&app.store, &app.clock, &token, new).await,
        Err(errors) => Err(UserError::from(errors).into()),
    };
    match claimed {
        Ok((_, session)) => {
            let mut response = see_other(path_of(SetupStep::Newsletter));
            response
                .add_cookie(&cookie(&app, SESSION_COOKIE, session, sessions::LIFETIME))
                .map_err(|error| PageError::internal("a cookie could not be set", error))?;
            Ok(response)
        }
        Err(FirstUserError::Link(link)) => refused(&request, link),
        Err(FirstUserError::User(UserError::Invalid(errors))) => {
            let kept = kept_of(&app, &token, &form, &password)?;
            show(&token, t, form.clone(), Mistakes::of(t, errors), kept)
        }
        Err(FirstUserError::Store(error) | FirstUserError::User(UserError::Store(error))) => {
            Err(error.into())
        }
        Err(error) => Err(PageError::internal("the first user could not be made", error)),
    }
}
