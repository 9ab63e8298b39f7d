//! `/admin/newsletters/{id}/digests/{rule}`: everything that a rule says, and what its next digest would hold.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{base, rule_of};
use crate::i18n::Texts;
use crate::model::{Calendar, Days, DigestOrder, DigestRule, Language, Newsletter, Permission, Timestamp};
use crate::publishing::digest::plan::Plan;
use crate::publishing::digest::rules::{self, RuleError, RuleInput};
use crate::publishing::digest::{POOL_MAX, run};
use crate::publishing::schedule::zone_of;
use crate::store::{digest_runs, digests, tags};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Frame, Mistakes};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// Tags that are offered: those of most articles.
const TAGS_OFFERED: i64 = 50;
/// Articles that wait and are shown.
const WAITING_SHOWN: usize = 30;
/// How far back a new rule takes articles from: what is older was news before there was a rule.
const NEW_DAYS: u64 = 7;

#[derive(Template)]
#[template(path = "admin/digest.html")]
struct DigestPage {
    page: Frame,
    newsletter: Newsletter,
    base: String,
    action: String,
    typed: Form,
    version: Option<i64>,
    /// Whether whoever looks may change it.
    may_set: bool,
    is_on: bool,
    /// Whether a proposal is dropped when it is switched off.
    has_open: bool,
    tags: Vec<String>,
    /// Of the days of the week, Monday first.
    weekdays: Vec<(String, String)>,
    nths: Vec<(&'static str, String)>,
    languages: Vec<Language>,
    mistakes: Mistakes,
    next: Option<Next>,
}

/// What the next digest would hold if it were made now.
struct Next {
    words: String,
    articles: Vec<Waiting>,
    can_pin: bool,
}

struct Waiting {
    id: String,
    title: String,
    href: String,
    language: Language,
    when: String,
    is_in: bool,
    is_pinned: bool,
}

impl DigestPage {
    fn has_day(&self, day: &str) -> bool {
        self.typed.all("weekday").any(|chosen| chosen == day)
    }
}

/// The fields of the form from what is stored.
fn typed(input: &RuleInput) -> Form {
    let mut form = Form::of(&[
        ("name", &input.name),
        ("audience", &input.audience),
        ("source", &input.source),
        ("policy", &input.policy),
        ("language", &input.language),
        ("tags", &input.tags),
        ("sort", &input.sort),
        ("fewest", &input.fewest),
        ("most", &input.most),
        ("display", &input.display),
        ("subject", &input.subject),
        ("intro", &input.intro),
        ("lead_hours", &input.lead_hours),
        ("since", &input.since),
    ]);
    let Ok(calendar) = input.calendar.parse::<Calendar>() else { return form };
    form.push("time", calendar.time.format("%H:%M").to_string());
    match calendar.days {
        Days::Weekly(days) => {
            form.push("repeat", "weekly");
            for day in days {
                form.push("weekday", day.number_from_monday().to_string());
            }
        }
        Days::Monthly(day) => {
            form.push("repeat", "monthly");
            form.push("month_day", day.to_string());
        }
        Days::MonthEnd => form.push("repeat", "month_end"),
        Days::Nth(nth, day) => {
            form.push("repeat", "nth");
            form.push("nth", nth.to_string());
            form.push("nth_day", day.number_from_monday().to_string());
        }
        Days::LastWeekday(day) => {
            form.push("repeat", "nth");
            form.push("nth", "last");
            form.push("nth_day", day.number_from_monday().to_string());
        }
    }
    form
}

fn input(form: &Form) -> RuleInput {
    let field = |name: &str| form.first(name).to_owned();
    let time = form.first("time");
    let calendar = match form.first("repeat") {
        "weekly" => format!("weekly {} {time}", form.all("weekday").collect::<Vec<_>>().join(",")),
        "monthly" => format!("monthly {} {time}", form.first("month_day")),
        "month_end" => format!("monthly last {time}"),
        "nth" => format!("nth {} {} {time}", form.first("nth"), form.first("nth_day")),
        _ => String::new(),
    };
    RuleInput {
        name: field("name"),
        audience: field("audience"),
        source: field("source"),
        policy: field("policy"),
        language: field("language"),
        tags: field("tags"),
        sort: field("sort"),
        fewest: field("fewest"),
        most: field("most"),
        display: field("display"),
        subject: field("subject"),
        intro: field("intro"),
        calendar,
        lead_hours: field("lead_hours"),
        since: field("since"),
    }
}

/// What a new rule begins with.
fn fresh(t: Texts, newsletter: &Newsletter, now: Timestamp) -> RuleInput {
    let since = now.to_utc().with_timezone(&zone_of(newsletter)).date_naive();
    let since = since.checked_sub_days(chrono::Days::new(NEW_DAYS)).unwrap_or(since);
    RuleInput {
        name: t.text("digest-default-name"),
        audience: "each".into(),
        source: "mailed".into(),
        policy: "unless_stopped".into(),
        language: newsletter.language.to_string(),
        tags: String::new(),
        sort: "newest".into(),
        fewest: "2".into(),
        most: "8".into(),
        display: "teaser".into(),
        subject: Texts::new(newsletter.language).text("digest-default-subject"),
        intro: String::new(),
        calendar: "weekly 4 08:00".into(),
        lead_hours: "24".into(),
        since: since.to_string(),
    }
}

/// What the page shows beside its frame.
struct Shown {
    newsletter: Newsletter,
    rule: Option<DigestRule>,
    typed: Form,
    mistakes: Mistakes,
    status: StatusCode,
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    shown: Shown,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let Shown { newsletter, rule, typed, mistakes, status } = shown;
    let offered = tags::used(app.store.read().await?.db(), TAGS_OFFERED).await?;
    let next = match &rule {
        Some(rule) => Some(next(app, t, &newsletter, rule).await?),
        None => None,
    };
    let has_open = match &rule {
        Some(rule) => !digest_runs::open(app.store.read().await?.db(), rule.id).await?.is_empty(),
        None => false,
    };
    let base = base(newsletter.id);
    let title = rule.as_ref().map_or_else(|| t.text("digest-new"), |rule| rule.name.clone());
    let weekday = |number: u32| (number.to_string(), t.text(&format!("weekday-{number}")));
    let nth = |nth: &'static str| (nth, t.text(&format!("digest-nth-{nth}")));
    let may_set = signed_in.may(Permission::SetDigests, newsletter.id);
    let template = DigestPage {
        page: Frame::new(request, signed_in, "newsletters", title),
        action: rule.as_ref().map_or_else(|| base.clone(), |rule| format!("{base}/{}", rule.id)),
        version: rule.as_ref().map(|rule| rule.version),
        may_set,
        is_on: rule.as_ref().is_some_and(|rule| rule.on_since.is_some()),
        has_open,
        tags: offered,
        weekdays: (1..=7).map(weekday).collect(),
        nths: ["1", "2", "3", "4", "last"].into_iter().map(nth).collect(),
        languages: Language::ALL.to_vec(),
        newsletter,
        base,
        typed,
        mistakes,
        next,
    };
    html(status, &template)
}

async fn next(app: &App, t: Texts, newsletter: &Newsletter, rule: &DigestRule) -> Result<Next, PageError> {
    let now = app.clock.now();
    let pool = digests::candidates(app.store.read().await?.db(), rule, now, POOL_MAX).await?;
    let (chosen, words) = match run::choose(rule, &pool, now) {
        Plan::Make { articles, found } => {
            let found = i64::try_from(found).unwrap_or(i64::MAX);
            (articles, t.with("digest-would-hold", "count", found))
        }
        Plan::TooFew { found } => {
            let found = i64::try_from(found).unwrap_or(i64::MAX);
            (Vec::new(), t.with2("digest-found", "found", found, "fewest", rule.fewest))
        }
    };
    let place = |id| chosen.iter().position(|one| *one == id).unwrap_or(usize::MAX);
    let mut waiting: Vec<_> = pool.into_iter().collect();
    waiting.sort_by_key(|one| (place(one.id), one.at));
    waiting.truncate(WAITING_SHOWN);
    let articles = waiting.into_iter().map(|one| Waiting {
        id: one.id.to_string(),
        href: format!("/admin/articles/{}", one.id),
        language: one.language,
        when: t.date(one.at, zone_of(newsletter)),
        is_in: chosen.contains(&one.id),
        is_pinned: one.is_pinned,
        title: one.title,
    });
    Ok(Next { words, articles: articles.collect(), can_pin: rule.sort == DigestOrder::Pinned })
}

/// `GET /admin/newsletters/{id}/digests/new`.
pub async fn new(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    let typed = typed(&fresh(t, &newsletter, app.clock.now()));
    let shown = Shown { newsletter, rule: None, typed, mistakes: Mistakes::none(t), status: StatusCode::OK };
    show(&request, &app, &signed_in, shown).await
}

/// `POST /admin/newsletters/{id}/digests`.
pub async fn create(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    match rules::create(&app.store, &app.clock, newsletter.id, &input(&form)).await {
        Ok(rule) => Ok(see_other(&format!("{}/{}?done=saved", base(newsletter.id), rule.id))),
        Err(error) => refused(&request, &app, &signed_in, error, (newsletter, None, form)).await,
    }
}

/// `GET /admin/newsletters/{id}/digests/{rule}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (newsletter, rule) = rule_of(&mut app.store.read().await?, (&path.0, &path.1)).await?;
    let typed = typed(&rules::input_of(&rule, &newsletter));
    let mistakes = Mistakes::none(signed_in.texts());
    let shown = Shown { newsletter, rule: Some(rule), typed, mistakes, status: StatusCode::OK };
    show(&request, &app, &signed_in, shown).await
}

/// `POST /admin/newsletters/{id}/digests/{rule}`.
pub async fn save(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let (newsletter, rule) = rule_of(&mut app.store.read().await?, (&path.0, &path.1)).await?;
    let version = form.first("version").parse().unwrap_or(0);
    match rules::save(&app.store, &app.clock, rule.id, version, &input(&form)).await {
        Ok(_) => Ok(see_other(&format!("{}/{}?done=saved", base(newsletter.id), rule.id))),
        Err(error) => refused(&request, &app, &signed_in, error, (newsletter, Some(rule), form)).await,
    }
}

/// The form again, with everything that was typed and what is wrong.
async fn refused(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    error: RuleError,
    (newsletter, rule, typed): (Newsletter, Option<DigestRule>, Form),
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let (mistakes, status) = match error {
        RuleError::Invalid(errors) => (Mistakes::of(t, errors), StatusCode::UNPROCESSABLE_ENTITY),
        RuleError::NotFound => return Err(PageError::NotFound),
        RuleError::Store(error) => return Err(error.into()),
        error => (Mistakes::notice(t, &error.message()), StatusCode::CONFLICT),
    };
    show(request, app, signed_in, Shown { newsletter, rule, typed, mistakes, status }).await
}
