//! The integration tests: one binary. The paths repeat the URLs and the modules.

mod delivery;
mod mail;
mod store;
mod support;
mod web;
