//! What the tests share.

pub mod app;
pub mod authenticator;
pub mod database;
pub mod dice;
pub mod dns_server;
pub mod forms;
pub mod keeping;
pub mod needle;
pub mod people;
pub mod press;
pub mod provider;
pub mod samples;
pub mod smtp_server;
