//! Pages, through real HTTP.

mod access;
pub mod admin;
mod api;
mod errors;
pub mod public;
mod setup;
