//! `GET /healthz`: whether this process can serve, and write down what it does: for load balancers and alarms.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::store;
use crate::web::{App, PageError};

pub async fn get(app: Data<App>) -> Result<HttpResponse, PageError> {
    let mut reader = app.store.read().await?;
    store::outbox::open_count(reader.db()).await?;
    if app.store.is_stuck() {
        return Err(PageError::Unavailable);
    }
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n"))
}
