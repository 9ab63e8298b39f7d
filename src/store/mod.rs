//! All SQL. One text for SQLite and PostgreSQL; what really differs is in [`sqlite`] and [`postgres`],
//! and in the few holes that [`sql`] leaves.
//!
//! - One file per table. A function takes [`Db`] to read and [`Tx`] to write; a verb decides what is one
//!   transaction. No transaction is open across the network.
//! - To add a table: a new migration with the same name in both folders, a file here, and its rows in
//!   `tests/it/store/`, which run on both databases.
//! - An update that depends on a state says so in WHERE, and answers whether it found the row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{
    PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction, pool::PoolConnection,
};

use crate::clock::Clock;
use crate::model::{Act, Actor, NewsletterId, Permission};

mod bulk;
mod error;
mod faults;
mod filter;
mod postgres;
mod sqlite;

pub mod account_links;
pub mod address_changes;
pub mod api_keys;
pub mod archive;
pub mod article_presence;
pub mod article_slugs;
pub mod article_versions;
pub mod articles;
pub mod audit;
pub mod authenticators;
pub mod bulk_acts;
pub mod consents;
pub mod deliveries;
pub mod departures;
pub mod desk_rules;
pub mod digest_runs;
pub mod digests;
pub mod dkim_keys;
pub mod external_articles;
pub mod fields;
pub mod form_fields;
pub mod forms;
pub mod grants;
pub mod growth;
pub mod health;
pub mod hits;
pub mod identities;
pub mod images;
pub mod imports;
pub mod installation;
pub mod issue_approvals;
pub mod issue_translations;
pub mod issues;
pub mod known_browsers;
pub mod link_checks;
pub mod login_steps;
pub mod mailing_audience;
pub mod mailing_links;
pub mod mailing_overrides;
pub mod mailings;
pub mod newsletters;
pub mod objections;
pub mod outbox;
pub mod outbox_contents;
pub mod passkey_challenges;
pub mod passkeys;
pub mod people;
pub mod provider_logins;
pub mod rate_limits;
pub mod relay_troubles;
pub mod relays;
pub mod reports;
pub mod retention;
pub mod segments;
pub mod sessions;
pub mod setup_steps;
pub mod setup_tokens;
pub mod signup_counts;
pub mod sources;
pub mod subscribers;
pub mod subscription_changes;
pub mod subscription_values;
pub mod subscriptions;
pub mod summaries;
pub mod suppressions;
pub mod tags;
pub mod test_groups;
pub mod tokens;
pub mod topics;
pub mod used_proofs;
pub mod users;
pub mod warmup;
pub mod welcome;
pub mod workers;

pub use bulk::BULK_ROWS_MAX;
pub use error::{Result, StoreError};
pub use faults::{Faults, Step};
pub use sqlite::{LogMark, log_mark};

/// Most rows that one page of a list shows.
pub const PAGE_ROWS: i64 = 50;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pools: Pools,
    faults: Option<Arc<dyn Faults>>,
    actor: Actor,
    clock: Clock,
    /// Whether what was to be written last could not be.
    is_stuck: Arc<AtomicBool>,
}

/// Connections.
#[derive(Debug, Clone)]
pub enum Pools {
    /// Many readers, and one writer: SQLite has one write lock, and queueing for it in the pool is fair
    /// where queueing in SQLite is not.
    Sqlite {
        reader: SqlitePool,
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// A transaction that may write. Rolled back when it is dropped without [`Tx::commit`].
#[derive(Debug)]
pub struct Tx {
    transaction: Begun,
    faults: Option<Arc<dyn Faults>>,
    actor: Actor,
    clock: Clock,
    is_stuck: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Begun {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A connection for reading.
#[derive(Debug)]
pub enum Reader {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A connection for one statement, of a [`Reader`] or a [`Tx`].
#[derive(Debug)]
pub enum Db<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// Runs the same body on either database.
macro_rules! on {
    ($db:expr, |$connection:ident| $body:expr) => {
        match $db {
            $crate::store::Db::Sqlite($connection) => $body,
            $crate::store::Db::Postgres($connection) => $body,
        }
    };
}
use on;

/// One SQL text with a hole for what the databases spell differently.
macro_rules! sql {
    ($db:expr, $before:literal, sqlite: $sqlite:literal, postgres: $postgres:literal, $after:literal) => {
        match $db {
            $crate::store::Db::Sqlite(_) => concat!($before, $sqlite, $after),
            $crate::store::Db::Postgres(_) => concat!($before, $postgres, $after),
        }
    };
}
use sql;

impl Store {
    /// Opens the database of a URL: `sqlite:FILE` or `postgres://..`. Does not migrate.
    ///
    /// # Errors
    /// When the URL is neither, or the database cannot be reached.
    pub async fn open(url: &str, connections: u32) -> Result<Self> {
        let pools = if let Some(path) = url.strip_prefix("sqlite:") {
            sqlite::open(path.trim_start_matches("//"), connections).await?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            postgres::open(url, connections).await?
        } else {
            return Err(StoreError::BadUrl);
        };
        let is_stuck = Arc::default();
        Ok(Self { pools, faults: None, actor: Actor::Operator, clock: Clock::system(), is_stuck })
    }

    /// The same database, which fails when it is told to. For tests.
    #[must_use]
    pub fn with_faults(self, faults: Arc<dyn Faults>) -> Self {
        Self { faults: Some(faults), ..self }
    }

    /// The same database, in somebody's name: verbs ask what they may, and the audit log says that it was them.
    #[must_use]
    pub fn acting(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    /// The same database, whose audit log takes the time from this clock.
    #[must_use]
    pub fn timed(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// In whose name it is used; the operator, until [`Store::acting`] says otherwise.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Asks whether whoever acts may do something with a newsletter; `None`: with all, or with what belongs to none.
    ///
    /// # Errors
    /// [`StoreError::Denied`].
    pub fn permit(&self, permission: Permission, newsletter: Option<NewsletterId>) -> Result<()> {
        Ok(self.actor.permit(permission, newsletter)?)
    }

    /// For what has no function here: statements of tests.
    pub const fn pools(&self) -> &Pools {
        &self.pools
    }

    /// Brings the schema up to this version.
    ///
    /// # Errors
    /// When a migration fails, or the database was made by a newer version.
    pub async fn migrate(&self) -> Result<()> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => sqlite::MIGRATIONS.run(writer).await?,
            Pools::Postgres(pool) => postgres::migrate(pool).await?,
        }
        Ok(())
    }

    pub async fn read(&self) -> Result<Reader> {
        faults::ask(self.faults.as_ref(), Step::Read).await?;
        Ok(match &self.pools {
            Pools::Sqlite { reader, .. } => Reader::Sqlite(reader.acquire().await?),
            Pools::Postgres(pool) => Reader::Postgres(pool.acquire().await?),
        })
    }

    /// Begins a transaction. On SQLite it takes the write lock at once: a transaction that first reads
    /// and then writes would fail as busy.
    pub async fn begin(&self) -> Result<Tx> {
        faults::ask(self.faults.as_ref(), Step::Begin).await?;
        let begun = match &self.pools {
            Pools::Sqlite { writer, .. } => writer.begin_with("BEGIN IMMEDIATE").await.map(Begun::Sqlite),
            Pools::Postgres(pool) => pool.begin().await.map(Begun::Postgres),
        };
        let transaction = begun.inspect_err(|_| self.is_stuck.store(true, Ordering::Relaxed))?;
        let (actor, clock) = (self.actor.clone(), self.clock.clone());
        let is_stuck = Arc::clone(&self.is_stuck);
        Ok(Tx { transaction, faults: self.faults.clone(), actor, clock, is_stuck })
    }

    /// Whether what was to be written last could not be: the disk is full, or the database is locked or gone. It takes nobody's
    /// time to ask; who writes next finds out.
    pub fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    /// Whether several processes may share this database.
    pub const fn is_shared(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    /// Makes deleted rows unreadable in the files too. PostgreSQL does so with its next vacuum; SQLite
    /// overwrites freed pages (`secure_delete`), and here also empties its log of old pages. `false` when
    /// somebody read all the time, so that a part of the log had to stay: it goes with the next call.
    pub async fn forget_deleted(&self) -> Result<bool> {
        let Pools::Sqlite { writer, .. } = &self.pools else { return Ok(true) };
        let (is_busy, _, _): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(writer).await?;
        Ok(is_busy == 0)
    }

    /// Closes the connections; what is committed is on the disk.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { reader, writer } => {
                reader.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

impl Reader {
    pub fn db(&mut self) -> Db<'_> {
        match self {
            Self::Sqlite(connection) => Db::Sqlite(connection),
            Self::Postgres(connection) => Db::Postgres(connection),
        }
    }
}

impl Db<'_> {
    /// The same connection for one statement more.
    pub fn again(&mut self) -> Db<'_> {
        match self {
            Self::Sqlite(connection) => Db::Sqlite(connection),
            Self::Postgres(connection) => Db::Postgres(connection),
        }
    }
}

impl Tx {
    /// In whose name it writes.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// As [`Store::permit`].
    ///
    /// # Errors
    /// [`StoreError::Denied`].
    pub fn permit(&self, permission: Permission, newsletter: Option<NewsletterId>) -> Result<()> {
        Ok(self.actor.permit(permission, newsletter)?)
    }

    /// Writes into the audit log what is done in this transaction, and by whom.
    ///
    /// # Errors
    /// Of the database.
    pub async fn note(&mut self, act: Act, newsletter: Option<NewsletterId>, object: i64) -> Result<()> {
        self.note_detail(act, newsletter, Some(object), "").await
    }

    /// The same with a word about it: a key, never an address, a name or a secret. `object`: `None` for many at once.
    ///
    /// # Errors
    /// Of the database.
    pub async fn note_detail(
        &mut self,
        act: Act,
        newsletter: Option<NewsletterId>,
        object: Option<i64>,
        detail: &str,
    ) -> Result<()> {
        let now = self.clock.now();
        audit::insert(self, act, newsletter, object, detail, now).await
    }

    pub fn db(&mut self) -> Db<'_> {
        match &mut self.transaction {
            Begun::Sqlite(transaction) => Db::Sqlite(transaction),
            Begun::Postgres(transaction) => Db::Postgres(transaction),
        }
    }

    /// A mark inside the transaction, to which [`Tx::roll_back_to_savepoint`] returns. One at a time.
    pub async fn savepoint(&mut self) -> Result<()> {
        on!(self.db(), |c| sqlx::query("SAVEPOINT here").execute(c).await?.rows_affected());
        Ok(())
    }

    /// Undoes what was written since [`Tx::savepoint`]; the rest of the transaction stands.
    pub async fn roll_back_to_savepoint(&mut self) -> Result<()> {
        on!(self.db(), |c| sqlx::query("ROLLBACK TO SAVEPOINT here").execute(c).await?.rows_affected());
        Ok(())
    }

    /// Forgets the mark of [`Tx::savepoint`]: what was written since stands or falls with the transaction.
    pub async fn release_savepoint(&mut self) -> Result<()> {
        on!(self.db(), |c| sqlx::query("RELEASE SAVEPOINT here").execute(c).await?.rows_affected());
        Ok(())
    }

    pub async fn commit(self) -> Result<()> {
        faults::ask(self.faults.as_ref(), Step::Commit).await?;
        let committed = match self.transaction {
            Begun::Sqlite(transaction) => transaction.commit().await,
            Begun::Postgres(transaction) => transaction.commit().await,
        };
        let committed = committed.map_err(StoreError::from);
        // One that PostgreSQL rolls back, because two waited for each other, can be done anew at once.
        let is_stuck =
            committed.as_ref().is_err_and(|error| error.is_unavailable() && !error.was_rolled_back());
        self.is_stuck.store(is_stuck, Ordering::Relaxed);
        committed?;
        faults::ask(self.faults.as_ref(), Step::Committed).await
    }
}

/// The pattern of a search: text anywhere, its own wildcards taken literally (`ESCAPE '\'`). A NUL stands in no text,
/// and PostgreSQL refuses it.
fn like_pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for c in search.to_lowercase().chars().filter(|c| *c != '\0') {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
