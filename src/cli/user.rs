//! `user add`, `user list` and `user password`: who works at the desk.

use std::path::PathBuf;

use super::Settings;
use super::open::{Open, address};
use super::output::{self, Output};
use super::secret::read_secret;
use crate::accounts::users::{NewUser, add_user, set_password};
use crate::model::Language;
use crate::store;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Add someone who works at the desk; the password is read from standard input
    Add {
        #[arg(long)]
        address: String,
        #[arg(long)]
        name: String,
        /// Of the desk: nl, en, fr or de
        #[arg(long, default_value_t = Language::English)]
        language: Language,
        /// Read the password from a file instead
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Show who works at the desk
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Set a new password, read from standard input; it ends every session of the user
    Password {
        #[arg(long)]
        address: String,
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::Add { address, name, language, password_file } => {
            let password = read_secret(password_file)?;
            let new = NewUser { address: &address, name: &name, language, password: &password };
            let user = add_user(&open.store, &open.clock, new).await?;
            output::print(&format!("{} can sign in at {}/admin.\n", user.address, open.public_url()))
        }
        Action::List { output } => {
            let users = store::users::all(open.store.read().await?.db()).await?;
            output.list(&users, ["ADDRESS", "NAME", "LANGUAGE"], |user| {
                [user.address.to_string(), user.name.clone(), user.language.to_string()]
            })
        }
        Action::Password { address: text, password_file } => {
            let user = set_password(&open.store, &address(&text)?, &read_secret(password_file)?).await?;
            output::print(&format!("{} has a new password, and must sign in again.\n", user.address))
        }
    }
}
