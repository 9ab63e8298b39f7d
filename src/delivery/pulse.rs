//! Notices what others write into an SQLite file, the command line above all, without asking SQLite: its log has another
//! length or another time then. One look at a file every two seconds, instead of six questions of three tasks, each of
//! which wakes two threads: a process that has nothing to do should sleep.
//!
//! The file is looked at and never opened: closing it would take this process's locks away from SQLite.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::shift::{POLL, Shift};

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let Some(database) = &shift.settings.database_file else { return shift.signals.stopped().await };
    let mut seen = mark_of(database);
    while shift.unless_stopped(shift.clock.sleep(POLL)).await.is_some() {
        let now = mark_of(database);
        if now != seen {
            seen = now;
            shift.signals.wake();
        }
    }
}

/// Length and last change of the log of a database; `None` where there is none.
pub fn mark_of(database: &Path) -> Option<(u64, SystemTime)> {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let found = std::fs::metadata(PathBuf::from(log)).ok()?;
    Some((found.len(), found.modified().ok()?))
}
