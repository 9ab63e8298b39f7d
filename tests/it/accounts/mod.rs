//! The verbs of users.

mod first_user;
mod login;
mod users;
