//! What scripts on websites and other servers call: described in docs/api.md.

use actix_web::web::{ServiceConfig, resource};

pub mod challenge;

pub fn configure(config: &mut ServiceConfig) {
    config.service(resource("/api/forms/{form}/challenge").get(challenge::get));
}
