//! The second factor (S3): an authenticator, turned on by its first right code, and ten codes for the day when it is lost.
//! Each code counts once.

use std::time::Duration;

use data_encoding::BASE32_NOPAD;

use super::authenticator::{self, SECRET_OCTETS};
use super::passwords::{self, HashError};
use super::{Desk, mails};
use crate::i18n::{FieldErrors, Message};
use crate::keys::{self, Keys, NoRandomness, Purpose};
use crate::mail::accounts::Notice;
use crate::model::{Act, Timestamp, User, UserId};
use crate::store::{self, StoreError, Tx, authenticators, sessions};

/// How many recovery codes there are: enough for a phone that is lost on a journey.
pub const CODES: usize = 10;
/// Octets of a recovery code: 16 letters; with the key of the installation nobody can try them on a stolen table.
const CODE_OCTETS: usize = 10;

#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    /// Fields: `code`, `password`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    /// It is on already, or there is none to turn on.
    #[error("the second factor has changed in the meantime")]
    MovedOn,
    #[error(transparent)]
    Throttled(#[from] super::login::Wait),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// For which person a secret is sealed.
fn context(user: UserId) -> [u8; 8] {
    user.0.to_be_bytes()
}

/// Makes a secret that waits for its first code, which the password is asked for: whoever finds a machine unlocked
/// would shut its owner out with it.
///
/// # Errors
/// [`FactorError::Invalid`] at `password`; [`FactorError::MovedOn`] when there is a second factor already.
pub async fn begin(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    password: &str,
) -> Result<(), FactorError> {
    super::users::own(desk.store, user.id)?;
    confirm(desk, user, this_session, password).await?;
    let secret = keys::random::<SECRET_OCTETS>()?;
    let sealed = desk.keys.seal(Purpose::Authenticator, &context(user.id), &secret)?;
    let mut tx = desk.store.begin().await?;
    if !authenticators::begin(&mut tx, user.id, &sealed, desk.clock.now()).await? {
        return Err(FactorError::MovedOn);
    }
    tx.commit().await?;
    Ok(())
}

/// How things stand with somebody's second factor.
#[derive(Debug)]
pub enum State {
    None,
    /// This secret waits for its first code.
    Waiting(Vec<u8>),
    /// How many recovery codes are left.
    On {
        codes_left: i64,
    },
}

/// # Errors
/// Of the database.
pub async fn state(desk: Desk<'_>, user: UserId) -> store::Result<State> {
    let mut reader = desk.store.read().await?;
    let Some(known) = authenticators::of_user(reader.db(), user).await? else { return Ok(State::None) };
    if known.active_at.is_some() {
        return Ok(State::On { codes_left: authenticators::codes_left(reader.db(), user).await? });
    }
    // One that was sealed with another key of the installation is begun anew.
    let secret = desk.keys.unseal(Purpose::Authenticator, &context(user), &known.sealed_secret);
    Ok(secret.map_or(State::None, State::Waiting))
}

/// Turns it on with the first code, ends every other session, and answers the recovery codes, which are shown once.
///
/// # Errors
/// [`FactorError::Invalid`] at `code`.
pub async fn turn_on(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    code: &str,
) -> Result<Vec<String>, FactorError> {
    super::users::own(desk.store, user.id)?;
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    let known = authenticators::of_user(tx.db(), user.id).await?;
    let known = known.filter(|known| known.active_at.is_none()).ok_or(FactorError::MovedOn)?;
    if !is_code(&mut tx, desk.keys, user.id, &known.sealed_secret, code, now).await? {
        return Err(FieldErrors::of("code", Message::new("factor-error-code")).into());
    }
    if !authenticators::activate(&mut tx, user.id, now).await? {
        return Err(FactorError::MovedOn);
    }
    let codes = fresh_codes(&mut tx, desk.keys, user.id).await?;
    sessions::delete_others(&mut tx, user.id, this_session).await?;
    tx.note(Act::PersonFactorOn, None, user.id.0).await?;
    mails::tell(&mut tx, desk, user.id, Notice::FactorOn).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Turns it off, which the password is asked for, and ends every other session.
///
/// # Errors
/// [`FactorError::Invalid`] at `password`.
pub async fn turn_off(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    password: &str,
) -> Result<(), FactorError> {
    super::users::own(desk.store, user.id)?;
    confirm(desk, user, this_session, password).await?;
    let mut tx = desk.store.begin().await?;
    if !authenticators::delete(&mut tx, user.id).await? {
        return Err(FactorError::MovedOn);
    }
    sessions::delete_others(&mut tx, user.id, this_session).await?;
    tx.note(Act::PersonFactorOff, None, user.id.0).await?;
    mails::tell(&mut tx, desk, user.id, Notice::FactorOff).await?;
    tx.commit().await?;
    Ok(())
}

/// New recovery codes in place of the old ones.
///
/// # Errors
/// [`FactorError::Invalid`] at `password`.
pub async fn renew_codes(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    password: &str,
) -> Result<Vec<String>, FactorError> {
    super::users::own(desk.store, user.id)?;
    confirm(desk, user, this_session, password).await?;
    let mut tx = desk.store.begin().await?;
    if !authenticators::is_active(tx.db(), user.id).await? {
        return Err(FactorError::MovedOn);
    }
    let codes = fresh_codes(&mut tx, desk.keys, user.id).await?;
    tx.note(Act::PersonCodesMade, None, user.id.0).await?;
    mails::tell(&mut tx, desk, user.id, Notice::CodesMade).await?;
    tx.commit().await?;
    Ok(codes)
}

/// A session counts as just begun for so long.
pub const FRESH: Duration = Duration::from_secs(10 * 60);

/// That it is really the one who is signed in: by the password, with the limit of a login. Who has none must have signed in
/// just now.
pub(super) async fn confirm(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    password: &str,
) -> Result<(), FactorError> {
    if !user.has_password() {
        let began = sessions::began_at(desk.store.read().await?.db(), this_session).await?;
        let now = desk.clock.now();
        if began.is_some_and(|began| now.since(began) < FRESH) {
            return Ok(());
        }
        return Err(FieldErrors::of("password", Message::new("account-error-fresh")).into());
    }
    let wait = super::login::count_own(desk, user.id).await?;
    if let Some(wait) = wait {
        return Err(wait.into());
    }
    if !passwords::verify(password, Some(&user.password_hash)).await? {
        return Err(FieldErrors::of("password", Message::new("account-error-password")).into());
    }
    super::login::forgive_own(desk, user.id).await?;
    Ok(())
}

/// Whether a code of the authenticator is right, and uses it up.
async fn is_code(
    tx: &mut Tx,
    keys: &Keys,
    user: UserId,
    sealed: &[u8],
    typed: &str,
    now: Timestamp,
) -> store::Result<bool> {
    let Some(secret) = keys.unseal(Purpose::Authenticator, &context(user), sealed) else {
        tracing::error!(
            "the secret of an authenticator does not open: is the key of the installation another one?"
        );
        return Ok(false);
    };
    match authenticator::period_of_code(&secret, typed, now) {
        Some(period) => authenticators::use_period(tx, user, period).await,
        None => Ok(false),
    }
}

/// What was typed for a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    Wrong,
    Code,
    /// A recovery code: so many are left.
    Recovery(i64),
}

/// Looks at a code of the authenticator or a recovery code, and uses it up.
pub(super) async fn check(
    tx: &mut Tx,
    keys: &Keys,
    user: UserId,
    typed: &str,
    now: Timestamp,
) -> store::Result<Typed> {
    let Some(known) = authenticators::of_user(tx.db(), user).await? else { return Ok(Typed::Wrong) };
    if is_code(tx, keys, user, &known.sealed_secret, typed, now).await? {
        return Ok(Typed::Code);
    }
    if authenticators::use_code(tx, user, &code_hash(keys, user, typed), now).await? {
        return Ok(Typed::Recovery(authenticators::codes_left(tx.db(), user).await?));
    }
    Ok(Typed::Wrong)
}

async fn fresh_codes(tx: &mut Tx, keys: &Keys, user: UserId) -> Result<Vec<String>, FactorError> {
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        codes.push(BASE32_NOPAD.encode(&keys::random::<CODE_OCTETS>()?).to_ascii_lowercase());
    }
    let hashes: Vec<_> = codes.iter().map(|code| code_hash(keys, user, code)).collect();
    authenticators::set_codes(tx, user, &hashes).await?;
    Ok(codes.iter().map(|code| grouped(code)).collect())
}

/// `abcd-efgh-ijkl-mnop`.
fn grouped(code: &str) -> String {
    let mut text = String::new();
    for (at, c) in code.chars().enumerate() {
        if at > 0 && at.is_multiple_of(4) {
            text.push('-');
        }
        text.push(c);
    }
    text
}

/// What is kept of a recovery code: a keyed hash, for this person alone. Signs and capitals do not count.
fn code_hash(keys: &Keys, user: UserId, typed: &str) -> Vec<u8> {
    /// Longest text that can be one; what is longer is none.
    const TYPED_MAX: usize = 64;
    let code: String = typed.chars().take(TYPED_MAX).filter(char::is_ascii_alphanumeric).collect();
    let mut data = context(user).to_vec();
    data.extend_from_slice(code.to_ascii_lowercase().as_bytes());
    keys.mac(Purpose::RecoveryCode, &data).to_vec()
}
