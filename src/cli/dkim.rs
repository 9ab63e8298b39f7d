//! `dkim new` and `dkim record`: the keys that sign our mail, and what DNS must say of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output::{self, Output};
use crate::config::{parse_domain, parse_selector, read_dkim_key};
use crate::model::dkim::txt_strings;
use crate::model::{DkimAlgorithm, DkimKey, SigningKey};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key, and show the record to publish
    New {
        #[command(flatten)]
        place: Place,
        /// Ed25519, beside an RSA key, which every receiver can check [default: RSA, 2048 bits]
        #[arg(long)]
        ed25519: bool,
        /// Where the key goes; a file that is there is never written over
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        output: Output,
    },
    /// Show the record of a key that is there
    Record {
        #[command(flatten)]
        place: Place,
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        #[command(flatten)]
        output: Output,
    },
}

/// Where in DNS the record goes.
#[derive(Debug, clap::Args)]
struct Place {
    /// Of the senders: example.com signs for news.example.com too
    #[arg(long, value_parser = domain)]
    domain: String,
    /// A name for this key; a new key gets a new name
    #[arg(long, value_parser = selector)]
    selector: String,
}

fn domain(text: &str) -> Result<String, String> {
    parse_domain(text).map_err(|complaint| format!("it {complaint}"))
}

fn selector(text: &str) -> Result<String, String> {
    parse_selector(text).map_err(|complaint| format!("it {complaint}"))
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.action {
        Action::New { place, ed25519, out, output } => {
            let algorithm = if ed25519 { DkimAlgorithm::Ed25519 } else { DkimAlgorithm::Rsa };
            let key = SigningKey::generate(algorithm)?;
            write_key(&out, &key.to_pem()?).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => anyhow::anyhow!(
                    "{} is there already, and may be a key in use. Choose another name",
                    out.display()
                ),
                _ => anyhow::anyhow!("the key cannot be written to {}: {error}", out.display()),
            })?;
            show(place, key, &out, output)
        }
        Action::Record { place, key: path, output } => {
            let key = read_dkim_key(&path)
                .map_err(|complaint| anyhow::anyhow!("{} {complaint}", path.display()))?;
            show(place, key, &path, output)
        }
    }
}

/// A key is for its owner's eyes from the first octet on, and whole or not there.
fn write_key(path: &Path, pem: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    });
    if written.is_err() {
        fs::remove_file(path)?;
    }
    written
}

/// What DNS must say of a key, and what the configuration.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    value: String,
    /// The value in the strings that a TXT record is made of.
    strings: Vec<String>,
    /// Lines of the configuration file.
    configuration: Vec<String>,
}

fn show(place: Place, key: SigningKey, path: &Path, output: Output) -> anyhow::Result<()> {
    let Place { domain, selector } = place;
    let value = key.record()?;
    let strings: Vec<String> = txt_strings(&value).map(str::to_owned).collect();
    let path = std::path::absolute(path)?;
    let prefix = match key.algorithm() {
        DkimAlgorithm::Rsa => "",
        DkimAlgorithm::Ed25519 => "ed25519_",
    };
    // A text in JSON is one in TOML, too.
    let line = |name: &str, value: &str| format!("{name} = {}", serde_json::Value::from(value));
    let configuration = vec![
        "[dkim]".to_owned(),
        line("domain", &domain),
        line(&format!("{prefix}selector"), &selector),
        line(&format!("{prefix}key_file"), &path.to_string_lossy()),
    ];
    let name = DkimKey { selector, key }.record_name(&domain);
    let shown = Shown { name, value, strings, configuration };
    if output.json {
        return output.one(&shown, &[]);
    }
    let quoted: Vec<String> = shown.strings.iter().map(|string| format!("\"{string}\"")).collect();
    output::print(&format!(
        "The record to publish, of the type TXT:\n\n{}\n\n{}\n\n\
         The same for a zone file:\n\n{}. IN TXT ( {} )\n\n\
         When it is published, for the configuration:\n\n{}\n",
        shown.name,
        shown.value,
        shown.name,
        quoted.join("\n    "),
        shown.configuration.join("\n"),
    ))
}
