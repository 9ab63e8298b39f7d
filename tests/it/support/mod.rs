//! What tests share.

pub mod smtp_server;
