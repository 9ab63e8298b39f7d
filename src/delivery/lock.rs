//! One sending process per SQLite file. The lock is the operating system's: it goes with the process, however
//! that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

const NAME: &str = "postiljon.lock";

/// Held as long as the value lives.
#[derive(Debug)]
pub struct DataLock(#[expect(dead_code, reason = "the open file is the lock")] File);

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another Postiljon works in the folder {0}. Stop it first, or give this one another data.folder")]
    Held(String),
    #[error("the lock file in the folder {folder} cannot be used: {source}")]
    File { folder: String, source: std::io::Error },
}

impl DataLock {
    /// # Errors
    /// When another process holds the lock, or the folder cannot be written.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let name = folder.display().to_string();
        let wrong = |source| LockError::File { folder: name.clone(), source };
        std::fs::create_dir_all(folder).map_err(wrong)?;
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(folder.join(NAME))
            .map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(name)),
            Err(TryLockError::Error(source)) => Err(wrong(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_told_that_the_folder_is_in_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = DataLock::take(folder.path()).expect("the lock");
        assert!(matches!(DataLock::take(folder.path()), Err(LockError::Held(_))));
        drop(first);
        assert!(DataLock::take(folder.path()).is_ok());
    }
}
