//! `/setup/owner`: the first step once it is done: what the desk calls its owner, and in which language it speaks.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Frame, path_of, progress, status_of};
use crate::accounts::users::{UserError, set_profile};
use crate::i18n::FieldErrors;
use crate::model::{Language, SetupStep};
use crate::web::admin::{Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "setup/profile.html")]
struct ProfilePage {
    page: Frame,
    address: String,
    typed: Form,
    mistakes: Mistakes,
}

/// `GET /setup/owner`.
pub async fn get(app: Data<App>, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let user = &signed_in.user;
    let typed = Form::of(&[("name", &user.name), ("language", user.language.as_str())]);
    show(&app, &signed_in, typed, Mistakes::none(signed_in.texts())).await
}

async fn show(
    app: &App,
    signed_in: &SignedIn,
    typed: Form,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let progress = progress(app).await?;
    let frame = Frame::new(signed_in.texts(), "setup-owner-title", Some(&progress), None);
    let page = Frame { csrf: signed_in.csrf.clone(), ..frame };
    let address = signed_in.user.address.as_str().to_owned();
    html(status_of(mistakes.has_any()), &ProfilePage { page, address, typed, mistakes })
}

/// `POST /setup/owner`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let language: Language = form.first("language").parse().map_err(|_| PageError::BadRequest)?;
    let saved = match given_twice(&form, &["name", "language"]).or(()) {
        Ok(()) => set_profile(&app.store, &signed_in.user, form.first("name"), language).await,
        Err(errors) => Err(UserError::from(errors)),
    };
    match saved {
        Ok(()) => Ok(see_other(path_of(SetupStep::Newsletter))),
        Err(UserError::Invalid(errors)) => wrong(&app, &signed_in, form, errors).await,
        Err(UserError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a profile could not be stored", error)),
    }
}

async fn wrong(
    app: &App,
    signed_in: &SignedIn,
    form: Form,
    errors: FieldErrors,
) -> Result<HttpResponse, PageError> {
    let mistakes = Mistakes::of(signed_in.texts(), errors);
    show(app, signed_in, form, mistakes).await
}
