//! The verbs of relays, of signing keys, of periods and of the first run.

mod connection;
pub mod domains;
mod relay_watch;
mod relays;
mod retention;
mod steps;

use postiljon::setup::relays::{Password, RelayInput};

/// A relay as someone would type it, with a login.
pub fn typed(host: &str, port: u16) -> RelayInput {
    RelayInput {
        host: host.to_owned(),
        port: port.to_string(),
        tls: "none".to_owned(),
        username: "news".to_owned(),
        password: Password::Typed("canary-secret".to_owned()),
        ..RelayInput::default()
    }
}
