//! `GET /admin/newsletters/{id}/welcome`: the series as a line in time.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{base, day_in_words, languages_of, newsletter};
use crate::mail::slot;
use crate::model::welcome::{STEPS_MAX, text_for};
use crate::model::{Language, Newsletter, WelcomeText};
use crate::publishing::schedule::zone_of;
use crate::store;
use crate::web::admin::{Frame, grouped};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/welcome.html")]
struct WelcomePage {
    page: Frame,
    newsletter: Newsletter,
    base: String,
    steps: Vec<StepLine>,
    can_add: bool,
    most: String,
}

struct StepLine {
    href: String,
    day: String,
    subject: String,
    is_active: bool,
    /// Since when, in words.
    since: String,
    languages: Vec<Language>,
    numbers: String,
}

/// A subject as a reader without a name sees it.
fn shown(newsletter: &Newsletter, text: &WelcomeText) -> String {
    slot::line(&text.subject, &newsletter.name)
        .map_or_else(|_| text.subject.clone(), |line| slot::without_recipient(&line, str::to_owned))
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let newsletter = newsletter(&mut reader, &id).await?;
    let base = base(newsletter.id);
    let counts = store::welcome::counts(reader.db(), newsletter.id).await?;
    let mut steps = Vec::new();
    for step in store::welcome::of_newsletter(reader.db(), newsletter.id).await? {
        let texts = store::welcome::texts(reader.db(), step.id).await?;
        let subject = text_for(&texts, newsletter.language, newsletter.language);
        let count = counts.iter().find(|(id, _)| *id == step.id).map_or(0, |(_, count)| *count);
        let since = step.active_since.map(|since| t.date(since, zone_of(&newsletter)));
        steps.push(StepLine {
            href: format!("{base}/{}", step.id),
            day: day_in_words(t, step.days),
            subject: subject.map_or_else(|| t.text("desk-no-subject"), |text| shown(&newsletter, text)),
            is_active: since.is_some(),
            since: since.map(|date| t.with("welcome-since", "date", date)).unwrap_or_default(),
            languages: languages_of(&newsletter, &texts),
            numbers: t.with2("welcome-sent-to", "count", count, "shown", grouped(count)),
        });
    }
    let title = t.text("desk-welcome-series");
    let page = Frame::new(&request, &signed_in, "newsletters", title);
    let can_add = steps.len() < STEPS_MAX;
    let most = t.with("welcome-error-too-many", "most", i64::try_from(STEPS_MAX).unwrap_or(i64::MAX));
    html(StatusCode::OK, &WelcomePage { page, newsletter, base, steps, can_add, most })
}
