//! The command line: one file per command.
//!
//! To add a command: a file with its arguments and an `async fn run`, a variant of [`Command`], and its line in
//! [`Command::run`]. A command parses, calls a verb and shows the answer by [`output`].
//!
//! Exit codes: 0 it is done, 1 it failed, 2 the arguments or the configuration are wrong.

mod article;
mod config;
mod demo;
mod digest;
mod dkim;
mod doctor;
mod issue;
mod key;
mod mailing;
mod migrate;
mod newsletter;
mod open;
mod output;
mod relay;
mod report;
mod secret;
mod serve;
mod setup;
mod source;
mod subscriber;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigErrors, PATH_VARIABLE, Role, environment};

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;
/// The configuration file where none is named, if it exists.
const DEFAULT_PATH: &str = "postiljon.toml";

/// Newsletter subscription and mailing in one binary.
#[derive(Debug, Parser)]
#[command(name = "postiljon", version, arg_required_else_help = true)]
struct Arguments {
    /// The configuration file [environment: POSTILJON_CONFIG; default: ./postiljon.toml, if it exists]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on this machine, with sample articles and a mailbox to look into
    Demo(demo::Arguments),
    /// Serve the pages and send the mail
    Serve(serve::Arguments),
    /// Bring the schema of the database up to date
    Migrate(migrate::Arguments),
    /// Print a link to the first run in the browser, while there is no user
    Setup,
    /// Who works at the desk
    User(user::Arguments),
    /// Keys by which programs use the API
    Key(key::Arguments),
    /// What people subscribe to
    Newsletter(newsletter::Arguments),
    /// The SMTP servers that take our mail
    Relay(relay::Arguments),
    /// Stored pieces of writing
    Article(article::Arguments),
    /// Editions of a newsletter, made of articles
    Issue(issue::Arguments),
    /// Issues that rules make of articles, on their days
    Digest(digest::Arguments),
    /// Feeds of which the entries become articles
    Source(source::Arguments),
    /// The sending of an issue, and its account
    Mailing(mailing::Arguments),
    /// What came of an issue, or how a newsletter does
    Report(report::Arguments),
    /// People, and what is known of them
    Subscriber(subscriber::Arguments),
    /// The keys that sign our mail, and their DNS records
    Dkim(dkim::Arguments),
    /// Look at everything an operator would look at: settings, disk, database, relays
    Doctor(doctor::Arguments),
    /// Check the configuration, or print one to begin with
    Config(config::Arguments),
}

impl Command {
    async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Demo(arguments) => demo::run(arguments).await,
            Self::Serve(arguments) => serve::run(arguments, settings).await,
            Self::Migrate(arguments) => migrate::run(arguments, settings).await,
            Self::Setup => setup::run(settings).await,
            Self::User(arguments) => user::run(arguments, settings).await,
            Self::Key(arguments) => key::run(arguments, settings).await,
            Self::Newsletter(arguments) => newsletter::run(arguments, settings).await,
            Self::Relay(arguments) => relay::run(arguments, settings).await,
            Self::Article(arguments) => article::run(arguments, settings).await,
            Self::Issue(arguments) => issue::run(arguments, settings).await,
            Self::Digest(arguments) => digest::run(arguments, settings).await,
            Self::Source(arguments) => source::run(arguments, settings).await,
            Self::Mailing(arguments) => mailing::run(arguments, settings).await,
            Self::Report(arguments) => report::run(arguments, settings).await,
            Self::Subscriber(arguments) => subscriber::run(arguments, settings).await,
            Self::Dkim(arguments) => dkim::run(arguments),
            Self::Doctor(arguments) => doctor::run(arguments, settings).await,
            Self::Config(arguments) => config::run(arguments, settings),
        }
    }
}

/// Where the settings are; each command loads what it needs of them.
#[derive(Debug)]
struct Settings {
    path: Option<PathBuf>,
}

impl Settings {
    /// `--config`, then the variable, then the default where it exists.
    fn find(argument: Option<PathBuf>) -> Self {
        let variable = || std::env::var_os(PATH_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let default = || Some(PathBuf::from(DEFAULT_PATH)).filter(|path| path.exists());
        Self { path: argument.or_else(variable).or_else(default) }
    }

    fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// For a command that neither serves nor sends.
    fn load(&self) -> Result<Config, ConfigErrors> {
        Config::load(self.path(), environment())
    }

    /// For a process that serves or sends.
    fn load_for(&self, role: Role) -> Result<Config, ConfigErrors> {
        Config::load_for(role, self.path(), environment())
    }
}

/// Parses the arguments, runs the command and tells what went wrong.
pub fn run() -> ExitCode {
    let Arguments { config, command } = Arguments::parse();
    let settings = Settings::find(config);
    let done = crate::service::runtime()
        .context("the threads of the process cannot be started")
        .and_then(|runtime| runtime.block_on(command.run(&settings)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(if error.is::<ConfigErrors>() { EXIT_USAGE } else { EXIT_FAILED })
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }
}
