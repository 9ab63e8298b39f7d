//! `/admin/issues/{id}`: the words of an issue, its articles and their order, and what stands in its way.
//!
//! One form: every button of it saves everything, so that moving an article loses no word of the subject,
//! and all of it works without a script.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::i18n::Texts;
use crate::mail::slot::without_recipient;
use crate::model::topic::text_for;
use crate::model::{ArticleDisplay, ArticleId, ArticleStatus, Issue, IssueId, Language, Topic, TopicId};
use crate::publishing::check::{Finding, Place};
use crate::publishing::compose::Composed;
use crate::publishing::issues::{IssueError, IssueInput, save};
use crate::store;
use crate::store::articles::ArticleFilter;
use crate::web::admin::{Frame, Mistakes, Status, given_twice, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const FIELDS: [&str; 4] = ["subject", "preheader", "intro", "topic"];
/// Articles offered to be added: the last edited, or the first found.
const OFFERED: usize = 12;
/// Longest text that is searched for.
const SEARCH_MAX_CHARS: usize = 200;

#[derive(Template)]
#[template(path = "admin/issue.html")]
struct IssuePage {
    page: Frame,
    id: IssueId,
    name: String,
    input: IssueInput,
    version: i64,
    mistakes: Mistakes,
    rows: Vec<Row>,
    offered: Vec<Offer>,
    search: String,
    sender: String,
    /// What the newsletter is about; empty: nothing to choose.
    topics: Vec<TopicOption>,
    /// How many would get it, as it is saved.
    readers: String,
    checks: Vec<CheckLine>,
    is_ready: bool,
    /// What someone else saved in the meantime.
    theirs: Option<Box<Issue>>,
}

/// A topic that the issue may have.
struct TopicOption {
    id: TopicId,
    name: String,
    is_chosen: bool,
}

/// An article in its place.
struct Row {
    id: ArticleId,
    href: String,
    position: usize,
    title: String,
    status: Status,
    language: Language,
    is_teaser: bool,
    is_first: bool,
    is_last: bool,
}

/// An article that could be added.
struct Offer {
    id: ArticleId,
    title: String,
    status: Status,
    language: Language,
    /// Where it was mailed before; may be empty.
    seen: String,
}

/// A finding, with the way to mend it.
pub struct CheckLine {
    pub is_error: bool,
    pub words: String,
    pub href: Option<String>,
}

/// The findings of an issue in the words of the page.
pub fn check_lines(t: Texts, findings: &[Finding]) -> Vec<CheckLine> {
    let line = |finding: &Finding| CheckLine {
        is_error: finding.blocks(),
        words: finding.in_words(t),
        href: match &finding.place {
            Place::Article { id, .. } => Some(format!("/admin/articles/{id}")),
            _ => None,
        },
    };
    findings.iter().map(line).collect()
}

fn input_of(form: &Form) -> IssueInput {
    let field = |name: &str| form.first(name).to_owned();
    IssueInput {
        subject: field("subject"),
        preheader: field("preheader"),
        intro: field("intro"),
        articles: articles_of(form),
        topic: form.first("topic").parse().ok().map(TopicId),
    }
}

/// The articles in the order of their numbers, after the button that was pressed.
fn articles_of(form: &Form) -> Vec<(ArticleId, ArticleDisplay)> {
    let mut rows: Vec<(i64, ArticleId, ArticleDisplay)> = Vec::new();
    for (at, id) in (1_i64..).zip(form.all("article").filter_map(|id| id.parse().ok())) {
        let position = form.first(&format!("position-{id}")).trim().parse().unwrap_or(at);
        let display = form.first(&format!("display-{id}")).parse().unwrap_or(ArticleDisplay::Full);
        rows.push((position, ArticleId(id), display));
    }
    rows.sort_by_key(|(position, ..)| *position);
    let mut articles: Vec<_> = rows.into_iter().map(|(_, id, display)| (id, display)).collect();
    let (verb, id) = form.first("do").split_once('-').unwrap_or_default();
    let at = articles.iter().position(|(article, _)| id.parse() == Ok(article.0));
    match (verb, at) {
        ("up", Some(at)) if at > 0 => articles.swap(at, at - 1),
        ("down", Some(at)) if at + 1 < articles.len() => articles.swap(at, at + 1),
        ("remove", Some(at)) => {
            articles.remove(at);
        }
        _ => {}
    }
    let added = form.all("add").filter_map(|id| id.parse().ok());
    articles.extend(added.map(|id| (ArticleId(id), ArticleDisplay::Full)));
    articles
}

/// `GET /admin/issues/{id}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let id = IssueId(id_of(&id)?);
    let mailing = store::mailings::of_issue(app.store.read().await?.db(), id).await?;
    if let Some(mailing) = mailing {
        return Ok(see_other(&format!("/admin/mailings/{}", mailing.id)));
    }
    let search = Form::of_query(&request).first("q").to_owned();
    show(&request, &app, &signed_in, id, &search, None, Mistakes::none(signed_in.texts()), None).await
}

#[expect(clippy::too_many_arguments, reason = "the ways in which one page is shown")]
async fn show(
    request: &HttpRequest,
    app: &Data<App>,
    signed_in: &SignedIn,
    id: IssueId,
    search: &str,
    typed: Option<(IssueInput, i64)>,
    mistakes: Mistakes,
    theirs: Option<Box<Issue>>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let composed = super::composed(app, id, app.clock.now()).await?;
    let search: String = search.trim().chars().take(SEARCH_MAX_CHARS).collect();
    let (input, version) = typed.unwrap_or_else(|| (input_from(&composed), composed.issue.version));
    let status = match (&theirs, &mistakes.notice) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, Some(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, None) => StatusCode::OK,
    };
    let name = t.with2(
        "desk-issue-name",
        "number",
        composed.issue.number.to_string(),
        "newsletter",
        composed.newsletter.name.clone(),
    );
    let template = IssuePage {
        page: Frame::new(request, signed_in, "issues", name.clone()),
        id,
        name,
        topics: topics(app, t, &composed, input.topic).await?,
        readers: super::readers(app, t, &composed).await?.1,
        rows: rows(app, t, &input).await?,
        offered: offered(app, t, &input, &search).await?,
        input,
        version,
        mistakes,
        search,
        sender: composed.newsletter.sender_name.clone(),
        checks: check_lines(t, &composed.findings),
        is_ready: composed.is_ready(),
        theirs,
    };
    html(status, &template)
}

fn input_from(composed: &Composed) -> IssueInput {
    IssueInput {
        subject: composed.issue.subject.clone(),
        preheader: composed.issue.preheader.clone(),
        intro: composed.issue.intro.clone(),
        articles: composed.articles.iter().map(|row| (row.article.id, row.display)).collect(),
        topic: composed.issue.topic_id,
    }
}

async fn topics(
    app: &App,
    t: Texts,
    composed: &Composed,
    chosen: Option<TopicId>,
) -> Result<Vec<TopicOption>, PageError> {
    let newsletter = &composed.newsletter;
    let mut reader = app.store.read().await?;
    let texts = store::topics::texts(reader.db(), newsletter.id).await?;
    let topics = store::topics::of_newsletter(reader.db(), newsletter.id).await?;
    let option = |topic: Topic| TopicOption {
        id: topic.id,
        name: text_for(&texts, topic.id, t.language(), newsletter.language)
            .map_or(topic.key, |text| text.name.clone()),
        is_chosen: chosen == Some(topic.id),
    };
    Ok(topics.into_iter().filter(|topic| topic.archived_at.is_none()).map(option).collect())
}

async fn rows(app: &App, t: Texts, input: &IssueInput) -> Result<Vec<Row>, PageError> {
    let mut reader = app.store.read().await?;
    let mut rows = Vec::new();
    for (at, (id, display)) in input.articles.iter().enumerate() {
        let Some(article) = store::articles::by_id(reader.db(), *id).await? else { continue };
        rows.push(Row {
            id: *id,
            href: format!("/admin/articles/{id}"),
            position: at + 1,
            title: article.title,
            status: Status::of_article(t, article.status),
            language: article.language,
            is_teaser: *display == ArticleDisplay::Teaser,
            is_first: at == 0,
            is_last: at + 1 == input.articles.len(),
        });
    }
    Ok(rows)
}

async fn offered(app: &App, t: Texts, input: &IssueInput, search: &str) -> Result<Vec<Offer>, PageError> {
    let mut reader = app.store.read().await?;
    let filter = ArticleFilter { search: search.to_owned(), ..ArticleFilter::default() };
    let mut found = store::articles::list(reader.db(), &filter).await?;
    found.retain(|article| input.articles.iter().all(|(id, _)| *id != article.id));
    found.sort_by_key(|article| article.status != ArticleStatus::Published);
    found.truncate(OFFERED);
    let mut offered = Vec::new();
    for article in found {
        let seen = store::articles::appearances(reader.db(), article.id).await?;
        let seen = seen.first().map(|seen| {
            let newsletter = seen.newsletter_name.clone();
            t.with2("desk-sent-in", "number", seen.number.to_string(), "newsletter", newsletter)
        });
        offered.push(Offer {
            id: article.id,
            title: article.title,
            status: Status::of_article(t, article.status),
            language: article.language,
            seen: seen.unwrap_or_default(),
        });
    }
    Ok(offered)
}

/// `POST /admin/issues/{id}`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = IssueId(id_of(&id)?);
    let t = signed_in.texts();
    let input = input_of(&form);
    let version = form.first("version").parse().unwrap_or(0);
    let result = match given_twice(&form, &FIELDS).or(()) {
        Ok(()) => save(&app.store, &app.clock, id, version, &input).await,
        Err(errors) => Err(errors.into()),
    };
    let search = form.first("q");
    match result {
        Ok(_) => Ok(see_other(&after_save(id, &form))),
        Err(IssueError::Invalid(errors)) => {
            let typed = Some((input, version));
            show(&request, &app, &signed_in, id, search, typed, Mistakes::of(t, errors), None).await
        }
        Err(ref error @ IssueError::Conflict { ref theirs }) => {
            let mistakes = Mistakes::notice(t, &error.message());
            let typed = Some((input, theirs.version));
            show(&request, &app, &signed_in, id, search, typed, mistakes, Some(theirs.clone())).await
        }
        Err(ref error @ IssueError::Scheduled) => {
            let mistakes = Mistakes::notice(t, &error.message());
            let typed = Some((input, version));
            show(&request, &app, &signed_in, id, search, typed, mistakes, None).await
        }
        Err(IssueError::NotFound) => Err(PageError::NotFound),
        Err(IssueError::Store(error)) => Err(error.into()),
    }
}

/// Where the pressed button leads.
fn after_save(id: IssueId, form: &Form) -> String {
    match form.first("do") {
        "preview" => format!("/admin/issues/{id}/preview"),
        "schedule" => format!("/admin/issues/{id}/schedule"),
        "search" => {
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("q", form.first("q")).finish();
            format!("/admin/issues/{id}?{query}#add")
        }
        "" | "save" => format!("/admin/issues/{id}?done=saved"),
        _ => format!("/admin/issues/{id}#articles"),
    }
}

/// What stands in the subject line for a reader without a name.
pub fn shown_subject(composed: &Composed) -> String {
    composed.rendered.as_ref().map_or_else(
        |_| composed.issue.subject.clone(),
        |rendered| without_recipient(&rendered.subject, str::to_owned),
    )
}
