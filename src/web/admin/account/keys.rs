//! `/admin/account/keys`: the keys by which programs use the API in one's name: made, shown once, revoked.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;

use crate::accounts::api_keys::{self as verbs, KeyError, NewKey};
use crate::i18n::Texts;
use crate::model::{ApiKey, ApiKeyId, KeyLifetime, Permission, Timestamp};
use crate::web::admin::{Frame, Mistakes, desk_zone, given_twice, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

pub const PATH: &str = "/admin/account/keys";

#[derive(Template)]
#[template(path = "admin/keys.html")]
struct KeysPage {
    page: Frame,
    mistakes: Mistakes,
    typed: Form,
    keys: Vec<KeyLine>,
    /// Whether the password of this person is asked for; without one it must be a session that has just begun.
    has_password: bool,
    /// What one can give a key; none: one may do nothing that the API does.
    offered: Vec<Choice>,
    lifetimes: Vec<Choice>,
    /// The key that was just made: shown once.
    made: Option<Shown>,
}

#[derive(Template)]
#[template(path = "admin/key_revoke.html")]
struct RevokePage {
    page: Frame,
    key: KeyLine,
}

struct KeyLine {
    id: ApiKeyId,
    name: String,
    has_expired: bool,
    may: String,
    words: String,
}

struct Choice {
    key: &'static str,
    words: String,
}

struct Shown {
    name: String,
    secret: String,
}

fn line(t: Texts, zone: Tz, now: Timestamp, key: ApiKey) -> KeyLine {
    let used = match key.last_used_at {
        Some(at) => t.with("key-used", "date", t.date(at, zone)),
        None => t.text("key-unused"),
    };
    let ends = match key.expires_at {
        Some(at) if key.has_expired(now) => t.with("key-ended", "date", t.date(at, zone)),
        Some(at) => t.with("key-ends", "date", t.date(at, zone)),
        None => t.text("key-endless"),
    };
    let may = key.permissions().into_iter().map(|one| words_of(t, one)).collect::<Vec<_>>();
    KeyLine {
        id: key.id,
        has_expired: key.has_expired(now),
        may: may.join(" · "),
        words: [t.with("key-made", "date", t.date(key.created_at, zone)), used, ends].join(" · "),
        name: key.name,
    }
}

fn words_of(t: Texts, permission: Permission) -> String {
    t.text(&format!("key-may-{permission}"))
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, Form::default(), None, Mistakes::none(signed_in.texts())).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    typed: Form,
    made: Option<Shown>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let keys = verbs::list(app.desk(), signed_in.user.id).await?;
    let zone = desk_zone(&mut app.store.read().await?).await?;
    let offered = verbs::offered(signed_in.actor());
    let template = KeysPage {
        page: Frame::new(request, signed_in, "account", t.text("key-title")),
        keys: keys.into_iter().map(|key| line(t, zone, app.clock.now(), key)).collect(),
        offered: offered
            .into_iter()
            .map(|one| Choice { key: one.as_str(), words: words_of(t, one) })
            .collect(),
        lifetimes: KeyLifetime::ALL
            .iter()
            .map(|one| Choice { key: one.as_str(), words: t.text(&format!("key-lifetime-{one}")) })
            .collect(),
        has_password: signed_in.user.has_password(),
        typed,
        made,
        mistakes,
    };
    let status = if template.mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html(status, &template)
}

/// `POST /admin/account/keys`: a new key. It is shown in answer to the post, once: nothing that is stored could show it
/// again.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let permissions: Vec<Permission> = form.all("permission").filter_map(|word| word.parse().ok()).collect();
    let new = NewKey {
        name: form.first("name"),
        permissions: &permissions,
        lifetime: form.first("lifetime").parse().ok(),
        password: form.first("password"),
        this_session: &signed_in.token_hash,
    };
    let made = match given_twice(&form, &["name", "lifetime", "password"]).or(()) {
        Ok(()) => verbs::make(app.desk(), &signed_in.user, &new).await,
        Err(errors) => Err(errors.into()),
    };
    let mistakes = match made {
        Ok(made) => {
            app.wake.notify_one();
            let shown = Shown { name: made.key.name, secret: made.secret };
            return show(&request, &app, &signed_in, Form::default(), Some(shown), Mistakes::none(t)).await;
        }
        Err(KeyError::Invalid(errors)) => Mistakes::of(t, errors),
        Err(error @ (KeyError::TooMany | KeyError::Throttled(_))) => Mistakes::notice(t, &error.message()),
        Err(KeyError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(PageError::internal("a key could not be made", error)),
    };
    show(&request, &app, &signed_in, form, None, mistakes).await
}

/// One's own key of a URL.
async fn own_key(app: &App, signed_in: &SignedIn, id: &str) -> Result<ApiKey, PageError> {
    let id = ApiKeyId(id_of(id)?);
    let keys = verbs::list(app.desk(), signed_in.user.id).await?;
    keys.into_iter().find(|key| key.id == id).ok_or(PageError::NotFound)
}

/// `GET /admin/account/keys/{id}/revoke`: asks whether that is meant.
pub async fn ask(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let key = own_key(&app, &signed_in, &id).await?;
    let zone = desk_zone(&mut app.store.read().await?).await?;
    let title = t.with("key-revoke-of", "key", key.name.as_str());
    let template = RevokePage {
        page: Frame::new(&request, &signed_in, "account", title),
        key: line(t, zone, app.clock.now(), key),
    };
    html(StatusCode::OK, &template)
}

/// `POST /admin/account/keys/{id}/revoke`.
pub async fn revoke(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let key = own_key(&app, &signed_in, &id).await?;
    match verbs::revoke(&app.store, key.id).await {
        // Pressed twice: it is gone either way.
        Ok(_) | Err(KeyError::NotFound) => Ok(see_other(&format!("{PATH}?done=key-revoked"))),
        Err(KeyError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a key could not be revoked", error)),
    }
}
