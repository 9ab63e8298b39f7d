//! `migrate`: brings the schema of the database up to this version.

use super::{Settings, open::Open, output};

pub(super) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    let kind = if open.store.is_shared() { "PostgreSQL" } else { "SQLite" };
    output::print(&format!("The {kind} database is up to date.\n"))
}
