//! `user ..`: who works at the desk, and what each may do.

use std::path::PathBuf;

use serde::Serialize;

use super::Settings;
use super::open::{Open, address};
use super::output::{self, Output};
use super::secret::read_secret;
use crate::accounts::Desk;
use crate::accounts::people::{self, Invitation, grants_of};
use crate::accounts::users::{NewUser, add_user_as, set_password};
use crate::model::{Grant, Language, Role, User};
use crate::store;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

/// What somebody may do.
#[derive(Debug, clap::Args)]
struct Granted {
    /// owner, editor, author or viewer
    #[arg(long, default_value_t = Role::Owner)]
    role: Role,
    /// For this newsletter only, by its short name; may be given several times [default: all newsletters]
    #[arg(long = "newsletter", value_name = "SHORT NAME")]
    newsletters: Vec<String>,
}

impl Granted {
    async fn grants(&self, open: &Open) -> anyhow::Result<Vec<Grant>> {
        let mut found = Vec::new();
        for slug in &self.newsletters {
            found.push(open.newsletter(slug).await?.id);
        }
        Ok(grants_of(self.role, &found))
    }
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
        #[command(flatten)]
        granted: Granted,
        /// Read the password from a file instead
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Invite someone by mail, who chooses a name and a password; again for another link
    Invite {
        #[arg(long)]
        address: String,
        #[arg(long, default_value = "")]
        name: String,
        /// Of the mail and the desk: nl, en, fr or de
        #[arg(long, default_value_t = Language::English)]
        language: Language,
        #[command(flatten)]
        granted: Granted,
    },
    /// Show who works at the desk
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Give someone another role, in place of all that they had
    Role {
        #[arg(long)]
        address: String,
        #[command(flatten)]
        granted: Granted,
    },
    /// Shut someone out at once
    Disable {
        #[arg(long)]
        address: String,
    },
    /// Let someone in again
    Enable {
        #[arg(long)]
        address: String,
    },
    /// Remove someone, or revoke an invitation
    Remove {
        #[arg(long)]
        address: String,
    },
    /// End every session of someone
    Sessions {
        #[arg(long)]
        address: String,
    },
    /// Take the second factor off someone who has lost it
    FactorOff {
        #[arg(long)]
        address: String,
    },
    /// Set a new password, read from standard input; it ends every session of the user
    Password {
        #[arg(long)]
        address: String,
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

/// Someone in the list.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    user: User,
    has_second_factor: bool,
    roles: Vec<ListedRole>,
}

#[derive(Serialize)]
struct ListedRole {
    role: Role,
    /// Its short name; `None`: all.
    newsletter: Option<String>,
}

impl Listed {
    fn roles(&self) -> String {
        let words = self.roles.iter().map(|one| match &one.newsletter {
            None => one.role.to_string(),
            Some(newsletter) => format!("{} of {newsletter}", one.role),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    const fn state(&self) -> &'static str {
        match (self.user.disabled_at, self.user.joined_at) {
            (Some(_), _) => "disabled",
            (None, None) => "invited",
            (None, Some(_)) => "here",
        }
    }
}

async fn user_of(open: &Open, text: &str) -> anyhow::Result<User> {
    let found = store::users::by_address(open.store.read().await?.db(), &address(text)?).await?;
    found.ok_or_else(|| anyhow::anyhow!("there is no user {text}. `postiljon user list` shows them"))
}

async fn list(open: &Open) -> anyhow::Result<Vec<Listed>> {
    let mut reader = open.store.read().await?;
    let grants = store::grants::all(reader.db()).await?;
    let newsletters = store::newsletters::all(reader.db()).await?;
    let factors = store::authenticators::users(reader.db()).await?;
    let name = |grant: Grant| ListedRole {
        role: grant.role,
        newsletter: grant.newsletter_id.and_then(|id| {
            newsletters
                .iter()
                .find(|newsletter| newsletter.id == id)
                .map(|newsletter| newsletter.slug.to_string())
        }),
    };
    let users = store::users::all(reader.db()).await?;
    Ok(users
        .into_iter()
        .map(|user| Listed {
            has_second_factor: factors.contains(&user.id),
            roles: grants.iter().filter(|one| one.user_id == user.id).map(|one| name(one.grant)).collect(),
            user,
        })
        .collect())
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::Add { address, name, language, granted, password_file } => {
            let grants = granted.grants(&open).await?;
            let password = read_secret(password_file)?;
            let new = NewUser { address: &address, name: &name, language, password: &password };
            let user = add_user_as(&open.store, &open.clock, new, &grants).await?;
            output::print(&format!("{} can sign in at {}/admin.\n", user.address, open.public_url()))
        }
        Action::List { output } => {
            output.list(&list(&open).await?, ["ADDRESS", "NAME", "LANGUAGE", "ROLE", "STATE"], |one| {
                let user = &one.user;
                let (address, name) = (user.address.to_string(), user.name.clone());
                [address, name, user.language.to_string(), one.roles(), one.state().to_owned()]
            })
        }
        Action::Password { address: text, password_file } => {
            let user = set_password(&open.store, &address(&text)?, &read_secret(password_file)?).await?;
            output::print(&format!("{} has a new password, and must sign in again.\n", user.address))
        }
        other => manage(&open, other).await,
    }
}

/// What may have to write to somebody, and so needs the key of the installation.
async fn manage(open: &Open, action: Action) -> anyhow::Result<()> {
    let keys = open.keys().await?;
    let desk = Desk { store: &open.store, clock: &open.clock, keys: &keys, public_url: open.public_url() };
    match action {
        Action::Invite { address, name, language, granted } => {
            let grants = granted.grants(open).await?;
            let invitation = Invitation { address: &address, name: &name, language, grants: &grants };
            let user = people::invite(desk, invitation).await?;
            output::print(&format!(
                "An invitation to {} is in the outbox; it works for 7 days. `postiljon serve` sends it.\n",
                user.address
            ))
        }
        Action::Role { address, granted } => {
            let grants = granted.grants(open).await?;
            let user = people::set_grants(desk, user_of(open, &address).await?.id, &grants).await?;
            output::print(&format!("{} has another role now.\n", user.address))
        }
        Action::Disable { address } => {
            let user = people::disable(desk, user_of(open, &address).await?.id).await?;
            output::print(&format!("{} is signed out and cannot sign in any more.\n", user.address))
        }
        Action::Enable { address } => {
            let user = people::enable(desk, user_of(open, &address).await?.id).await?;
            output::print(&format!("{} can sign in again.\n", user.address))
        }
        Action::Remove { address } => {
            let user = people::remove(desk, user_of(open, &address).await?.id).await?;
            output::print(&format!("{} is removed.\n", user.address))
        }
        Action::Sessions { address } => {
            let user = user_of(open, &address).await?;
            let ended = people::end_sessions(desk, user.id).await?;
            output::print(&format!("{} has no session any more; there were {ended}.\n", user.address))
        }
        Action::FactorOff { address } => {
            let user = user_of(open, &address).await?;
            people::remove_factor(desk, user.id).await?;
            output::print(&format!("{} signs in with the password alone.\n", user.address))
        }
        Action::Add { .. } | Action::List { .. } | Action::Password { .. } => Ok(()),
    }
}
