//! `/confirm/{token}`: the page behind the button in the confirmation mail.
//!
//! GET shows a button and changes nothing. Only in the browser that signed up does a small script press it.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{LatestIssue, evidence, latest_issue, page, signup_cookie, texts_of_mail};
use crate::i18n::Texts;
use crate::model::{Language, Newsletter, Subscription};
use crate::store;
use crate::subscriptions::confirm::{self, Confirmation};
use crate::web::client::Client;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

#[derive(Template)]
#[template(path = "public/confirm.html")]
struct ConfirmPage {
    page: Page,
    newsletter: Newsletter,
    token: String,
    presses_itself: bool,
}

#[derive(Template)]
#[template(path = "public/confirmed.html")]
struct ConfirmedPage {
    page: Page,
    newsletter: Newsletter,
    latest: Option<LatestIssue>,
}

/// A link that no longer works, and where to go from there.
#[derive(Template)]
#[template(path = "public/dead_link.html")]
pub(super) struct DeadLinkPage {
    pub(super) page: Page,
    pub(super) message: String,
    /// Where to sign up again.
    pub(super) href: String,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    match confirm::look(&app.store, &app.clock, &token).await? {
        Confirmation::Open(open) => show_button(&request, &app, *open, token.into_inner()).await,
        Confirmation::Done(done) => show_done(&request, &app, *done).await,
        Confirmation::Expired(newsletter) => expired(&request, &newsletter),
        Confirmation::Unknown => unknown(&request),
    }
}

/// The token is the whole permission: no cookie and no origin is asked for, since the mail may be read on
/// another machine than the form was filled in on.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let evidence = evidence(client, "page");
    match confirm::confirm(&app.store, &app.clock, &token, &evidence).await? {
        Confirmation::Open(_) | Confirmation::Done(_) => {
            let query =
                language::chosen(&request).map(|chosen| format!("?lang={chosen}")).unwrap_or_default();
            Ok(see_other(&format!("/confirm/{token}{query}")))
        }
        Confirmation::Expired(newsletter) => expired(&request, &newsletter),
        Confirmation::Unknown => unknown(&request),
    }
}

async fn show_button(
    request: &HttpRequest,
    app: &App,
    (newsletter, subscription): (Newsletter, Subscription),
    token: String,
) -> Result<HttpResponse, PageError> {
    let subscriber =
        store::subscribers::by_id(app.store.read().await?.db(), subscription.subscriber_id).await?;
    let presses_itself =
        subscriber.is_some_and(|person| signup_cookie::is_held(request, app, newsletter.id, &person.address));
    let t = texts_of_mail(request, subscription.language);
    let frame = Page::new(t, t.text("confirm-title")).of_newsletter(&newsletter).with_languages(request);
    page(StatusCode::OK, &ConfirmPage { page: frame, newsletter, token, presses_itself })
}

async fn show_done(
    request: &HttpRequest,
    app: &App,
    (newsletter, subscription): (Newsletter, Subscription),
) -> Result<HttpResponse, PageError> {
    let t = texts_of_mail(request, subscription.language);
    let frame = Page::new(t, t.text("confirmed-title")).of_newsletter(&newsletter).with_languages(request);
    let latest = latest_issue(&mut app.store.read().await?, newsletter.id).await?;
    page(StatusCode::OK, &ConfirmedPage { page: frame, newsletter, latest })
}

fn expired(request: &HttpRequest, newsletter: &Newsletter) -> Result<HttpResponse, PageError> {
    let t = Texts::new(language::of(request, newsletter.language));
    let frame = Page::new(t, t.text("link-expired-title")).of_newsletter(newsletter).with_languages(request);
    let href = format!("/n/{}", newsletter.slug);
    let message = t.text("link-expired");
    page(StatusCode::GONE, &DeadLinkPage { page: frame, message, href })
}

/// A forged, cut or withdrawn link: which of them, nobody is told.
pub(super) fn unknown(request: &HttpRequest) -> Result<HttpResponse, PageError> {
    let t = Texts::new(language::of(request, Language::English));
    let frame = Page::new(t, t.text("link-unknown-title")).with_languages(request);
    let message = t.text("link-unknown");
    page(StatusCode::NOT_FOUND, &DeadLinkPage { page: frame, message, href: "/".to_owned() })
}
