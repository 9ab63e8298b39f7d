//! How the issues of a newsletter look, and whether somebody must approve them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Section, View, answer, seen};
use crate::i18n::Texts;
use crate::model::Newsletter;
use crate::publishing::newsletters::{IssuesInput, set_issues};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::issues::ThemeOption;
use crate::web::form::Form;
use crate::web::layout::rendered;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const NAME: &str = "issues";

#[derive(Template)]
#[template(path = "admin/sections/issues.html")]
struct Fields {
    t: Texts,
    themes: Vec<ThemeOption>,
    needs_approval: bool,
}

fn typed(newsletter: &Newsletter) -> Form {
    let mut form = Form::of(&[("theme", newsletter.theme.as_str())]);
    if newsletter.needs_approval {
        form.push("needs_approval", "yes");
    }
    form
}

/// Radio buttons and a box: there is nothing to mistype.
fn input(form: &Form, newsletter: &Newsletter) -> IssuesInput {
    IssuesInput {
        theme: form.first("theme").parse().unwrap_or(newsletter.theme),
        needs_approval: form.has("needs_approval"),
    }
}

pub fn section(view: &View<'_>) -> Result<Section, PageError> {
    let (t, newsletter) = (view.t, view.newsletter);
    let (typed, _) = view.typed(NAME, typed);
    let shown = input(&typed, newsletter);
    let mut summary = t.text(&format!("theme-{}", newsletter.theme));
    if newsletter.needs_approval {
        summary = format!("{summary} · {}", t.text("desk-needs-approval"));
    }
    let themes = ThemeOption::all(t, shown.theme);
    let fields = rendered(&Fields { t, themes, needs_approval: shown.needs_approval })?;
    Ok(view.section::<IssuesInput>(NAME, summary, fields))
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
    let saved = set_issues(&app.store, newsletter.id, seen(&form), &input(&form, &newsletter)).await;
    answer(&request, &app, &signed_in, newsletter, (NAME, &form), saved).await
}
