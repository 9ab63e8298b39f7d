//! What only SQLite needs.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Pools, Result, StoreError};

pub static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a statement waits for another process's lock before a visitor hears of it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages of the log (16 MB) after which they are written back into the database.
const WAL_PAGES: &str = "4000";

pub async fn open(path: &str, connections: u32) -> Result<Pools> {
    if let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(StoreError::Folder)?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An outcome that was recorded survives a power cut; batches make it cheap.
        .synchronous(SqliteSynchronous::Full)
        // Pages that change again and again are written back once in a while, not each quarter of a second.
        .pragma("wal_autocheckpoint", WAL_PAGES)
        // What a person erased is overwritten, not only unlinked.
        .pragma("secure_delete", "ON")
        .busy_timeout(BUSY_TIMEOUT);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(BUSY_TIMEOUT)
        // A file does not hang up, and to ask costs two changes of threads.
        .test_before_acquire(false)
        // SQLite itself rolls back when the disk is full; sqlx's own roll back then fails, and the connection
        // would count as inside a transaction for ever.
        .after_release(|connection, _| {
            Box::pin(async move {
                // Ordered behind a roll back that was only begun.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(options.clone())
        .await?;
    let reader = SqlitePoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(BUSY_TIMEOUT)
        .test_before_acquire(false)
        .connect_lazy_with(options.read_only(true));
    Ok(Pools::Sqlite { reader, writer })
}

/// What changes whenever somebody writes into a database: length and last change of its log.
pub type LogMark = (u64, SystemTime);

/// That of a database; `None` where there is no log. It is looked at and never opened: closing it would take this process's
/// locks away from SQLite.
pub fn log_mark(database: &Path) -> Option<LogMark> {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let found = std::fs::metadata(PathBuf::from(log)).ok()?;
    Some((found.len(), found.modified().ok()?))
}
