//! `/digest/{token}`: what the links in the mail of a proposal lead to. GET shows and changes nothing, whoever opens
//! links in mails for us; POST acts. The token is one user's, and the whole permission.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{page, texts_of_mail};
use crate::i18n::Texts;
use crate::model::{Language, RunReason, RunState};
use crate::publishing::approval::content_of;
use crate::publishing::digest::acts::{self, ActError, Approved, Seen};
use crate::publishing::digest::mails::when_words;
use crate::publishing::digest::run::Desk;
use crate::publishing::schedule::zone_of;
use crate::web::form::Form;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

#[derive(Template)]
#[template(path = "public/digest.html")]
struct DigestPage {
    page: Page,
    path: String,
    name: String,
    subject: String,
    articles: Vec<String>,
    /// When it goes, or what became of it.
    words: String,
    notice: Option<String>,
    mistake: Option<String>,
    is_open: bool,
    can_approve: bool,
    /// Whether it is another than the one that the mail showed.
    is_edited: bool,
    /// What is approved, for the form to hand back.
    seen: String,
    /// The button that the link in the mail was about comes first.
    is_skip_first: bool,
    issue: Option<String>,
}

/// A link that is none of ours, or none any more: which of them, nobody is told.
#[derive(Template)]
#[template(path = "public/digest_unknown.html")]
struct UnknownPage {
    page: Page,
}

fn unknown(request: &HttpRequest) -> Result<HttpResponse, PageError> {
    let t = Texts::new(language::of(request, Language::English));
    let frame = Page::new(t, t.text("link-unknown-title")).with_languages(request);
    page(StatusCode::NOT_FOUND, &UnknownPage { page: frame })
}

async fn seen(app: &App, token: &str) -> Result<Option<Seen>, PageError> {
    let public_url = app.settings.public_url.trim_end_matches('/');
    Ok(acts::look(&app.store, &app.clock, public_url, token).await?)
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let Some(seen) = seen(&app, &token).await? else { return unknown(&request) };
    show(&request, &seen, &token, None)
}

/// A reload of an answer to a post.
pub async fn get_again(path: Path<(String, String)>) -> HttpResponse {
    see_other(&format!("/digest/{}", path.0))
}

fn show(
    request: &HttpRequest,
    seen: &Seen,
    token: &str,
    mistake: Option<String>,
) -> Result<HttpResponse, PageError> {
    let t = texts_of_mail(request, seen.user.language);
    let query = Form::of_query(request);
    let run = &seen.run;
    let is_open = run.state.is_open();
    let notice = match query.first("done") {
        "approve" if seen.is_approved() => Some(t.text("desk-done-digest-approved")),
        "half" if is_open && !seen.is_approved() => Some(t.text("desk-done-digest-half")),
        "again" if run.state == RunState::Failed => Some(t.text("desk-done-digest-approved-again")),
        "skip" if run.reason == RunReason::Stopped => Some(t.text("desk-done-digest-skipped")),
        _ => None,
    };
    let composed = seen.composed.as_ref();
    let template = DigestPage {
        page: Page::new(t, t.with("digest-page-title", "name", seen.rule.name.as_str()))
            .of_newsletter(&seen.newsletter),
        path: format!("/digest/{token}"),
        name: seen.user.name.clone(),
        subject: composed.map(|composed| composed.issue.subject.clone()).unwrap_or_default(),
        articles: composed
            .map(|composed| composed.articles.iter().map(|row| row.article.title.clone()).collect())
            .unwrap_or_default(),
        words: words(t, seen),
        notice,
        is_open,
        can_approve: is_open && !seen.is_approved(),
        is_edited: is_open && seen.is_edited(),
        seen: composed.map(content_of).unwrap_or_default(),
        is_skip_first: query.first("do") == "skip",
        issue: run.issue_id.map(|issue| format!("/admin/issues/{issue}")),
        mistake,
    };
    let status = if template.mistake.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    page(status, &template)
}

fn words(t: Texts, seen: &Seen) -> String {
    let moment = t.date_time(seen.run.due_at, zone_of(&seen.newsletter));
    if seen.run.state.is_open() {
        return if seen.is_approved() {
            t.with("digest-approved-goes", "moment", moment)
        } else {
            when_words(t, &seen.newsletter, &seen.rule, &seen.run)
        };
    }
    let state = t.text(&format!("digest-is-{}", seen.run.state));
    match seen.run.reason {
        RunReason::None => state,
        reason => format!("{state} {}", t.text(&format!("digest-reason-{reason}"))),
    }
}

/// What an approval has done.
const fn done_by(approved: Approved) -> &'static str {
    match approved {
        Approved::Goes => "approve",
        Approved::Half => "half",
        Approved::CanRetry => "again",
    }
}

/// `POST /digest/{token}/{act}`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    let (token, act) = path.into_inner();
    let Some(before) = seen(&app, &token).await? else { return unknown(&request) };
    // The link is the permission to act as its user, who may do what that user may at the desk, and no more.
    let store = app.store.acting(before.actor.clone());
    let desk = Desk {
        store: &store,
        clock: &app.clock,
        keys: &app.keys,
        public_url: app.settings.public_url.trim_end_matches('/'),
    };
    let (run, user) = (before.run.id, before.user.id);
    let done = match act.as_str() {
        "approve" => acts::approve(desk, run, user, Some(form.first("seen"))).await.map(done_by),
        "skip" => acts::skip(&store, &app.clock, run, Some(user)).await.map(|()| "skip"),
        _ => return Err(PageError::NotFound),
    };
    match done {
        Ok(done) => Ok(see_other(&format!("/digest/{token}?done={done}"))),
        Err(ActError::Store(error)) => Err(error.into()),
        Err(error) => {
            let Some(seen) = seen(&app, &token).await? else { return unknown(&request) };
            let t = texts_of_mail(&request, seen.user.language);
            show(&request, &seen, &token, Some(error.message().in_words(t)))
        }
    }
}
