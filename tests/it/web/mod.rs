//! Pages, through real HTTP.

pub mod admin;
mod api;
mod errors;
mod public;
mod setup;
