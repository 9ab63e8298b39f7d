//! A password for a command: from standard input or a file, never from an argument.

use std::io::Read as _;
use std::path::PathBuf;

use super::output;

/// Longest file or input, in octets: far more than a password, and enough for an access token.
const SECRET_MAX_OCTETS: u64 = 16 * 1024;

/// Reads a password; a line break at the end is no part of it.
pub(super) fn read_secret(file: Option<PathBuf>) -> anyhow::Result<String> {
    let mut text = String::new();
    match file {
        Some(path) => {
            let opened = std::fs::File::open(&path);
            let opened =
                opened.map_err(|error| anyhow::anyhow!("{} cannot be read: {error}", path.display()))?;
            opened.take(SECRET_MAX_OCTETS).read_to_string(&mut text)?;
        }
        None => {
            if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
                output::print("Password, ended by Enter and Ctrl-D (it is shown): ")?;
            }
            std::io::stdin().take(SECRET_MAX_OCTETS).read_to_string(&mut text)?;
        }
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
