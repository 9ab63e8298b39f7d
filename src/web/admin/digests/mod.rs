//! `/admin/newsletters/{id}/digests`: the rules of a newsletter and their runs. [`calendar`] shows what is coming.

pub mod acts;
pub mod calendar;
pub mod edit;
pub mod list;

use actix_web::web::{ServiceConfig, resource};

use super::id_of;
use crate::i18n::Texts;
use crate::model::{Calendar, Days, DigestRule, DigestRuleId, Newsletter, NewsletterId};
use crate::publishing::compose::Composed;
use crate::publishing::digest::acts::is_approved;
use crate::publishing::digest::mails::when_words;
use crate::publishing::schedule::zone_of;
use crate::store::{self, Reader};
use crate::web::{App, PageError};

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/calendar").get(calendar::all))
        .service(resource("/admin/newsletters/{id}/calendar").get(calendar::of_newsletter))
        .service(resource("/admin/newsletters/{id}/digests").get(list::get).post(edit::create))
        .service(resource("/admin/newsletters/{id}/digests/new").get(edit::new))
        .service(resource("/admin/newsletters/{id}/digests/{rule}").get(edit::get).post(edit::save))
        .service(resource("/admin/newsletters/{id}/digests/{rule}/do").post(acts::rule))
        .service(resource("/admin/newsletters/{id}/digests/{rule}/runs/{run}").post(acts::run));
}

/// Where the rules of a newsletter stand.
fn base(newsletter: NewsletterId) -> String {
    format!("/admin/newsletters/{newsletter}/digests")
}

/// The rule of a URL, which must be of the newsletter of the URL.
async fn rule_of(
    reader: &mut Reader,
    (newsletter, rule): (&str, &str),
) -> Result<(Newsletter, DigestRule), PageError> {
    let newsletter = super::forms::newsletter_of(reader, newsletter).await?;
    let rule = store::digests::by_id(reader.db(), DigestRuleId(id_of(rule)?)).await?;
    let rule = rule.filter(|rule| rule.newsletter_id == newsletter.id).ok_or(PageError::NotFound)?;
    Ok((newsletter, rule))
}

/// What to say on the page of an issue that goes by itself, and where that is decided.
pub(super) async fn note_of(
    app: &App,
    t: Texts,
    composed: &Composed,
) -> Result<Option<(String, String)>, PageError> {
    let mut reader = app.store.read().await?;
    let run = store::digest_runs::of_issue(reader.db(), composed.issue.id).await?;
    let Some(run) = run.filter(|run| run.state.is_open()) else { return Ok(None) };
    let Some(rule) = store::digests::by_id(reader.db(), run.rule_id).await? else { return Ok(None) };
    let words = if is_approved(&run, composed) {
        let moment = t.date_time(run.due_at, zone_of(&composed.newsletter));
        t.with("digest-approved-goes", "moment", moment)
    } else {
        when_words(t, &composed.newsletter, &rule, &run)
    };
    Ok(Some((words, base(composed.newsletter.id))))
}

/// A calendar in words: "each Monday and Thursday at 07:30".
fn in_words(t: Texts, calendar: &Calendar) -> String {
    let time = calendar.time.format("%H:%M").to_string();
    let day = |day: &chrono::Weekday| t.text(&format!("weekday-{}", day.number_from_monday()));
    match &calendar.days {
        Days::Weekly(days) if days.len() == 7 => t.with("digest-words-daily", "time", time),
        Days::Weekly(days) => {
            let days: Vec<String> = days.iter().map(day).collect();
            t.with2("digest-words-weekly", "days", days.join(", "), "time", time)
        }
        Days::Monthly(number) => t.with2("digest-words-monthly", "day", i64::from(*number), "time", time),
        Days::MonthEnd => t.with("digest-words-month-end", "time", time),
        Days::Nth(nth, weekday) => {
            let which = format!("{} {}", t.text(&format!("digest-nth-{nth}")), day(weekday));
            t.with2("digest-words-nth", "day", which, "time", time)
        }
        Days::LastWeekday(weekday) => {
            let which = format!("{} {}", t.text("digest-nth-last"), day(weekday));
            t.with2("digest-words-nth", "day", which, "time", time)
        }
    }
}
