//! The integration tests: one binary. The paths repeat the URLs and the modules.

mod accounts;
mod publishing;
mod store;
mod support;
mod web;
