//! `/admin/subscribers`: a reader by address, the receipts of the subscriptions, and erasing.
//!
//! An address stands in no URL and no log: the look-up is posted, and from then on the reader's id is used.

pub mod erase;
pub mod lookup;
pub mod receipt;
pub mod show;

use actix_web::web::{ServiceConfig, resource};
use uuid::Uuid;

use crate::model::Subscriber;
use crate::store;
use crate::web::{App, PageError};

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/subscribers").get(lookup::get).post(lookup::post))
        .service(resource("/admin/subscribers/{id}").get(show::get))
        .service(resource("/admin/subscribers/{id}/erase").post(erase::post))
        .service(resource("/admin/subscribers/{id}/receipt/{newsletter}.json").get(receipt::json))
        .service(resource("/admin/subscribers/{id}/receipt/{newsletter}/print").get(receipt::print))
        .service(resource("/admin/subscribers/{id}/receipt/{newsletter}").get(receipt::get));
}

/// The reader of a URL.
async fn subscriber(app: &App, id: &str) -> Result<Subscriber, PageError> {
    let id = Uuid::try_parse(id).map_err(|_| PageError::NotFound)?;
    let mut reader = app.store.read().await?;
    store::subscribers::by_public_id(reader.db(), id).await?.ok_or(PageError::NotFound)
}
