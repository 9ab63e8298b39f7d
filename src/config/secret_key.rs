//! The secret of an installation with SQLite: a file in the data folder, made at the first start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;

use super::values::{self, Secret};

/// Of the file in the data folder.
pub(super) const FILE_NAME: &str = "secret.key";
/// Octets of randomness in a key that we make; twice as many characters.
const KEY_OCTETS: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum SecretKeyError {
    #[error(
        "the key of this installation, {path}, {complaint}. Restore it from a backup: without it the links in mails that were sent are worthless"
    )]
    Unusable { path: PathBuf, complaint: String },
    #[error("everyone on this machine may read the key of this installation. Run: chmod 600 {path}")]
    Readable { path: PathBuf },
    #[error(
        "the key of this installation cannot be made at {path}: {error}. Make the folder writable, or set secret.key"
    )]
    NotMade { path: PathBuf, error: io::Error },
}

/// Reads the key, and makes it when there is none.
pub(super) fn from_folder(folder: &Path) -> Result<Secret, SecretKeyError> {
    let path = folder.join(FILE_NAME);
    if !path.exists() {
        make(folder, &path).map_err(|error| SecretKeyError::NotMade { path: path.clone(), error })?;
    }
    if is_readable_by_others(&path) {
        return Err(SecretKeyError::Readable { path });
    }
    values::read_file(&path)
        .and_then(|text| values::secret_key(text.trim_end()))
        .map_err(|complaint| SecretKeyError::Unusable { path, complaint })
}

/// Writes a key beside its place and then gives it its name, so that a key is whole or not there. Of two
/// processes that do so at once the first wins, and both read its key.
fn make(folder: &Path, path: &Path) -> io::Result<()> {
    let mut octets = [0; KEY_OCTETS];
    rand::fill(&mut octets).map_err(|_| io::Error::other("the system's random generator gave nothing"))?;
    fs::create_dir_all(folder)?;
    let draft = folder.join(format!("{FILE_NAME}.{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    writeln!(file, "{}", HEXLOWER.encode(&octets))?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        // The name must survive a power cut as the content does: links are signed with it from now on.
        _ => File::open(folder)?.sync_all(),
    }
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_path: &Path) -> bool {
    false
}
