//! `GET /admin/calendar` and `/admin/newsletters/{id}/calendar`: a month of what is coming and what was.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::{Datelike as _, Days as ChronoDays, Months, NaiveDate, NaiveTime};
use chrono_tz::Tz;

use super::base;
use crate::i18n::Texts;
use crate::mail::slot::line_for_anyone;
use crate::model::{Newsletter, NewsletterId, Permission, Timestamp};
use crate::publishing::digest::coming::{Entry, What, entries};
use crate::publishing::schedule::{moment, zone_of};
use crate::store;
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Frame, Status, desk_zone};
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// How far one may turn the pages, in months from now: beyond that nothing is planned, or remembered.
const MONTHS_MAX: i32 = 24;

#[derive(Template)]
#[template(path = "admin/calendar.html")]
struct CalendarPage {
    page: Frame,
    newsletter: Option<Newsletter>,
    month: String,
    before: Option<String>,
    after: Option<String>,
    weekdays: Vec<String>,
    weeks: Vec<Vec<Day>>,
    is_empty: bool,
    zone: String,
    /// Where the buttons come back to.
    from: &'static str,
}

struct Day {
    number: u32,
    /// In words, for the list on narrow screens.
    name: String,
    is_today: bool,
    /// Not of a neighbouring month.
    is_inside: bool,
    entries: Vec<Line>,
}

struct Line {
    time: String,
    title: String,
    href: String,
    newsletter: String,
    status: Status,
    act: Option<Act>,
}

/// A button: where it posts, and which date or run it is about.
struct Act {
    action: String,
    period: Option<String>,
    /// What it does, in the form and in words; and in words that say to what.
    verb: &'static str,
    word: String,
    label: String,
    /// Another button, that moves the run to the desk.
    take: Option<String>,
}

pub async fn all(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, None).await
}

pub async fn of_newsletter(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    show(&request, &app, &signed_in, Some(newsletter)).await
}

/// The first day of the month that a query asks for: `2026-12`.
fn month_of(query: &Form, today: NaiveDate) -> NaiveDate {
    let this = today.with_day(1).unwrap_or(today);
    let asked = NaiveDate::parse_from_str(&format!("{}-01", query.first("month")), "%Y-%m-%d").ok();
    asked.filter(|asked| apart(this, *asked).abs() <= MONTHS_MAX).unwrap_or(this)
}

fn apart(one: NaiveDate, other: NaiveDate) -> i32 {
    let months = |date: NaiveDate| date.year() * 12 + i32::try_from(date.month()).unwrap_or(1);
    months(other) - months(one)
}

fn start_of(date: NaiveDate, zone: Tz) -> Timestamp {
    moment(date.and_time(NaiveTime::MIN), zone).unwrap_or(Timestamp::from_millis(0))
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    newsletter: Option<Newsletter>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let now = app.clock.now();
    let mut reader = app.store.read().await?;
    let zone = match &newsletter {
        Some(newsletter) => zone_of(newsletter),
        None => desk_zone(&mut reader).await?,
    };
    let today = now.to_utc().with_timezone(&zone).date_naive();
    let first = month_of(&Form::of_query(request), today);
    let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
    let begin = first - ChronoDays::new(u64::from(first.weekday().num_days_from_monday()));
    let id = newsletter.as_ref().map(|newsletter| newsletter.id);
    let mut found = entries(&mut reader, id, start_of(first, zone), start_of(next, zone), now).await?;
    found.retain(|entry| signed_in.may(Permission::SeeNewsletter, entry.newsletter));
    let newsletters = store::newsletters::all(reader.db()).await?;
    drop(reader);
    let name_of = |id: NewsletterId| {
        newsletters.iter().find(|one| one.id == id).map(|one| one.name.clone()).unwrap_or_default()
    };
    let line_of = |entry: &Entry| {
        let can_set = signed_in.may(Permission::SetDigests, entry.newsletter);
        let mut line = line(t, entry, (zone, now), name_of(entry.newsletter));
        line.act = line.act.filter(|_| can_set);
        line
    };
    let is_empty = found.is_empty();
    let mut weeks = Vec::new();
    let mut date = begin;
    while date < next {
        let mut week = Vec::new();
        for _ in 0..7 {
            let of_day = found.iter().filter(|entry| {
                (first..next).contains(&date) && entry.at.to_utc().with_timezone(&zone).date_naive() == date
            });
            week.push(Day {
                number: date.day(),
                name: t.date(start_of(date, zone), zone),
                is_today: date == today,
                is_inside: (first..next).contains(&date),
                entries: of_day.map(line_of).collect(),
            });
            date = date.succ_opt().unwrap_or(next);
        }
        weeks.push(week);
    }
    let path = request.path();
    let link = |date: Option<NaiveDate>| {
        let this = today.with_day(1).unwrap_or(today);
        let date = date.filter(|date| apart(this, *date).abs() <= MONTHS_MAX)?;
        Some(format!("{path}?month={}", date.format("%Y-%m")))
    };
    let month = format!("{} {}", t.text(&format!("month-{}", first.month())), first.year());
    let section = if newsletter.is_some() { "newsletters" } else { "issues" };
    let template = CalendarPage {
        page: Frame::new(request, signed_in, section, t.text("desk-calendar")),
        from: if newsletter.is_some() { "calendar" } else { "all" },
        newsletter,
        month,
        before: link(first.checked_sub_months(Months::new(1))),
        after: link(Some(next)),
        weekdays: (1..=7).map(|day| t.text(&format!("weekday-{day}"))).collect(),
        weeks,
        is_empty,
        zone: zone.name().to_owned(),
    };
    html(StatusCode::OK, &template)
}

fn line(t: Texts, entry: &Entry, (zone, now): (Tz, Timestamp), newsletter: String) -> Line {
    let time = entry.at.to_utc().with_timezone(&zone).format("%H:%M").to_string();
    let rules = base(entry.newsletter);
    let title = line_for_anyone(&entry.title, &newsletter);
    let words = |key: &str| t.with(key, "title", title.as_str());
    let (href, status, act) = match &entry.what {
        What::Mailing { id, status, .. } => {
            (format!("/admin/mailings/{id}"), Status::of_mailing(t, Some(*status)), None)
        }
        What::Run(run) if run.can_be_put_back(now) => {
            let act = Act {
                action: format!("{rules}/{}/do", run.rule_id),
                period: Some(run.period.clone()),
                verb: "unskip",
                word: t.text("digest-unskip"),
                label: words("digest-unskip-of"),
                take: None,
            };
            (rules, Status::of_run(t, run.state), Some(act))
        }
        What::Run(run) => {
            let act = run.asks().then(|| Act {
                action: format!("{rules}/{}/runs/{}", run.rule_id, run.id),
                period: None,
                verb: "skip",
                word: t.text("digest-mail-skip"),
                label: words("digest-skip-of"),
                take: run.issue_id.map(|_| words("digest-take-of")),
            });
            let href = match run.issue_id.filter(|_| run.asks()) {
                Some(issue) => format!("/admin/issues/{issue}"),
                None => rules,
            };
            (href, Status::of_run(t, run.state), act)
        }
        What::Date { rule, period, .. } => {
            let act = Act {
                action: format!("{rules}/{rule}/do"),
                period: Some(period.clone()),
                verb: "skip-date",
                word: t.text("digest-mail-skip"),
                label: words("digest-skip-of"),
                take: None,
            };
            let status = Status { class: "draft", word: t.text("digest-state-waiting") };
            (format!("{rules}/{rule}"), status, Some(act))
        }
    };
    let title = if title.is_empty() { t.text("desk-no-subject") } else { title };
    Line { time, title, href, newsletter, status, act }
}
