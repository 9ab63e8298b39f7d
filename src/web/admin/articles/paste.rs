//! `POST /admin/articles/paste`: HTML of a clipboard in, Markdown out, in JSON.

use actix_web::web::{Data, PayloadConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::publishing::paste::{self, INPUT_MAX_OCTETS};
use crate::web::form::Form;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// Largest form: the largest HTML with each octet in its longest encoding, so that what is too large is told, and not cut
/// off.
const FORM_MAX_OCTETS: usize = 3 * INPUT_MAX_OCTETS;

/// Takes larger forms than other pages do.
pub fn limit() -> PayloadConfig {
    PayloadConfig::new(FORM_MAX_OCTETS)
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let html = form.first("html").to_owned();
    // It may take some tenths of a second, in which others want their pages.
    let pasted = web::block(move || paste::to_markdown(&html)).await;
    let pasted = pasted.map_err(|error| PageError::internal("pasted text could not be read", error))?;
    let t = signed_in.texts();
    Ok(match pasted {
        Ok(pasted) => {
            let left_out = (pasted.pictures > 0).then(|| t.text("writing-paste-pictures"));
            HttpResponse::Ok().json(json!({ "markdown": pasted.markdown, "notice": left_out }))
        }
        Err(paste::TooLarge) => {
            HttpResponse::PayloadTooLarge().json(json!({ "error": t.text("writing-paste-large") }))
        }
    })
}
