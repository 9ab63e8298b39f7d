//! `/admin/newsletters/{id}/welcome`: the welcome series as a line in time, and each of its steps.

pub mod edit;
pub mod list;
pub mod preview;

use actix_web::web::{ServiceConfig, resource};

use crate::i18n::Texts;
use crate::model::{Language, Newsletter, NewsletterId, WelcomeStep, WelcomeStepId, WelcomeText};
use crate::store::{self, Reader};
use crate::web::PageError;
use crate::web::admin::id_of;

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/newsletters/{id}/welcome").get(list::get).post(edit::create))
        .service(resource("/admin/newsletters/{id}/welcome/new").get(edit::new))
        .service(resource("/admin/newsletters/{id}/welcome/{step}").get(edit::get).post(edit::save))
        .service(resource("/admin/newsletters/{id}/welcome/{step}/delete").post(edit::delete))
        .service(resource("/admin/newsletters/{id}/welcome/{step}/preview").get(preview::get))
        .service(resource("/admin/newsletters/{id}/welcome/{step}/mail").get(preview::mail))
        .service(resource("/admin/newsletters/{id}/welcome/{step}/test").post(preview::test));
}

/// Where the series of a newsletter stands.
fn base(newsletter: NewsletterId) -> String {
    format!("/admin/newsletters/{newsletter}/welcome")
}

async fn newsletter(reader: &mut Reader, id: &str) -> Result<Newsletter, PageError> {
    let id = NewsletterId(id_of(id)?);
    store::newsletters::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)
}

/// The step of a URL, which must be of the newsletter of the URL.
async fn step(reader: &mut Reader, newsletter: &Newsletter, id: &str) -> Result<WelcomeStep, PageError> {
    let step = store::welcome::step(reader.db(), WelcomeStepId(id_of(id)?)).await?;
    step.filter(|step| step.newsletter_id == newsletter.id).ok_or(PageError::NotFound)
}

/// Those that have words of their own, that of the newsletter first.
fn languages_of(newsletter: &Newsletter, texts: &[WelcomeText]) -> Vec<Language> {
    let mut languages: Vec<Language> = texts.iter().map(|text| text.language).collect();
    languages.sort_by_key(|language| (*language != newsletter.language, *language));
    languages
}

/// "3 days after confirming".
fn day_in_words(t: Texts, days: i64) -> String {
    match days {
        0 => t.text("welcome-day-0"),
        days => t.with("welcome-day", "days", days),
    }
}
