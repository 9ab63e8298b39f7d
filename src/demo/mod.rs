//! The first five minutes: a built-in mailbox, sample data, and a tour of the whole journey.

pub mod browser;
pub mod mailbox;
pub mod pages;
