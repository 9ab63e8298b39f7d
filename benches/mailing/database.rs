//! A new database for each run, on either engine.

use std::process::Stdio;

use anyhow::Context as _;
use sqlx::{Connection as _, Executor as _};

use crate::mailing::{Job, Sent};
use crate::peer;

/// In the environment of a child: the database to run on.
pub const URL: &str = "POSTILJON_TEST_BENCH_DATABASE";

pub enum Engine {
    Sqlite,
    /// With the URL of a database from which others can be made.
    Postgres(String),
}

/// Those that can be had here.
pub fn engines(only_sqlite: bool) -> Vec<Engine> {
    match std::env::var("POSTILJON_TEST_POSTGRES_URL") {
        Ok(url) if !only_sqlite => vec![Engine::Sqlite, Engine::Postgres(url)],
        Ok(_) => vec![Engine::Sqlite],
        Err(_) => {
            println!("PostgreSQL is not measured: POSTILJON_TEST_POSTGRES_URL is not set");
            vec![Engine::Sqlite]
        }
    }
}

impl Engine {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// One mailing, from a database without any to the last outcome in it.
    ///
    /// # Errors
    /// When the database cannot be made, or the run fails.
    pub fn run(&self, job: &Job) -> anyhow::Result<Sent> {
        match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir()?;
                in_children(job, &format!("sqlite:{}", folder.path().join("bench.db").display()))
            }
            Self::Postgres(admin_url) => {
                let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
                administer(admin_url, &format!("CREATE DATABASE {name}"))?;
                let base = admin_url.rsplit_once('/').map_or(admin_url.as_str(), |(base, _)| base);
                let sent = in_children(job, &format!("{base}/{name}"));
                administer(admin_url, &format!("DROP DATABASE {name} WITH (FORCE)"))?;
                sent
            }
        }
    }
}

fn administer(url: &str, sql: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await?;
        connection.close().await?;
        Ok(())
    })
}

fn in_children(job: &Job, url: &str) -> anyhow::Result<Sent> {
    child("prepare", job, url)?;
    Sent::read(&child("send", job, url)?).context("a run that does not say how it went")
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
