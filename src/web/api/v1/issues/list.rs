//! `GET /api/v1/issues`: the issues of the newsletters that the owner of the key sees, the newest first.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::status_of;
use crate::i18n::Message;
use crate::model::{IssueId, MailingId, NewsletterId, Slug};
use crate::store::{issues, newsletters};
use crate::web::App;
use crate::web::api::v1::Page;
use crate::web::api::v1::access::Caller;
use crate::web::api::v1::error::{Problem, Refusal};

#[derive(Serialize)]
struct List {
    issues: Vec<Row>,
    /// Of the next page; `null`: this is the last one.
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Row {
    id: IssueId,
    newsletter_id: NewsletterId,
    newsletter: String,
    number: i64,
    subject: String,
    status: &'static str,
    mailing_id: Option<MailingId>,
    due_at: Option<String>,
    updated_at: String,
}

pub async fn get(request: HttpRequest, app: Data<App>, caller: Caller) -> HttpResponse {
    list(&request, &app, &caller).await.unwrap_or_else(|refusal| refusal.response(caller.t))
}

async fn list(request: &HttpRequest, app: &App, caller: &Caller) -> Result<HttpResponse, Refusal> {
    let page = Page::of(request, &["newsletter"])?;
    let mut reader = app.store.read().await?;
    let newsletter = match page.query.first("newsletter") {
        "" => None,
        text => {
            let known = match Slug::parse(text) {
                Ok(slug) => newsletters::by_slug(reader.db(), &slug).await?,
                Err(_) => None,
            };
            // One that they do not see is as good as none.
            let seen = known.filter(|newsletter| caller.actor.sees(newsletter.id)).ok_or_else(|| {
                let message = Message::new("api-newsletter");
                Refusal::Invalid(vec![Problem::new("not_a_newsletter", "newsletter", message)])
            })?;
            Some(seen.id)
        }
    };
    let before = IssueId(page.before);
    let mut found = issues::before(reader.db(), &caller.actor, newsletter, before, page.rows + 1).await?;
    let next_cursor = page.cut(&mut found, |issue| issue.id.0);
    let row = |issue: issues::IssueRow| Row {
        id: issue.id,
        newsletter_id: issue.newsletter_id,
        newsletter: issue.newsletter_name,
        number: issue.number,
        subject: issue.subject,
        status: status_of(issue.mailing_status),
        mailing_id: issue.mailing_id,
        due_at: issue.due_at.map(|at| at.rfc3339()),
        updated_at: issue.updated_at.rfc3339(),
    };
    Ok(HttpResponse::Ok().json(List { issues: found.into_iter().map(row).collect(), next_cursor }))
}
