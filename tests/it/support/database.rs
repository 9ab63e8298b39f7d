//! A database of its own for each test, on SQLite and on PostgreSQL.

use std::path::Path;

use postiljon::store::{Pools, Store};
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

/// Makes two tests of one body, `sqlite` and `postgres`: `both_databases!(a_name, |database| { .. });`, where
/// `database` is a `&TestDatabase`.
///
/// The PostgreSQL half runs where `POSTILJON_TEST_POSTGRES_URL` names a server, and must where `CI` is set.
macro_rules! both_databases {
    ($(#[$meta:meta])* $name:ident, |$database:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn body($database: &$crate::support::database::TestDatabase) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                body(&$crate::support::database::TestDatabase::sqlite().await).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = $crate::support::database::TestDatabase::postgres().await {
                    body(&database).await;
                    database.drop_postgres().await;
                }
            }
        }
    };
}
pub(crate) use both_databases;

/// The PostgreSQL half alone, for what SQLite does not have: several processes, and a server.
macro_rules! on_postgres {
    ($name:ident, |$database:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn body($database: &$crate::support::database::TestDatabase) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = $crate::support::database::TestDatabase::postgres().await {
                    body(&database).await;
                    database.drop_postgres().await;
                }
            }
        }
    };
}
pub(crate) use on_postgres;

/// The same for a body that needs the store alone: `both_dbs!(a_name, |store| { .. });`
macro_rules! both_dbs {
    ($(#[$meta:meta])* $name:ident, |$store:ident| $body:block) => {
        $crate::support::database::both_databases!($(#[$meta])* $name, |database| {
            let $store = database.store.clone();
            $body
        });
    };
}
pub(crate) use both_dbs;

/// The answer of one store function that reads: `read!(store, |db| users::all(db))`.
macro_rules! read {
    ($store:expr, |$db:ident| $call:expr) => {{
        let mut reader = $store.read().await.expect("a reader");
        let $db = reader.db();
        $call.await.expect("read")
    }};
}
pub(crate) use read;

/// The answer of one store function that writes, in a transaction of its own:
/// `change!(store, |tx| workers::insert(tx, now))`.
macro_rules! change {
    ($store:expr, |$tx:ident| $call:expr) => {{
        let mut transaction = $store.begin().await.expect("a transaction");
        let $tx = &mut transaction;
        let answer = $call.await.expect("written");
        transaction.commit().await.expect("committed");
        answer
    }};
}
pub(crate) use change;

/// Runs a statement that the store has no function for.
pub async fn execute(store: &Store, sql: &'static str) {
    match store.pools() {
        Pools::Sqlite { writer, .. } => {
            sqlx::query(sql).execute(writer).await.expect("executed");
        }
        Pools::Postgres(pool) => {
            sqlx::query(sql).execute(pool).await.expect("executed");
        }
    }
}

pub struct TestDatabase {
    pub store: Store,
    /// As the configuration names it.
    pub url: String,
    _folder: Option<tempfile::TempDir>,
    admin_url: Option<String>,
}

impl TestDatabase {
    pub async fn sqlite() -> Self {
        let folder = folder_in_memory();
        let database = Self::sqlite_in(folder.path()).await;
        Self { _folder: Some(folder), ..database }
    }

    /// In a folder that the caller keeps.
    pub async fn sqlite_in(folder: &Path) -> Self {
        static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
        let file = folder.join("test.db");
        std::fs::write(&file, TEMPLATE.get_or_init(migrated_file).await).expect("written");
        let url = format!("sqlite:{}", file.display());
        let store = Store::open(&url, 4).await.expect("SQLite opens");
        Self { store, url, _folder: None, admin_url: None }
    }

    /// `None` where no server is named; a failure where one must be.
    pub async fn postgres() -> Option<Self> {
        let Ok(admin_url) = std::env::var("POSTILJON_TEST_POSTGRES_URL") else {
            assert!(std::env::var_os("CI").is_none(), "POSTILJON_TEST_POSTGRES_URL must be set in CI");
            eprintln!("not run: POSTILJON_TEST_POSTGRES_URL is not set");
            return None;
        };
        let template = template(&admin_url).await;
        let name = format!("t_{}", uuid::Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&admin_url).await.expect("PostgreSQL answers");
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        admin.execute(sqlx::AssertSqlSafe(sql)).await.expect("a database is made");
        let url = with_database(&admin_url, &name);
        let store = Store::open(&url, 5).await.expect("PostgreSQL opens");
        Some(Self { store, url, _folder: None, admin_url: Some(admin_url) })
    }

    /// Removes the database of a test that passed; one that failed is left to be looked at.
    pub async fn drop_postgres(self) {
        self.store.close().await;
        if let Some(admin_url) = self.admin_url {
            let name = self.url.rsplit('/').next().unwrap_or_default().split('?').next().unwrap_or_default();
            let mut admin = PgConnection::connect(&admin_url).await.expect("PostgreSQL answers");
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            admin.execute(sqlx::AssertSqlSafe(sql)).await.expect("the database is dropped");
        }
    }
}

/// A folder in memory, where there is such a place: no power is cut in tests.
pub fn folder_in_memory() -> tempfile::TempDir {
    // Containers often have one of a few megabytes.
    let in_memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(in_memory).map_or(0, |space| space.f_bavail * space.f_frsize);
    let folder = if free > 1 << 30 { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    folder.expect("a temporary folder")
}

/// The octets of a migrated SQLite database that the others are copies of: made once in a run of the tests.
async fn migrated_file() -> Vec<u8> {
    let folder = folder_in_memory();
    let file = folder.path().join("template.db");
    let store = Store::open(&format!("sqlite:{}", file.display()), 1).await.expect("SQLite opens");
    store.migrate().await.expect("SQLite migrates");
    store.forget_deleted().await.expect("the log is in the file");
    store.close().await;
    std::fs::read(file).expect("a database")
}

/// The same on PostgreSQL.
async fn template(admin_url: &str) -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let name = format!("template_{}", uuid::Uuid::new_v4().simple());
            let mut admin = PgConnection::connect(admin_url).await.expect("PostgreSQL answers");
            admin
                .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
                .await
                .expect("a template is made");
            let store = Store::open(&with_database(admin_url, &name), 2).await.expect("PostgreSQL opens");
            store.migrate().await.expect("PostgreSQL migrates");
            store.close().await;
            name
        })
        .await
}

fn with_database(admin_url: &str, name: &str) -> String {
    let (base, query) =
        admin_url.split_once('?').map_or((admin_url, String::new()), |(b, q)| (b, format!("?{q}")));
    let at = base.rfind('/').expect("a URL with a database");
    format!("{}/{name}{query}", &base[..at])
}

/// Every row of every table, as text: what must be the same before and after something that changes nothing.
pub async fn everything(store: &Store) -> Vec<String> {
    let mut rows = Vec::new();
    for (table, sql) in tables(store).await {
        let sql = sqlx::AssertSqlSafe(sql);
        let found: Vec<String> = match store.pools() {
            Pools::Sqlite { writer, .. } => sqlx::query_scalar(sql).fetch_all(writer).await.expect("read"),
            Pools::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.expect("read"),
        };
        rows.extend(found.into_iter().map(|row| format!("{table}: {row}")));
    }
    assert!(rows.len() > 10, "a database without rows proves nothing");
    rows.sort();
    rows
}

/// Each table, and a statement that gives its rows as text.
async fn tables(store: &Store) -> Vec<(String, String)> {
    match store.pools() {
        Pools::Sqlite { writer, .. } => {
            let names: Vec<String> = sqlx::query_scalar(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
            )
            .fetch_all(writer)
            .await
            .expect("read");
            let mut tables = Vec::new();
            for name in names {
                let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                    .bind(&name)
                    .fetch_all(writer)
                    .await
                    .expect("read");
                let row: Vec<_> = columns.iter().map(|column| format!("quote({column})")).collect();
                tables.push((name.clone(), format!("SELECT {} FROM {name}", row.join(" || ',' || "))));
            }
            tables
        }
        Pools::Postgres(pool) => {
            let names: Vec<String> =
                sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
                    .fetch_all(pool)
                    .await
                    .expect("read");
            names.into_iter().map(|name| (name.clone(), format!("SELECT t::text FROM {name} t"))).collect()
        }
    }
}
