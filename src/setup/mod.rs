//! What is set at the desk rather than in the configuration: relays, signing keys, periods; and the steps of the first
//! run, which ask for the first of everything.
//!
//! A verb fails with typed errors that a page shows beside a field and the command line prints. To add one: a file here,
//! and its tests in `tests/it/setup/`.

pub mod connection;
pub mod domain_look;
pub mod domains;
pub mod relay_watch;
pub mod relays;
pub mod retention;
pub mod steps;
