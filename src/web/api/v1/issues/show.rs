//! `GET /api/v1/issues/{id}`: an issue with its words and its articles in order.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;

use super::status_of;
use crate::model::{ArticleDisplay, ArticleId, IssueId, Language, MailingId, NewsletterId};
use crate::store::{issue_translations, issues, mailings, newsletters};
use crate::web::App;
use crate::web::api::v1::access::Caller;
use crate::web::api::v1::error::Refusal;
use crate::web::api::v1::id_of;

#[derive(Serialize)]
struct IssueJson {
    id: IssueId,
    newsletter_id: NewsletterId,
    newsletter: String,
    number: i64,
    version: i64,
    status: &'static str,
    language: Language,
    /// In which it has words of its own, beside that.
    translations: Vec<Language>,
    subject: String,
    /// Tried against the first; empty: there is one subject.
    second_subject: String,
    preheader: String,
    /// Markdown.
    intro: String,
    outro: String,
    articles: Vec<Placed>,
    mailing_id: Option<MailingId>,
    due_at: Option<String>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct Placed {
    id: ArticleId,
    title: String,
    display: ArticleDisplay,
    heading: String,
}

pub async fn get(app: Data<App>, caller: Caller, id: Path<String>) -> HttpResponse {
    show(&app, &id).await.unwrap_or_else(|refusal| refusal.response(caller.t))
}

async fn show(app: &App, id: &str) -> Result<HttpResponse, Refusal> {
    let id = IssueId(id_of(id)?);
    let mut reader = app.store.read().await?;
    let issue = issues::by_id(reader.db(), id).await?.ok_or(Refusal::NotFound)?;
    let newsletter = newsletters::by_id(reader.db(), issue.newsletter_id).await?.ok_or(Refusal::NotFound)?;
    let mailing = mailings::of_issue(reader.db(), id).await?;
    let translations = issue_translations::of_issue(reader.db(), id).await?;
    let articles = issues::articles(reader.db(), id).await?;
    Ok(HttpResponse::Ok().json(IssueJson {
        id,
        newsletter_id: newsletter.id,
        newsletter: newsletter.name,
        number: issue.number,
        version: issue.version,
        status: status_of(mailing.as_ref().map(|mailing| mailing.status)),
        language: newsletter.language,
        translations: translations.iter().map(|translation| translation.language).collect(),
        subject: issue.subject,
        second_subject: issue.second_subject,
        preheader: issue.preheader,
        intro: issue.intro,
        outro: issue.outro,
        articles: articles
            .into_iter()
            .map(|row| Placed {
                id: row.article.id,
                title: row.article.title,
                display: row.display,
                heading: row.heading,
            })
            .collect(),
        mailing_id: mailing.as_ref().map(|mailing| mailing.id),
        due_at: mailing.as_ref().map(|mailing| mailing.due_at.rfc3339()),
        created_at: issue.created_at.rfc3339(),
        updated_at: issue.updated_at.rfc3339(),
    }))
}
