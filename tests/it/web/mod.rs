//! Pages, through real HTTP.

mod errors;
mod public;
