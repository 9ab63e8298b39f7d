//! `GET /admin`: what to do next, and how things stand.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::articles::list::{ArticleLine, lines as article_lines};
use super::issues::list::{IssueLine, lines as issue_lines};
use super::{Frame, desk_zone, grouped};
use crate::i18n::Texts;
use crate::model::MailingStatus;
use crate::store::articles::ArticleFilter;
use crate::store::issues::IssueRow;
use crate::store::{self};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// How many of the latest are shown.
const LATEST: usize = 5;

#[derive(Template)]
#[template(path = "admin/home.html")]
struct HomePage {
    page: Frame,
    next: Step,
    issues: Vec<IssueLine>,
    articles: Vec<ArticleLine>,
    newsletters: Vec<NewsletterLine>,
}

/// The one thing to do next.
struct Step {
    title: String,
    words: String,
    /// Address and words of the button.
    action: Option<(String, String)>,
}

struct NewsletterLine {
    name: String,
    /// Its overview.
    href: String,
    forms: String,
    topics: String,
    welcome: String,
    readers: String,
    language: &'static str,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let zone = desk_zone(&mut reader).await?;
    let mut newsletters = Vec::new();
    for newsletter in store::newsletters::all(reader.db()).await? {
        let readers = super::newsletters::readers(&mut reader, newsletter.id).await?;
        let href = format!("/admin/newsletters/{}", newsletter.id);
        newsletters.push(NewsletterLine {
            name: newsletter.name,
            forms: format!("{href}/forms"),
            topics: format!("{href}/topics"),
            welcome: format!("{href}/welcome"),
            href,
            readers: t.with2("desk-readers", "count", readers, "shown", grouped(readers)),
            language: newsletter.language.own_name(),
        });
    }
    let mut articles = store::articles::list(reader.db(), &ArticleFilter::default()).await?;
    articles.truncate(LATEST);
    let mut issues = store::issues::list(reader.db(), None, 0).await?;
    issues.truncate(LATEST);
    let next = next_step(t, newsletters.is_empty(), articles.is_empty(), issues.first());
    let title = t.with("desk-welcome", "name", signed_in.user.name.clone());
    let page = Frame::new(&request, &signed_in, "home", title);
    let (issues, articles) = (issue_lines(t, issues), article_lines(t, zone, articles));
    html(StatusCode::OK, &HomePage { page, next, issues, articles, newsletters })
}

fn next_step(t: Texts, no_newsletter: bool, no_article: bool, latest: Option<&IssueRow>) -> Step {
    let step = |name: &str, subject: &str, href: Option<String>| Step {
        title: t.text(&format!("desk-next-{name}-title")),
        words: t.with(&format!("desk-next-{name}"), "subject", subject.to_owned()),
        action: href.map(|href| (href, t.text(&format!("desk-next-{name}-action")))),
    };
    if no_newsletter {
        return step("newsletter", "", None);
    }
    let Some(issue) = latest else {
        return if no_article {
            step("article", "", Some("/admin/articles/new".to_owned()))
        } else {
            step("issue", "", Some("/admin/issues/new".to_owned()))
        };
    };
    let subject = if issue.subject.is_empty() {
        t.with2(
            "desk-issue-name",
            "number",
            issue.number.to_string(),
            "newsletter",
            issue.newsletter_name.clone(),
        )
    } else {
        issue.subject.clone()
    };
    let mailing = issue.mailing_id.map(|id| format!("/admin/mailings/{id}"));
    match issue.mailing_status {
        None => step("finish", &subject, Some(format!("/admin/issues/{}", issue.id))),
        Some(MailingStatus::Scheduled) => step("scheduled", &subject, mailing),
        Some(MailingStatus::Sending) => step("sending", &subject, mailing),
        Some(MailingStatus::Paused) => step("paused", &subject, mailing),
        Some(MailingStatus::Cancelled) => step("issue", &subject, Some("/admin/issues/new".to_owned())),
        Some(MailingStatus::Sent) => step("again", &subject, Some("/admin/issues/new".to_owned())),
    }
}
