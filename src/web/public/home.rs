//! `GET /`: the newsletters; where there is one, its page.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::page;
use crate::i18n::Texts;
use crate::model::{Language, Newsletter};
use crate::store;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

#[derive(Template)]
#[template(path = "public/home.html")]
struct HomePage {
    page: Page,
    newsletters: Vec<Newsletter>,
}

pub async fn get(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, PageError> {
    let newsletters = store::newsletters::all(app.store.read().await?.db()).await?;
    if let [only] = newsletters.as_slice() {
        let query = language::chosen(&request).map(|chosen| format!("?lang={chosen}")).unwrap_or_default();
        return Ok(see_other(&format!("/n/{}{query}", only.slug)));
    }
    let fallback = newsletters.first().map_or(Language::English, |first| first.language);
    let t = Texts::new(language::of(&request, fallback));
    let page_frame = Page::new(t, t.text("home-title")).with_languages(&request);
    page(StatusCode::OK, &HomePage { page: page_frame, newsletters })
}
