//! `/admin/mailings/{id}`: one sending, its numbers while they change, and the way back before it begins.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Frame, Mistakes, Status, grouped, id_of};
use crate::i18n::Texts;
use crate::model::{Account, Mailing, MailingId, MailingStatus, Move};
use crate::publishing::moves::{MoveError, make_move};
use crate::publishing::schedule::zone_of;
use crate::store;
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// Width of the bar, in units of its drawing.
const BAR_WIDTH: i64 = 1000;

#[derive(Template)]
#[template(path = "admin/mailing.html")]
struct MailingPage {
    page: Frame,
    id: MailingId,
    status: Status,
    name: String,
    subject: String,
    /// When it goes, went, or was cancelled.
    when: String,
    tiles: Vec<Tile>,
    bar: Vec<Segment>,
    bar_words: String,
    is_scheduled: bool,
    is_cancelled: bool,
    /// Whether the numbers still move.
    is_moving: bool,
    has_numbers: bool,
    web_view: Option<String>,
    issue: String,
    mistakes: Mistakes,
}

/// One number.
struct Tile {
    key: &'static str,
    label: String,
    count: String,
    /// Shown even when it is zero.
    is_main: bool,
    is_zero: bool,
}

/// A piece of the bar.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
struct Segment {
    key: &'static str,
    x: i64,
    width: i64,
}

/// The pieces of the bar, left to right; together never wider than the bar.
fn bar(account: &Account) -> Vec<Segment> {
    let parts = [
        ("sent", account.sent),
        ("skipped", account.skipped),
        ("deferred", account.deferred),
        ("uncertain", account.uncertain),
        ("expired", account.expired),
        ("bounced", account.bounced),
    ];
    let mut sum = 0;
    let mut x = 0;
    let mut segments = Vec::new();
    for (key, count) in parts {
        sum += count;
        // Of the running sum, so that rounding leaves no gap.
        let end = (sum * BAR_WIDTH).checked_div(account.audience).unwrap_or(0).min(BAR_WIDTH);
        segments.push(Segment { key, x, width: end - x });
        x = end;
    }
    segments
}

fn tiles(t: Texts, account: &Account) -> Vec<Tile> {
    let counts = [
        ("audience", account.audience, true),
        ("sent", account.sent, true),
        ("open", account.open(), true),
        ("deferred", account.deferred, false),
        ("bounced", account.bounced, false),
        ("skipped", account.skipped, false),
        ("uncertain", account.uncertain, false),
        ("expired", account.expired, false),
    ];
    let tile = |(key, count, is_main): (&'static str, i64, bool)| Tile {
        key,
        label: t.text(&format!("desk-count-{key}")),
        count: grouped(count),
        is_main,
        is_zero: count == 0,
    };
    counts.into_iter().map(tile).collect()
}

/// What the page's script asks for every second.
#[derive(serde::Serialize)]
struct Progress {
    status: MailingStatus,
    audience: i64,
    sent: i64,
    open: i64,
    deferred: i64,
    bounced: i64,
    skipped: i64,
    uncertain: i64,
    expired: i64,
    bar: Vec<Segment>,
    words: String,
}

async fn mailing_of(app: &App, id: &str) -> Result<Mailing, PageError> {
    let id = MailingId(id_of(id)?);
    store::mailings::by_id(app.store.read().await?.db(), id).await?.ok_or(PageError::NotFound)
}

/// `GET /admin/mailings/{id}.json`.
pub async fn json(app: Data<App>, signed_in: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let mailing = mailing_of(&app, &id).await?;
    let account = &mailing.account;
    Ok(HttpResponse::Ok().json(Progress {
        status: mailing.status,
        audience: account.audience,
        sent: account.sent,
        open: account.open(),
        deferred: account.deferred,
        bounced: account.bounced,
        skipped: account.skipped,
        uncertain: account.uncertain,
        expired: account.expired,
        bar: bar(account),
        words: bar_words(signed_in.texts(), account),
    }))
}

fn bar_words(t: Texts, account: &Account) -> String {
    t.with2("desk-sent-of", "sent", grouped(account.sent), "audience", grouped(account.audience))
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
    let mut reader = app.store.read().await?;
    let issue = store::issues::by_id(reader.db(), mailing.issue_id).await?.ok_or(PageError::NotFound)?;
    let newsletter = store::newsletters::by_id(reader.db(), mailing.newsletter_id).await?;
    let newsletter = newsletter.ok_or(PageError::NotFound)?;
    let zone = zone_of(&newsletter);
    let at = |moment| format!("{} ({})", t.date_time(moment, zone), newsletter.time_zone);
    let moment = match mailing.status {
        MailingStatus::Scheduled => mailing.due_at,
        MailingStatus::Sending | MailingStatus::Paused => mailing.started_at.unwrap_or(mailing.due_at),
        MailingStatus::Sent | MailingStatus::Cancelled => mailing.finished_at.unwrap_or(mailing.due_at),
    };
    let has_begun = mailing.started_at.is_some();
    let status = if mistakes.notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let name =
        t.with2("desk-issue-name", "number", issue.number.to_string(), "newsletter", newsletter.name.clone());
    let template = MailingPage {
        page: Frame::new(request, signed_in, "issues", name.clone()),
        id: mailing.id,
        status: Status::of_mailing(t, Some(mailing.status)),
        name,
        subject: issue.subject,
        when: t.with(&format!("desk-when-{}", mailing.status), "at", at(moment)),
        tiles: tiles(t, &mailing.account),
        bar: bar(&mailing.account),
        bar_words: bar_words(t, &mailing.account),
        is_scheduled: mailing.status == MailingStatus::Scheduled,
        is_cancelled: mailing.status == MailingStatus::Cancelled,
        is_moving: matches!(
            mailing.status,
            MailingStatus::Scheduled | MailingStatus::Sending | MailingStatus::Paused
        ),
        has_numbers: has_begun,
        web_view: has_begun.then(|| format!("/i/{}", issue.public_id)),
        issue: format!("/admin/issues/{}", issue.id),
        mistakes,
    };
    html(status, &template)
}

/// `POST /admin/mailings/{id}/cancel`.
pub async fn cancel(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let mailing = mailing_of(&app, &id).await?;
    match make_move(&app.store, &app.clock, mailing.id, Move::Cancel).await {
        Ok(_) => Ok(see_other(&format!("/admin/mailings/{}?done=cancelled", mailing.id))),
        Err(ref error @ MoveError::MovedOn) => {
            let mistakes = Mistakes::notice(signed_in.texts(), &error.message());
            show(&request, &app, &signed_in, &id, mistakes).await
        }
        Err(MoveError::NotFound) => Err(PageError::NotFound),
        Err(MoveError::Store(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_full_when_all_is_settled_and_never_overflows() {
        let account = Account { audience: 7, sent: 3, bounced: 2, skipped: 2, ..Account::default() };
        let segments = bar(&account);
        assert_eq!(segments.iter().map(|segment| segment.width).sum::<i64>(), BAR_WIDTH);
        assert_eq!(segments[0], Segment { key: "sent", x: 0, width: 428 });
        assert!(bar(&Account::default()).iter().all(|segment| segment.width == 0));
    }
}
