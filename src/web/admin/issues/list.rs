//! `GET /admin/issues`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::i18n::Texts;
use crate::mail::slot::line_for_anyone;
use crate::store;
use crate::store::issues::IssueRow;
use crate::web::admin::{Frame, Paging, Status, grouped, page_of};
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/issues.html")]
struct IssuesPage {
    page: Frame,
    issues: Vec<IssueLine>,
    paging: Paging,
}

/// An issue in a list.
pub struct IssueLine {
    pub href: String,
    /// Where a copy of it is made.
    pub copy: String,
    pub name: String,
    pub subject: String,
    pub status: Status,
    /// When it goes out, or was last changed.
    pub when: String,
    pub numbers: String,
}

pub fn lines(t: Texts, rows: Vec<IssueRow>) -> Vec<IssueLine> {
    rows.into_iter().map(|row| line(t, row)).collect()
}

fn line(t: Texts, row: IssueRow) -> IssueLine {
    let zone = row.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let numbers = match (row.mailing_id, row.sent, row.audience) {
        (Some(_), Some(sent), Some(audience)) if audience > 0 => {
            t.with2("desk-sent-of", "sent", grouped(sent), "audience", grouped(audience))
        }
        _ => t.with("desk-article-count", "count", row.articles),
    };
    let subject = line_for_anyone(&row.subject, &row.newsletter_name);
    IssueLine {
        href: match row.mailing_id {
            Some(id) => format!("/admin/mailings/{id}"),
            None => format!("/admin/issues/{}", row.id),
        },
        copy: format!("/admin/issues/{}/copy", row.id),
        name: t.with2("desk-issue-name", "number", row.number.to_string(), "newsletter", row.newsletter_name),
        subject: if subject.is_empty() { t.text("desk-no-subject") } else { subject },
        status: Status::of_mailing(t, row.mailing_status),
        when: match row.due_at {
            Some(due_at) => t.date_time(due_at, zone),
            None => t.date(row.updated_at, zone),
        },
        numbers,
    }
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let number = page_of(&Form::of_query(&request));
    let mut rows = store::issues::list_for(app.store.read().await?.db(), signed_in.actor(), number).await?;
    let paging = Paging::of(&mut rows, number, "/admin/issues?");
    let page = Frame::new(&request, &signed_in, "issues", t.text("desk-issues"));
    html(StatusCode::OK, &IssuesPage { page, issues: lines(t, rows), paging })
}
