//! `relay list`, `add`, `set`, `remove` and `test`: the relays of the database. Those of the configuration are shown and
//! tested, and changed there.

use std::path::PathBuf;

use serde::Serialize;

use super::Settings;
use super::open::Open;
use super::output::{self, Output};
use super::secret::read_secret;
use crate::keys::Keys;
use crate::model::{AuthMethod, NamedRelay, RelayTrouble, StoredRelay, TlsMode};
use crate::setup::connection::{self, StageState};
use crate::setup::relay_watch;
use crate::setup::relays::{
    self, Configured, Password, RelayInput, add, change, is_readable, newsletters_of, remove,
};
use crate::store;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the relays, those of the configuration too
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Add a relay; with --username its password is read from standard input
    Add(Box<Add>),
    /// Change a relay
    Set(Box<Set>),
    /// Remove a relay
    Remove {
        name: String,
        /// Also when newsletters prefer it
        #[arg(long)]
        yes: bool,
    },
    /// Connect to a relay, with TLS and login, and send nothing
    Test {
        name: String,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").multiple(true))]
struct Add {
    /// By which newsletters prefer it [default: main]
    #[arg(long, default_value = "")]
    name: String,
    #[arg(long)]
    host: String,
    /// implicit, starttls or none
    #[arg(long, default_value_t = TlsMode::StartTls)]
    tls: TlsMode,
    #[command(flatten)]
    more: More,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
struct Set {
    name: String,
    #[arg(long, group = "what")]
    host: Option<String>,
    /// implicit, starttls or none
    #[arg(long, group = "what")]
    tls: Option<TlsMode>,
    /// Read a new password from standard input
    #[arg(long, group = "what")]
    password: bool,
    #[command(flatten)]
    more: More,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct More {
    /// [default: the usual one of the TLS mode]
    #[arg(long, group = "what")]
    port: Option<u16>,
    /// Take --tls none for another machine: mails and password then travel readable for all
    #[arg(long)]
    allow_plaintext: bool,
    /// password or xoauth2
    #[arg(long, group = "what")]
    auth: Option<AuthMethod>,
    /// User name; empty for no login
    #[arg(long, group = "what")]
    username: Option<String>,
    /// Read the password from a file instead
    #[arg(long, value_name = "FILE", group = "what")]
    password_file: Option<PathBuf>,
    /// Most connections at once
    #[arg(long, group = "what")]
    connections: Option<u32>,
    /// Most mails in an hour, or 0 for as fast as they are taken
    #[arg(long, value_name = "NUMBER", group = "what")]
    mails_per_hour: Option<u32>,
    /// Share of the mail beside other relays; 0 is a reserve
    #[arg(long, group = "what")]
    weight: Option<u32>,
}

/// A relay, wherever it is from.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    from: &'static str,
    host: String,
    port: i64,
    tls: TlsMode,
    username: String,
    weight: i64,
    /// While it cannot be used.
    trouble: Option<RelayTrouble>,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    let keys = open.keys().await?;
    let configured = Configured::new(open.config.relays.clone(), open.config.web.public_url.host());
    match arguments.action {
        Action::List { output } => list(&open, &configured, output).await,
        Action::Add(arguments) => {
            let Add { name, host, tls, more, output } = *arguments;
            let has_login = more.username.as_ref().is_some_and(|username| !username.is_empty());
            let password = password(has_login, more.password_file.clone())?;
            let blank = RelayInput { host, tls: tls.to_string(), password, ..RelayInput::default() };
            let added =
                add(&open.store, &open.clock, &keys, &configured, &name, &more.into_input(blank)).await?;
            let sentence =
                format!("{} is there. `postiljon relay test {}` tries it.", added.name, added.name);
            output.sentence(&added, &sentence)
        }
        Action::Set(arguments) => {
            let Set { name, host, tls, password: wants_password, more, output } = *arguments;
            let known = stored(&open, &configured, &name).await?;
            let asks = wants_password || more.password_file.is_some();
            let password = password(asks, more.password_file.clone())?;
            let is_elsewhere = host.is_some();
            let mut input = RelayInput { password, ..as_typed(&known) };
            if let Some(host) = host {
                input.host = host;
            }
            if let Some(tls) = tls {
                input.tls = tls.to_string();
                // The usual port of another mode, unless one is named.
                input.port = String::new();
            }
            // What was allowed for one machine is not for another.
            input.allow_plaintext &= !is_elsewhere;
            let input = more.into_input(input);
            let changed =
                change(&open.store, &open.clock, &keys, &configured, known.id, None, &input).await?;
            output.sentence(&changed, &format!("{} is changed; whoever sends follows at once.", changed.name))
        }
        Action::Remove { name, yes } => {
            let known = stored(&open, &configured, &name).await?;
            let users = newsletters_of(open.store.read().await?.db(), &name).await?;
            let names: Vec<&str> = users.iter().map(|newsletter| newsletter.slug.as_str()).collect();
            if !names.is_empty() && !yes {
                anyhow::bail!(
                    "{name} is preferred by {}, which would go by any relay then. Add --yes to remove it",
                    names.join(", ")
                );
            }
            let removed = remove(&open.store, &configured, known.id).await?;
            output::print(&format!("{} is removed.\n", removed.name))
        }
        Action::Test { name, output } => test(&open, &keys, &configured, &name, output).await,
    }
}

async fn list(open: &Open, configured: &Configured, output: Output) -> anyhow::Result<()> {
    let mut rows: Vec<Row> = configured.relays().iter().map(Row::of_configured).collect();
    let stored = store::relays::all(open.store.read().await?.db()).await?;
    rows.extend(stored.iter().map(|relay| Row::of_stored(relay, configured)));
    let troubles = relay_watch::troubles(open.store.read().await?.db(), open.clock.now()).await?;
    for row in &mut rows {
        row.trouble = troubles.iter().find(|trouble| trouble.relay == row.name).cloned();
    }
    output.list(&rows, ["NAME", "FROM", "SERVER", "TLS", "USER", "WEIGHT", "CANNOT BE USED"], |row| {
        let Row { name, from, host, port, tls, username, weight, trouble } = row;
        [
            name.clone(),
            (*from).to_owned(),
            format!("{host}:{port}"),
            tls.to_string(),
            username.clone(),
            weight.to_string(),
            trouble
                .as_ref()
                .map_or_else(String::new, |trouble| format!("since {}: {}", trouble.since, trouble.detail)),
        ]
    })
}

impl Row {
    fn of_configured(relay: &NamedRelay) -> Self {
        let settings = &relay.settings;
        Self {
            name: relay.name.to_string(),
            from: "configuration",
            host: settings.host.clone(),
            port: settings.port.into(),
            tls: settings.tls,
            username: settings.credentials.as_ref().map(|login| login.username.clone()).unwrap_or_default(),
            weight: relay.weight.into(),
            trouble: None,
        }
    }

    fn of_stored(relay: &StoredRelay, configured: &Configured) -> Self {
        Self {
            name: relay.name.clone(),
            from: if configured.has(&relay.name) { "desk (hidden by the configuration)" } else { "desk" },
            host: relay.host.clone(),
            port: relay.port,
            tls: relay.tls,
            username: relay.username.clone(),
            weight: relay.weight,
            trouble: None,
        }
    }
}

/// A relay of the database by its name.
async fn stored(open: &Open, configured: &Configured, name: &str) -> anyhow::Result<StoredRelay> {
    let found = store::relays::by_name(open.store.read().await?.db(), name).await?;
    match found {
        Some(relay) => Ok(relay),
        None if configured.has(name) => {
            anyhow::bail!("{name} is a relay of the configuration: change it there, then send SIGHUP")
        }
        None => anyhow::bail!("there is no relay {name}. `postiljon relay list` shows them"),
    }
}

/// A stored relay as it would be typed again.
fn as_typed(relay: &StoredRelay) -> RelayInput {
    RelayInput {
        host: relay.host.clone(),
        port: relay.port.to_string(),
        tls: relay.tls.to_string(),
        allow_plaintext: is_readable(&relay.host, relay.tls),
        auth: relay.auth.to_string(),
        username: relay.username.clone(),
        password: Password::Kept,
        connections: relay.connections.to_string(),
        mails_per_hour: relay.mails_per_hour.map(|mails| mails.to_string()).unwrap_or_default(),
        weight: relay.weight.to_string(),
    }
}

impl More {
    /// What was given in place of what is there.
    fn into_input(self, input: RelayInput) -> RelayInput {
        let or = |given: Option<String>, there: String| given.unwrap_or(there);
        let mails_per_hour = match self.mails_per_hour {
            Some(0) => String::new(),
            given => or(given.map(|mails| mails.to_string()), input.mails_per_hour),
        };
        RelayInput {
            port: or(self.port.map(|port| port.to_string()), input.port),
            allow_plaintext: self.allow_plaintext || input.allow_plaintext,
            auth: or(self.auth.map(|auth| auth.to_string()), input.auth),
            username: or(self.username, input.username),
            connections: or(self.connections.map(|connections| connections.to_string()), input.connections),
            weight: or(self.weight.map(|weight| weight.to_string()), input.weight),
            mails_per_hour,
            host: input.host,
            tls: input.tls,
            password: input.password,
        }
    }
}

/// A password is never an argument: those are for every process to see.
fn password(is_asked: bool, file: Option<PathBuf>) -> anyhow::Result<Password> {
    if is_asked { Ok(Password::Typed(read_secret(file)?)) } else { Ok(Password::Kept) }
}

async fn test(
    open: &Open,
    keys: &Keys,
    configured: &Configured,
    name: &str,
    output: Output,
) -> anyhow::Result<()> {
    let relay = match configured.relays().into_iter().find(|relay| &*relay.name == name) {
        Some(relay) => relay,
        None => {
            let stored = stored(open, configured, name).await?;
            relays::open(keys, configured, &stored).ok_or_else(|| {
                anyhow::anyhow!("the password of {name} was sealed with another secret.key: set it again")
            })?
        }
    };
    let tested = connection::test(&relay).await;
    let stages: Vec<Stage> = tested.stages.iter().map(Stage::of).collect();
    output.list(&stages, ["STAGE", ""], |stage| [stage.stage.clone(), stage.state.to_owned()])?;
    match tested.outcome {
        Ok(_) if output.json => Ok(()),
        Ok(offers) => output::print(&format!("{name} can be used. It offers {offers}.\n")),
        Err(failure) => anyhow::bail!("{}", failure.sentence),
    }
}

#[derive(Debug, Serialize)]
struct Stage {
    stage: String,
    state: &'static str,
}

impl Stage {
    fn of(tested: &connection::TestedStage) -> Self {
        let state = match tested.state {
            StageState::Passed => "passed",
            StageState::Failed => "failed",
            StageState::NotReached => "not reached",
        };
        Self { stage: tested.stage.to_string(), state }
    }
}
