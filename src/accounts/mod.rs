//! Users, what they may do, their passwords, second factors and sessions, and the other ways in: a provider, passkeys.
//!
//! To add a verb: a file here, and its tests in `tests/it/accounts/`. A verb that ends in something that a
//! person must change says so by a key of the language files. One that changes somebody asks for
//! [`Permission::ManagePeople`](crate::model::Permission), or that it is oneself ([`own`]).

use crate::clock::Clock;
use crate::keys::Keys;
use crate::store::Store;

pub mod api_keys;
pub mod authenticator;
pub mod first_user;
pub mod identities;
pub mod links;
pub mod login;
mod mails;
pub mod own;
pub mod passkeys;
pub mod passwords;
pub mod people;
pub mod provider;
pub mod second_factor;
pub mod sessions;
pub mod users;

/// What a verb works with that may have to write to somebody.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub keys: &'a Keys,
    /// Where the desk is reached: links in mails begin so.
    pub public_url: &'a str,
}
