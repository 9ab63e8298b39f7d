//! The desk: one file per page. Every handler takes [`super::session::SignedIn`].

use actix_web::web::ServiceConfig;

pub fn configure(_config: &mut ServiceConfig) {}
