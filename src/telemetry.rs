//! Logs: to standard error, as text for people or JSON for machines, without personal data.
//!
//! Whoever logs writes no address, IP or token; `EmailAddress::masked` at the most. Libraries do not know
//! this rule, so that only their warnings are let through, whatever the level.

use std::panic::PanicHookInfo;

use tracing::Level;
use tracing_subscriber::EnvFilter;

/// Starts logging, and turns a panic into a line of the log. A second call changes nothing.
pub fn init(level: Level, as_json: bool) {
    let filter = EnvFilter::new(format!("warn,postiljon={}", level.as_str().to_ascii_lowercase()));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        // It would tell of a failed write to standard error by writing there, and panic.
        .log_internal_errors(false);
    let started = if as_json { builder.json().flatten_event(true).try_init() } else { builder.try_init() };
    if started.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// The place, and the message where it is a literal: one that was put together may hold what we do not log.
fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let message = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("not shown");
    tracing::error!(place, message, "this is a bug in Postiljon: please report it with this line");
}
