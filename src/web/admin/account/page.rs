//! `GET /admin/account`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::accounts::api_keys;
use crate::accounts::identities;
use crate::accounts::login::browser_in_words;
use crate::accounts::own::open_sessions;
use crate::accounts::passkeys;
use crate::accounts::second_factor::{State, state};
use crate::model::IdentityId;
use crate::store::identities::Identity;
use crate::store::sessions::OpenSession;
use crate::web::admin::{Frame, Mistakes, desk_zone};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/account.html")]
struct AccountPage {
    page: Frame,
    address: String,
    typed: Form,
    mistakes: Mistakes,
    factor: String,
    has_factor: bool,
    /// How many keys of the API there are, in words.
    keys: String,
    /// Whether the password of this person is asked for; without one it must be a session that has just begun.
    has_password: bool,
    provider: Option<ProviderPart>,
    /// How many there are, in words.
    passkeys: Option<String>,
    sessions: Vec<SessionLine>,
}

/// The account at the provider.
struct ProviderPart {
    label: String,
    /// Of the account that is linked: what names it in a form, and since when.
    linked: Option<(IdentityId, String)>,
}

struct SessionLine {
    key: String,
    browser: String,
    words: String,
    is_this: bool,
}

/// Where only a form is posted to.
pub async fn to_account(_: SignedIn) -> HttpResponse {
    see_other("/admin/account")
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, None, Mistakes::none(signed_in.texts())).await
}

/// The page with what was typed into one of its forms, and what is wrong with it.
pub(super) async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    typed: Option<&Form>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let user = &signed_in.user;
    let open = open_sessions(app.desk(), user).await?;
    let keys = i64::try_from(api_keys::list(app.desk(), user.id).await?.len()).unwrap_or(i64::MAX);
    let zone = desk_zone(&mut app.store.read().await?).await?;
    let line = |session: OpenSession| SessionLine {
        key: session.key(),
        browser: match browser_in_words(&session.user_agent).as_str() {
            "?" => t.text("account-browser-unknown"),
            words => words.to_owned(),
        },
        words: t.with2(
            "account-session",
            "since",
            t.date_time(session.created_at, zone),
            "seen",
            t.date_time(session.last_seen_at, zone),
        ),
        is_this: session.token_hash == signed_in.token_hash,
    };
    let (factor, has_factor) = match state(app.desk(), user.id).await? {
        State::On { codes_left } => (t.with("factor-is-on", "left", codes_left), true),
        State::None | State::Waiting(_) => (t.text("factor-is-off"), false),
    };
    let provider = match &app.provider {
        None => None,
        Some(provider) => {
            let known = identities::of_user(app.desk(), user).await?;
            let known = known.into_iter().find(|identity| identity.issuer == provider.issuer());
            let since = |identity: &Identity| {
                let used = t.date_time(identity.last_used_at, zone);
                t.with2("provider-linked", "since", t.date_time(identity.created_at, zone), "used", used)
            };
            let linked = known.map(|identity| (identity.id, since(&identity)));
            Some(ProviderPart { label: provider.label().to_owned(), linked })
        }
    };
    let passkeys = match app.passkey_site() {
        None => None,
        Some(_) => {
            let count = passkeys::of_user(app.desk(), user).await?.len();
            Some(t.with("passkey-count", "count", i64::try_from(count).unwrap_or(i64::MAX)))
        }
    };
    let stored = Form::of(&[("name", user.name.as_str()), ("language", user.language.as_str())]);
    let template = AccountPage {
        page: Frame::new(request, signed_in, "account", t.text("account-title")),
        address: user.address.to_string(),
        typed: typed.filter(|form| form.has("name")).cloned().unwrap_or(stored),
        factor,
        has_factor,
        keys: t.with("key-count", "count", keys),
        has_password: user.has_password(),
        provider,
        passkeys,
        sessions: open.into_iter().map(line).collect(),
        mistakes,
    };
    let status = if template.mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html(status, &template)
}
