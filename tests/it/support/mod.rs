//! What the tests share.

pub mod app;
pub mod database;
//! What tests share.

pub mod smtp_server;
