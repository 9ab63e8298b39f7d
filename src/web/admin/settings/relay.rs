//! `/admin/settings/relays/{id}`: one relay of the database: added, changed, tried, removed.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::relay_form::{blank, fields, input, test_result, typed};
use crate::model::{RelayId, StoredRelay};
use crate::setup::connection;
use crate::setup::relays::{self, RelayError, newsletters_of, open};
use crate::store;
use crate::web::admin::{Frame, Mistakes, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf, kept};

const LIST: &str = "/admin/settings/relays";

#[derive(Template)]
#[template(path = "admin/relay.html")]
struct RelayPage {
    page: Frame,
    /// Where the form is posted to.
    action: String,
    /// `None` for a new one.
    version: Option<i64>,
    name: String,
    /// HTML.
    fields: String,
    tested: Option<String>,
    /// What happens when it is removed.
    removal: Option<String>,
    mistakes: Mistakes,
}

/// What the page shows.
struct Shown<'a> {
    relay: Option<&'a StoredRelay>,
    form: Form,
    kept: String,
    tested: Option<String>,
    mistakes: Mistakes,
}

/// For the hidden field of a password that was typed.
fn place(signed_in: &SignedIn) -> String {
    format!("relay of user {}", signed_in.user.id)
}

/// `GET /admin/settings/relays/new`.
pub async fn new(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let mistakes = Mistakes::none(signed_in.texts());
    let shown = Shown { relay: None, form: blank(), kept: String::new(), tested: None, mistakes };
    show(&request, &app, &signed_in, shown).await
}

/// `GET /admin/settings/relays/{id}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let relay = stored(&app, &id).await?;
    let mistakes = Mistakes::none(signed_in.texts());
    let shown =
        Shown { relay: Some(&relay), form: typed(&relay), kept: String::new(), tested: None, mistakes };
    show(&request, &app, &signed_in, shown).await
}

async fn stored(app: &App, id: &str) -> Result<StoredRelay, PageError> {
    let id = RelayId(id_of(id)?);
    store::relays::by_id(app.store.read().await?.db(), id).await?.ok_or(PageError::NotFound)
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    shown: Shown<'_>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let Shown { relay, form, kept, tested, mistakes } = shown;
    let removal = match relay {
        Some(relay) => {
            let users = newsletters_of(app.store.read().await?.db(), &relay.name).await?;
            let names: Vec<_> = users.into_iter().map(|newsletter| newsletter.name).collect();
            Some(if names.is_empty() {
                t.text("relay-remove-unused")
            } else {
                t.with("relay-remove-used", "newsletters", names.join(", "))
            })
        }
        None => None,
    };
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let title = match relay {
        Some(relay) => t.with("relay-title", "relay", relay.name.clone()),
        None => t.text("relay-add"),
    };
    let has_password = relay.is_some_and(|relay| !relay.sealed_password.is_empty());
    let template = RelayPage {
        page: Frame::new(request, signed_in, "settings", title),
        action: relay.map_or_else(|| LIST.to_owned(), |relay| format!("{LIST}/{}", relay.id)),
        version: relay.map(|relay| relay.version),
        name: form.first("name").to_owned(),
        fields: fields(t, form, mistakes.clone(), kept, has_password)?,
        tested,
        removal,
        mistakes,
    };
    html(status, &template)
}

/// `POST /admin/settings/relays`.
pub async fn add(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let added = match input(&app, &form, &place(&signed_in)) {
        Ok(input) => {
            relays::add(&app.store, &app.clock, &app.keys, &app.relays, form.first("name"), &input).await
        }
        Err(errors) => Err(errors.into()),
    };
    answer(&request, &app, &signed_in, &form, None, added).await
}

/// `POST /admin/settings/relays/{id}`.
pub async fn save(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let known = stored(&app, &id).await?;
    let version = form.first("version").parse().ok();
    let saved = match input(&app, &form, &place(&signed_in)) {
        Ok(input) => {
            relays::change(&app.store, &app.clock, &app.keys, &app.relays, known.id, version, &input).await
        }
        Err(errors) => Err(errors.into()),
    };
    answer(&request, &app, &signed_in, &form, Some(known), saved).await
}

/// Saved: back to the list, or the page with what a test found. Not saved: the page as it was posted.
async fn answer(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    form: &Form,
    known: Option<StoredRelay>,
    saved: Result<StoredRelay, RelayError>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mistakes = match saved {
        Ok(relay) if form.first("do") != "test" => {
            let done = if known.is_some() { "saved" } else { "relay-added" };
            return Ok(see_other(&format!("{LIST}?done={done}&relay={}", relay.name)));
        }
        Ok(relay) => return saved_and_tested(request, app, signed_in, relay).await,
        Err(RelayError::Invalid(errors)) => Mistakes::of(t, errors),
        Err(error @ (RelayError::Changed | RelayError::TooMany)) => Mistakes::notice(t, &error.message()),
        Err(RelayError::NotFound) => return Err(PageError::NotFound),
        Err(RelayError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(PageError::internal("a relay could not be stored", error)),
    };
    let place = place(signed_in);
    let kept = kept::sealed(app, &kept::password(app, form, &place), &place)?;
    let shown = Shown { relay: known.as_ref(), form: form.clone(), kept, tested: None, mistakes };
    show(request, app, signed_in, shown).await
}

async fn saved_and_tested(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    relay: StoredRelay,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let tested = match open(&app.keys, &app.relays, &relay) {
        Some(opened) => Some(test_result(t, &opened, &connection::test(&opened).await)?),
        None => None,
    };
    let mistakes = Mistakes::none(t);
    let shown = Shown { relay: Some(&relay), form: typed(&relay), kept: String::new(), tested, mistakes };
    show(request, app, signed_in, shown).await
}

/// `POST /admin/settings/relays/{id}/remove`.
pub async fn remove(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = RelayId(id_of(&id)?);
    match relays::remove(&app.store, &app.relays, id).await {
        Ok(_) => Ok(see_other(&format!("{LIST}?done=relay-removed"))),
        // Somebody else has done it.
        Err(RelayError::NotFound) => Ok(see_other(LIST)),
        Err(RelayError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a relay could not be removed", error)),
    }
}
