//! The mailbox's pages: `/mailbox`, and each mail as HTML, text, headers and source; for programs
//! `/mailbox.json`, which waits for a mail.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::{Data, Path, Query, ServiceConfig, get, post};
use actix_web::{HttpResponse, http::header::CONTENT_TYPE};
use askama::Template;

use super::mailbox::{Mail, Mailbox};
use crate::i18n::Texts;
use crate::model::Language;
use crate::web::headers::MAIL_POLICY;
use crate::web::layout::{Page, html};
use crate::web::{App, PageError};

/// Adds the mailbox to the service's routes; and the pictures of the sample articles.
pub fn configure(config: &mut ServiceConfig, mailbox: &Mailbox) {
    config.app_data(Data::new(mailbox.clone()));
    config.route("/static/demo/{name}", get().to(picture));
    config.route("/mailbox", get().to(list));
    config.route("/mailbox.json", get().to(wait));
    config.route("/mailbox/{number}", get().to(show));
    config.route("/mailbox/{number}/html", get().to(body));
    config.route("/mailbox/{number}/leave", post().to(leave));
}

async fn picture(name: Path<String>) -> Result<HttpResponse, PageError> {
    let found = super::samples::PICTURES.iter().find(|(known, _)| *known == name.as_str());
    let (_, body) = found.ok_or(PageError::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "image/png"))
        .insert_header((CACHE_CONTROL, "max-age=3600"))
        .body(*body))
}

#[derive(Template)]
#[template(path = "demo/list.html")]
struct List {
    page: Page,
    mails: Vec<Row>,
}

struct Row {
    number: u64,
    from: String,
    to: String,
    subject: String,
    time: String,
}

fn row(mail: &Arc<Mail>) -> Row {
    Row {
        number: mail.number,
        from: mail.from_name(),
        to: mail.envelope_to.join(", "),
        subject: mail.subject(),
        time: mail.received_at.to_utc().format("%H:%M:%S").to_string(),
    }
}

fn page(title: String) -> Page {
    // For newcomers to the software, not for readers: English only.
    Page::new(Texts::new(Language::English), title)
}

async fn list(mailbox: Data<Mailbox>) -> Result<HttpResponse, PageError> {
    let mails = mailbox.all().iter().map(row).collect();
    html(StatusCode::OK, &List { page: page("Mailbox".into()), mails })
}

/// Longest that a program waits for a mail: the demo's arrive within a second.
const WAIT_MAX: Duration = Duration::from_secs(20);

#[derive(serde::Deserialize)]
struct Wanted {
    to: String,
    /// The number of a mail that has been seen.
    #[serde(default)]
    after: u64,
}

#[derive(serde::Serialize)]
struct Received {
    number: u64,
    from: String,
    to: Vec<String>,
    subject: String,
    head: String,
    text: Option<String>,
    html: Option<String>,
}

/// The newest mail to an address, for a program; waits until there is one.
async fn wait(mailbox: Data<Mailbox>, wanted: Query<Wanted>) -> Result<HttpResponse, PageError> {
    let mail = tokio::time::timeout(WAIT_MAX, mailbox.wait_for(&wanted.to, wanted.after)).await;
    let mail = mail.map_err(|_| PageError::NotFound)?;
    Ok(HttpResponse::Ok().json(Received {
        number: mail.number,
        from: mail.from_name(),
        to: mail.envelope_to.clone(),
        subject: mail.subject(),
        head: mail.head(),
        text: mail.text(),
        html: mail.html(),
    }))
}

#[derive(serde::Deserialize)]
struct View {
    view: Option<String>,
}

#[derive(Template)]
#[template(path = "demo/mail.html")]
struct Show {
    page: Page,
    mail: Row,
    envelope_from: String,
    view: String,
    content: String,
    can_leave: bool,
}

async fn show(
    mailbox: Data<Mailbox>,
    number: Path<u64>,
    query: Query<View>,
) -> Result<HttpResponse, PageError> {
    let mail = mailbox.get(*number).ok_or(PageError::NotFound)?;
    let view = query.view.clone().unwrap_or_else(|| "html".into());
    let content = match view.as_str() {
        "text" => mail.text().unwrap_or_else(|| "This mail has no text part.".into()),
        "headers" => mail.head(),
        "source" => mail.source(),
        _ => String::new(),
    };
    let template = Show {
        page: page(mail.subject()),
        can_leave: mail.header("List-Unsubscribe-Post").is_some() && mail.unsubscribe_url().is_some(),
        mail: row(&mail),
        envelope_from: mail.envelope_from.clone(),
        view,
        content,
    };
    html(StatusCode::OK, &template)
}

/// The HTML part in a frame of its own, where nothing of it can run or reach our pages.
async fn body(mailbox: Data<Mailbox>, number: Path<u64>) -> Result<HttpResponse, PageError> {
    let mail = mailbox.get(*number).ok_or(PageError::NotFound)?;
    let html = mail.html().ok_or(PageError::NotFound)?;
    // Links are for the whole window, as in a mail program.
    let html = html.replacen("<head>", "<head><base target=\"_top\">", 1);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .body(html))
}

#[derive(Template)]
#[template(path = "demo/left.html")]
struct Left {
    page: Page,
    number: u64,
    status: u16,
}

/// What a mail program does behind its unsubscribe button: the one-click POST of RFC 8058.
async fn leave(app: Data<App>, mailbox: Data<Mailbox>, number: Path<u64>) -> Result<HttpResponse, PageError> {
    let mail = mailbox.get(*number).ok_or(PageError::NotFound)?;
    let url = mail.unsubscribe_url().ok_or(PageError::NotFound)?;
    let answer = super::browser::Browser::new(&app.settings.public_url)
        .post(&url, &[("List-Unsubscribe", "One-Click")])
        .await
        .map_err(|error| PageError::internal("the one-click post failed", error))?;
    html(
        StatusCode::OK,
        &Left { page: page("Left by one click".into()), number: *number, status: answer.status },
    )
}
