//! From words to bytes on the wire, and back.

pub mod color;
