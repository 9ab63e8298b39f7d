//! `/admin/subscribers` and what belongs to it: lists, one person's story, segments, imports, acts on many.
//!
//! An address stands in no URL and no log: what is looked for is posted, and from then on the reader's id is used.

pub mod acts;
pub mod company;
mod conditions;
pub mod erase;
pub mod imports;
pub mod list;
pub mod query;
pub mod receipt;
pub mod segments;
pub mod show;
mod story;

use actix_web::web::{ServiceConfig, resource};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::Subscriber;
use crate::store;
use crate::web::{App, PageError};

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/subscribers").get(list::get).post(list::post))
        .service(resource("/admin/subscribers/export.csv").post(list::export))
        .service(resource("/admin/acts").get(acts::list).post(acts::begin))
        .service(resource("/admin/acts/{id}.json").get(acts::json))
        .service(resource("/admin/acts/{id}").get(acts::get))
        .service(resource("/admin/acts/{id}/undo").post(acts::undo))
        .service(resource("/admin/segments").get(segments::list))
        .service(resource("/admin/segments/new").get(segments::new).post(segments::create))
        .service(resource("/admin/segments/{id}").get(segments::edit).post(segments::save))
        .service(resource("/admin/segments/{id}/delete").post(segments::delete))
        .service(resource("/admin/imports").get(imports::list).post(imports::upload))
        .service(resource("/admin/imports/{id}.json").get(imports::json))
        .service(resource("/admin/imports/{id}/report.csv").get(imports::report))
        .service(resource("/admin/imports/{id}").get(imports::get))
        .service(resource("/admin/imports/{id}/{act}").post(imports::post))
        .service(resource("/admin/subscribers/{id}").get(show::get))
        .service(resource("/admin/subscribers/{id}/data.json").get(company::data))
        .service(resource("/admin/subscribers/{id}/erase").post(erase::post))
        .service(resource("/admin/subscribers/{id}/subscriptions/{subscription}/{act}").post(company::post))
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

/// What the page's script shows of work in the background.
fn progress(status: &str, width: i64, words: String) -> Value {
    json!({ "status": status, "bar": [{ "key": "sent", "x": 0, "width": width }], "words": words, "pace": "" })
}
