//! `/admin/articles`: what is written.

use actix_web::web::{ServiceConfig, resource};

pub mod archive;
pub mod autosave;
pub mod compare;
pub mod edit;
pub mod list;
pub mod page;
pub mod paste;
pub mod preview;
pub mod translations;
pub mod versions;

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/articles").get(list::get).post(edit::create))
        .service(resource("/admin/articles/new").get(edit::new))
        .service(resource("/admin/articles/preview").post(preview::post))
        .service(resource("/admin/articles/paste").app_data(paste::limit()).post(paste::post))
        .service(resource("/admin/articles/autosave").post(autosave::create))
        .service(resource("/admin/articles/{id}").get(edit::get).post(edit::save))
        .service(resource("/admin/articles/{id}/archive").post(archive::post))
        .service(resource("/admin/articles/{id}/preview").get(preview::get))
        .service(resource("/admin/articles/{id}/autosave").post(autosave::save))
        .service(resource("/admin/articles/{id}/presence").post(autosave::here))
        .service(resource("/admin/articles/{id}/translations").post(translations::post))
        .service(resource("/admin/articles/{id}/versions").get(versions::list))
        .service(
            resource("/admin/articles/{id}/versions/{number}").get(versions::get).post(versions::restore),
        );
}
