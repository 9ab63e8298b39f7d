//! Where the privacy notice of a newsletter is, and which version of it.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Section, View, answer, seen};
use crate::i18n::Texts;
use crate::publishing::newsletters::{PrivacyInput, set_privacy};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::rendered;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const NAME: &str = "privacy";
const URL: &str = "privacy_url";
const VERSION: &str = "privacy_version";

#[derive(Template)]
#[template(path = "admin/sections/privacy.html")]
struct Fields {
    t: Texts,
    typed: Form,
    mistakes: Mistakes,
}

pub fn section(view: &View<'_>) -> Result<Section, PageError> {
    let stored = |newsletter: &crate::model::Newsletter| {
        Form::of(&[(URL, &newsletter.privacy_url), (VERSION, &newsletter.privacy_version)])
    };
    let (typed, mistakes) = view.typed(NAME, stored);
    let (url, version) = (&view.newsletter.privacy_url, &view.newsletter.privacy_version);
    let summary = match (url.as_str(), version.as_str()) {
        ("", _) => view.t.text("desk-section-none"),
        (url, "") => url.to_owned(),
        (url, version) => format!("{url} ({version})"),
    };
    let fields = rendered(&Fields { t: view.t, typed, mistakes })?;
    Ok(view.section::<PrivacyInput>(NAME, summary, fields))
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
    let input = PrivacyInput {
        privacy_url: form.first(URL).to_owned(),
        privacy_version: form.first(VERSION).to_owned(),
    };
    let saved = match given_twice(&form, &[URL, VERSION]).or(()) {
        Ok(()) => set_privacy(&app.store, newsletter.id, seen(&form), &input).await,
        Err(errors) => Err(errors.into()),
    };
    answer(&request, &app, &signed_in, newsletter, (NAME, &form), saved).await
}
