//! `GET /api/v1/articles/{id}`: an article with its words, and the tag that a change of it names.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::answer;
use crate::model::ArticleId;
use crate::web::App;
use crate::web::api::v1::access::Caller;
use crate::web::api::v1::id_of;

pub async fn get(app: Data<App>, caller: Caller, id: Path<String>) -> HttpResponse {
    let shown = match id_of(&id) {
        Ok(id) => answer(&app, &caller, ArticleId(id), None).await,
        Err(refusal) => Err(refusal),
    };
    shown.unwrap_or_else(|refusal| refusal.response(caller.t))
}
