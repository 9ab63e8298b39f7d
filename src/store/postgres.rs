//! What only PostgreSQL needs.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, Executor as _, PgPool};

use super::{Pools, Result};

pub static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a verb waits for a free connection before a visitor hears of it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a statement waits for a lock of others before a visitor hears of it.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '5s'";
/// Migrations of one process wait for those of another, however long they take.
const NO_LOCK_TIMEOUT: &str = "SET lock_timeout = 0";

/// So long after its last use a connection is used again without a question.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

pub async fn open(url: &str, connections: u32) -> Result<Pools> {
    let pool = PgPoolOptions::new()
        .max_connections(connections.max(2))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Asked only after a rest: a connection that was used a moment ago is there.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for < TRUSTED_FOR {
                    return Ok(true);
                }
                Ok(connection.ping().await.is_ok())
            })
        })
        // Else a process that is frozen in a transaction holds its locks, and stops all others, for ever.
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("SET idle_in_transaction_session_timeout = '8s'").await?;
                connection.execute(LOCK_TIMEOUT).await?;
                Ok(())
            })
        })
        .connect(url)
        .await?;
    Ok(Pools::Postgres(pool))
}

pub async fn migrate(pool: &PgPool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    // Nobody else may get one that waits for ever.
    connection.close_on_drop();
    connection.execute(NO_LOCK_TIMEOUT).await?;
    Ok(MIGRATIONS.run(&mut *connection).await?)
}
