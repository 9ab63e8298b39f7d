//! `POST /api/v1/articles`: a new article, or a change of the one that has this external id.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::{answer, handed_in, pictures};
use crate::publishing::handed_in::hand_in;
use crate::web::App;
use crate::web::api::v1::access::Caller;
use crate::web::api::v1::error::Refusal;
use crate::web::api::v1::json::Names;

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    create(&request, &app, &caller, body).await.unwrap_or_else(|refusal| refusal.response(caller.t))
}

async fn create(
    request: &HttpRequest,
    app: &App,
    caller: &Caller,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Refusal> {
    let mut names = Names::read(request, body)?;
    let handed = handed_in(&mut names);
    let external_id = names.text("external_id").unwrap_or_default();
    names.finish()?;
    let (id, outcome) = hand_in(pictures(app), caller.user, &external_id, &handed).await?;
    answer(app, caller, id, Some(outcome)).await
}
