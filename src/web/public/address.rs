//! `/address/{token}`: the page behind the button in the mail to a new address. GET shows one button and changes
//! nothing; POST moves the subscriptions there.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::confirm::unknown;
use super::{evidence, page, texts_of_mail};
use crate::subscriptions::preferences::address::{Move, Moving, confirm_move, look_at_move};
use crate::web::client::Client;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

#[derive(Template)]
#[template(path = "public/address.html")]
struct AddressPage {
    page: Page,
    token: String,
    masked: String,
}

/// How it ended, in words.
#[derive(Template)]
#[template(path = "public/address_end.html")]
struct EndPage {
    page: Page,
    message: String,
    is_done: bool,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let found = look_at_move(&app.store, &app.clock, &token).await?;
    show(&request, found, &token)
}

/// The token is the whole permission, as on the page to confirm a subscription.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let evidence = evidence(client, "page");
    match confirm_move(&app.store, &app.clock, &app.keys, &token, &evidence).await? {
        Move::Done(_) => {
            app.wake.notify_one();
            let query = language::chosen(&request).map(|chosen| format!("?lang={chosen}"));
            Ok(see_other(&format!("/address/{token}{}", query.unwrap_or_default())))
        }
        other => show(&request, other, &token),
    }
}

fn show(request: &HttpRequest, found: Move, token: &str) -> Result<HttpResponse, PageError> {
    match found {
        Move::Open(moving) => {
            let Moving { newsletter, language, new_address, .. } = *moving;
            let t = texts_of_mail(request, language);
            let frame = Page::new(t, t.text("address-title")).of_newsletter(&newsletter);
            let template = AddressPage {
                page: frame.with_languages(request),
                token: token.to_owned(),
                masked: new_address.masked(),
            };
            page(StatusCode::OK, &template)
        }
        Move::Done(moving) => end(request, &moving, "address-done", StatusCode::OK),
        Move::Taken(moving) => end(request, &moving, "address-taken", StatusCode::CONFLICT),
        Move::Expired(moving) => end(request, &moving, "address-expired", StatusCode::GONE),
        Move::Unknown => unknown(request),
    }
}

fn end(
    request: &HttpRequest,
    moving: &Moving,
    key: &str,
    status: StatusCode,
) -> Result<HttpResponse, PageError> {
    let t = texts_of_mail(request, moving.language);
    let frame = Page::new(t, t.text(&format!("{key}-title"))).of_newsletter(&moving.newsletter);
    let message = t.with(key, "address", moving.new_address.masked());
    let template =
        EndPage { page: frame.with_languages(request), message, is_done: status == StatusCode::OK };
    page(status, &template)
}
