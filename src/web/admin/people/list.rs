//! `GET /admin/people`, `POST /admin/people` (invites somebody) and `POST /admin/people/rules`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{RoleField, grants_in_words, grants_typed, role_fields, role_typed};
use crate::accounts::people::{Invitation, PeopleError, demand_factor, invite as invite_verb};
use crate::i18n::Texts;
use crate::model::{Grant, User};
use crate::store::{self, authenticators, desk_rules, grants};
use crate::web::admin::{Frame, Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/people.html")]
struct PeoplePage {
    page: Frame,
    people: Vec<Line>,
    typed: Form,
    roles: Vec<RoleField>,
    mistakes: Mistakes,
    demands_factor: bool,
    has_newsletter: bool,
}

struct Line {
    href: String,
    name: String,
    address: String,
    roles: String,
    /// A class of the stylesheet and a word; `None` for who is simply here.
    badge: Option<(&'static str, String)>,
    has_factor: bool,
    is_oneself: bool,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let typed = Form::of(&[("language", t.language().as_str())]);
    show(&request, &app, &signed_in, typed, Mistakes::none(t)).await
}

/// What a person is beside a role.
pub(super) fn badge(t: Texts, user: &User) -> Option<(&'static str, String)> {
    match (user.disabled_at, user.joined_at) {
        (Some(_), _) => Some(("draft", t.text("people-disabled"))),
        (None, None) => Some(("scheduled", t.text("people-invited"))),
        (None, Some(_)) => None,
    }
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    typed: Form,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let newsletters = store::newsletters::all(reader.db()).await?;
    let all = grants::all(reader.db()).await?;
    let with_factor = authenticators::users(reader.db()).await?;
    let demands_factor = desk_rules::second_factor(reader.db()).await?;
    let users = store::users::all(reader.db()).await?;
    drop(reader);
    let line = |user: User| {
        let theirs: Vec<Grant> =
            all.iter().filter(|one| one.user_id == user.id).map(|one| one.grant).collect();
        Line {
            href: format!("/admin/people/{}", user.id),
            roles: grants_in_words(t, &theirs, &newsletters),
            badge: badge(t, &user),
            has_factor: with_factor.contains(&user.id),
            is_oneself: user.id == signed_in.user.id,
            address: user.address.to_string(),
            name: user.name,
        }
    };
    let people = users.into_iter().map(line).collect();
    let roles = role_fields(t, &newsletters, |place| role_typed(&typed, place));
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Frame::new(request, signed_in, "settings", t.text("people-title"));
    let has_newsletter = !newsletters.is_empty();
    html(status, &PeoplePage { page, people, typed, roles, mistakes, demands_factor, has_newsletter })
}

/// Invites somebody by mail.
pub async fn invite(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let newsletters = store::newsletters::all(app.store.read().await?.db()).await?;
    let wanted = grants_typed(&form, &newsletters);
    let invitation = Invitation {
        address: form.first("address"),
        name: form.first("name"),
        language: form.first("language").parse().unwrap_or(t.language()),
        grants: &wanted,
    };
    let invited = match given_twice(&form, &["address", "name", "language"]).or(()) {
        Ok(()) => invite_verb(app.desk(), invitation).await,
        Err(errors) => Err(errors.into()),
    };
    let mistakes = match invited {
        Ok(_) => {
            app.wake.notify_one();
            return Ok(see_other("/admin/people?done=invited"));
        }
        Err(PeopleError::Invalid(errors)) => Mistakes::of(t, errors),
        Err(PeopleError::Store(error)) => return Err(error.into()),
        Err(error) => Mistakes::notice(t, &error.message()),
    };
    show(&request, &app, &signed_in, form, mistakes).await
}

/// Whether everybody needs a second factor.
pub async fn rules(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    demand_factor(app.desk(), form.has("second_factor")).await?;
    Ok(see_other("/admin/people?done=saved"))
}
