//! `config check` and `config example`.

use std::time::Duration;

use serde_json::json;

use super::Settings;
use super::output::{self, Output};
use crate::config::{Config, ConfigErrors, DatabaseUrl, Role, example};
use crate::model::{NamedRelay, RelaySettings, Retention};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Tell every mistake in the configuration
    Check {
        /// For a process of which role: all, web or sender
        #[arg(long, default_value_t = Role::All)]
        role: Role,
        #[command(flatten)]
        output: Output,
    },
    /// Print a commented configuration file
    Example,
}

pub(super) fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    match arguments.action {
        Action::Check { role, output } => check(settings, role, output),
        Action::Example => output::print(&example()),
    }
}

fn check(settings: &Settings, role: Role, output: Output) -> anyhow::Result<()> {
    let checked = settings.load_for(role);
    match &checked {
        Ok(config) => {
            let relays: Vec<String> = config.relays.iter().map(|relay| relay.name.to_string()).collect();
            let answer = json!({ "ok": true, "mistakes": [], "relays": relays });
            output.one(&answer, &summary(settings, config))?
        }
        // The sentences follow on standard error, as for every command.
        Err(errors) if output.json => {
            output.one(&json!({ "ok": false, "mistakes": mistakes(errors) }), &[])?
        }
        Err(_) => {}
    }
    Ok(checked.map(drop)?)
}

fn mistakes(errors: &ConfigErrors) -> Vec<serde_json::Value> {
    let mistake = |error: &crate::config::ConfigError| json!({ "setting": error.setting, "origin": error.origin.to_string(), "problem": error.problem });
    errors.iter().map(mistake).collect()
}

/// What is in force of that which people ask first.
fn summary(settings: &Settings, config: &Config) -> Vec<(&'static str, String)> {
    let file = settings.path().map_or("none".to_owned(), |path| path.display().to_string());
    let database = match &config.database.url {
        DatabaseUrl::Sqlite(path) => format!("SQLite, {}", path.display()),
        DatabaseUrl::Postgres(_) => "PostgreSQL".to_owned(),
    };
    let signing = match &config.dkim {
        Some(dkim) => {
            let selectors: Vec<&str> = dkim.keys.iter().map(|key| key.selector.as_str()).collect();
            format!("senders of {}, with {}", dkim.domain, selectors.join(" and "))
        }
        None => "none: left to the relay".to_owned(),
    };
    let mut fields = vec![
        ("Configuration", "right".to_owned()),
        ("File", file),
        ("Data folder", config.data.folder.display().to_string()),
        ("Database", database),
        ("Listens on", config.web.listen.to_string()),
        ("Public address", config.web.public_url.to_string()),
        ("Signing", signing),
        ("Forgets", retention_in_words(&config.retention)),
    ];
    fields.extend(config.relays.iter().map(|relay| ("Relay", relay_in_words(relay))));
    if config.relays.is_empty() {
        fields.push(("Relay", "none".to_owned()));
    }
    fields
}

/// After how long what is forgotten; also for `doctor`.
pub(super) fn retention_in_words(retention: &Retention) -> String {
    const DAY: u64 = 24 * 3600;
    let days = |period: &Duration| format!("{} days", period.as_secs() / DAY);
    // A new period is named here, or this does not compile.
    let Retention { evidence, single_mails, replies, departures, counts, hits, audit } = retention;
    format!(
        "sign-ups nobody confirmed after 8 days, evidence of who left (IP, browser, referrer) after {}, single mails after {}, \
         replies after {}, reasons for leaving after {}, counts of sign-ups after {}, who followed and opened what after {}, \
         who did what after {}",
        days(evidence),
        days(single_mails),
        days(replies),
        days(departures),
        days(counts),
        days(hits),
        days(audit)
    )
}

fn relay_in_words(relay: &NamedRelay) -> String {
    let NamedRelay { name, weight, settings } = relay;
    let RelaySettings { host, port, tls, connections, .. } = settings;
    let login = settings.credentials.as_ref().map_or("no login", |login| login.method.as_str());
    let rate = settings.mails_per_hour.map_or(String::new(), |rate| format!(", {rate} mails per hour"));
    format!(
        "{name}: {host}, port {port}, TLS: {tls}, {login}, weight {weight}, {connections} connections{rate}"
    )
}
