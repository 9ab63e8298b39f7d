//! `/admin/mailings/{id}`: one sending, its numbers while they change, and what can be done with it.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::relay_troubles::{self, TroubleLine};
use super::{Frame, Mistakes, Status, grouped, id_of};
use crate::delivery::mailing::progress_of;
use crate::i18n::{Message, Texts};
use crate::mail::slot::line_for_anyone;
use crate::model::topic::text_for;
use crate::model::{Mailing, MailingId, MailingStatus, PauseReason, Timestamp};
use crate::publishing::schedule::zone_of;
use crate::store;
use crate::store::deliveries::{WAITING_COUNT_MAX, WaitingCount};
use crate::store::mailing_overrides::Override;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

pub mod events;
pub mod ledger;
pub mod moves;
pub mod progress;
mod trial;

use moves::Action;
use progress::{Segment, Tile, bar, bar_words, pace, tiles};

/// A mailing that goes out sooner than this counts down.
const COUNTDOWN_MAX: Duration = Duration::from_secs(10 * 60);
/// A moment less than this ahead is told without its date.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Most destinations shown that wait; the others are fewer.
const WAITING_ROWS: i64 = 8;

#[derive(Template)]
#[template(path = "admin/mailing.html")]
struct MailingPage {
    page: Frame,
    id: MailingId,
    status: Status,
    name: String,
    subject: String,
    /// Where two subjects are tried.
    trial: Option<trial::TrialPart>,
    /// Whom it is for, when not for everybody.
    topic: Option<String>,
    /// When it goes, went, or was cancelled.
    when: String,
    /// Seconds until it begins, when that is soon.
    countdown: Option<u64>,
    /// Why it is paused, and what to do.
    paused: Option<Paused>,
    tiles: Vec<Tile>,
    bar: Vec<Segment>,
    bar_words: String,
    pace: String,
    waiting: Vec<Wait>,
    /// Relays that cannot be used, as long as that matters here.
    troubles: Vec<TroubleLine>,
    /// Errors in spite of which it was scheduled.
    overrides: Vec<Override>,
    actions: Vec<Action>,
    is_scheduled: bool,
    /// Cancelled before it began: its issue is free.
    is_free: bool,
    /// Whether the numbers still move.
    is_moving: bool,
    has_numbers: bool,
    web_view: Option<String>,
    issue: String,
    mistakes: Mistakes,
}

struct Paused {
    why: String,
    what: String,
    /// Where the replies are.
    ledger: Option<String>,
}

/// What waits at one destination.
struct Wait {
    destination: String,
    count: String,
    due: String,
}

async fn mailing_of(app: &App, id: &str) -> Result<Mailing, PageError> {
    let id = MailingId(id_of(id)?);
    store::mailings::by_id(app.store.read().await?.db(), id).await?.ok_or(PageError::NotFound)
}

/// `GET /admin/mailings/{id}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, &id, Mistakes::none(signed_in.texts())).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    id: &str,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mailing = mailing_of(app, id).await?;
    let now = app.clock.now();
    let account = &mailing.account;
    let mut reader = app.store.read().await?;
    let issue = store::issues::by_id(reader.db(), mailing.issue_id).await?.ok_or(PageError::NotFound)?;
    let newsletter = store::newsletters::by_id(reader.db(), mailing.newsletter_id).await?;
    let newsletter = newsletter.ok_or(PageError::NotFound)?;
    let waiting = if mailing.status.is_in_progress() && account.deferred > 0 {
        store::deliveries::waiting_counts(reader.db(), mailing.id, WAITING_ROWS).await?
    } else {
        Vec::new()
    };
    let has_failed = mailing.status == MailingStatus::Sent && account.bounced + account.expired > 0;
    let failed = if has_failed { store::deliveries::count_failed(reader.db(), mailing.id).await? } else { 0 };
    let topic = match mailing.topic_id {
        Some(topic) => {
            let texts = store::topics::texts(reader.db(), newsletter.id).await?;
            let text = text_for(&texts, topic, t.language(), newsletter.language);
            text.map(|text| t.with("desk-only-topic", "topic", text.name.clone()))
        }
        None => None,
    };
    let trial = trial::part(t, reader.db(), &mailing, &newsletter).await?;
    let only = mailing.segment_name.as_deref().map(|name| t.with("people-only-segment", "segment", name));
    let topic = only.or(topic);
    let progress = progress_of(reader.db(), &mailing, now).await?;
    let overrides = store::mailing_overrides::of_mailing(reader.db(), mailing.id).await?;
    let is_moving = mailing.status == MailingStatus::Scheduled || mailing.status.is_in_progress();
    let troubles =
        if is_moving { relay_troubles::lines(&mut reader, signed_in, now).await? } else { Vec::new() };
    drop(reader);
    let zone = zone_of(&newsletter);
    let has_begun = mailing.started_at.is_some();
    let countdown = countdown(&mailing, now);
    let status = if mistakes.notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let name =
        t.with2("desk-issue-name", "number", issue.number.to_string(), "newsletter", newsletter.name.clone());
    let template = MailingPage {
        page: Frame::new(request, signed_in, "issues", name.clone()),
        id: mailing.id,
        status: Status::of_mailing(t, Some(mailing.status)),
        name,
        subject: line_for_anyone(&issue.subject, &newsletter.name),
        topic,
        trial,
        when: when(t, &mailing, |at| format!("{} ({})", t.date_time(at, zone), newsletter.time_zone)),
        countdown,
        paused: (mailing.status == MailingStatus::Paused).then(|| paused(t, &mailing)),
        tiles: tiles(t, mailing.id, mailing.status, account),
        bar: bar(account),
        bar_words: bar_words(t, account),
        pace: pace(t, &progress, now),
        overrides,
        waiting: waiting.into_iter().map(|waiting| wait(t, waiting, now, zone)).collect(),
        actions: moves::actions(t, &mailing, failed, countdown.is_some()),
        is_scheduled: mailing.status == MailingStatus::Scheduled,
        is_free: mailing.status == MailingStatus::Cancelled && !has_begun,
        is_moving,
        troubles,
        has_numbers: has_begun,
        web_view: has_begun.then(|| format!("/i/{}", issue.public_id)),
        issue: format!("/admin/issues/{}", issue.id),
        mistakes,
    };
    html(status, &template)
}

fn when(t: Texts, mailing: &Mailing, words: impl Fn(Timestamp) -> String) -> String {
    let (key, moment) = match mailing.status {
        MailingStatus::Scheduled => ("desk-when-scheduled", None),
        MailingStatus::Sending => ("desk-when-sending", mailing.started_at),
        MailingStatus::Paused => ("desk-when-paused", mailing.started_at),
        MailingStatus::Sent => ("desk-when-sent", mailing.finished_at),
        MailingStatus::Cancelled if mailing.started_at.is_some() => {
            ("desk-when-stopped", mailing.finished_at)
        }
        MailingStatus::Cancelled => ("desk-when-cancelled", mailing.finished_at),
    };
    t.with(key, "at", words(moment.unwrap_or(mailing.due_at)))
}

fn countdown(mailing: &Mailing, now: Timestamp) -> Option<u64> {
    let rest = mailing.due_at.since(now);
    (mailing.status == MailingStatus::Scheduled && rest <= COUNTDOWN_MAX)
        // Rounded up: at 0 it goes.
        .then(|| rest.as_secs() + u64::from(rest.subsec_nanos() > 0))
}

fn paused(t: Texts, mailing: &Mailing) -> Paused {
    let account = &mailing.account;
    let ledger = |outcome: &str| Some(format!("/admin/mailings/{}/ledger?outcome={outcome}", mailing.id));
    let why = |key: &'static str| {
        Message::new(key)
            .text("bounced", grouped(account.bounced))
            .text("attempts", grouped(account.sent + account.bounced))
            .in_words(t)
    };
    let (key, what, ledger) = match mailing.pause_reason {
        PauseReason::Bounces => ("desk-paused-bounces", "desk-paused-bounces-what", ledger("bounced")),
        PauseReason::Sender => ("desk-paused-sender", "desk-paused-sender-what", ledger("deferred")),
        PauseReason::Restored => ("desk-paused-restored", "desk-paused-restored-what", None),
        PauseReason::User | PauseReason::None => ("desk-paused-user", "desk-paused-user-what", None),
    };
    Paused { why: why(key), what: t.text(what), ledger }
}

fn wait(t: Texts, waiting: WaitingCount, now: Timestamp, zone: chrono_tz::Tz) -> Wait {
    let count = if waiting.count > WAITING_COUNT_MAX {
        t.with("desk-more-than", "count", grouped(WAITING_COUNT_MAX))
    } else {
        grouped(waiting.count)
    };
    let destination = match waiting.destination.as_str() {
        "other" | "" => t.text("desk-destination-other"),
        named => named.to_owned(),
    };
    let rest = waiting.due_at.since(now);
    let due = if rest.is_zero() {
        t.text("desk-due-now")
    } else if rest < DAY {
        waiting.due_at.to_utc().with_timezone(&zone).format("%H:%M").to_string()
    } else {
        t.date_time(waiting.due_at, zone)
    };
    Wait { destination, count, due }
}
