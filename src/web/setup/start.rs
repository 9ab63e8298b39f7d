//! `GET /setup`: goes on with the first run where it was left; before there is a user it says where the link is.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{DONE, path_of, progress, texts_of};
use crate::web::layout::{Page, html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "setup/start.html")]
struct StartPage {
    page: Page,
    /// A link that was opened and does not work.
    is_unknown_link: bool,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: Result<SignedIn, PageError>,
) -> Result<HttpResponse, PageError> {
    match signed_in {
        Ok(_) => Ok(see_other(progress(&app).await?.next().map_or(DONE, path_of))),
        Err(PageError::NotSetUp) => show(&request, StatusCode::OK, false),
        Err(error) => Err(error),
    }
}

/// The page that says where the link is.
pub(super) fn show(
    request: &HttpRequest,
    status: StatusCode,
    is_unknown_link: bool,
) -> Result<HttpResponse, PageError> {
    let t = texts_of(request);
    let page = Page::new(t, t.text("setup-start-title")).with_languages_at("/setup");
    html(status, &StartPage { page, is_unknown_link })
}
