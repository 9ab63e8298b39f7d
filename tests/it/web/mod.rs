//! Pages, through real HTTP.

mod errors;
