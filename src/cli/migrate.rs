//! `migrate`: brings the schema of the database up to this version.

use super::{Settings, open::Open, output};
use crate::service::configured_keys;
use crate::store::installation;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The secret of before (secret.key) is lost for good: from now on use the one that is there, or make one. Links in mails that
    /// were sent lead nowhere then, and erased addresses are not recognised
    #[arg(long)]
    new_secret_key: bool,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::migrated(settings).await?;
    if arguments.new_secret_key {
        let mut tx = open.store.begin().await?;
        installation::forget_secret_check(&mut tx).await?;
        let keys = configured_keys(&open.config)?;
        installation::set_secret_check(&mut tx, &keys.secret_check()).await?;
        tx.commit().await?;
    }
    let kind = if open.store.is_shared() { "PostgreSQL" } else { "SQLite" };
    output::print(&format!("The {kind} database is up to date.\n"))
}
