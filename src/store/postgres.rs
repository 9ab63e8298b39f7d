//! What only PostgreSQL needs.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;

use super::{Pools, Result};

pub static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a verb waits for a free connection before a visitor hears of it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

pub async fn open(url: &str, connections: u32) -> Result<Pools> {
    let pool = PgPoolOptions::new()
        .max_connections(connections.max(2))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect(url)
        .await?;
    Ok(Pools::Postgres(pool))
}
