//! A new database for each run, on either engine.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::process::Stdio;

use anyhow::Context as _;
use sqlx::{Connection as _, Executor as _};

use crate::mailing::{Job, Sent};
use crate::peer;

/// In the environment of a child: the database to run on.
pub const URL: &str = "POSTILJON_TEST_BENCH_DATABASE";

pub struct Engine {
    kind: Kind,
    /// What was prepared, to be copied for each run: to make 100,000 readers takes longer than to write to them.
    prepared: RefCell<HashMap<String, Database>>,
}

enum Kind {
    Sqlite,
    /// With the URL of a database from which others can be made.
    Postgres(String),
}

/// Gone when it is dropped.
enum Database {
    Sqlite(tempfile::TempDir),
    Postgres { admin_url: String, name: String },
}

/// Those that can be had here.
pub fn engines(only_sqlite: bool) -> Vec<Engine> {
    let sqlite = Engine::new(Kind::Sqlite);
    match std::env::var("POSTILJON_TEST_POSTGRES_URL") {
        Ok(url) if !only_sqlite => vec![sqlite, Engine::new(Kind::Postgres(url))],
        Ok(_) => vec![sqlite],
        Err(_) => {
            println!("PostgreSQL is not measured: POSTILJON_TEST_POSTGRES_URL is not set");
            vec![sqlite]
        }
    }
}

impl Engine {
    fn new(kind: Kind) -> Self {
        Self { kind, prepared: RefCell::default() }
    }

    pub const fn name(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "SQLite",
            Kind::Postgres(_) => "PostgreSQL",
        }
    }

    /// One mailing, from a database without any to the last outcome in it.
    ///
    /// # Errors
    /// When the database cannot be made, or the run fails.
    pub fn run(&self, job: &Job) -> anyhow::Result<Sent> {
        let key = format!("{} {} {}", job.octets, job.count, job.hanging_one_in);
        let mut prepared = self.prepared.borrow_mut();
        let template = match prepared.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let database = self.kind.make(None)?;
                child("prepare", job, &database.url())?;
                database.settle()?;
                entry.insert(database)
            }
        };
        let database = self.kind.make(Some(template))?;
        Sent::read(&child("send", job, &database.url())?).context("a run that does not say how it went")
    }
}

impl Kind {
    /// A database, as a copy of another one if there is one.
    fn make(&self, template: Option<&Database>) -> anyhow::Result<Database> {
        match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir()?;
                if let Some(Database::Sqlite(from)) = template {
                    for file in std::fs::read_dir(from.path())? {
                        let file = file?;
                        let copy = folder.path().join(file.file_name());
                        std::fs::copy(file.path(), &copy)?;
                        // Else the disk is still busy with it while mails are sent.
                        std::fs::File::open(&copy)?.sync_all()?;
                    }
                }
                Ok(Database::Sqlite(folder))
            }
            Self::Postgres(admin_url) => {
                let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
                let from = match template {
                    Some(Database::Postgres { name, .. }) => format!(" TEMPLATE {name}"),
                    _ => String::new(),
                };
                administer(admin_url, &format!("CREATE DATABASE {name}{from}"))?;
                Ok(Database::Postgres { admin_url: admin_url.clone(), name })
            }
        }
    }
}

impl Database {
    /// Brings it into the state of one that has been in use for a while: its readers came over the years, not in one
    /// transaction a moment ago, of which the log is still to be read and each row to be marked as committed.
    fn settle(&self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(_) => on_runtime(async {
                let mut connection = sqlx::SqliteConnection::connect(&self.url()).await?;
                let (is_busy, _, _): (i64, i64, i64) =
                    sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await?;
                anyhow::ensure!(is_busy == 0, "somebody else has the database");
                Ok(connection.close().await?)
            }),
            Self::Postgres { .. } => administer(&self.url(), "VACUUM (ANALYZE)"),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("bench.db").display()),
            Self::Postgres { admin_url, name } => {
                let base = admin_url.rsplit_once('/').map_or(admin_url.as_str(), |(base, _)| base);
                format!("{base}/{name}")
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { admin_url, name } = self
            && let Err(error) = administer(admin_url, &format!("DROP DATABASE {name} WITH (FORCE)"))
        {
            println!("a database is left behind: {error}");
        }
    }
}

fn administer(url: &str, sql: &str) -> anyhow::Result<()> {
    on_runtime(async {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await?;
        Ok(connection.close().await?)
    })
}

fn on_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// This program again; its standard output.
fn child(role: &str, job: &Job, url: &str) -> anyhow::Result<String> {
    let processor = (role == "send" && job.signed).then_some(peer::SIGNER);
    let output = peer::on(processor, std::env::current_exe()?)
        .arg(role)
        .args(job.arguments())
        .env(URL, url)
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(output.status.success(), "the process that was to {role} failed");
    Ok(String::from_utf8(output.stdout)?)
}
