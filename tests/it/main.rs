//! Everything that needs more than one module, or a server.

mod mail;
mod support;
