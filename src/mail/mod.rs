//! From words to bytes on the wire, and back.

pub mod receive;
pub mod relay;
pub mod reply;
pub mod smtp;
mod wire;
