//! Users, their passwords and their sessions.
//!
//! To add a verb: a file here, and its tests in `tests/it/accounts/`. A verb that ends in something that a
//! person must change says so by a key of the language files.

pub mod first_user;
pub mod login;
pub mod passwords;
pub mod sessions;
pub mod users;
