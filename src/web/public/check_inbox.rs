//! `/n/{slug}/check-inbox` and `/f/{form}/check-inbox`: the page after a sign-up, and the button that asks for its mail again.
//!
//! It shows what this browser's visitor typed, from a cookie, and is the same for everyone: it tells nobody who is
//! subscribed. [`show`] and [`ask_again`] serve every door of a newsletter; a door is the path of the page with its form.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::door::Door;
use super::inbox_cookie::{self, Typed};
use super::webmail::{self, Webmail};
use super::{ask_failed, page};
use crate::i18n::Texts;
use crate::model::Newsletter;
use crate::subscriptions::another::{self, AskError};
use crate::subscriptions::gate;
use crate::web::client::Client;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

/// A mail is on its way for about so long: nobody can ask for another before.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

#[derive(Template)]
#[template(path = "public/check_inbox.html")]
struct CheckInboxPage {
    page: Page,
    newsletter: Newsletter,
    /// The path of the page with the form.
    door: String,
    /// `None` in a browser that did not sign up, or not within the hour.
    typed: Option<Typed>,
    webmail: Option<Webmail>,
    /// The address that was probably meant. It stands in the page of who typed the other, and in no URL.
    meant: Option<String>,
    /// Seconds until the mail can be asked for again.
    wait: u64,
    /// What became of asking again.
    notice: Option<String>,
    is_refused: bool,
}

pub async fn get(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, PageError> {
    let Door { open, base } = Door::of(&request, &app).await?;
    show(&request, &app, open.newsletter, &base)
}

pub async fn post(request: HttpRequest, app: Data<App>, client: Client) -> Result<HttpResponse, PageError> {
    let Door { open, base } = Door::of(&request, &app).await?;
    ask_again(&request, &app, &client, open.newsletter, &base).await
}

/// The page after a sign-up through a door.
pub(super) fn show(
    request: &HttpRequest,
    app: &App,
    newsletter: Newsletter,
    door: &str,
) -> Result<HttpResponse, PageError> {
    let typed = inbox_cookie::read(request, app, newsletter.id);
    let t = Texts::new(language::of(request, newsletter.language));
    let notice = typed.as_ref().is_some_and(|typed| typed.is_again).then(|| t.text("inbox-resent"));
    let template = template(request, app, newsletter, door, typed);
    page(StatusCode::OK, &CheckInboxPage { notice, ..template })
}

fn template(
    request: &HttpRequest,
    app: &App,
    newsletter: Newsletter,
    door: &str,
    typed: Option<Typed>,
) -> CheckInboxPage {
    let t = Texts::new(language::of(request, newsletter.language));
    let webmail = typed.as_ref().and_then(|typed| webmail::of(&typed.address, &newsletter.sender_address));
    let meant = typed.as_ref().and_then(|typed| gate::hint(typed.address.as_str()));
    let wait = typed.as_ref().map_or(0, |typed| wait(app, typed).as_secs());
    CheckInboxPage {
        page: Page::new(t, t.text("inbox-title")).of_newsletter(&newsletter).with_languages(request),
        newsletter,
        door: door.to_owned(),
        typed,
        webmail,
        meant,
        wait,
        notice: None,
        is_refused: false,
    }
}

/// How long until the mail can be asked for again.
fn wait(app: &App, typed: &Typed) -> Duration {
    ASK_AGAIN_AFTER.saturating_sub(app.clock.now().since(typed.asked_at))
}

/// Asks for the mail again. The answer says nothing about the address.
pub(super) async fn ask_again(
    request: &HttpRequest,
    app: &App,
    client: &Client,
    newsletter: Newsletter,
    door: &str,
) -> Result<HttpResponse, PageError> {
    let shown_in = language::of(request, newsletter.language);
    let Some(typed) = inbox_cookie::read(request, app, newsletter.id) else {
        return Ok(see_other(&format!("{door}?lang={shown_in}")));
    };
    let t = Texts::new(shown_in);
    let wait = wait(app, &typed);
    if !wait.is_zero() {
        return refuse(request, app, newsletter, door, typed, t.text("inbox-too-soon"), wait);
    }
    let ip = Some(client.ip);
    let asked =
        another::resend(&app.store, &app.clock, &app.keys, &newsletter, &typed.address, typed.language, ip);
    match asked.await {
        Ok(()) => {
            app.wake.notify_one();
            let mut response = see_other(&format!("{door}/check-inbox?lang={shown_in}"));
            let typed = Typed { asked_at: app.clock.now(), is_again: true, ..typed };
            response
                .add_cookie(&inbox_cookie::make(app, &typed))
                .map_err(|error| PageError::internal("a cookie could not be set", error))?;
            Ok(response)
        }
        Err(AskError::TooMany { minutes }) => {
            let notice = t.with("page-error-too-many", "minutes", minutes);
            let wait = Duration::from_secs(minutes.unsigned_abs() * 60);
            refuse(request, app, newsletter, door, typed, notice, wait)
        }
        Err(error) => Err(ask_failed(error)),
    }
}

fn refuse(
    request: &HttpRequest,
    app: &App,
    newsletter: Newsletter,
    door: &str,
    typed: Typed,
    notice: String,
    wait: Duration,
) -> Result<HttpResponse, PageError> {
    let template = template(request, app, newsletter, door, Some(typed));
    let template = CheckInboxPage { notice: Some(notice), is_refused: true, ..template };
    let mut response = page(StatusCode::TOO_MANY_REQUESTS, &template)?;
    response.headers_mut().insert(RETRY_AFTER, wait.as_secs().max(1).into());
    Ok(response)
}
