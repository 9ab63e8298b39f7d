//! `GET /admin/mailings/{id}/report/mail`: the mail as it went out, with a number behind each link, for a frame.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::{Data, Path};

use crate::mail::slot::{escape_html, for_reader};
use crate::mail::tracking::with_badges;
use crate::model::MailingId;
use crate::store;
use crate::web::admin::{grouped, id_of};
use crate::web::headers::MAIL_POLICY;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// In a frame of its own, whose policy allows styles: the mail has only such.
const BADGE: &str = "display:inline-block;margin:0 4px;padding:0 8px;border-radius:11px;background:#14171a;color:#ffffff;\
    box-shadow:0 0 0 2px #ffffff;font:700 13px/22px Arial,sans-serif;letter-spacing:0;white-space:nowrap;vertical-align:middle";

pub async fn get(app: Data<App>, signed_in: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let id = MailingId(id_of(&id)?);
    let mut reader = app.store.read().await?;
    let links = store::mailing_links::of_mailing(reader.db(), id).await?;
    let content = store::mailings::contents(reader.db(), id).await?.into_iter().next();
    let content = content.filter(|_| !links.is_empty()).ok_or(PageError::NotFound)?;
    drop(reader);
    let urls: Vec<(u16, &str)> =
        links.iter().filter_map(|link| Some((u16::try_from(link.number).ok()?, link.url.as_str()))).collect();
    let badge = |number: u16| {
        let clicks = links.iter().find(|link| link.number == i64::from(number)).map_or(0, |link| link.clicks);
        let words = t.with2("report-clicks-of", "count", clicks, "shown", grouped(clicks));
        format!("<span style=\"{BADGE}\" title=\"{}\">{}</span>", escape_html(&words), grouped(clicks))
    };
    let mail = for_reader(&with_badges(&content.html, &urls, badge), "", escape_html);
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .body(mail))
}
