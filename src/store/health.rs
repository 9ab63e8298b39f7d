//! What can be asked of a database about itself. Nothing is changed.

use std::collections::BTreeSet;

use sqlx::migrate::Migrator;

use super::{Db, Pools, Result, Store, installation, on, postgres, sql, sqlite};
use crate::model::Timestamp;

/// How a database is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Migrations of this version that the database has not had.
    pub missing: usize,
    /// Migrations that this version does not know: a newer one was here.
    pub unknown: usize,
    /// Somebody has signed up, and has mails with our links.
    pub has_subscribers: bool,
    /// By which the secret of the installation is recognised, once one was used.
    pub secret_check: Option<Vec<u8>>,
    pub engine: EngineFacts,
}

/// What decides whether that which is committed survives a power cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineFacts {
    Sqlite {
        /// `wal` is what we ask for.
        journal_mode: String,
        /// 2 is FULL, which is what we ask for.
        synchronous: i64,
    },
    Postgres {
        /// 150004 is 15.4.
        version: i64,
        fsync: bool,
        /// Anything but `off` waits for the disk.
        synchronous_commit: String,
        /// The time on the server.
        now: Timestamp,
    },
}

/// Which migrations a database has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// None: nothing is in it.
    Empty,
    Current,
    /// Some of this version are missing.
    Older,
    /// Some that this version does not know.
    Newer,
}

impl Store {
    /// Asks the database which version it is of.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn schema(&self) -> Result<Schema> {
        let mut reader = self.read().await?;
        let applied = applied(reader.db()).await?;
        let known = self.known();
        Ok(if applied.is_empty() {
            Schema::Empty
        } else if applied == known {
            Schema::Current
        } else if applied.is_subset(&known) {
            Schema::Older
        } else {
            Schema::Newer
        })
    }

    /// The migrations of this version.
    fn known(&self) -> BTreeSet<i64> {
        match &self.pools {
            Pools::Sqlite { .. } => versions(&sqlite::MIGRATIONS),
            Pools::Postgres(_) => versions(&postgres::MIGRATIONS),
        }
    }

    /// Asks the database about itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn health(&self) -> Result<Health> {
        let mut tx = self.begin().await?;
        let applied = applied(tx.db()).await?;
        let has_subscribers = !applied.is_empty() && installation::has_subscribers(tx.db()).await?;
        let engine = match tx.db() {
            Db::Sqlite(c) => EngineFacts::Sqlite {
                journal_mode: sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *c).await?,
                synchronous: sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *c).await?,
            },
            Db::Postgres(c) => {
                let (version, fsync, synchronous_commit, millis): (i64, String, String, i64) =
                    sqlx::query_as(
                        "SELECT current_setting('server_version_num')::BIGINT, current_setting('fsync'), \
                     current_setting('synchronous_commit'), \
                     (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT",
                    )
                    .fetch_one(c)
                    .await?;
                let now = Timestamp::from_millis(millis);
                EngineFacts::Postgres { version, fsync: fsync == "on", synchronous_commit, now }
            }
        };
        let known = self.known();
        let (missing, unknown) = (known.difference(&applied).count(), applied.difference(&known).count());
        let secret_check = if missing == 0 { installation::secret_check(tx.db()).await? } else { None };
        Ok(Health { missing, unknown, has_subscribers, secret_check, engine })
    }
}

fn versions(migrations: &Migrator) -> BTreeSet<i64> {
    migrations.iter().map(|migration| migration.version).collect()
}

/// The migrations that the database has had; none in one that is empty.
async fn applied(mut db: Db<'_>) -> Result<BTreeSet<i64>> {
    let sql = sql!(
        db,
        "SELECT COUNT(*) FROM ",
        sqlite: "sqlite_master WHERE name",
        postgres: "information_schema.tables WHERE table_schema = current_schema() AND table_name",
        " = '_sqlx_migrations'"
    );
    let tables: i64 = on!(db.again(), |c| sqlx::query_scalar(sql).fetch_one(c).await?);
    if tables == 0 {
        return Ok(BTreeSet::new());
    }
    let sql = "SELECT version FROM _sqlx_migrations WHERE success";
    let versions: Vec<i64> = on!(db, |c| sqlx::query_scalar(sql).fetch_all(c).await?);
    Ok(versions.into_iter().collect())
}
