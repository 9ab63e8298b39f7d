//! `key list` and `key revoke`: the keys of the API. They are made at the desk, by those in whose name they act.

use serde::Serialize;

use super::Settings;
use super::open::Open;
use super::output::{self, Output};
use crate::accounts::api_keys::{KeyError, revoke};
use crate::model::{ApiKey, ApiKeyId};
use crate::store::{api_keys, users};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the keys, whose they are and what they may do
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Revoke a key at once
    Revoke {
        /// As `key list` shows it
        id: i64,
    },
}

/// A key in the list.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    key: ApiKey,
    /// Whose it is.
    address: String,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::List { output } => {
            let mut reader = open.store.read().await?;
            let people = users::all(reader.db()).await?;
            let listed = |key: ApiKey| {
                let owner = people.iter().find(|user| user.id == key.user_id);
                Listed { address: owner.map(|user| user.address.to_string()).unwrap_or_default(), key }
            };
            let all: Vec<_> = api_keys::all(reader.db()).await?.into_iter().map(listed).collect();
            output.list(&all, ["ID", "OWNER", "NAME", "PERMISSIONS", "USED", "EXPIRES"], |one| {
                let moment =
                    |at: Option<crate::model::Timestamp>| at.map_or("never".to_owned(), |at| at.rfc3339());
                let key = &one.key;
                [
                    key.id.to_string(),
                    one.address.clone(),
                    key.name.clone(),
                    key.permissions.clone(),
                    moment(key.last_used_at),
                    moment(key.expires_at),
                ]
            })
        }
        Action::Revoke { id } => match revoke(&open.store, ApiKeyId(id)).await {
            Ok(key) => output::print(&format!("The key {} works no more.\n", key.name)),
            Err(KeyError::NotFound) => {
                anyhow::bail!("there is no key {id}. `postiljon key list` shows them")
            }
            Err(error) => Err(error.into()),
        },
    }
}
