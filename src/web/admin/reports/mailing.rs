//! `/admin/mailings/{id}/report`: what came of an issue.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;

use super::{mail, percent, table};
use crate::i18n::Texts;
use crate::mail::slot::line_for_anyone;
use crate::model::calendar::start_of_hour;
use crate::model::{HitKind, Language, MailingId, Timestamp, Tracking};
use crate::publishing::schedule::zone_of;
use crate::reports::mailing::{HOURS, MailingReport, bounce_rate, of_mailing, per_mille};
use crate::store;
use crate::web::admin::{Frame, grouped, id_of};
use crate::web::charts::{Chart, Point, Series};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/report.html")]
struct ReportPage {
    page: Frame,
    id: MailingId,
    newsletter: i64,
    name: String,
    subject: String,
    when: String,
    has_begun: bool,
    is_tracked: bool,
    /// Clicks are everybody's.
    is_together: bool,
    /// What the mode means for these numbers.
    mode: String,
    tiles: Vec<Tile>,
    /// Hits of machines, where there are any.
    machines: Option<String>,
    compared: Vec<Compared>,
    compared_words: String,
    /// SVG.
    curve: String,
    hours: Vec<Hour>,
    links: Vec<Link>,
    /// Of the mail that is shown; `None`: there is none.
    language: Option<Language>,
    /// Whether somebody asked for it.
    is_language_asked: bool,
    /// Those in which it went out; empty: one.
    languages: Vec<LanguageChoice>,
    rules: Vec<Rule>,
}

/// A number at the top.
struct Tile {
    label: String,
    count: String,
    /// Of those who were sent a mail; also a word about it.
    note: String,
    is_unreliable: bool,
}

struct Compared {
    what: String,
    this: String,
    usual: String,
}

struct Hour {
    at: String,
    clicks: String,
    machines: String,
    opens: String,
}

struct Link {
    label: String,
    heading: String,
    url: String,
    clicks: String,
    /// Of those who were sent a mail.
    share: String,
    machines: String,
    readers: Option<String>,
}

struct LanguageChoice {
    language: Language,
    is_shown: bool,
}

struct Rule {
    kind: String,
    rule: String,
    hits: String,
}

/// `GET /admin/mailings/{id}/report`, with `?language=` of the mail that is shown.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let report = report_of(&app, &id).await?;
    let known = store::mailings::languages(app.store.read().await?.db(), report.mailing.id).await?;
    let asked = mail::asked(&request);
    let language = mail::shown(&known, asked, report.newsletter.language);
    let t = signed_in.texts();
    let zone = zone_of(&report.newsletter);
    let (mailing, issue, newsletter) = (&report.mailing, &report.issue, &report.newsletter);
    let number = issue.number.to_string();
    let name = t.with2("desk-issue-name", "number", number, "newsletter", newsletter.name.clone());
    let now = app.clock.now();
    let template = ReportPage {
        page: Frame::new(&request, &signed_in, "issues", t.with("report-title-of", "issue", name.clone())),
        id: mailing.id,
        newsletter: newsletter.id.0,
        name,
        subject: line_for_anyone(&issue.subject, &newsletter.name),
        when: mailing.started_at.map(|at| t.date_time(at, zone)).unwrap_or_default(),
        has_begun: mailing.started_at.is_some(),
        is_tracked: mailing.tracking.is_on(),
        is_together: mailing.tracking == Tracking::Aggregate,
        mode: mode(t, mailing.tracking),
        tiles: tiles(t, &report),
        machines: machines(t, &report),
        compared: compared(t, &report),
        compared_words: match report.usual {
            Some(usual) => t.with("report-usual-words", "count", usual.mailings.to_string()),
            None => t.text("report-usual-none"),
        },
        curve: curve(t, zone, &report, now),
        hours: hours(t, zone, &report, now),
        links: links(t, &report),
        language,
        is_language_asked: asked.is_some(),
        languages: choices(&known, language),
        rules: rules(t, &report),
    };
    html(StatusCode::OK, &template)
}

/// The languages among which one can choose, if there are several.
fn choices(known: &[Language], shown: Option<Language>) -> Vec<LanguageChoice> {
    if known.len() < 2 {
        return Vec::new();
    }
    let choice =
        |language: &Language| LanguageChoice { language: *language, is_shown: Some(*language) == shown };
    known.iter().map(choice).collect()
}

async fn report_of(app: &App, id: &str) -> Result<MailingReport, PageError> {
    let id = MailingId(id_of(id)?);
    of_mailing(&mut app.store.read().await?, id).await?.ok_or(PageError::NotFound)
}

fn mode(t: Texts, tracking: Tracking) -> String {
    match tracking {
        Tracking::Off => String::new(),
        Tracking::Aggregate => t.text("report-mode-aggregate"),
        Tracking::Person => t.text("report-mode-person"),
    }
}

fn tiles(t: Texts, report: &MailingReport) -> Vec<Tile> {
    let (account, counts) = (&report.mailing.account, &report.counts);
    let sent = account.sent;
    let tile = |key: &str, count: i64, note: String| Tile {
        label: t.text(key),
        count: grouped(count),
        note,
        is_unreliable: false,
    };
    let share = |count: i64| percent(t, per_mille(count, sent));
    let mut tiles = vec![
        tile("report-sent", sent, t.with("report-of-audience", "audience", grouped(account.audience))),
        tile("report-bounced", account.bounced, percent(t, bounce_rate(account.bounced, sent))),
        tile("report-left", counts.departures, share(counts.departures)),
    ];
    if report.mailing.tracking.is_on() {
        tiles.push(tile("report-clicks", counts.clicks, share(counts.clicks)));
    }
    if report.mailing.tracking == Tracking::Person {
        tiles.push(tile("report-readers", counts.click_readers, t.text("report-readers-note")));
    }
    if report.mailing.tracking.is_on() {
        let note = t.text("report-unreliable");
        tiles.push(Tile { is_unreliable: true, ..tile("report-opens", counts.opens, note) });
    }
    tiles
}

fn machines(t: Texts, report: &MailingReport) -> Option<String> {
    let counts = &report.counts;
    (counts.machine_clicks + counts.machine_opens > 0).then(|| {
        let (clicks, opens) = (grouped(counts.machine_clicks), grouped(counts.machine_opens));
        t.with2("report-machines", "clicks", clicks, "opens", opens)
    })
}

fn compared(t: Texts, report: &MailingReport) -> Vec<Compared> {
    let Some(usual) = report.usual else { return Vec::new() };
    let this = report.rates();
    let line = |key: &str, this: i64, usual: i64| Compared {
        what: t.text(key),
        this: percent(t, this),
        usual: percent(t, usual),
    };
    let clicks = this.clicks.zip(usual.clicks).map(|(this, usual)| line("report-clicks", this, usual));
    let others = [
        line("report-bounced", this.bounced, usual.bounced),
        line("report-left", this.departures, usual.departures),
    ];
    clicks.into_iter().chain(others).collect()
}

/// The clocks of the newsletter, with the day.
fn moment(t: Texts, hour: i64, zone: Tz) -> String {
    t.date_time(start_of_hour(hour), zone)
}

/// Clicks of people, added up hour by hour.
fn curve(t: Texts, zone: Tz, report: &MailingReport, now: Timestamp) -> String {
    let mut sum = 0;
    let values = report.hours_until(now).iter().map(|hour| {
        sum += hour.clicks;
        sum
    });
    let values: Vec<i64> = values.collect();
    let point = |hour: i64| Point {
        short: start_of_hour(hour).to_utc().with_timezone(&zone).format("%H:%M").to_string(),
        long: moment(t, hour, zone),
    };
    let total = values.last().copied().unwrap_or(0);
    let words = t.with2("report-curve-words", "hours", HOURS.to_string(), "clicks", grouped(total));
    let chart = Chart {
        title: words,
        points: report.hours.iter().map(|hour| point(hour.hour)).collect(),
        series: vec![Series { name: t.text("report-curve-clicks"), class: "first", values }],
    };
    chart.lines()
}

fn hours(t: Texts, zone: Tz, report: &MailingReport, now: Timestamp) -> Vec<Hour> {
    let begun = report.hours_until(now).iter();
    let with_hits =
        begun.filter(|hour| hour.clicks + hour.machine_clicks + hour.opens + hour.machine_opens > 0);
    with_hits
        .map(|hour| Hour {
            at: moment(t, hour.hour, zone),
            clicks: grouped(hour.clicks),
            machines: grouped(hour.machine_clicks),
            opens: grouped(hour.opens),
        })
        .collect()
}

fn links(t: Texts, report: &MailingReport) -> Vec<Link> {
    let sent = report.mailing.account.sent;
    let mut links: Vec<_> = report.links.iter().collect();
    links.sort_by_key(|link| (-link.clicks, link.number));
    let is_person = report.mailing.tracking == Tracking::Person;
    links
        .into_iter()
        .map(|link| Link {
            label: if link.label.is_empty() { t.text("report-no-words") } else { link.label.clone() },
            heading: if link.label.contains(&link.heading) { String::new() } else { link.heading.clone() },
            url: link.url.clone(),
            clicks: grouped(link.clicks),
            share: percent(t, per_mille(link.clicks, sent)),
            machines: grouped(link.machine_clicks),
            readers: is_person.then(|| grouped(link.readers)),
        })
        .collect()
}

fn rules(t: Texts, report: &MailingReport) -> Vec<Rule> {
    let kind = |kind: HitKind| t.text(&format!("report-kind-{kind}"));
    report
        .rules
        .iter()
        .map(|count| Rule {
            kind: kind(count.kind),
            rule: t.text(&format!("report-rule-{}", count.rule)),
            hits: grouped(count.hits),
        })
        .collect()
}

/// `GET /admin/mailings/{id}/report/{links,hours,rules}.csv`.
pub async fn csv(
    app: Data<App>,
    _: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (id, wanted) = path.into_inner();
    let report = report_of(&app, &id).await?;
    let name = format!("{}-{}-{wanted}", report.newsletter.slug, report.issue.number);
    match wanted.as_str() {
        "links" => table(
            &name,
            ["number", "label", "heading", "url", "clicks", "machine_clicks", "readers"],
            report.links.iter().map(|link| {
                [
                    link.number.to_string(),
                    link.label.clone(),
                    link.heading.clone(),
                    link.url.clone(),
                    link.clicks.to_string(),
                    link.machine_clicks.to_string(),
                    link.readers.to_string(),
                ]
            }),
        ),
        "hours" => table(
            &name,
            ["hour", "clicks", "machine_clicks", "opens", "machine_opens"],
            report.hours_until(app.clock.now()).iter().map(|hour| {
                [
                    start_of_hour(hour.hour).rfc3339(),
                    hour.clicks.to_string(),
                    hour.machine_clicks.to_string(),
                    hour.opens.to_string(),
                    hour.machine_opens.to_string(),
                ]
            }),
        ),
        "rules" => table(
            &name,
            ["kind", "rule", "hits"],
            report.rules.iter().map(|one| [one.kind.to_string(), one.rule.to_string(), one.hits.to_string()]),
        ),
        _ => Err(PageError::NotFound),
    }
}
