//! What a newsletter is.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Section, View, answer, seen};
use crate::i18n::{FieldErrors, Texts};
use crate::model::{Language, Newsletter};
use crate::publishing::newsletters::{AboutInput, set_about};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::rendered;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf, zones};

pub const NAME: &str = "about";
/// Fields that may stand in the form once.
pub const FIELDS: [&str; 4] = ["name", "description", "language", "time_zone"];

#[derive(Template)]
#[template(path = "admin/sections/about.html")]
struct Fields {
    t: Texts,
    typed: Form,
    mistakes: Mistakes,
    /// Whether the browser may say its time zone: nobody has chosen one.
    may_guess_zone: bool,
    /// Whether what can wait is folded away.
    is_short: bool,
}

impl Fields {
    /// Whether something stands in what is folded away, or is wrong with it.
    fn opens_more(&self) -> bool {
        let is_wrong = ["description", "time_zone"].iter().any(|field| !self.mistakes.line(field).is_empty());
        is_wrong
            || !self.typed.first("description").is_empty()
            || self.typed.all("reader_languages").count() > 1
    }

    /// A zone that is not in the list, but stored.
    fn other_zone(&self) -> Option<&str> {
        Some(self.typed.first("time_zone")).filter(|zone| !zone.is_empty() && !zones::has(zone))
    }
}

/// The fields as HTML.
pub fn fields(t: Texts, typed: Form, mistakes: Mistakes, may_guess_zone: bool) -> Result<String, PageError> {
    rendered(&Fields { t, typed, mistakes, may_guess_zone, is_short: false })
}

/// The same for the first run, which asks for little.
pub fn first_fields(
    t: Texts,
    typed: Form,
    mistakes: Mistakes,
    may_guess_zone: bool,
) -> Result<String, PageError> {
    rendered(&Fields { t, typed, mistakes, may_guess_zone, is_short: true })
}

pub fn typed(newsletter: &Newsletter) -> Form {
    let mut typed = Form::of(&[
        ("name", &newsletter.name),
        ("description", &newsletter.description),
        ("language", newsletter.language.as_str()),
        ("time_zone", &newsletter.time_zone),
    ]);
    for language in newsletter.languages_of_readers() {
        typed.push("reader_languages", language.as_str());
    }
    typed
}

/// A form with what is likely, before anybody has typed anything.
pub fn blank(language: Language) -> Form {
    Form::of(&[("language", language.as_str()), ("time_zone", zones::of_language(language))])
}

/// # Errors
/// When a field stands in the form twice, or the language is none of ours.
pub fn input(form: &Form) -> Result<AboutInput, FieldErrors> {
    let mut errors = given_twice(form, &FIELDS);
    let language = form.first("language").parse();
    if language.is_err() {
        errors.add("language", crate::i18n::Message::new("error-required"));
    }
    let Ok(language) = language else { return Err(errors) };
    errors.or(AboutInput {
        name: form.first("name").to_owned(),
        description: form.first("description").to_owned(),
        language,
        reader_languages: form.all("reader_languages").filter_map(|text| text.parse().ok()).collect(),
        time_zone: form.first("time_zone").to_owned(),
    })
}

pub fn section(view: &View<'_>) -> Result<Section, PageError> {
    let (typed, mistakes) = view.typed(NAME, typed);
    let Newsletter { time_zone, .. } = view.newsletter;
    let languages: Vec<_> =
        view.newsletter.languages_of_readers().iter().map(|language| language.own_name()).collect();
    let summary = format!("{} · {time_zone}", languages.join(", "));
    Ok(view.section::<AboutInput>(NAME, summary, fields(view.t, typed, mistakes, false)?))
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    let saved = match input(&form) {
        Ok(input) => set_about(&app.store, newsletter.id, seen(&form), &input).await,
        Err(errors) => Err(errors.into()),
    };
    answer(&request, &app, &signed_in, newsletter, (NAME, &form), saved).await
}
