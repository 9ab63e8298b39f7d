//! Pages, through real HTTP.

mod admin;
mod api;
mod errors;
mod public;
