//! One's own account: another password, and the sessions that are open.

use super::passwords::{self, HashError};
use super::provider::Provider;
use super::second_factor::{FactorError, confirm};
use super::sessions::IDLE_MAX;
use super::{Desk, mails};
use crate::i18n::{FieldErrors, Message};
use crate::model::{Act, User, UserId};
use crate::store::sessions::OpenSession;
use crate::store::{self, StoreError, Tx, account_links, identities, login_steps, passkeys, sessions, users};

#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// Fields: `password` (the present one), `new`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error(transparent)]
    Throttled(#[from] super::login::Wait),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a way in cannot be added or taken away.
#[derive(Debug, thiserror::Error)]
pub enum WayError {
    /// The password, or a session that has just begun: field `password`.
    #[error(transparent)]
    Unconfirmed(#[from] FactorError),
    /// There is no password and nothing else that opens the account.
    #[error("it is the last way in")]
    Last,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which ways beside passkeys lead to this desk.
#[derive(Debug, Clone, Copy)]
pub struct Ways<'a> {
    takes_passwords: bool,
    /// Of the provider that there is; accounts at an earlier one lead nowhere.
    issuer: Option<&'a str>,
}

impl<'a> Ways<'a> {
    pub fn of(provider: Option<&'a Provider>) -> Self {
        Self {
            takes_passwords: provider.is_none_or(Provider::leaves_passwords),
            issuer: provider.map(Provider::issuer),
        }
    }
}

/// Whether somebody can still come in, after one of the ways was taken away in this transaction.
pub(super) async fn keep_a_way_in(tx: &mut Tx, user: UserId, ways: Ways<'_>) -> Result<(), WayError> {
    let has_password = users::by_id(tx.db(), user).await?.is_some_and(|user| user.has_password());
    let identities = identities::of_user(tx.db(), user).await?;
    let is_open = (has_password && ways.takes_passwords)
        || identities.iter().any(|identity| Some(identity.issuer.as_str()) == ways.issuer)
        || !passkeys::of_user(tx.db(), user).await?.is_empty();
    if is_open { Ok(()) } else { Err(WayError::Last) }
}

/// Changes one's own password, which the present one is asked for; who has none chooses the first. All other sessions end.
///
/// # Errors
/// [`OwnError::Invalid`] names every field that is wrong.
pub async fn change_password(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    present: &str,
    new: &str,
) -> Result<(), OwnError> {
    super::users::own(desk.store, user.id)?;
    if let Some(message) = passwords::problem(new, &user.address) {
        return Err(FieldErrors::of("new", message).into());
    }
    match confirm(desk, user, this_session, present).await {
        Ok(()) => {}
        Err(FactorError::Invalid(errors)) => return Err(errors.into()),
        Err(FactorError::Throttled(wait)) => return Err(wait.into()),
        Err(FactorError::Hash(error)) => return Err(error.into()),
        Err(FactorError::Store(error)) => return Err(error.into()),
        Err(FactorError::MovedOn | FactorError::Randomness(_)) => return Err(StoreError::missing().into()),
    }
    let hash = passwords::hash(new).await?;
    let mut tx = desk.store.begin().await?;
    let there = users::lock(&mut tx, user.id).await?;
    if there.is_none_or(|there| there.password_hash != user.password_hash) {
        // It became another while this one was looked at.
        return Err(FieldErrors::of("password", Message::new("account-error-password")).into());
    }
    users::set_password(&mut tx, user.id, &hash).await?;
    sessions::delete_others(&mut tx, user.id, this_session).await?;
    login_steps::delete_of_user(&mut tx, user.id).await?;
    account_links::delete_of_user(&mut tx, user.id).await?;
    tx.note(Act::PersonPassword, None, user.id.0).await?;
    mails::tell_of_password(&mut tx, desk, user.id).await?;
    tx.commit().await?;
    Ok(())
}

/// The sessions of somebody that are open, the one used last first.
///
/// # Errors
/// Of the database.
pub async fn open_sessions(desk: Desk<'_>, user: &User) -> store::Result<Vec<OpenSession>> {
    super::users::own(desk.store, user.id)?;
    let now = desk.clock.now();
    sessions::of_user(desk.store.read().await?.db(), user.id, now, now.minus(IDLE_MAX)).await
}

/// Ends one of one's own sessions, by its [`OpenSession::key`]; `None`: all but this one. One that has ended is fine.
///
/// # Errors
/// Of the database.
pub async fn end_sessions(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    key: Option<&str>,
) -> store::Result<()> {
    super::users::own(desk.store, user.id)?;
    let open = open_sessions(desk, user).await?;
    let mut tx = desk.store.begin().await?;
    match key {
        None => {
            sessions::delete_others(&mut tx, user.id, this_session).await?;
        }
        Some(key) => {
            for session in open.iter().filter(|session| session.key() == key) {
                sessions::delete(&mut tx, &session.token_hash).await?;
            }
        }
    }
    tx.note(Act::PersonSessionsEnded, None, user.id.0).await?;
    tx.commit().await
}
