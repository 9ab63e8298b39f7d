//! `/admin/newsletters/{id}`: what belongs to one newsletter.

pub mod welcome;
