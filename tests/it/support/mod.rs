//! What the tests share.

pub mod app;
pub mod database;
pub mod dice;
pub mod forms;
pub mod people;
pub mod samples;
pub mod smtp_server;
