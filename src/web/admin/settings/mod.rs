//! `/admin/settings`: what belongs to no newsletter. Relays, domains of senders, sources of articles, and for how long what
//! is kept.

use actix_web::web::{ServiceConfig, resource};

pub mod domain;
pub mod domains;
pub mod relay;
pub mod relay_form;
pub mod relays;
pub mod retention;
pub mod sources;

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/settings").get(relays::to_list))
        .service(resource("/admin/settings/relays").get(relays::get).post(relay::add))
        .service(resource("/admin/settings/relays/new").get(relay::new))
        .service(resource("/admin/settings/relays/test").get(relays::to_list).post(relays::test))
        .service(resource("/admin/settings/relays/{id}").get(relay::get).post(relay::save))
        .service(resource("/admin/settings/relays/{id}/remove").get(relays::to_list).post(relay::remove))
        .service(resource("/admin/settings/domains").get(domains::get).post(domains::add))
        .service(resource("/admin/settings/domains/{domain}").get(domain::get))
        .service(
            resource("/admin/settings/domains/{domain}/check").get(domain::to_domain).post(domain::check),
        )
        .service(resource("/admin/settings/domains/{domain}/keys").get(domain::to_domain).post(domain::make))
        .service(resource("/admin/settings/domains/{domain}/keys/{key}").post(domain::act))
        .service(resource("/admin/settings/retention").get(retention::get).post(retention::post))
        .service(resource("/admin/settings/sources").get(sources::get).post(sources::add))
        .service(resource("/admin/settings/sources/new").get(sources::new))
        .service(resource("/admin/settings/sources/{id}").get(sources::edit).post(sources::save))
        .service(resource("/admin/settings/sources/{id}/fetch").post(sources::fetch))
        .service(resource("/admin/settings/sources/{id}/remove").post(sources::remove));
}
