//! The verbs of users.

mod account;
mod first_user;
mod login;
mod passkeys;
mod people;
mod users;
