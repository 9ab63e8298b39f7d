//! `/admin/newsletters/{id}`: what belongs to one newsletter.

pub mod topic;
pub mod topics;
pub mod welcome;
