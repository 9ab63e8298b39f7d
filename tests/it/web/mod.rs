//! Pages, through real HTTP.

pub mod admin;
mod api;
mod errors;
pub mod public;
mod setup;
