//! `GET /admin/mailings/{id}/ledger`: what became of each recipient, by outcome or by address.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;

use super::mailing_of;
use super::progress::count_label;
use crate::i18n::Texts;
use crate::mail::slot::line_for_anyone;
use crate::model::{MailingId, MailingStatus, Outcome, Refusal, SubscriberId};
use crate::publishing::schedule::zone_of;
use crate::store::deliveries::{LedgerFilter, LedgerRow, ledger_with_addresses};
use crate::store::{self, PAGE_ROWS};
use crate::web::admin::{Frame, grouped};
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// Longest search that makes sense: an address is no longer (RFC 5321, 4.5.3.1.3).
const SEARCH_MAX_CHARS: usize = 254;

#[derive(Template)]
#[template(path = "admin/ledger.html")]
struct LedgerPage {
    page: Frame,
    id: MailingId,
    subject: String,
    outcomes: Vec<Choice>,
    search: String,
    is_filtered: bool,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

/// An outcome to choose.
struct Choice {
    value: &'static str,
    label: String,
    is_chosen: bool,
}

struct Row {
    /// `None` for someone who was erased.
    address: Option<String>,
    class: &'static str,
    outcome: String,
    /// What a refusal was about, or when it is tried again.
    because: String,
    tries: String,
    doubts: String,
    relay: String,
    at: String,
    reply: String,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mailing = mailing_of(&app, &id).await?;
    let query = Form::of_query(&request);
    let outcome = query.first("outcome").parse::<Outcome>().ok();
    let search: String = query.first("search").trim().chars().take(SEARCH_MAX_CHARS).collect();
    let after = query.first("after").parse().map_or(0, |after: i64| after.max(0));
    let mut reader = app.store.read().await?;
    let issue = store::issues::by_id(reader.db(), mailing.issue_id).await?.ok_or(PageError::NotFound)?;
    let newsletter = store::newsletters::by_id(reader.db(), mailing.newsletter_id).await?;
    let zone = newsletter.as_ref().map_or(Tz::UTC, zone_of);
    let name = newsletter.as_ref().map_or("", |newsletter| newsletter.name.as_str());
    let filter = LedgerFilter { outcome, search: &search };
    let mut rows =
        ledger_with_addresses(reader.db(), mailing.id, filter, SubscriberId(after), PAGE_ROWS + 1).await?;
    let most = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    let has_more = rows.len() > most;
    rows.truncate(most);
    let base = address_of(mailing.id, outcome, &search);
    let last = rows.last().filter(|_| has_more).map(|row| row.delivery.subscriber_id);
    let choice = |of: Outcome| Choice {
        value: of.as_str(),
        label: count_label(t, of.as_str(), mailing.status),
        is_chosen: outcome == Some(of),
    };
    let template = LedgerPage {
        page: Frame::new(&request, &signed_in, "issues", t.text("desk-ledger")),
        id: mailing.id,
        subject: line_for_anyone(&issue.subject, name),
        outcomes: Outcome::ALL.iter().copied().map(choice).collect(),
        is_filtered: outcome.is_some() || !search.is_empty(),
        rows: rows.into_iter().map(|row| line(t, zone, mailing.status, row)).collect(),
        first: (after > 0).then(|| base.clone()),
        next: last.map(|last| format!("{base}&after={last}")),
        search,
    };
    html(StatusCode::OK, &template)
}

/// The address of the first page with these filters; it has a query already.
fn address_of(id: MailingId, outcome: Option<Outcome>, search: &str) -> String {
    let outcome = outcome.map_or("", Outcome::as_str);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("outcome", outcome)
        .append_pair("search", search)
        .finish();
    format!("/admin/mailings/{id}/ledger?{query}")
}

fn line(t: Texts, zone: Tz, status: MailingStatus, row: LedgerRow) -> Row {
    let delivery = row.delivery;
    let because = match (delivery.refusal, delivery.due_at) {
        (_, Some(due_at)) => t.with("desk-next-try", "at", t.date_time(due_at, zone)),
        (Refusal::None, None) => String::new(),
        (refusal, None) => t.text(&format!("desk-refusal-{refusal}")),
    };
    Row {
        address: row.address.map(|address| address.to_string()),
        class: delivery.outcome.as_str(),
        outcome: count_label(t, delivery.outcome.as_str(), status),
        because,
        tries: grouped(delivery.attempts),
        doubts: grouped(delivery.doubts),
        relay: delivery.relay,
        at: t.date_time(delivery.at, zone),
        reply: delivery.reply,
    }
}
