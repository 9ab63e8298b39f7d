//! Pages, through real HTTP.

mod access;
pub mod admin;
mod api;
mod errors;
mod public;
mod setup;
