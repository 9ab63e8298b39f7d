//! `/admin/articles`: what is written.

pub mod edit;
pub mod list;
pub mod preview;
