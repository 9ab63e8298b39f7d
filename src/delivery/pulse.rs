//! Notices what others write into an SQLite file, the command line above all, without asking SQLite: its log has another
//! length or another time then. One look at a file every two seconds, instead of six questions of three tasks, each of
//! which wakes two threads: a process that has nothing to do should sleep.
//!
//! The file is looked at and never opened: closing it would take this process's locks away from SQLite.

use super::shift::{POLL, Shift};
use crate::store::log_mark;

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let Some(database) = &shift.settings.database_file else { return shift.signals.stopped().await };
    let mut seen = log_mark(database);
    while shift.unless_stopped(shift.clock.sleep(POLL)).await.is_some() {
        let now = log_mark(database);
        if now != seen {
            seen = now;
            shift.signals.wake();
        }
    }
}
