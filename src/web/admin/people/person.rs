//! `/admin/people/{id}`: what one person may do, and letting them in or not.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{RoleField, grants_typed, role_fields, role_in, role_typed};
use crate::accounts::people::{self, PeopleError};
use crate::i18n::Texts;
use crate::model::{LinkPurpose, User, UserId};
use crate::store::{self, account_links, api_keys, authenticators, grants, sessions};
use crate::web::admin::{Frame, Mistakes, desk_zone, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/person.html")]
struct PersonPage {
    page: Frame,
    id: UserId,
    address: String,
    badge: Option<(&'static str, String)>,
    /// Since when they are here, or how long their invitation works.
    since: String,
    roles: Vec<RoleField>,
    mistakes: Mistakes,
    is_oneself: bool,
    is_invited: bool,
    is_disabled: bool,
    has_factor: bool,
    /// How many sessions are open, in words.
    sessions: Option<String>,
    /// How many keys of the API there are, in words; `None`: none.
    keys: Option<String>,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let id = UserId(id_of(&id)?);
    show(&request, &app, &signed_in, id, None, Mistakes::none(signed_in.texts())).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    id: UserId,
    typed: Option<&Form>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let user = store::users::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let theirs = grants::of_user(reader.db(), id).await?;
    let newsletters = store::newsletters::all(reader.db()).await?;
    let has_factor = authenticators::is_active(reader.db(), id).await?;
    let expires_at = account_links::expires_at(reader.db(), id, LinkPurpose::Invite).await?;
    let now = app.clock.now();
    let idle_since = now.minus(crate::accounts::sessions::IDLE_MAX);
    let open = sessions::of_user(reader.db(), id, now, idle_since).await?.len();
    let keys = i64::try_from(api_keys::of_user(reader.db(), id).await?.len()).unwrap_or(i64::MAX);
    let zone = desk_zone(&mut reader).await?;
    drop(reader);
    let roles = match typed {
        Some(form) => role_fields(t, &newsletters, |place| role_typed(form, place)),
        None => role_fields(t, &newsletters, |place| role_in(&theirs, place)),
    };
    let since = match (user.joined_at, expires_at.filter(|at| *at > now)) {
        (Some(at), _) => t.with("people-since", "date", t.date(at, zone)),
        (None, Some(until)) => t.with("people-invited-until", "date", t.date_time(until, zone)),
        (None, None) => t.text("people-invitation-over"),
    };
    let count = i64::try_from(open).unwrap_or(i64::MAX);
    let template = PersonPage {
        page: Frame::new(request, signed_in, "settings", user.name.clone()),
        id,
        address: user.address.to_string(),
        badge: super::list::badge(t, &user),
        since,
        roles,
        is_oneself: id == signed_in.user.id,
        is_invited: user.joined_at.is_none(),
        is_disabled: user.disabled_at.is_some(),
        has_factor,
        sessions: (open > 0).then(|| t.with("people-sessions", "count", count)),
        keys: (keys > 0).then(|| t.with("key-count", "count", keys)),
        mistakes,
    };
    let status = if template.mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html(status, &template)
}

/// `POST /admin/people/{id}`: other roles.
pub async fn save(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = UserId(id_of(&id)?);
    let newsletters = store::newsletters::all(app.store.read().await?.db()).await?;
    let wanted = grants_typed(&form, &newsletters);
    match people::set_grants(app.desk(), id, &wanted).await {
        Ok(_) => {
            app.wake.notify_one();
            Ok(see_other(&format!("/admin/people/{id}?done=saved")))
        }
        Err(error) => {
            let mistakes = mistakes(signed_in.texts(), error)?;
            show(&request, &app, &signed_in, id, Some(&form), mistakes).await
        }
    }
}

fn mistakes(t: Texts, error: PeopleError) -> Result<Mistakes, PageError> {
    match error {
        PeopleError::Invalid(errors) => Ok(Mistakes::of(t, errors)),
        PeopleError::Unknown => Err(PageError::NotFound),
        PeopleError::Store(error) => Err(error.into()),
        error => Ok(Mistakes::notice(t, &error.message())),
    }
}

/// `POST /admin/people/{id}/{move}`: `invite` again, `disable`, `enable`, `remove`, end `sessions`, revoke
/// `keys`, take off the `factor`.
pub async fn make_move(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = UserId(id_of(&path.0)?);
    let desk = app.desk();
    let page = format!("/admin/people/{id}");
    let made: Result<String, PeopleError> = match path.1.as_str() {
        "invite" => people::invite_again(desk, id).await.map(|_: User| format!("{page}?done=invited")),
        "disable" => people::disable(desk, id).await.map(|_| format!("{page}?done=disabled")),
        "enable" => people::enable(desk, id).await.map(|_| format!("{page}?done=enabled")),
        "remove" => people::remove(desk, id).await.map(|_| "/admin/people?done=person-removed".to_owned()),
        "sessions" => people::end_sessions(desk, id).await.map(|_| format!("{page}?done=sessions-ended")),
        "keys" => people::revoke_keys(desk, id).await.map(|_| format!("{page}?done=keys-revoked")),
        "factor" => people::remove_factor(desk, id).await.map(|()| format!("{page}?done=factor-off")),
        _ => return Err(PageError::NotFound),
    };
    match made {
        Ok(location) => {
            app.wake.notify_one();
            Ok(see_other(&location))
        }
        Err(error) => {
            let mistakes = mistakes(signed_in.texts(), error)?;
            show(&request, &app, &signed_in, id, None, mistakes).await
        }
    }
}
