//! `/admin/issues/{id}`: the words of an issue, its articles and their order, and what stands in its way.
//!
//! One form: every button of it saves everything, so that moving an article loses no word of the subject,
//! and all of it works without a script.

use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::checks::{CheckLine, ChecksPart, Speaking, check_lines};
use super::theirs::{self, TheirsPart};
use super::{LanguageTab, ThemeOption, initial};
use crate::i18n::Texts;
use crate::mail::slot::{line_for_anyone, without_recipient};
use crate::model::topic::text_for;
use crate::model::{
    ArticleDisplay, ArticleId, ArticleStatus, IssueId, Language, Permission, Placed, Topic, TopicId, TrialBy,
    TrialPlan, UserId, trial,
};
use crate::publishing::articles;
use crate::publishing::compose::Composed;
use crate::publishing::issues::{IssueError, IssueInput, Theirs, save};
use crate::publishing::links::check_links;
use crate::publishing::schedule::zone_of;
use crate::publishing::suggestions;
use crate::store;
use crate::store::articles::ArticleFilter;
use crate::web::admin::{Frame, Mistakes, Status, digests, given_twice, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const FIELDS: [&str; 10] = [
    "subject",
    "second_subject",
    "trial_share",
    "trial_by",
    "trial_hours",
    "preheader",
    "intro",
    "outro",
    "topic",
    "theme",
];
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
    /// For `{{newsletter}}` in the inbox row.
    newsletter: String,
    /// Its first letter, as inboxes show it.
    initial: String,
    /// What the newsletter is about; empty: nothing to choose.
    topics: Vec<TopicOption>,
    themes: Vec<ThemeOption>,
    /// Its languages; empty: readers can choose no other.
    languages: Vec<LanguageTab>,
    shares: [i64; 4],
    hours: [i64; 5],
    /// How many would get it, as it is saved.
    readers: String,
    checks: Vec<CheckLine>,
    /// Whether whoever looks may change it.
    may_edit: bool,
    /// Whether a check can be mended where it stands.
    can_fix: bool,
    is_ready: bool,
    saved: String,
    /// What someone else saved in the meantime.
    theirs: Option<TheirsPart>,
    /// When it goes by itself, and the page of the digests.
    digest: Option<(String, String)>,
}

impl IssuePage {
    /// A line as inboxes show it to somebody without a name.
    fn shown(&self, line: &str) -> String {
        line_for_anyone(line, &self.newsletter)
    }
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
    heading: String,
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

fn input_of(form: &Form, editor: UserId) -> IssueInput {
    let field = |name: &str| form.first(name).to_owned();
    IssueInput {
        subject: field("subject"),
        preheader: field("preheader"),
        intro: field("intro"),
        outro: field("outro"),
        articles: articles_of(form),
        topic: form.first("topic").parse().ok().map(TopicId),
        theme: form.first("theme").parse().ok(),
        editor: Some(editor),
        second_subject: field("second_subject"),
        trial: TrialPlan {
            share: form.first("trial_share").parse().unwrap_or(TrialPlan::default().share),
            by: form.first("trial_by").parse().unwrap_or(TrialPlan::default().by),
            hours: form.first("trial_hours").parse().unwrap_or(TrialPlan::default().hours),
        },
    }
}

/// The articles in the order of their numbers, after the button that was pressed.
fn articles_of(form: &Form) -> Vec<Placed> {
    let mut rows: Vec<(i64, Placed)> = Vec::new();
    for (at, id) in (1_i64..).zip(form.all("article").filter_map(|id| id.parse().ok())) {
        let position = form.first(&format!("position-{id}")).trim().parse().unwrap_or(at);
        let display = form.first(&format!("display-{id}")).parse().unwrap_or(ArticleDisplay::Full);
        let heading = form.first(&format!("heading-{id}")).to_owned();
        rows.push((position, Placed { article: ArticleId(id), display, heading }));
    }
    rows.sort_by_key(|(position, _)| *position);
    let mut placed: Vec<_> = rows.into_iter().map(|(_, placed)| placed).collect();
    let (verb, id) = pressed(form);
    let at = placed.iter().position(|row| Some(row.article) == id);
    match (verb, at) {
        ("up", Some(at)) if at > 0 => placed.swap(at, at - 1),
        ("down", Some(at)) if at + 1 < placed.len() => placed.swap(at, at + 1),
        ("teaser", Some(at)) => placed[at].display = ArticleDisplay::Teaser,
        ("remove", Some(at)) => remove(&mut placed, at),
        _ => {}
    }
    let added = form.all("add").filter_map(|id| id.parse().ok());
    placed.extend(added.map(|id| Placed::new(ArticleId(id), ArticleDisplay::Full)));
    placed
}

/// Takes an article out; the section that it began goes on with the next one.
fn remove(placed: &mut Vec<Placed>, at: usize) {
    let removed = placed.remove(at);
    if let Some(next) = placed.get_mut(at).filter(|next| next.heading.is_empty()) {
        next.heading = removed.heading;
    }
}

/// What the pressed button says: a verb, and the article that it is about.
fn pressed(form: &Form) -> (&str, Option<ArticleId>) {
    let value = form.first("do");
    let (verb, id) = value.split_once('-').unwrap_or((value, ""));
    (verb, id.parse().ok().map(ArticleId))
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
pub(super) async fn show(
    request: &HttpRequest,
    app: &Data<App>,
    signed_in: &SignedIn,
    id: IssueId,
    search: &str,
    typed: Option<(IssueInput, i64)>,
    mistakes: Mistakes,
    theirs: Option<Box<Theirs>>,
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
    let theirs = match theirs {
        Some(theirs) => {
            let mut reader = app.store.read().await?;
            Some(theirs::of_issue(t, &mut reader, &composed.newsletter, &input, &theirs).await?)
        }
        None => None,
    };
    let name = t.with2(
        "desk-issue-name",
        "number",
        composed.issue.number.to_string(),
        "newsletter",
        composed.newsletter.name.clone(),
    );
    let may_edit = signed_in.may(Permission::DraftIssues, composed.newsletter.id);
    let template = IssuePage {
        page: Frame::new(request, signed_in, "issues", name.clone()),
        id,
        name,
        topics: topics(app, t, &composed, input.topic).await?,
        languages: LanguageTab::all(&composed, None),
        shares: trial::SHARES,
        hours: trial::HOURS,
        themes: ThemeOption::all(t, input.theme.unwrap_or(composed.newsletter.theme)),
        readers: super::readers(app, t, &composed).await?.1,
        rows: rows(app, t, &input).await?,
        offered: offered(app, signed_in, &input, &search).await?,
        input,
        version,
        mistakes,
        search,
        initial: initial(&composed.newsletter.sender_name),
        sender: composed.newsletter.sender_name.clone(),
        newsletter: composed.newsletter.name.clone(),
        checks: check_lines(t, &composed),
        may_edit,
        can_fix: may_edit,
        is_ready: composed.is_ready(),
        saved: saved_at(t, &composed),
        digest: digests::note_of(app, t, &composed).await?,
        theirs,
    };
    html(status, &template)
}

fn input_from(composed: &Composed) -> IssueInput {
    IssueInput {
        subject: composed.issue.subject.clone(),
        preheader: composed.issue.preheader.clone(),
        intro: composed.issue.intro.clone(),
        outro: composed.issue.outro.clone(),
        articles: composed.articles.iter().cloned().map(Placed::from).collect(),
        topic: composed.issue.topic_id,
        theme: composed.issue.theme,
        editor: composed.issue.edited_by,
        second_subject: composed.issue.second_subject.clone(),
        trial: composed.issue.trial,
    }
}

pub(super) fn saved_at(t: Texts, composed: &Composed) -> String {
    let at = composed.issue.updated_at.to_utc().with_timezone(&zone_of(&composed.newsletter));
    t.with("desk-issue-saved", "at", at.format("%H:%M").to_string())
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
    for (at, placed) in input.articles.iter().enumerate() {
        let id = placed.article;
        let Some(article) = store::articles::by_id(reader.db(), id).await? else { continue };
        rows.push(Row {
            id,
            href: format!("/admin/articles/{id}"),
            position: at + 1,
            title: article.title,
            status: Status::of_article(t, article.status),
            language: article.language,
            is_teaser: placed.display == ArticleDisplay::Teaser,
            heading: placed.heading.clone(),
            is_first: at == 0,
            is_last: at + 1 == input.articles.len(),
        });
    }
    Ok(rows)
}

async fn offered(
    app: &App,
    signed_in: &SignedIn,
    input: &IssueInput,
    search: &str,
) -> Result<Vec<Offer>, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let filter = ArticleFilter { search: search.to_owned(), ..ArticleFilter::default() };
    let mut found = store::articles::list(reader.db(), &filter).await?;
    found.retain(|article| input.articles.iter().all(|placed| placed.article != article.id));
    found.sort_by_key(|article| article.status != ArticleStatus::Published);
    found.truncate(OFFERED);
    let mut offered = Vec::new();
    for article in found {
        let seen =
            store::articles::last_appearances_for(reader.db(), signed_in.actor(), &[article.id]).await?;
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
    let mut input = input_of(&form, signed_in.user.id);
    fill(&app, &form, &mut input).await?;
    let version = form.first("version").parse().unwrap_or(0);
    let result = match given_twice(&form, &FIELDS).or(()) {
        Ok(()) => save(&app.store, &app.clock, id, version, &input).await,
        Err(errors) => Err(errors.into()),
    };
    let search = form.first("q");
    match result {
        Ok(issue) if wants_json(&request) => saved(&app, t, issue.id, issue.version, true).await,
        Ok(_) => {
            mend(&app, &form, id).await?;
            Ok(see_other(&after_save(id, &form)))
        }
        Err(error) if wants_json(&request) => not_saved(t, &error),
        Err(IssueError::Invalid(errors)) => {
            let typed = Some((input, version));
            show(&request, &app, &signed_in, id, search, typed, Mistakes::of(t, errors), None).await
        }
        Err(ref error @ IssueError::Conflict { ref theirs }) => {
            let mistakes = Mistakes::notice(t, &error.message());
            let typed = Some((input, theirs.issue.version));
            show(&request, &app, &signed_in, id, search, typed, mistakes, Some(theirs.clone())).await
        }
        Err(
            ref error @ (IssueError::Scheduled
            | IssueError::Mailed
            | IssueError::OfDigest
            | IssueError::Changed),
        ) => {
            let mistakes = Mistakes::notice(t, &error.message());
            let typed = Some((input, version));
            show(&request, &app, &signed_in, id, search, typed, mistakes, None).await
        }
        Err(IssueError::NotFound) => Err(PageError::NotFound),
        Err(IssueError::Store(error)) => Err(error.into()),
    }
}

/// The fixes that change words, and the words that the first article of an issue brings along.
async fn fill(app: &App, form: &Form, input: &mut IssueInput) -> Result<(), PageError> {
    let (verb, _) = pressed(form);
    if !matches!(verb, "take_title" | "take_teaser" | "add") {
        return Ok(());
    }
    let mut reader = app.store.read().await?;
    if verb == "add" {
        return Ok(suggestions::fill_in(&mut reader, input).await?);
    }
    for placed in &input.articles {
        let Some(article) = store::articles::by_id(reader.db(), placed.article).await? else { continue };
        match verb {
            "take_title" => {
                input.subject = article.title;
                return Ok(());
            }
            _ if article.teaser.is_empty() => {}
            _ => {
                input.preheader = suggestions::preheader(&article);
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The fixes of what does not stand in the form.
async fn mend(app: &App, form: &Form, id: IssueId) -> Result<(), PageError> {
    match pressed(form) {
        ("publish", Some(article)) => {
            match articles::set_status(&app.store, &app.clock, article, ArticleStatus::Published).await {
                Ok(()) | Err(articles::ArticleError::NotFound) => Ok(()),
                Err(error) => Err(PageError::internal("an article could not be published", error)),
            }
        }
        ("check_links", _) => {
            check_links(&app.store, &app.clock, &app.http, &app.settings.public_url, id).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

pub(super) fn wants_json(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.starts_with("application/json"))
}

/// What a script needs after it has saved: the version to save over next, and the checks as they stand now.
#[derive(serde::Serialize)]
struct Saved {
    version: i64,
    saved: String,
    readers: String,
    is_ready: bool,
    checks: String,
}

pub(super) async fn saved(
    app: &Data<App>,
    t: Texts,
    id: IssueId,
    version: i64,
    can_fix: bool,
) -> Result<HttpResponse, PageError> {
    let composed = super::composed(app, id, app.clock.now()).await?;
    let checks = ChecksPart { page: Speaking { t }, checks: check_lines(t, &composed), can_fix };
    let checks = checks.render().map_err(|error| PageError::internal("the checks failed", error))?;
    let readers = super::readers(app, t, &composed).await?.1;
    Ok(HttpResponse::Ok().json(Saved {
        version,
        saved: saved_at(t, &composed),
        readers: t.with("desk-goes-to", "readers", readers),
        is_ready: composed.is_ready(),
        checks,
    }))
}

#[derive(serde::Serialize)]
struct NotSaved {
    message: String,
}

pub(super) fn not_saved(t: Texts, error: &IssueError) -> Result<HttpResponse, PageError> {
    let status = match error {
        IssueError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        IssueError::Conflict { .. }
        | IssueError::Scheduled
        | IssueError::Mailed
        | IssueError::OfDigest
        | IssueError::Changed => StatusCode::CONFLICT,
        IssueError::NotFound => StatusCode::NOT_FOUND,
        IssueError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let first = match error {
        IssueError::Invalid(errors) => errors.iter().next().map(|error| error.message.in_words(t)),
        _ => None,
    };
    let message = first.unwrap_or_else(|| error.message().in_words(t));
    Ok(HttpResponse::build(status).json(NotSaved { message }))
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
        other if other.starts_with("language-") => {
            format!("/admin/issues/{id}/languages/{}", other.trim_start_matches("language-"))
        }
        "" | "save" => format!("/admin/issues/{id}?done=saved"),
        "take_title" => format!("/admin/issues/{id}#subject"),
        "take_teaser" => format!("/admin/issues/{id}#preheader"),
        "check_links" => format!("/admin/issues/{id}?done=links-checked"),
        _ => format!("/admin/issues/{id}#articles"),
    }
}

/// How an article stands in an issue, in words.
pub(super) fn shown_display(t: Texts, display: ArticleDisplay) -> String {
    t.text(match display {
        ArticleDisplay::Full => "desk-display-full",
        ArticleDisplay::Teaser => "desk-display-teaser",
    })
}

/// What stands in the subject line for a reader without a name.
pub fn shown_subject(composed: &Composed) -> String {
    composed.rendered.as_ref().map_or_else(
        |_| composed.issue.subject.clone(),
        |rendered| without_recipient(&rendered.subject, str::to_owned),
    )
}
