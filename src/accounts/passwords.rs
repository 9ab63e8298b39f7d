//! Passwords: what is accepted, and how it is kept (S1, S2).

use std::collections::HashSet;
use std::sync::LazyLock;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::i18n::Message;
use crate::model::EmailAddress;

/// Fewest characters (NIST SP 800-63B, 3.1.1.2); 15 are advised on the form.
pub const PASSWORD_MIN_CHARS: usize = 8;
/// Most characters: far beyond any passphrase, and a bound for the work.
pub const PASSWORD_MAX_CHARS: usize = 200;
/// Hashes at once: each takes 19 MB and a core, and logins must not eat the machine.
const HASHES_MAX: usize = 2;
/// OWASP's first choice for argon2id, about 20 ms.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// For users that do not exist: costs the same time, and fits no password that counts.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cG9zdGlsam9uLWR1bW15IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static HASHING: Semaphore = Semaphore::const_new(HASHES_MAX);
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// A password could not be hashed or compared: a defect, or a machine without memory.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct HashError(String);

/// What is wrong with a new password, if anything.
pub fn problem(password: &str, address: &EmailAddress) -> Option<Message> {
    problem_for(password, Some(address))
}

/// The same where the address may be wrong itself, and is then `None`.
pub fn problem_for(password: &str, address: Option<&EmailAddress>) -> Option<Message> {
    let is_address =
        |text: &str| address.is_some_and(|address| text == address.key() || text == address.local());
    let chars = password.chars().count();
    let lower = password.to_lowercase();
    if chars < PASSWORD_MIN_CHARS {
        Some(Message::new("error-password-short"))
    } else if chars > PASSWORD_MAX_CHARS {
        Some(Message::new("error-password-long"))
    } else if COMMON.contains(lower.as_str()) || is_address(&lower) {
        Some(Message::new("error-password-common"))
    } else {
        None
    }
}

/// The PHC string of a password, with a salt of its own.
///
/// # Errors
/// [`HashError`] only when the machine has no memory or no randomness.
pub async fn hash(password: &str) -> Result<String, HashError> {
    let password = password.to_owned();
    blocking(move || {
        let hash: PasswordHash = argon2()?.hash_password(password.as_bytes()).map_err(explain)?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether a password is the one of a hash. Without a hash (nobody of that name) the answer is no, after
/// the same time.
///
/// # Errors
/// [`HashError`] when the stored hash cannot be read.
pub async fn verify(password: &str, hash: Option<&str>) -> Result<bool, HashError> {
    let is_known = hash.is_some();
    let (password, hash) = (password.to_owned(), hash.unwrap_or(DUMMY_HASH).to_owned());
    let is_right = blocking(move || {
        let hash = PasswordHash::new(&hash).map_err(explain)?;
        Ok(argon2()?.verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await?;
    Ok(is_right && is_known)
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(explain)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
) -> Result<T, HashError> {
    let _permit = HASHING.acquire().await.map_err(explain)?;
    tokio::task::spawn_blocking(work).await.map_err(explain)?
}

fn explain(error: impl std::fmt::Display) -> HashError {
    HashError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_and_long_ones_are_not() {
        let address: EmailAddress = "redactie.nieuws@voorbeeld.example".parse().expect("an address");
        let key = |password: &str| problem(password, &address).map(|message| message.key());
        assert_eq!(key("kort"), Some("error-password-short"));
        assert_eq!(key("éééééééé"), None);
        assert_eq!(key("WachtWoord1"), Some("error-password-common"));
        assert_eq!(key("redactie.nieuws"), Some("error-password-common"));
        assert_eq!(key(&"p ".repeat(100)), None);
        assert_eq!(key(&"p".repeat(201)), Some("error-password-long"));
        let without = |password: &str| problem_for(password, None).map(|message| message.key());
        assert_eq!(without("kort"), Some("error-password-short"));
        assert_eq!(without("redactie.nieuws"), None);
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_and_fits_its_password_alone() {
        let hashed = hash("een lang wachtwoord").await.expect("hashed");
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert_ne!(hashed, hash("een lang wachtwoord").await.expect("hashed"));
        assert!(verify("een lang wachtwoord", Some(&hashed)).await.expect("verified"));
        assert!(!verify("een lang wachtwoord ", Some(&hashed)).await.expect("verified"));
    }

    #[tokio::test]
    async fn nobody_takes_as_long_as_somebody() {
        // The dummy must be a hash that is really computed: an unreadable one would answer at once.
        assert!(PasswordHash::new(DUMMY_HASH).is_ok());
        assert!(!verify("x", None).await.expect("verified"));
    }
}
