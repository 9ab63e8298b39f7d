//! What can go wrong with the database, as far as a caller can do something about it.

use crate::model::Denied;

/// The answer of every store function.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database URL must start with sqlite: or postgres://")]
    BadUrl,
    /// Locked, full, restarting or out of connections: trying again later may work.
    #[error("the database does not answer now: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A row with that unique value is there already.
    #[error("the row exists already: {0}")]
    Duplicate(#[source] sqlx::Error),
    #[error("the database refused a statement: {0}")]
    Database(#[source] sqlx::Error),
    #[error("the schema could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Whoever acts may not do that.
    #[error("{0}")]
    Denied(Denied),
    #[error("the database folder cannot be made: {0}")]
    Folder(#[source] std::io::Error),
}

impl StoreError {
    /// More wait for the database than it can take in time.
    pub const fn overrun() -> Self {
        Self::Unavailable(sqlx::Error::PoolTimedOut)
    }

    /// A row that was written is not there.
    pub const fn missing() -> Self {
        Self::Database(sqlx::Error::RowNotFound)
    }

    /// What must be one's own is another's.
    pub const fn taken() -> Self {
        Self::Duplicate(sqlx::Error::RowNotFound)
    }

    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether PostgreSQL chose this transaction to end, because two waited for each other: what it did can be done anew.
    pub fn was_rolled_back(&self) -> bool {
        let Self::Unavailable(sqlx::Error::Database(error)) = self else { return false };
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }

    pub const fn is_duplicate(&self) -> bool {
        matches!(self, Self::Duplicate(_))
    }
}

impl From<Denied> for StoreError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Unavailable(error)
            }
            sqlx::Error::Database(inner) if inner.is_unique_violation() => Self::Duplicate(error),
            sqlx::Error::Database(inner) if passes(inner.code().as_deref().unwrap_or_default()) => {
                Self::Unavailable(error)
            }
            _ => Self::Database(error),
        }
    }
}

/// Whether the error of this code goes away by itself, or when someone makes room.
fn passes(code: &str) -> bool {
    /// PostgreSQL classes: connection, resources, operator intervention; its end of an idle transaction; and
    /// its rollbacks (serialisation failure, deadlock, lock not available).
    const POSTGRES: [&str; 7] = ["08", "53", "57", "25P03", "40001", "40P01", "55P03"];
    if code.len() == 5 {
        return POSTGRES.iter().any(|prefix| code.starts_with(prefix));
    }
    // SQLite's primary code is the lowest octet: BUSY 5, LOCKED 6, IOERR 10, FULL 13.
    code.parse::<i64>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13))
}
