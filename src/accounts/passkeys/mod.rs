//! Passkeys (WebAuthn Level 3): made at one's account, and a login of its own that is worth both factors, because the
//! authenticator has asked who is there. What is refused, and why, says `docs/decisions/0032-passkeys.md`.
//!
//! [`ceremony`] judges what an authenticator says, reading [`cbor`] and keys ([`cose`]). Here are the verbs. A challenge is
//! derived from a token in the browser's cookie, of which the database keeps the SHA-256: it is for one browser, once.

pub mod cbor;
pub mod ceremony;
pub mod cose;

use std::net::IpAddr;
use std::time::Duration;

use self::ceremony::{CeremonyError, Expected, Signed, Site};
use super::login::{self, Limit, LoggedIn, LoginError, Origin, Wait};
use super::own::{WayError, Ways, keep_a_way_in};
use super::second_factor::{FactorError, confirm};
use super::sessions::SessionError;
use super::{Desk, mails};
use crate::i18n::{FieldErrors, Message};
use crate::keys::{Keys, NoRandomness, Purpose, equal, random_token, token_hash};
use crate::mail::accounts::Notice;
use crate::model::{Act, PasskeyId, User, UserId};
use crate::store::passkey_challenges::Challenge;
use crate::store::passkeys::{NewPasskey, Passkey};
use crate::store::{self, StoreError, audit, login_steps, passkey_challenges, passkeys, sessions, users};

/// So long a device may take to answer.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Most passkeys of a person: a phone, a few machines, a key or two in a drawer.
const PASSKEYS_MAX: usize = 20;
const NAME_MAX_CHARACTERS: usize = 60;
/// Logins that one network may begin: a company comes to work at nine.
const PER_NETWORK: Limit = Limit::new("passkey-network", Duration::from_secs(15 * 60), 100);

#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// Not of this browser, used already, or too late.
    #[error("{}", self.message())]
    Over,
    /// What the authenticator says cannot be believed.
    #[error("the passkey is refused: {0}")]
    Refused(#[from] CeremonyError),
    /// Of nobody here, of somebody else than it says, or of somebody disabled: nobody learns which.
    #[error("{}", self.message())]
    Stranger,
    /// It counts as if there were two of it.
    #[error("{}", self.message())]
    Copied,
    /// There is one of that id.
    #[error("{}", self.message())]
    Known,
    /// As many as one person can have.
    #[error("{}", self.message())]
    Many,
    /// Fields: `name`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error(transparent)]
    Unconfirmed(#[from] FactorError),
    #[error(transparent)]
    Throttled(#[from] Wait),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PasskeyError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Over => Message::new("passkey-error-over"),
            Self::Refused(_) | Self::Stranger => Message::new("passkey-error-refused"),
            Self::Copied => Message::new("passkey-error-copied"),
            Self::Known => Message::new("passkey-error-known"),
            Self::Many => Message::new("passkey-error-many"),
            Self::Throttled(wait) => wait.message(),
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::Unconfirmed(_) | Self::Session(_) | Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    /// The key of [`PasskeyError::message`].
    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

impl From<NoRandomness> for PasskeyError {
    fn from(error: NoRandomness) -> Self {
        Self::Session(error.into())
    }
}

/// What a browser asks an authenticator to sign.
#[derive(Debug)]
pub struct Asked {
    /// For the browser's cookie, for [`CHALLENGE_LIFETIME`].
    pub token: String,
    pub challenge: [u8; 32],
}

/// An authenticator's answer to a login.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    pub credential_id: &'a [u8],
    /// Whose passkey it says that it is.
    pub user_handle: &'a [u8],
    pub signed: Signed<'a>,
}

fn challenge(keys: &Keys, token: &str) -> [u8; 32] {
    keys.mac(Purpose::PasskeyChallenge, token.as_bytes())
}

/// How authenticators know somebody: it says nothing about them, and is nobody else's.
pub fn user_handle(keys: &Keys, user: UserId) -> [u8; 32] {
    keys.mac(Purpose::PasskeyUser, &user.0.to_be_bytes())
}

async fn ask(desk: Desk<'_>, bound_to: &[u8], name: &str) -> Result<Asked, PasskeyError> {
    let token = random_token()?;
    let hash = token_hash(&token).ok_or(NoRandomness)?;
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    passkey_challenges::delete_expired(&mut tx, now).await?;
    passkey_challenges::insert(&mut tx, &hash, bound_to, name, now.plus(CHALLENGE_LIFETIME)).await?;
    tx.commit().await?;
    Ok(Asked { challenge: challenge(desk.keys, &token), token })
}

/// The challenge of a browser, used up whatever comes of it.
async fn take(desk: Desk<'_>, token: &str) -> Result<Challenge, PasskeyError> {
    let hash = token_hash(token).ok_or(PasskeyError::Over)?;
    let mut tx = desk.store.begin().await?;
    let taken = passkey_challenges::take(&mut tx, &hash, desk.clock.now()).await?;
    tx.commit().await?;
    taken.ok_or(PasskeyError::Over)
}

/// The passkeys of somebody.
///
/// # Errors
/// Of the database.
pub async fn of_user(desk: Desk<'_>, user: &User) -> store::Result<Vec<Passkey>> {
    super::users::own(desk.store, user.id)?;
    passkeys::of_user(desk.store.read().await?.db(), user.id).await
}

/// Begins to make a passkey: the password is asked for, or a session that has just begun.
///
/// # Errors
/// [`PasskeyError::Invalid`] without a name for it, [`PasskeyError::Unconfirmed`], [`PasskeyError::Many`].
pub async fn begin(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    name: &str,
    password: &str,
) -> Result<Asked, PasskeyError> {
    super::users::own(desk.store, user.id)?;
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    if name.is_empty() || name.chars().count() > NAME_MAX_CHARACTERS {
        let most = i64::try_from(NAME_MAX_CHARACTERS).unwrap_or(i64::MAX);
        return Err(FieldErrors::of("name", Message::new("passkey-error-name").number("most", most)).into());
    }
    confirm(desk, user, this_session, password).await?;
    if of_user(desk, user).await?.len() >= PASSKEYS_MAX {
        return Err(PasskeyError::Many);
    }
    ask(desk, this_session, &name).await
}

/// Adds the passkey that an authenticator has made. Every other session ends.
///
/// # Errors
/// [`PasskeyError`].
pub async fn add(
    desk: Desk<'_>,
    site: &Site,
    user: &User,
    this_session: &[u8],
    token: &str,
    client_data: &[u8],
    attestation: &[u8],
) -> Result<(), PasskeyError> {
    super::users::own(desk.store, user.id)?;
    let asked = take(desk, token).await?;
    if !equal(&asked.bound_to, this_session) {
        return Err(PasskeyError::Over);
    }
    let expected = Expected { site, challenge: &challenge(desk.keys, token) };
    let made = ceremony::made(&expected, client_data, attestation)?;
    let new = NewPasskey {
        credential_id: &made.credential_id,
        public_key: &made.public_key,
        counter: i64::from(made.counter),
        can_sync: made.can_sync,
        is_synced: made.is_synced,
        name: &asked.name,
    };
    let mut tx = desk.store.begin().await?;
    users::lock(&mut tx, user.id).await?.filter(User::is_active).ok_or(PasskeyError::Over)?;
    if passkeys::of_user(tx.db(), user.id).await?.len() >= PASSKEYS_MAX {
        return Err(PasskeyError::Many);
    }
    if !passkeys::insert(&mut tx, user.id, new, desk.clock.now()).await? {
        return Err(PasskeyError::Known);
    }
    sessions::delete_others(&mut tx, user.id, this_session).await?;
    tx.note(Act::PersonPasskeyAdded, None, user.id.0).await?;
    mails::tell(&mut tx, desk, user.id, Notice::PasskeyAdded(&asked.name)).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a passkey; one that is gone is fine. Every other session ends.
///
/// # Errors
/// [`WayError`]: without the password, or when it is the last way in.
pub async fn remove(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    id: PasskeyId,
    password: &str,
    ways: Ways<'_>,
) -> Result<(), WayError> {
    super::users::own(desk.store, user.id)?;
    confirm(desk, user, this_session, password).await?;
    let mut tx = desk.store.begin().await?;
    // Two that are removed at once would both be the last but one.
    users::lock(&mut tx, user.id).await?;
    let Some(name) = passkeys::delete(&mut tx, user.id, id).await? else { return Ok(()) };
    keep_a_way_in(&mut tx, user.id, ways).await?;
    sessions::delete_others(&mut tx, user.id, this_session).await?;
    tx.note(Act::PersonPasskeyRemoved, None, user.id.0).await?;
    mails::tell(&mut tx, desk, user.id, Notice::PasskeyRemoved(&name)).await?;
    tx.commit().await?;
    Ok(())
}

/// Begins a login: nobody says who they are yet.
///
/// # Errors
/// [`PasskeyError::Throttled`] for a network that begins too often.
pub async fn begin_login(desk: Desk<'_>, ip: IpAddr) -> Result<Asked, PasskeyError> {
    login::count_network::<PasskeyError>(desk, PER_NETWORK, ip).await?;
    ask(desk, &[], "").await
}

/// Signs in with a passkey, which is worth both factors.
///
/// # Errors
/// [`PasskeyError`].
pub async fn log_in(
    desk: Desk<'_>,
    site: &Site,
    token: &str,
    answered: &Answered<'_>,
    from: &Origin<'_>,
) -> Result<LoggedIn, PasskeyError> {
    if !take(desk, token).await?.bound_to.is_empty() {
        return Err(PasskeyError::Over);
    }
    let mut tx = desk.store.begin().await?;
    let known = passkeys::by_credential(tx.db(), answered.credential_id).await?;
    let known = known.ok_or(PasskeyError::Stranger)?;
    if !equal(answered.user_handle, &user_handle(desk.keys, known.user_id)) {
        return Err(PasskeyError::Stranger);
    }
    let expected = Expected { site, challenge: &challenge(desk.keys, token) };
    let used = ceremony::used(&expected, &known.public_key, &answered.signed)?;
    // It cannot become one that can be copied, or no longer be.
    if used.can_sync != known.can_sync {
        return Err(CeremonyError::Copies.into());
    }
    let user = users::lock(&mut tx, known.user_id).await?.filter(User::is_active);
    let user = user.ok_or(PasskeyError::Stranger)?;
    let now = desk.clock.now();
    let counter = i64::from(used.counter);
    if !passkeys::use_counter(&mut tx, known.id, counter, used.is_synced, now).await? {
        let id = Some(user.id.0);
        audit::by(&mut tx, Some(user.id), &user.name, Act::PersonPasskeyCopied, None, id, "", now).await?;
        mails::tell(&mut tx, desk, user.id, Notice::PasskeyCopied(&known.name)).await?;
        tx.commit().await?;
        return Err(PasskeyError::Copied);
    }
    login_steps::delete_of_user(&mut tx, user.id).await?;
    let token = match login::enter(&mut tx, desk, &user, from, "passkey").await {
        Ok(token) => token,
        Err(LoginError::Store(error)) => return Err(error.into()),
        Err(LoginError::Session(error)) => return Err(error.into()),
        Err(_) => return Err(PasskeyError::Stranger),
    };
    tx.commit().await?;
    Ok(LoggedIn { user, token })
}
