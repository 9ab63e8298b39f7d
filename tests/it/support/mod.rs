//! What the tests share.

pub mod app;
pub mod database;
pub mod samples;
//! What tests share.

pub mod smtp_server;
