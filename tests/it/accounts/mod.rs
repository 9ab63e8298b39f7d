//! The verbs of users.

mod login;
mod users;
