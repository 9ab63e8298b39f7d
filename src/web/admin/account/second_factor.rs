//! `/admin/account/second-factor`: an authenticator is begun, turned on by its first code, and turned off; recovery codes.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::accounts::authenticator::{spelled, uri};
use crate::accounts::second_factor::{self as verbs, FactorError, State};
use crate::web::admin::forms::qr;
use crate::web::admin::{Frame, Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

pub const PATH: &str = "/admin/account/second-factor";

#[derive(Template)]
#[template(path = "admin/second_factor.html")]
struct FactorPage {
    page: Frame,
    mistakes: Mistakes,
    has_password: bool,
    /// Everybody needs one, and nothing else is open until it is on.
    is_demanded: bool,
    waiting: Option<Waiting>,
    /// How many recovery codes are left, in words; `None`: it is off.
    on: Option<String>,
    /// Those that were just made: shown once.
    codes: Vec<String>,
}

/// A secret that waits for its first code.
struct Waiting {
    /// A picture: safe SVG.
    qr: String,
    spelled: String,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, Vec::new(), Mistakes::none(signed_in.texts())).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    codes: Vec<String>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let (waiting, on) = match verbs::state(app.desk(), signed_in.user.id).await? {
        State::None => (None, None),
        State::Waiting(secret) => {
            let qr = qr::svg(&uri(&secret, signed_in.user.address.as_str()));
            let qr = qr.map_err(|error| PageError::internal("a QR code could not be drawn", error))?;
            (Some(Waiting { qr, spelled: spelled(&secret) }), None)
        }
        State::On { codes_left } => (None, Some(t.with("factor-is-on", "left", codes_left))),
    };
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = FactorPage {
        page: Frame::new(request, signed_in, "account", t.text("factor-title")),
        mistakes,
        has_password: signed_in.user.has_password(),
        is_demanded: signed_in.lacks_factor && on.is_none(),
        waiting,
        on,
        codes,
    };
    html(status, &template)
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let (desk, user, this) = (app.desk(), &signed_in.user, signed_in.token_hash.as_slice());
    let password = form.first("password");
    let made = match (given_twice(&form, &["code", "password"]).or(()), form.first("do")) {
        (Err(errors), _) => Err(errors.into()),
        (Ok(()), "begin") => verbs::begin(desk, user, this, password).await.map(|()| Vec::new()),
        (Ok(()), "on") => verbs::turn_on(desk, user, this, form.first("code")).await,
        (Ok(()), "off") => verbs::turn_off(desk, user, this, password).await.map(|()| Vec::new()),
        (Ok(()), "codes") => verbs::renew_codes(desk, user, this, password).await,
        (Ok(()), _) => return Err(PageError::BadRequest),
    };
    match made {
        Ok(codes) if codes.is_empty() => {
            app.wake.notify_one();
            Ok(see_other(PATH))
        }
        // Shown in answer to the post, once: nothing that is stored could show them again.
        Ok(codes) => {
            app.wake.notify_one();
            show(&request, &app, &signed_in, codes, Mistakes::none(t)).await
        }
        Err(FactorError::Invalid(errors)) => {
            show(&request, &app, &signed_in, Vec::new(), Mistakes::of(t, errors)).await
        }
        Err(FactorError::Throttled(wait)) => {
            show(&request, &app, &signed_in, Vec::new(), Mistakes::notice(t, &wait.message())).await
        }
        Err(FactorError::MovedOn) => Ok(see_other(PATH)),
        Err(FactorError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a second factor could not be changed", error)),
    }
}
