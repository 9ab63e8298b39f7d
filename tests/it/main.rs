//! The integration tests: one binary. The paths repeat the URLs and the modules.

mod accounts;
mod publishing;
mod architecture;
mod mail;
mod store;
mod subscriptions;
mod support;
mod web;
