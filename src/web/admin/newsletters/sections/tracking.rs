//! Whether clicks and opens of the issues are counted, in plain words about what each choice means and what the law asks.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Section, View, answer, seen};
use crate::i18n::Texts;
use crate::model::{Newsletter, Tracking};
use crate::publishing::newsletters::set_tracking;
use crate::web::admin::forms::newsletter_of;
use crate::web::form::Form;
use crate::web::layout::rendered;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const NAME: &str = "tracking";

#[derive(Template)]
#[template(path = "admin/sections/tracking.html")]
struct Fields {
    t: Texts,
    choices: Vec<Choice>,
}

struct Choice {
    tracking: Tracking,
    name: String,
    words: String,
    is_chosen: bool,
}

fn name(t: Texts, tracking: Tracking) -> String {
    t.text(&format!("desk-tracking-{tracking}"))
}

pub fn section(view: &View<'_>) -> Result<Section, PageError> {
    let (t, newsletter) = (view.t, view.newsletter);
    let stored = |newsletter: &Newsletter| Form::of(&[(NAME, newsletter.tracking.as_str())]);
    let (typed, _) = view.typed(NAME, stored);
    let chosen = typed.first(NAME).parse().unwrap_or(newsletter.tracking);
    let choice = |tracking: &Tracking| Choice {
        tracking: *tracking,
        name: name(t, *tracking),
        words: t.text(&format!("desk-tracking-means-{tracking}")),
        is_chosen: *tracking == chosen,
    };
    let fields = rendered(&Fields { t, choices: Tracking::ALL.iter().map(choice).collect() })?;
    Ok(view.section::<Tracking>(NAME, name(t, newsletter.tracking), fields))
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
    let tracking = form.one(NAME).map_err(|_| PageError::BadRequest)?;
    let tracking = tracking.parse().map_err(|_| PageError::BadRequest)?;
    let saved = set_tracking(&app.store, newsletter.id, seen(&form), tracking).await;
    answer(&request, &app, &signed_in, newsletter, (NAME, &form), saved).await
}
