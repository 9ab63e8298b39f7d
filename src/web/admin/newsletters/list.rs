//! `GET /admin/newsletters`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::readers;
use crate::model::Permission;
use crate::web::admin::{Frame, grouped};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/newsletters.html")]
struct NewslettersPage {
    page: Frame,
    newsletters: Vec<Line>,
}

struct Line {
    href: String,
    name: String,
    description: String,
    readers: String,
    language: crate::model::Language,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let mut newsletters = Vec::new();
    for newsletter in signed_in.newsletters(&mut reader, Permission::SeeNewsletter).await? {
        let readers = readers(&mut reader, newsletter.id).await?;
        newsletters.push(Line {
            href: format!("/admin/newsletters/{}", newsletter.id),
            name: newsletter.name,
            description: newsletter.description,
            readers: t.with2("desk-readers", "count", readers, "shown", grouped(readers)),
            language: newsletter.language,
        });
    }
    let page = Frame::new(&request, &signed_in, "newsletters", t.text("desk-newsletters"));
    html(StatusCode::OK, &NewslettersPage { page, newsletters })
}
