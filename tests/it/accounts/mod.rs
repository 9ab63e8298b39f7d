//! The verbs of users.

mod account;
mod api_keys;
mod first_user;
mod login;
mod passkeys;
mod people;
mod users;
