//! `GET ../forms/{form}`: how to put a form on a website, and what it looks like there.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::edit::{FormFields, fields_of};
use super::snippet::{Snippet, call};
use super::{form_of, path_of};
use crate::i18n::Texts;
use crate::model::{AskedField, Form, Language, Newsletter};
use crate::subscriptions::open_form::asked;
use crate::web::admin::{Frame, Mistakes};
use crate::web::form::Form as Query;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// The tabs: the hosted page, plain HTML, the same with the script, the API, and the form's own settings.
const TABS: [&str; 5] = ["link", "html", "script", "api", "settings"];

#[derive(Template)]
#[template(path = "admin/form.html")]
pub(super) struct FormPage {
    pub page: Frame,
    pub newsletter: Newsletter,
    pub form: Form,
    pub path: String,
    pub tab: &'static str,
    pub language: Language,
    pub is_dark: bool,
    pub hosted_url: String,
    pub prefill_url: String,
    pub code: String,
    /// The whole page for the frame of a preview; empty: the hosted page itself.
    pub preview: String,
    pub is_archived: bool,
    pub settings: FormFields,
    pub mistakes: Mistakes,
}

impl FormPage {
    fn tabs(&self) -> [(&'static str, String); 5] {
        TABS.map(|tab| (tab, self.page.t.text(&format!("desk-form-tab-{tab}"))))
    }

    /// Of the tab that is open.
    fn heading(&self) -> String {
        self.page.t.text(&format!("desk-form-{}-title", self.tab))
    }

    fn lead(&self) -> String {
        self.page.t.text(&format!("desk-form-{}-lead", self.tab))
    }

    fn scheme(&self) -> &'static str {
        if self.is_dark { "dark" } else { "light" }
    }
}

/// What the query asks to see.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub tab: &'static str,
    pub language: Option<Language>,
    pub is_dark: bool,
}

impl View {
    fn of(request: &HttpRequest) -> Self {
        let query = Query::of_query(request);
        Self {
            tab: TABS.into_iter().find(|tab| *tab == query.first("tab")).unwrap_or("link"),
            language: query.first("language").parse().ok(),
            is_dark: query.first("scheme") == "dark",
        }
    }
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    ids: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let mut reader = app.store.read().await?;
    let (newsletter, form) = form_of(&mut reader, &ids).await?;
    let asked = asked(reader.db(), &newsletter, &form).await?;
    let settings = fields_of(&mut reader, &newsletter, Some(&form), &asked, signed_in.texts()).await?;
    drop(reader);
    let mistakes = Mistakes::none(signed_in.texts());
    let view = View::of(&request);
    let page = page(&request, &app, &signed_in, newsletter, form, &asked, settings, mistakes, view)?;
    html(StatusCode::OK, &page)
}

#[expect(clippy::too_many_arguments, reason = "everything that the page shows, each from another place")]
pub(super) fn page(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    newsletter: Newsletter,
    form: Form,
    asked: &[AskedField],
    settings: FormFields,
    mistakes: Mistakes,
    view: View,
) -> Result<FormPage, PageError> {
    let language = view.language.unwrap_or(newsletter.language);
    let t = Texts::new(language);
    let scheme = if view.is_dark { "dark" } else { "light" };
    let snippet = || Snippet::of(app, t, &newsletter, &form, asked);
    let code = match view.tab {
        "html" => snippet().text()?,
        "script" => snippet().with_script().text()?,
        "api" => call(app, t, &form, asked),
        _ => String::new(),
    };
    let preview = if matches!(view.tab, "html" | "script") {
        let shown = snippet().in_scheme(scheme).text()?;
        format!(
            "<!doctype html><html lang=\"{language}\"><meta name=\"color-scheme\" content=\"{scheme}\"><title>-</title>{shown}"
        )
    } else {
        String::new()
    };
    let hosted_url = app.url(&format!("/f/{}", form.public_id));
    Ok(FormPage {
        page: Frame::new(request, signed_in, "newsletters", form.name.clone()),
        path: path_of(&form),
        tab: view.tab,
        language,
        is_dark: view.is_dark,
        prefill_url: format!("{hosted_url}?email=jan@example.org&lang={language}&utm_source=poster"),
        hosted_url,
        code,
        preview,
        is_archived: form.archived_at.is_some(),
        newsletter,
        form,
        settings,
        mistakes,
    })
}
