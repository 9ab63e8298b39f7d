//! `/preferences/{link}/erase`: "delete me". GET asks once, POST erases; afterwards the link says that nothing is
//! known any more.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::gone;
use crate::subscriptions::preferences::erasing::erase_me;
use crate::subscriptions::preferences::{Answer, Preferences, look};
use crate::web::layout::Page;
use crate::web::public::confirm::unknown;
use crate::web::public::{page, texts_of_mail};
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "public/preferences_erase.html")]
struct ErasePage {
    page: Page,
    masked: String,
    /// Of the preferences.
    path: String,
}

#[derive(Template)]
#[template(path = "public/preferences_gone.html")]
struct ErasedPage {
    page: Page,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    link: Path<String>,
) -> Result<HttpResponse, PageError> {
    let seen = match look(&app.store, &app.keys, &link).await? {
        Preferences::Open(seen) => *seen,
        Preferences::Gone => return gone(&request),
        Preferences::Unknown => return unknown(&request),
    };
    let t = texts_of_mail(&request, seen.subscription.language);
    let frame = Page::new(t, t.text("erase-title")).of_newsletter(&seen.newsletter).with_languages(&request);
    let template = ErasePage {
        page: frame,
        masked: seen.subscriber.address.masked(),
        path: format!("/preferences/{link}"),
    };
    page(StatusCode::OK, &template)
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    link: Path<String>,
) -> Result<HttpResponse, PageError> {
    // Read before: afterwards nobody knows in which language to say it.
    let language = match look(&app.store, &app.keys, &link).await? {
        Preferences::Open(seen) => seen.subscription.language,
        Preferences::Gone => return gone(&request),
        Preferences::Unknown => return unknown(&request),
    };
    match erase_me(&app.store, &app.clock, &app.keys, &link).await? {
        Answer::Unknown => unknown(&request),
        Answer::Saved | Answer::NotSubscribed | Answer::Gone => {
            let t = texts_of_mail(&request, language);
            page(StatusCode::OK, &ErasedPage { page: Page::new(t, t.text("preferences-gone-title")) })
        }
    }
}
