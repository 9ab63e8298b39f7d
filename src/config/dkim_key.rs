//! The files of the keys that sign our mail.
//!
//! Errors finish a sentence that begins with the path.

use std::fs::File;
use std::path::Path;

use super::values;
use crate::model::{DkimAlgorithm, SigningKey};

/// The key of `dkim.key_file`.
pub(super) fn rsa(path: &str) -> Result<SigningKey, String> {
    of(DkimAlgorithm::Rsa, path, "Ed25519, which dkim.ed25519_key_file is for, beside an RSA key")
}

/// The key of `dkim.ed25519_key_file`.
pub(super) fn ed25519(path: &str) -> Result<SigningKey, String> {
    of(DkimAlgorithm::Ed25519, path, "RSA, which dkim.key_file is for")
}

fn of(wanted: DkimAlgorithm, path: &str, other: &str) -> Result<SigningKey, String> {
    let key = read(Path::new(path))?;
    if key.algorithm() == wanted { Ok(key) } else { Err(format!("holds a key of the kind {other}")) }
}

/// Reads a private key that only its owner may read.
///
/// # Errors
/// When others may read it, or it is no key that can sign mail.
pub fn read(path: &Path) -> Result<SigningKey, String> {
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    if is_open_to_others(&file) {
        let command = format!("chmod 600 {}", path.display());
        return Err(format!("can be read by others, who could sign mail in your name. Run: {command}"));
    }
    SigningKey::from_pem(&values::read_open_file(file)?).map_err(|error| error.to_string())
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // What cannot be known is taken for open: the key is worth more than the start.
    file.metadata().map_or(true, |metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_file: &File) -> bool {
    false
}
