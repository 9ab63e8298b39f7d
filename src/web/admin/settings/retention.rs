//! `/admin/settings/retention`: for how long what is kept, period by period.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;

use crate::i18n::Texts;
use crate::model::{RETENTION_DAYS_MAX, RetentionPeriod, Timestamp};
use crate::setup::retention::{self as verbs, Kept, RetentionError};
use crate::web::admin::{Frame, Mistakes, desk_zone, grouped};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const PAGE: &str = "/admin/settings/retention";

#[derive(Template)]
#[template(path = "admin/retention.html")]
struct RetentionPage {
    page: Frame,
    /// When the sender last forgot what had its period.
    ran: String,
    periods: Vec<Period>,
    mistakes: Mistakes,
}

struct Period {
    name: &'static str,
    title: String,
    /// What it is about, and what stays.
    what: String,
    /// What goes at the next run.
    next: String,
    /// When something last went.
    last: Option<String>,
    days: String,
    least: i64,
    most: i64,
    bounds: String,
    /// What the configuration says, where the desk has set something else.
    configured: Option<String>,
    /// Whether this is the form that was posted, and not saved.
    is_posted: bool,
}

impl Period {
    fn of(t: Texts, kept: &Kept, now: Timestamp, zone: Tz, posted: Option<&Posted<'_>>) -> Self {
        let period = kept.period;
        let posted = posted.filter(|posted| posted.period == period);
        let last = kept.run.and_then(|run| Some((run.removed_at?, run.removed)));
        Self {
            name: period.as_str(),
            title: t.text(&format!("retention-{period}-title")),
            what: t.text(&format!("retention-{period}-what")),
            next: t.with("retention-next", "date", t.date(kept.before(now), zone)),
            last: last.map(|(at, removed)| {
                let at = t.date_time(at, zone);
                t.with2("retention-last", "moment", at, "count", grouped(removed))
            }),
            days: posted.map_or_else(|| kept.days.to_string(), |posted| posted.days.to_owned()),
            least: period.days_min(),
            most: RETENTION_DAYS_MAX,
            bounds: t.with2("retention-bounds", "least", period.days_min(), "most", RETENTION_DAYS_MAX),
            configured: kept.is_set.then(|| t.with("retention-configured", "days", kept.configured_days)),
            is_posted: posted.is_some(),
        }
    }
}

/// A form that was not saved.
struct Posted<'a> {
    period: RetentionPeriod,
    days: &'a str,
}

/// `GET /admin/settings/retention`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, None, Mistakes::none(signed_in.texts())).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    posted: Option<&Posted<'_>>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let zone = desk_zone(&mut reader).await?;
    let all = verbs::all(reader.db(), app.settings.retention).await?;
    drop(reader);
    let ran = all.iter().filter_map(|kept| kept.run).map(|run| run.ran_at).max();
    let now = app.clock.now();
    let template = RetentionPage {
        page: Frame::new(request, signed_in, "settings", t.text("desk-retention")),
        ran: ran.map_or_else(
            || t.text("retention-ran-never"),
            |at| t.with("retention-ran", "moment", t.date_time(at, zone)),
        ),
        periods: all.iter().map(|kept| Period::of(t, kept, now, zone, posted)).collect(),
        mistakes,
    };
    let status = if template.mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html(status, &template)
}

/// `POST /admin/settings/retention`: sets one period, or lets the configuration say it again.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let period: RetentionPeriod = form.first("period").parse().map_err(|_| PageError::BadRequest)?;
    let (configured, is_sure) = (app.settings.retention, form.has("sure"));
    let saved = if form.first("do") == "back" {
        verbs::put_back(&app.store, configured, period, is_sure).await
    } else {
        verbs::set(&app.store, configured, period, form.first("days"), is_sure).await.map(drop)
    };
    match saved {
        Ok(()) => Ok(see_other(&format!("{PAGE}?done=saved#{period}"))),
        Err(RetentionError::Invalid(errors)) => {
            let mistakes = Mistakes::of(signed_in.texts(), errors);
            let posted = Posted { period, days: form.first("days") };
            show(&request, &app, &signed_in, Some(&posted), mistakes).await
        }
        Err(RetentionError::Store(error)) => Err(error.into()),
    }
}
