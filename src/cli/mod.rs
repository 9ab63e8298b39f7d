//! The command line: one file per command.
//!
//! To add a command: a file with its arguments and an `async fn run`, a variant of [`Command`], and its line in
//! [`Command::run`]. A command parses, calls a verb and shows the answer by [`output`].
//!
//! Exit codes: 0 it is done, 1 it failed, 2 the arguments or the configuration are wrong.

mod config;
mod demo;
mod output;
mod serve;

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
    /// Check the configuration, or print one to begin with
    Config(config::Arguments),
}

impl Command {
    async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Demo(arguments) => demo::run(arguments).await,
            Self::Serve(arguments) => serve::run(arguments, settings).await,
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

    /// For a process that serves or sends.
    fn load_for(&self, role: Role) -> Result<Config, ConfigErrors> {
        Config::load_for(role, self.path(), environment())
    }
}

/// Parses the arguments, runs the command and tells what went wrong.
pub fn run() -> ExitCode {
    let Arguments { config, command } = Arguments::parse();
    let settings = Settings::find(config);
    let done = tokio::runtime::Runtime::new()
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
