//! The integration tests: one binary. The paths repeat the URLs and the modules.

mod store;
mod support;
mod web;
//! Everything that needs more than one module, or a server.

mod mail;
mod support;
