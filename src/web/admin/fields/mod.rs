//! `/admin/newsletters/{id}/fields`: what a newsletter can ask beyond address, name and language.

pub mod edit;
pub mod list;
