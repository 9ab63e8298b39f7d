//! The verbs of users.

mod account;
mod api_keys;
mod first_user;
mod login;
mod people;
mod users;
