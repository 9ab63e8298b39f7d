//! `/admin/acts`: acts on many subscriptions, their progress and their undo.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use uuid::Uuid;

use super::query::Asked;
use crate::i18n::Texts;
use crate::model::topic::text_for;
use crate::model::{BulkAct, BulkActKind, BulkActStatus, Permission, SubscriptionId, TopicId};
use crate::store;
use crate::subscriptions::bulk::{self, BulkError, Wanted};
use crate::web::admin::{Frame, desk_zone, grouped};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// Units of a whole bar.
const BAR_WIDTH: i64 = 1000;

#[derive(Template)]
#[template(path = "admin/acts.html")]
struct ActsPage {
    page: Frame,
    acts: Vec<Line>,
}

struct Line {
    href: String,
    title: String,
    words: String,
    at: String,
}

#[derive(Template)]
#[template(path = "admin/act.html")]
struct ActPage {
    page: Frame,
    id: Uuid,
    status: BulkActStatus,
    is_moving: bool,
    width: i64,
    words: String,
    at: String,
    can_undo: bool,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/act_erase.html")]
struct ErasePage {
    page: Frame,
    query: String,
    ids: Vec<String>,
    is_all: bool,
    count: String,
    digits: String,
    typed: String,
    is_wrong: bool,
}

/// `POST /admin/acts`: begins one on those who were ticked, or on all of a list.
pub async fn begin(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let list = Form::decoded(form.first("query"));
    let mut reader = app.store.read().await?;
    let mut asked = Asked::read(&app, &mut reader, &list).await?;
    drop(reader);
    let newsletter = asked.newsletter.as_ref().map(|one| one.id).ok_or(PageError::BadRequest)?;
    let (kind, topic) = form.first("act").split_once('-').unwrap_or((form.first("act"), ""));
    let Ok(kind) = kind.parse::<BulkActKind>() else {
        let words = t.text("error-act-none");
        return super::list::show(&request, &app, &signed_in, &list, None, Some(words)).await;
    };
    let is_all = form.is("who", "all");
    if !is_all {
        asked.selection.ids = form.all("id").filter_map(|id| id.parse().ok()).map(SubscriptionId).collect();
        if asked.selection.ids.is_empty() {
            let words = t.text("error-act-nobody");
            return super::list::show(&request, &app, &signed_in, &list, None, Some(words)).await;
        }
    }
    let typed: String = form.first("count").chars().filter(char::is_ascii_digit).collect();
    let wanted = Wanted {
        kind,
        newsletter,
        topic: topic.parse().ok().map(TopicId),
        selection: asked.selection,
        typed_count: typed.parse().ok(),
        user: Some(signed_in.user.id),
    };
    match bulk::begin(&app.store, &app.clock, wanted).await {
        Ok(act) => {
            app.background.notify_one();
            Ok(see_other(&format!("/admin/acts/{}", act.public_id)))
        }
        Err(BulkError::NotSure { count }) => {
            let template = ErasePage {
                page: Frame::new(&request, &signed_in, "subscribers", t.text("people-erase-title")),
                query: form.first("query").to_owned(),
                ids: form.all("id").map(str::to_owned).collect(),
                is_all,
                count: t.with2("people-count", "count", count, "shown", grouped(count)),
                digits: count.to_string(),
                is_wrong: form.has("count"),
                typed,
            };
            let status = if form.has("count") { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            html(status, &template)
        }
        Err(BulkError::Nobody) => {
            let words = t.text("error-act-nobody");
            super::list::show(&request, &app, &signed_in, &list, None, Some(words)).await
        }
        Err(BulkError::NoTopic | BulkError::NotPossible) => Err(PageError::BadRequest),
        Err(BulkError::Store(error)) => Err(error.into()),
    }
}

/// What an act is, in words.
async fn title(app: &App, t: Texts, act: &BulkAct) -> Result<String, PageError> {
    let mut reader = app.store.read().await?;
    let newsletter = store::newsletters::by_id(reader.db(), act.newsletter_id).await?;
    let newsletter = newsletter.ok_or(PageError::NotFound)?;
    let texts = store::topics::texts(reader.db(), newsletter.id).await?;
    let topic = act.topic_id.and_then(|id| text_for(&texts, id, t.language(), newsletter.language));
    let topic = topic.map(|text| text.name.clone()).unwrap_or_default();
    let words = match act.kind {
        BulkActKind::AddTopic => t.with("people-act-add-topic", "topic", topic),
        BulkActKind::RemoveTopic => t.with("people-act-remove-topic", "topic", topic),
        BulkActKind::Unsubscribe => t.text("people-act-unsubscribe"),
        BulkActKind::Erase => t.text("people-act-erase"),
    };
    Ok(format!("{} · {words}", newsletter.name))
}

fn words(t: Texts, act: &BulkAct) -> String {
    let status = t.text(&format!("people-act-status-{}", act.status));
    let (done, of) = match act.status {
        BulkActStatus::Undoing | BulkActStatus::Undone => (act.restored, act.changed),
        _ => (act.changed, act.total),
    };
    let numbers = t.with2("people-act-numbers", "done", grouped(done), "of", grouped(of));
    format!("{status} · {numbers}")
}

fn width(act: &BulkAct) -> i64 {
    let (done, of) = match act.status {
        BulkActStatus::Undoing => (act.restored, act.changed),
        BulkActStatus::Running => (act.looked_at, act.total),
        _ => (1, 1),
    };
    (done * BAR_WIDTH).checked_div(of).unwrap_or(BAR_WIDTH).clamp(0, BAR_WIDTH)
}

/// `GET /admin/acts`.
pub async fn list(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let zone = desk_zone(&mut reader).await?;
    let mut found = store::bulk_acts::list(reader.db()).await?;
    found.retain(|act| signed_in.may(Permission::SeeSubscribers, act.newsletter_id));
    drop(reader);
    let mut acts = Vec::with_capacity(found.len());
    for act in found {
        acts.push(Line {
            href: format!("/admin/acts/{}", act.public_id),
            title: title(&app, t, &act).await?,
            words: words(t, &act),
            at: t.date_time(act.created_at, zone),
        });
    }
    let page = Frame::new(&request, &signed_in, "subscribers", t.text("people-acts"));
    html(StatusCode::OK, &ActsPage { page, acts })
}

async fn act(app: &App, id: &str) -> Result<BulkAct, PageError> {
    let id = Uuid::try_parse(id).map_err(|_| PageError::NotFound)?;
    let mut reader = app.store.read().await?;
    store::bulk_acts::by_public_id(reader.db(), id).await?.ok_or(PageError::NotFound)
}

/// `GET /admin/acts/{id}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, &id, None).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    id: &str,
    error: Option<String>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let act = act(app, id).await?;
    let zone = desk_zone(&mut app.store.read().await?).await?;
    let status = if error.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let template = ActPage {
        page: Frame::new(request, signed_in, "subscribers", title(app, t, &act).await?),
        id: act.public_id,
        status: act.status,
        is_moving: act.status.is_open(),
        width: width(&act),
        words: words(t, &act),
        at: t.date_time(act.created_at, zone),
        can_undo: act.status == BulkActStatus::Done && act.kind.can_be_undone() && act.changed > 0,
        error,
    };
    html(status, &template)
}

/// `GET /admin/acts/{id}.json`: for the page's script.
pub async fn json(app: Data<App>, signed_in: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let act = act(&app, &id).await?;
    Ok(HttpResponse::Ok().json(super::progress(
        act.status.as_str(),
        width(&act),
        words(signed_in.texts(), &act),
    )))
}

/// `POST /admin/acts/{id}/undo`.
pub async fn undo(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let found = act(&app, &id).await?;
    match bulk::undo(&app.store, found.id).await {
        Ok(()) => {
            app.background.notify_one();
            Ok(see_other(&format!("/admin/acts/{}", found.public_id)))
        }
        Err(BulkError::Store(error)) => Err(error.into()),
        Err(_) => {
            let words = signed_in.texts().text("error-act-no-undo");
            show(&request, &app, &signed_in, &id, Some(words)).await
        }
    }
}
