//! Pages, through real HTTP.

mod admin;
mod errors;
mod public;
