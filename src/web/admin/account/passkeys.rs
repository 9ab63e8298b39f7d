//! `/admin/account/passkeys`: one's passkeys, another one, and removing one. A page that was asked for by a form holds the
//! challenge; the script hands it to the device, and the device's answer comes as a form.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use data_encoding::BASE64URL_NOPAD;

use super::identities::{unconfirmed, way};
use crate::accounts::own::Ways;
use crate::accounts::passkeys::ceremony::Site;
use crate::accounts::passkeys::cose::ALGORITHMS;
use crate::accounts::passkeys::{self as verbs, Asked, CHALLENGE_LIFETIME, PasskeyError, user_handle};
use crate::model::PasskeyId;
use crate::store::passkeys::Passkey;
use crate::web::admin::passkey::{asked, forget, octets, remember};
use crate::web::admin::{Frame, Mistakes, desk_zone, given_twice, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const PATH: &str = "/admin/account/passkeys";

#[derive(Template)]
#[template(path = "admin/passkeys.html")]
struct PasskeysPage {
    page: Frame,
    mistakes: Mistakes,
    has_password: bool,
    name: String,
    lines: Vec<Line>,
    /// What the device is to make.
    wanted: Option<Wanted>,
}

struct Line {
    id: PasskeyId,
    name: String,
    words: String,
}

/// In the letters of base64url where they are octets.
struct Wanted {
    challenge: String,
    site: String,
    user: String,
    address: String,
    person: String,
    /// Of the algorithms, with commas.
    algorithms: String,
    /// Those that there are already, with commas.
    known: String,
    timeout_ms: u128,
}

fn wanted(app: &App, signed_in: &SignedIn, site: Site, asked: &Asked, known: &[Passkey]) -> Wanted {
    let user = &signed_in.user;
    let comma = |texts: Vec<String>| texts.join(",");
    Wanted {
        challenge: BASE64URL_NOPAD.encode(&asked.challenge),
        site: site.id,
        user: BASE64URL_NOPAD.encode(&user_handle(&app.keys, user.id)),
        address: user.address.to_string(),
        person: user.name.clone(),
        algorithms: comma(ALGORITHMS.iter().map(ToString::to_string).collect()),
        known: comma(known.iter().map(|one| BASE64URL_NOPAD.encode(&one.credential_id)).collect()),
        timeout_ms: CHALLENGE_LIFETIME.as_millis(),
    }
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, "", None, Mistakes::none(signed_in.texts())).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    name: &str,
    asked: Option<&Asked>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let site = app.passkey_site().ok_or(PageError::NotFound)?;
    let t = signed_in.texts();
    let known = verbs::of_user(app.desk(), &signed_in.user).await?;
    let zone = desk_zone(&mut app.store.read().await?).await?;
    let line = |passkey: &Passkey| Line {
        id: passkey.id,
        name: passkey.name.clone(),
        words: match passkey.last_used_at {
            Some(used) => {
                let since = t.date_time(passkey.created_at, zone);
                t.with2("passkey-used", "since", since, "used", t.date_time(used, zone))
            }
            None => t.with("passkey-unused", "since", t.date_time(passkey.created_at, zone)),
        },
    };
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = PasskeysPage {
        page: Frame::new(request, signed_in, "account", t.text("passkey-title")),
        mistakes,
        has_password: signed_in.user.has_password(),
        name: name.to_owned(),
        lines: known.iter().map(line).collect(),
        wanted: asked.map(|asked| wanted(app, signed_in, site, asked, &known)),
    };
    let mut response = html(status, &template)?;
    if let Some(asked) = asked {
        remember(app, &mut response, asked)?;
    }
    Ok(response)
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let site = app.passkey_site().ok_or(PageError::NotFound)?;
    let t = signed_in.texts();
    let (desk, user, this) = (app.desk(), &signed_in.user, signed_in.token_hash.as_slice());
    let (name, password) = (form.first("name"), form.first("password"));
    let done = match (given_twice(&form, &["name", "password"]).or(()), form.first("do")) {
        (Err(errors), _) => Err(errors.into()),
        (Ok(()), "begin") => match verbs::begin(desk, user, this, name, password).await {
            Ok(asked) => {
                return show(&request, &app, &signed_in, name, Some(&asked), Mistakes::none(t)).await;
            }
            Err(error) => Err(error),
        },
        (Ok(()), "add") => {
            let token = asked(&request, &app);
            let (client_data, attestation) = (octets(&form, "client_data"), octets(&form, "attestation"));
            verbs::add(desk, &site, user, this, &token, &client_data, &attestation).await.map(|()| "passkey")
        }
        (Ok(()), _) => {
            let id = PasskeyId(id_of(form.first("remove"))?);
            match verbs::remove(desk, user, this, id, password, Ways::of(app.provider.as_ref())).await {
                Ok(()) => Ok("passkey-removed"),
                Err(error) => {
                    let mistakes = way(t, error)?;
                    return show(&request, &app, &signed_in, name, None, mistakes).await;
                }
            }
        }
    };
    let mistakes = match done {
        Ok(done) => {
            app.wake.notify_one();
            let mut response = see_other(&format!("{PATH}?done={done}"));
            forget(&app, &mut response)?;
            return Ok(response);
        }
        Err(PasskeyError::Invalid(errors)) => Mistakes::of(t, errors),
        Err(PasskeyError::Unconfirmed(error)) => unconfirmed(t, error)?,
        Err(PasskeyError::Store(error)) => return Err(error.into()),
        Err(PasskeyError::Session(error)) => {
            return Err(PageError::internal("a passkey could not be made", error));
        }
        Err(error) => {
            tracing::info!(cause = %error, "a new passkey was refused");
            Mistakes::notice(t, &error.message())
        }
    };
    show(&request, &app, &signed_in, name, None, mistakes).await
}
