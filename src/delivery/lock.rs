//! One process per SQLite database, and one per data folder, where the journal is: a lock file for each, held as long as
//! the process lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "postiljon.lock";
/// Behind the name of a database.
const ENDING: &str = "-lock";

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
    pub fn of_folder(folder: &Path) -> Result<Self, LockError> {
        std::fs::create_dir_all(folder)
            .map_err(|source| LockError::Io { path: folder.to_owned(), source })?;
        Self::take(folder, folder.join(FILE_NAME))
    }

    /// Takes the lock of an SQLite database, by whatever way its file is reached. Its folder is made if it is not there.
    ///
    /// # Errors
    /// As [`ProcessLock::of_folder`].
    pub fn of_database(database: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: database.to_owned(), source };
        let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(io)?;
        // The file itself may be a link, or not be there yet.
        let file = database
            .canonicalize()
            .or_else(|_| Ok(folder.canonicalize()?.join(database.file_name().unwrap_or_default())));
        let mut lock = file.map_err(io)?.into_os_string();
        lock.push(ENDING);
        Self::take(database, lock.into())
    }

    fn take(what: &Path, path: PathBuf) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(what.to_owned())),
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
        let first = ProcessLock::of_folder(folder.path()).unwrap();
        let second = ProcessLock::of_folder(folder.path());
        assert!(matches!(second, Err(LockError::Held(_))));
        drop(first);
        assert!(ProcessLock::of_folder(folder.path()).is_ok());
    }

    #[test]
    fn a_database_has_one_lock_by_whatever_way_it_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/lists.db");
        let first = ProcessLock::of_database(&file).unwrap();
        let link = folder.path().join("link.db");
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for way in [&file, &link] {
            assert!(matches!(ProcessLock::of_database(way), Err(LockError::Held(_))), "{}", way.display());
        }
        drop(first);
        assert!(ProcessLock::of_database(&link).is_ok());
    }
}
