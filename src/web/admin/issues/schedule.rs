//! `/admin/issues/{id}/schedule`: what, to whom, when; then one sentence that says it, and one button.
//!
//! The first step is a GET that changes nothing: `?when=now`, or `?when=later&date=..&time=..`. The second
//! posts the same fields.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::checks::{CheckLine, check_lines};
use super::edit::shown_subject;
use crate::i18n::Texts;
use crate::model::{IssueId, Segment, SegmentId, UserId};
use crate::publishing::approval::{
    ApproveError, FourEyes, approve as approve_issue, ask as ask_colleagues, colleagues, content_of,
};
use crate::publishing::compose::Composed;
use crate::publishing::schedule::{
    ScheduleError, Scheduling, When, count_in, due_at, is_at_once, parse_local, schedule, seen_of, zone_of,
};
use crate::store;
use crate::web::admin::subscribers::query::Pick;
use crate::web::admin::{Frame, Mistakes, grouped, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Template)]
#[template(path = "admin/schedule.html")]
struct SchedulePage {
    page: Frame,
    id: IssueId,
    name: String,
    subject: String,
    articles: String,
    readers: String,
    has_readers: bool,
    segments: Vec<Pick>,
    /// The one that was chosen; empty: everyone.
    segment: String,
    zone: String,
    when: String,
    date: String,
    time: String,
    checks: Vec<CheckLine>,
    can_fix: bool,
    is_ready: bool,
    /// Whether its errors may be overridden by who says why.
    can_override: bool,
    /// Why they are; empty: nobody has said so yet.
    reason: String,
    approval: Approval,
    /// What is approved, and what the last step shows, for their forms to hand back.
    content: String,
    seen: String,
    /// The sentence of the last step.
    sentence: Option<String>,
    /// How long it can then be called back.
    undo: Option<String>,
    /// Where its links lead, if readers cannot come there.
    local_address: Option<String>,
    mistakes: Mistakes,
}

/// Where the second pair of eyes stands.
enum Approval {
    NotNeeded,
    /// By whom and when.
    Given(String),
    /// Who looks at the page may give it; what there is to know about it.
    Possible(String),
    /// Who looks at the page cannot, or has: why, and who can.
    Others(String),
}

async fn approval_of(app: &App, t: Texts, composed: &Composed, user: UserId) -> Result<Approval, PageError> {
    if !composed.newsletter.needs_approval {
        return Ok(Approval::NotNeeded);
    }
    let mut reader = app.store.read().await?;
    let eyes = FourEyes::of(reader.db(), composed).await?;
    if eyes.is_approved() {
        let at =
            eyes.approvals.first().map(|last| t.date_time(last.created_at, zone_of(&composed.newsletter)));
        let names: Vec<_> = eyes.approvals.iter().map(|one| one.user_name.as_str()).collect();
        let words = t.with2("desk-approved-by", "name", names.join(", "), "at", at.unwrap_or_default());
        return Ok(Approval::Given(words));
    }
    let why = match eyes.ask_of(user) {
        _ if eyes.has_approved(user) => "desk-approval-half",
        Ok(()) if eyes.has_written(user) => {
            return Ok(Approval::Possible(t.text("desk-approval-words-part")));
        }
        Ok(()) => return Ok(Approval::Possible(t.text("desk-approval-words"))),
        Err(ApproveError::OwnArticle) => "desk-approval-others-article",
        Err(_) => "desk-approval-others",
    };
    let mut others = colleagues(reader.db(), composed, &eyes).await?;
    others.retain(|other| other.id != user);
    let names: Vec<_> = others.into_iter().map(|other| other.name).collect();
    let who = match names.is_empty() {
        true => t.text("desk-approval-nobody"),
        false => t.with("desk-approval-who", "names", names.join(", ")),
    };
    Ok(Approval::Others(format!("{} {who}", t.text(why))))
}

fn segment_of(form: &Form) -> Option<SegmentId> {
    form.first("segment").parse().ok().map(SegmentId)
}

/// To whom it goes: a number, and words; those of a segment if one was chosen.
async fn readers_of(
    app: &App,
    t: Texts,
    composed: &Composed,
    segment: Option<&Segment>,
) -> Result<(i64, String), PageError> {
    let Some(segment) = segment else { return super::readers(app, t, composed).await };
    let count = count_in(app.store.read().await?.db(), composed, segment).await?;
    let count = count.ok_or_else(|| PageError::internal("a segment cannot be read", segment.id))?;
    let readers = t.with2("desk-readers", "count", count, "shown", grouped(count));
    Ok((count, t.with2("people-readers-of-segment", "readers", readers, "segment", segment.name.as_str())))
}

fn when_of(form: &Form, undo: Duration) -> Result<When, ScheduleError> {
    match form.first("when") {
        "now" => Ok(When::AfterUndo(undo)),
        _ => Ok(When::Local(parse_local(&format!("{} {}", form.first("date"), form.first("time")))?)),
    }
}

/// `GET /admin/issues/{id}/schedule`.
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
    show(&request, &app, &signed_in, id, &Form::of_query(&request), None).await
}

async fn show(
    request: &HttpRequest,
    app: &Data<App>,
    signed_in: &SignedIn,
    id: IssueId,
    form: &Form,
    error: Option<ScheduleError>,
) -> Result<HttpResponse, PageError> {
    let none = Mistakes::none(signed_in.texts());
    show_with(request, app, signed_in, id, form, error, none).await
}

async fn show_with(
    request: &HttpRequest,
    app: &Data<App>,
    signed_in: &SignedIn,
    id: IssueId,
    form: &Form,
    error: Option<ScheduleError>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let undo = app.settings.undo;
    let now = app.clock.now();
    let composed = super::composed_now(app, id, now).await?;
    let newsletter = &composed.newsletter;
    let zone = zone_of(newsletter);
    let segments = store::segments::list(app.store.read().await?.db(), Some(newsletter.id)).await?;
    let segment = segments.iter().find(|segment| Some(segment.id) == segment_of(form));
    let (count, readers) = readers_of(app, t, &composed, segment).await?;
    let subject = shown_subject(&composed);
    let mut sentence = None;
    let mut error = error;
    let approval = approval_of(app, t, &composed, signed_in.user.id).await?;
    let can_override = !composed.is_ready() && composed.can_be_overridden();
    let reason = form.first("reason").trim().to_owned();
    if can_override && error.is_none() && form.has("when") && reason.is_empty() {
        error = Some(ScheduleError::NoReason);
    }
    let mut can_call_back = false;
    let may_go = composed.is_ready() || (can_override && !reason.is_empty());
    let is_approved = matches!(approval, Approval::NotNeeded | Approval::Given(_));
    if may_go && is_approved && error.is_none() && form.has("when") {
        match when_of(form, undo).and_then(|when| Ok((when, due_at(when, newsletter, now)?))) {
            Ok((when, at)) if count == 0 && is_at_once(when, at, now) => {
                error = Some(ScheduleError::NoReaders)
            }
            Ok((When::Now | When::AfterUndo(_), _)) => {
                can_call_back = true;
                sentence = Some(sentence_now(t, &readers, &newsletter.name, &subject))
            }
            Ok((When::Local(_), at)) => {
                can_call_back = at < now.plus(undo);
                let at = at.max(now.plus(undo));
                let at = format!("{} ({})", t.date_time(at, zone), newsletter.time_zone);
                sentence = Some(sentence_at(t, &readers, &newsletter.name, &subject, &at));
            }
            Err(wrong) => error = Some(wrong),
        }
    }
    let is_changed = matches!(error, Some(ScheduleError::Changed));
    let mistakes = match error {
        Some(error) => Mistakes::notice(t, &error.message()),
        None => mistakes,
    };
    let status = match &mistakes.notice {
        Some(_) if is_changed => StatusCode::CONFLICT,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    // The next full hour: a moment that can be chosen as it stands.
    let local = now.plus(HOUR).to_utc().with_timezone(&zone);
    let or = |field: &str, fallback: String| match form.first(field) {
        "" => fallback,
        given => given.to_owned(),
    };
    let sentence = sentence.map(|sentence| {
        let mut whole = vec![sentence];
        if !composed.translations.is_empty() {
            let names: Vec<_> = composed.views().map(|view| t.name_of(view.language)).collect();
            whole.push(t.with("desk-languages-sentence", "languages", names.join(", ")));
        }
        if composed.issue.has_trial() {
            whole.push(t.with("desk-trial-sentence", "share", composed.issue.trial.share.to_string()));
        }
        whole.join(" ")
    });
    let template = SchedulePage {
        page: Frame::new(request, signed_in, "issues", t.text("desk-schedule-title")),
        id,
        name: t.with2(
            "desk-issue-name",
            "number",
            composed.issue.number.to_string(),
            "newsletter",
            newsletter.name.clone(),
        ),
        subject,
        articles: t.with("desk-article-count", "count", composed.articles.len()),
        readers,
        has_readers: count > 0,
        segment: segment.map_or_else(String::new, |segment| segment.id.to_string()),
        segments: segments
            .iter()
            .map(|one| Pick::of(one.id.to_string(), one.name.clone(), form.first("segment")))
            .collect(),
        zone: newsletter.time_zone.clone(),
        when: or("when", "later".to_owned()),
        date: or("date", local.format("%Y-%m-%d").to_string()),
        time: or("time", local.format("%H:00").to_string()),
        checks: check_lines(t, &composed),
        can_fix: false,
        is_ready: composed.is_ready(),
        can_override,
        reason,
        approval,
        content: content_of(&composed),
        seen: seen_of(&composed),
        sentence,
        undo: (can_call_back && !undo.is_zero()).then(|| t.with("desk-undo", "seconds", undo.as_secs())),
        local_address: app.local_address(),
        mistakes,
    };
    html(status, &template)
}

fn sentence_now(t: Texts, readers: &str, newsletter: &str, subject: &str) -> String {
    use crate::i18n::Message;
    Message::new("desk-sentence-now")
        .text("readers", readers)
        .text("newsletter", newsletter)
        .text("subject", subject)
        .in_words(t)
}

fn sentence_at(t: Texts, readers: &str, newsletter: &str, subject: &str, at: &str) -> String {
    use crate::i18n::Message;
    Message::new("desk-sentence-at")
        .text("readers", readers)
        .text("newsletter", newsletter)
        .text("subject", subject)
        .text("at", at)
        .in_words(t)
}

/// `POST /admin/issues/{id}/schedule`. A second click leads to the same mailing.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = IssueId(id_of(&id)?);
    let result = match when_of(&form, app.settings.undo) {
        Ok(when) => {
            let reason = form.has("reason").then(|| form.first("reason").to_owned());
            let segment = segment_of(&form);
            let (user, undo) = (Some(signed_in.user.id), app.settings.undo);
            let seen = Some(form.first("seen").to_owned());
            let scheduling = Scheduling { when, user, reason, segment, undo, seen };
            schedule(&app.store, &app.clock, &app.settings.public_url, id, scheduling).await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(scheduled) => {
            app.wake.notify_one();
            Ok(see_other(&format!("/admin/mailings/{}", scheduled.mailing.id)))
        }
        Err(ScheduleError::NotFound) => Err(PageError::NotFound),
        Err(ScheduleError::Store(error)) => Err(error.into()),
        Err(error) => show(&request, &app, &signed_in, id, &form, Some(error)).await,
    }
}

/// `POST /admin/issues/{id}/ask`: colleagues are asked by mail to approve it.
pub async fn ask(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = IssueId(id_of(&id)?);
    let public_url = app.settings.public_url.trim_end_matches('/');
    match ask_colleagues(&app.store, &app.clock, public_url, id, &signed_in.user.name).await {
        Ok(asked) => {
            app.wake.notify_one();
            let done = if asked > 0 { "approval-asked" } else { "approval-asked-before" };
            Ok(see_other(&format!("/admin/issues/{id}/schedule?done={done}")))
        }
        Err(ApproveError::NotFound) => Err(PageError::NotFound),
        Err(ApproveError::Store(error)) => Err(error.into()),
        Err(error) => {
            let mistakes = Mistakes::notice(signed_in.texts(), &error.message());
            show_with(&request, &app, &signed_in, id, &form, None, mistakes).await
        }
    }
}

/// `POST /admin/issues/{id}/approve`.
pub async fn approve(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = IssueId(id_of(&id)?);
    let (public_url, seen) = (&app.settings.public_url, Some(form.first("seen")));
    match approve_issue(&app.store, &app.clock, public_url, id, signed_in.user.id, seen).await {
        Ok(is_enough) => {
            let done = if is_enough { "approved" } else { "approved-half" };
            Ok(see_other(&format!("/admin/issues/{id}/schedule?done={done}")))
        }
        Err(ApproveError::Changed) => {
            show(&request, &app, &signed_in, id, &form, Some(ScheduleError::Changed)).await
        }
        Err(ApproveError::NotFound) => Err(PageError::NotFound),
        Err(ApproveError::Store(error)) => Err(error.into()),
        Err(error) => {
            let t = signed_in.texts();
            let mistakes = Mistakes::notice(t, &error.message());
            show_with(&request, &app, &signed_in, id, &form, None, mistakes).await
        }
    }
}
