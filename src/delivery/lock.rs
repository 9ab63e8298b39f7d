//! One process per SQLite database: a lock file beside it, held as long as the process lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "postiljon.lock";

/// Held until it is dropped; the system lets go of it when the process dies, however it dies.
#[derive(Debug)]
pub struct ProcessLock {
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "another Postiljon process uses {0}; stop it first, or use PostgreSQL to run several side by side"
    )]
    Held(PathBuf),
    #[error("the lock file {path} cannot be used: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

impl ProcessLock {
    /// Takes the lock of a data folder, which is made if it is not there.
    ///
    /// # Errors
    /// When another process holds it, or the folder cannot be written.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(FILE_NAME);
        let io = |source| LockError::Io { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(io)?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_turned_away_until_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let first = ProcessLock::take(folder.path()).unwrap();
        let second = ProcessLock::take(folder.path());
        assert!(matches!(second, Err(LockError::Held(_))));
        drop(first);
        assert!(ProcessLock::take(folder.path()).is_ok());
    }
}
