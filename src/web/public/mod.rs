//! What visitors and subscribers meet: one file per page.

use actix_web::web::ServiceConfig;

pub mod health;

pub fn configure(_config: &mut ServiceConfig) {}
