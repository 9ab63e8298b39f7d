//! `/admin/account`: one's own name and language, password, sessions, second factor, passkeys, account at the provider, and keys of the
//! API. Whoever is signed in may come here.

pub mod identities;
pub mod keys;
pub mod page;
pub mod passkeys;
pub mod password;
pub mod profile;
pub mod second_factor;
pub mod sessions;

use actix_web::web::{ServiceConfig, resource};

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/account").get(page::get).post(profile::post))
        .service(resource("/admin/account/password").get(page::to_account).post(password::post))
        .service(resource("/admin/account/keys").get(keys::get).post(keys::post))
        .service(resource("/admin/account/keys/{id}/revoke").get(keys::ask).post(keys::revoke))
        .service(resource("/admin/account/sessions").get(page::to_account).post(sessions::post))
        .service(resource("/admin/account/identities").get(page::to_account).post(identities::post))
        .service(resource("/admin/account/passkeys").get(passkeys::get).post(passkeys::post))
        .service(resource("/admin/account/second-factor").get(second_factor::get).post(second_factor::post));
}
