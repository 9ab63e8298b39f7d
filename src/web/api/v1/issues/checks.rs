//! `GET /api/v1/issues/{id}/checks`: whether an issue can be sent, and what stands in its way: what the desk shows.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use crate::model::IssueId;
use crate::web::App;
use crate::web::admin::issues::{checks::Checks, composed};
use crate::web::api::v1::access::Caller;
use crate::web::api::v1::error::Refusal;
use crate::web::api::v1::id_of;

pub async fn get(app: Data<App>, caller: Caller, id: Path<String>) -> HttpResponse {
    checks(&app, &caller, &id).await.unwrap_or_else(|refusal| refusal.response(caller.t))
}

async fn checks(app: &App, caller: &Caller, id: &str) -> Result<HttpResponse, Refusal> {
    let composed = composed(app, IssueId(id_of(id)?), app.clock.now()).await?;
    Ok(HttpResponse::Ok().json(Checks::of(caller.t, &composed)))
}
