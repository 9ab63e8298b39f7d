//! Who finds the issues of a newsletter on the web.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Section, View, answer, seen};
use crate::i18n::Texts;
use crate::model::{ArchivePolicy, Newsletter};
use crate::publishing::newsletters::set_archive;
use crate::web::admin::forms::newsletter_of;
use crate::web::form::Form;
use crate::web::layout::rendered;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const NAME: &str = "archive";

#[derive(Template)]
#[template(path = "admin/sections/archive.html")]
struct Fields {
    t: Texts,
    /// Each policy, in words, and whether it is chosen.
    policies: Vec<(ArchivePolicy, String, bool)>,
}

fn words(t: Texts, policy: ArchivePolicy) -> String {
    t.text(match policy {
        ArchivePolicy::Public => "desk-archive-public",
        ArchivePolicy::Unlisted => "desk-archive-unlisted",
        ArchivePolicy::Off => "desk-archive-off",
    })
}

pub fn section(view: &View<'_>) -> Result<Section, PageError> {
    let (t, newsletter) = (view.t, view.newsletter);
    let stored = |newsletter: &Newsletter| Form::of(&[(NAME, newsletter.archive.as_str())]);
    let (typed, _) = view.typed(NAME, stored);
    let chosen = typed.first(NAME).parse().unwrap_or(newsletter.archive);
    let policy = |policy: &ArchivePolicy| (*policy, words(t, *policy), *policy == chosen);
    let policies = ArchivePolicy::ALL.iter().map(policy).collect();
    let fields = rendered(&Fields { t, policies })?;
    Ok(view.section::<ArchivePolicy>(NAME, words(t, newsletter.archive), fields))
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
    // A choice of three: anything else comes from no page of ours.
    let policy = form.one(NAME).map_err(|_| PageError::BadRequest)?;
    let policy = policy.parse().map_err(|_| PageError::BadRequest)?;
    let saved = set_archive(&app.store, newsletter.id, seen(&form), policy).await;
    answer(&request, &app, &signed_in, newsletter, (NAME, &form), saved).await
}
