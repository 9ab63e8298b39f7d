//! Every URL, in one table.

use actix_web::web::{ServiceConfig, get, resource};

use super::{admin, api, assets, images, public, setup};

/// The routes of the service.
pub fn configure(config: &mut ServiceConfig) {
    config.service(resource("/static/{name}").get(assets::get));
    config.service(resource("/images/{id}/{file}").get(images::get));
    config.route("/favicon.ico", get().to(assets::icon));
    config.route("/healthz", get().to(public::health::get));
    public::configure(config);
    api::configure(config);
    setup::configure(config);
    admin::configure(config);
}
