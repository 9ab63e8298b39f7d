//! `/admin/newsletters/{id}/reports`: who comes and who leaves, every mailing in a line, and the monthly summary.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use futures_util::stream;

use super::{long_table, percent, table};
use crate::i18n::Texts;
use crate::mail::slot::line_for_anyone;
use crate::model::calendar::Period;
use crate::model::{Language, Newsletter};
use crate::publishing::schedule::zone_of;
use crate::reports::mailing::per_mille;
use crate::reports::newsletter::{EveryMailing, Line, growth_of};
use crate::reports::summary::set_summary;
use crate::store;
use crate::store::reports::MailingLine;
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Frame, Paging, grouped, page_of};
use crate::web::charts::{Chart, Point, Series};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/reports.html")]
struct ReportsPage {
    page: Frame,
    newsletter: Newsletter,
    periods: Vec<Choice>,
    period: Period,
    /// SVG; empty while there is nothing to draw.
    chart: String,
    growth: Vec<GrowthRow>,
    mailings: Vec<MailingRow>,
    /// Whether the newsletter counts opens, or has counted them of one of these.
    counts_opens: bool,
    paging: Paging,
    wants_summary: bool,
}

struct Choice {
    period: Period,
    words: String,
    is_chosen: bool,
}

struct GrowthRow {
    name: String,
    confirmed: String,
    departed: String,
    net: String,
    bounced: String,
}

struct MailingRow {
    href: String,
    subject: String,
    number: String,
    at: String,
    sent: String,
    /// Empty: not counted.
    clicks: String,
    /// Unreliable; empty: not counted.
    opens: String,
    bounced: String,
    departed: String,
}

fn period_of(request: &HttpRequest) -> Period {
    Form::of_query(request).first("by").parse().unwrap_or(Period::Week)
}

/// `GET /admin/newsletters/{id}/reports`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let period = period_of(&request);
    let page = page_of(&Form::of_query(&request));
    let mut reader = app.store.read().await?;
    let newsletter = newsletter_of(&mut reader, &id).await?;
    let zone = zone_of(&newsletter);
    let mut lines = store::reports::mailings(reader.db(), newsletter.id, page).await?;
    let wants_summary = store::summaries::is_reader(reader.db(), newsletter.id, signed_in.user.id).await?;
    let growth = growth_of(&mut reader, newsletter.id, period, app.clock.now(), zone).await?;
    drop(reader);
    let paging =
        Paging::of(&mut lines, page, &format!("/admin/newsletters/{}/reports?by={period}&", newsletter.id));
    let choice = |known: &Period| Choice {
        period: *known,
        words: t.text(&format!("reports-by-{known}")),
        is_chosen: *known == period,
    };
    let template = ReportsPage {
        page: Frame::new(&request, &signed_in, "newsletters", t.text("desk-reports")),
        periods: Period::ALL.iter().map(choice).collect(),
        period,
        chart: chart(t, period, &growth),
        growth: growth.iter().rev().map(|line| growth_row(t, period, line)).collect(),
        mailings: lines.iter().map(|line| mailing_row(t, zone, &newsletter, line)).collect(),
        counts_opens: newsletter.tracking.is_on() || lines.iter().any(|line| line.tracking.is_on()),
        paging,
        wants_summary,
        newsletter,
    };
    html(StatusCode::OK, &template)
}

/// The first day of a period, in words.
fn name_of(t: Texts, period: Period, line: &Line) -> String {
    // Noon of the day in UTC, shown in UTC: the day itself, in any zone.
    let noon = line.span.first.and_hms_opt(12, 0, 0).map(|noon| noon.and_utc());
    let day = noon.map(crate::model::Timestamp::from_utc).unwrap_or(line.span.from);
    match period {
        Period::Week => t.with("reports-week-of", "date", t.date(day, Tz::UTC)),
        Period::Month => t.month(day, Tz::UTC),
    }
}

/// The same with as few letters as can be understood.
fn short_name(t: Texts, period: Period, day: NaiveDate) -> String {
    match (period, t.language()) {
        (Period::Month, _) => format!("{}-{:02}", day.year(), day.month()),
        (Period::Week, Language::German) => format!("{}.{}.", day.day(), day.month()),
        (Period::Week, _) => format!("{}/{}", day.day(), day.month()),
    }
}

fn chart(t: Texts, period: Period, lines: &[Line]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let series = |key: &str, class: &'static str, value: fn(&Line) -> i64| Series {
        name: t.text(key),
        class,
        values: lines.iter().map(value).collect(),
    };
    let point =
        |line: &Line| Point { short: short_name(t, period, line.span.first), long: name_of(t, period, line) };
    let came: i64 = lines.iter().map(|line| line.growth.confirmed).sum();
    let left: i64 = lines.iter().map(|line| line.growth.departed).sum();
    let chart = Chart {
        title: t.with2("reports-growth-words", "came", grouped(came), "left", grouped(left)),
        points: lines.iter().map(point).collect(),
        series: vec![
            series("reports-came", "first", |line| line.growth.confirmed),
            series("reports-left", "second", |line| line.growth.departed),
        ],
    };
    chart.bars()
}

fn growth_row(t: Texts, period: Period, line: &Line) -> GrowthRow {
    let net = line.growth.confirmed - line.growth.departed;
    let sign = if net > 0 {
        "+"
    } else if net < 0 {
        "\u{2212}"
    } else {
        ""
    };
    GrowthRow {
        name: name_of(t, period, line),
        confirmed: grouped(line.growth.confirmed),
        departed: grouped(line.growth.departed),
        net: format!("{sign}{}", grouped(net.abs())),
        bounced: grouped(line.bounced),
    }
}

fn mailing_row(t: Texts, zone: Tz, newsletter: &Newsletter, line: &MailingLine) -> MailingRow {
    let share = |part: i64| format!("{} ({})", grouped(part), percent(t, per_mille(part, line.sent)));
    MailingRow {
        href: format!("/admin/mailings/{}/report", line.id),
        subject: line_for_anyone(&line.subject, &newsletter.name),
        number: line.number.to_string(),
        at: t.date(line.started_at, zone),
        sent: grouped(line.sent),
        clicks: if line.tracking.is_on() { share(line.clicks) } else { String::new() },
        opens: if line.tracking.is_on() { grouped(line.opens) } else { String::new() },
        bounced: grouped(line.bounced),
        departed: grouped(line.departures),
    }
}

/// New ones at the end: some programs count columns.
const MAILING_HEADINGS: [&str; 14] = [
    "mailing",
    "issue",
    "subject",
    "started_at",
    "tracking",
    "audience",
    "sent",
    "bounced",
    "departures",
    "clicks",
    "machine_clicks",
    "click_readers",
    "opens",
    "machine_opens",
];

fn mailing_cells(line: &MailingLine) -> [String; 14] {
    [
        line.id.to_string(),
        line.number.to_string(),
        line.subject.clone(),
        line.started_at.rfc3339(),
        line.tracking.to_string(),
        line.audience.to_string(),
        line.sent.to_string(),
        line.bounced.to_string(),
        line.departures.to_string(),
        line.clicks.to_string(),
        line.machine_clicks.to_string(),
        line.click_readers.to_string(),
        line.opens.to_string(),
        line.machine_opens.to_string(),
    ]
}

/// `GET /admin/newsletters/{id}/reports/{growth,mailings}.csv`: of the mailings all, not those of a page.
pub async fn csv(
    request: HttpRequest,
    app: Data<App>,
    _: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (id, wanted) = path.into_inner();
    let period = period_of(&request);
    let mut reader = app.store.read().await?;
    let newsletter = newsletter_of(&mut reader, &id).await?;
    let name = format!("{}-{wanted}", newsletter.slug);
    match wanted.as_str() {
        "growth" => {
            let zone = zone_of(&newsletter);
            let lines = growth_of(&mut reader, newsletter.id, period, app.clock.now(), zone).await?;
            let row = |line: &Line| {
                [
                    line.span.first.to_string(),
                    line.growth.confirmed.to_string(),
                    line.growth.departed.to_string(),
                    line.bounced.to_string(),
                ]
            };
            table(&name, [period.as_str(), "confirmed", "departed", "bounced"], lines.iter().map(row))
        }
        "mailings" => {
            drop(reader);
            let every = EveryMailing::of(&app.store, newsletter.id);
            let rows = stream::try_unfold(every, |mut every| async move {
                let part = every.next().await?;
                Ok::<_, PageError>(part.map(|part| (part.iter().map(mailing_cells).collect(), every)))
            });
            Ok(long_table(&name, MAILING_HEADINGS, rows))
        }
        _ => Err(PageError::NotFound),
    }
}

/// `GET /admin/newsletters/{id}/reports/summary`: a reload behind the form.
pub async fn back(_: SignedIn, id: Path<String>) -> HttpResponse {
    see_other(&format!("/admin/newsletters/{id}/reports"))
}

/// `POST /admin/newsletters/{id}/reports/summary`: whether the user gets the summary of a month.
pub async fn summary(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    let wants = form.is("summary", "on");
    set_summary(&app.store, newsletter.id, signed_in.user.id, wants).await?;
    let done = if wants { "summary-on" } else { "summary-off" };
    Ok(see_other(&format!("/admin/newsletters/{}/reports?done={done}", newsletter.id)))
}
