//! `GET /i/{public_id}`: an issue as it was mailed, for anyone. It holds no slot and no personal link. Around the copy
//! stand a head for search engines and for those who share it, and ways to the issues beside it. What was mailed to a
//! segment only is found by the link in the mail alone, and leads nowhere.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, VARY};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use uuid::Uuid;

use super::{IssueLink, archive_path, brand, feed_links, found_by, is_listed, is_public};
use crate::i18n::Texts;
use crate::mail::slot::{line_for_anyone, without_recipient};
use crate::mail::web_copy;
use crate::model::{Issue, Language, Mailing, Newsletter, Timestamp, Variant};
use crate::store::mailings::Content;
use crate::store::{self, Reader};
use crate::web::headers::MAIL_POLICY;
use crate::web::{App, PageError, language};

/// What was mailed never changes, but the issue after it comes.
const CACHE: &str = "public, max-age=300";

#[derive(Template)]
#[template(path = "public/issue_head.html")]
struct Head<'a> {
    subject: &'a str,
    description: &'a str,
    newsletter: &'a Newsletter,
    canonical: &'a str,
    published: &'a str,
    picture: Option<&'a str>,
    is_indexed: bool,
    feed_links: &'a str,
    brand_css: &'a str,
}

/// The two bars of links; only where there is an archive.
#[derive(Template)]
#[template(path = "public/issue_bars.html", blocks = ["top", "foot"])]
struct Bars<'a> {
    t: Texts,
    newsletter: &'a Newsletter,
    archive: &'a str,
    previous: Option<IssueLink>,
    next: Option<IssueLink>,
}

pub async fn get(request: HttpRequest, app: Data<App>, id: Path<String>) -> Result<HttpResponse, PageError> {
    let id: Uuid = id.parse().map_err(|_| PageError::NotFound)?;
    let mut reader = app.store.read().await?;
    let issue = store::issues::by_public_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let mailing = store::mailings::of_issue(reader.db(), issue.id).await?;
    let mailing = mailing.filter(|mailing| is_public(mailing.status)).ok_or(PageError::NotFound)?;
    let newsletter = store::newsletters::by_id(reader.db(), issue.newsletter_id).await?;
    let newsletter = newsletter.ok_or(PageError::NotFound)?;
    let contents = store::mailings::contents(reader.db(), mailing.id).await?;
    let wanted = [language::chosen(&request), language::accepted(&request)];
    let content = wanted
        .into_iter()
        .flatten()
        .find_map(|language| contents.iter().find(|content| content.language == language))
        .or(contents.first())
        .ok_or(PageError::NotFound)?;
    let t = Texts::new(language::of(&request, content.language));
    let archive = archive_path(&newsletter);
    let bars = match newsletter.archive.is_open() && is_listed(&mailing) {
        true => Some(bars(&mut reader, t, &newsletter, &archive, &mailing).await?),
        false => None,
    };
    let preheader = preheader(&mut reader, &issue, content.language).await?;
    drop(reader);
    let head = head(&app, &newsletter, &issue, &mailing, content, &preheader)?;
    let (top, foot) = match &bars {
        Some(bars) => (rendered(bars.as_top().render())?, rendered(bars.as_foot().render())?),
        None => (String::new(), String::new()),
    };
    let mut response = HttpResponse::Ok().content_type("text/html; charset=utf-8").body(web_copy::framed(
        &content.web_html,
        &head,
        &top,
        &foot,
    ));
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(MAIL_POLICY));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language"));
    Ok(found_by(response, newsletter.archive.is_public() && is_listed(&mailing), CACHE))
}

/// The preview line in the language of the copy.
async fn preheader(reader: &mut Reader, issue: &Issue, language: Language) -> Result<String, PageError> {
    let all = store::issue_translations::of_issue(reader.db(), issue.id).await?;
    let own = all.into_iter().find(|translation| translation.language == language);
    Ok(own.map_or_else(|| issue.preheader.clone(), |translation| translation.preheader))
}

fn rendered(template: askama::Result<String>) -> Result<String, PageError> {
    template.map_err(|error| PageError::internal("an issue's page could not be rendered", error))
}

fn head(
    app: &App,
    newsletter: &Newsletter,
    issue: &Issue,
    mailing: &Mailing,
    content: &Content,
    preheader: &str,
) -> Result<String, PageError> {
    let plain = web_copy::content(&content.web_html);
    let is_open = newsletter.archive.is_open() && is_listed(mailing);
    // Of two subjects the one that everybody else got.
    let subject = match mailing.trial.winner {
        Some(Variant::Second) if !content.second_subject.is_empty() => &content.second_subject,
        _ => &content.subject,
    };
    let head = Head {
        subject: &without_recipient(subject, str::to_owned),
        description: &line_for_anyone(preheader, &newsletter.name),
        newsletter,
        canonical: &app.url(&format!("/i/{}", issue.public_id)),
        published: &mailing.started_at.map(Timestamp::rfc3339).unwrap_or_default(),
        picture: web_copy::first_picture(&plain),
        is_indexed: newsletter.archive.is_public() && is_listed(mailing),
        feed_links: &if is_open { feed_links(app, newsletter) } else { String::new() },
        brand_css: &brand::css(&newsletter.brand_color),
    };
    rendered(head.render())
}

async fn bars<'a>(
    reader: &mut Reader,
    t: Texts,
    newsletter: &'a Newsletter,
    archive: &'a str,
    mailing: &Mailing,
) -> Result<Bars<'a>, PageError> {
    let started_at = mailing.started_at.unwrap_or(mailing.due_at);
    let previous = store::archive::previous(reader.db(), newsletter.id, mailing.id, started_at).await?;
    let next = store::archive::next(reader.db(), newsletter.id, mailing.id, started_at).await?;
    let link = |issue| IssueLink::of(newsletter, &issue);
    Ok(Bars { t, newsletter, archive, previous: previous.map(link), next: next.map(link) })
}
