//! The first user, who sets the installation up: there is no default password (S3). Whoever can read what the program
//! prints gets a link, which works while there is no user, once, and for a day.

use std::time::Duration;

use super::sessions::{self, SessionError};
use super::users::{self, NewUser, UserError};
use crate::clock::Clock;
use crate::keys::{NoRandomness, random_token, token_hash};
use crate::model::{Grant, Role, User};
use crate::store::{self, Store, StoreError};

/// Long enough to come back to after the proxy and the DNS are done.
pub const LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// So many links work at once: a start prints one, and several processes may share the database.
const LINKS_MAX: i64 = 5;

/// What a link is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It makes the first user.
    Open,
    /// There is a user: it has been used, or another one.
    Used,
    /// None of ours, or no more.
    Unknown,
}

#[derive(Debug, thiserror::Error)]
pub enum FirstUserError {
    /// The link is [`Link::Used`] or [`Link::Unknown`].
    #[error("the link does not work any more")]
    Link(Link),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether nobody can sign in yet.
///
/// # Errors
/// Of the database.
pub async fn is_missing(store: &Store) -> Result<bool, StoreError> {
    store::users::is_empty(store.read().await?.db()).await
}

/// A new link, by its token; `None` when there is a user. Only its hash is kept.
///
/// # Errors
/// Of the database, or when the system has no randomness to give.
pub async fn invite(store: &Store, clock: &Clock) -> Result<Option<String>, FirstUserError> {
    let token = random_token()?;
    let hash = token_hash(&token).ok_or(NoRandomness)?;
    let now = clock.now();
    let mut tx = store.begin().await?;
    if !store::users::is_empty(tx.db()).await? {
        return Ok(None);
    }
    store::setup_tokens::insert(&mut tx, &hash, now, now.plus(LINK_LIFETIME)).await?;
    store::setup_tokens::prune(&mut tx, now, LINKS_MAX).await?;
    tx.commit().await?;
    Ok(Some(token))
}

/// What a token of a link is worth now.
///
/// # Errors
/// Of the database.
pub async fn look(store: &Store, clock: &Clock, token: &str) -> Result<Link, StoreError> {
    let mut reader = store.read().await?;
    if !store::users::is_empty(reader.db()).await? {
        return Ok(Link::Used);
    }
    let Some(hash) = token_hash(token) else { return Ok(Link::Unknown) };
    let is_live = store::setup_tokens::is_live(reader.db(), &hash, clock.now()).await?;
    Ok(if is_live { Link::Open } else { Link::Unknown })
}

/// Makes the first user and signs them in; every link is worth nothing from then on.
///
/// # Errors
/// [`FirstUserError::Link`] when it does not work, [`FirstUserError::User`] with every field that is wrong.
pub async fn claim(
    store: &Store,
    clock: &Clock,
    token: &str,
    new: NewUser<'_>,
) -> Result<(User, String), FirstUserError> {
    // Before the password is hashed, which costs: not for everybody who guesses.
    match look(store, clock, token).await? {
        Link::Open => {}
        link => return Err(FirstUserError::Link(link)),
    }
    let hash = token_hash(token).ok_or(FirstUserError::Link(Link::Unknown))?;
    let ready = users::prepare(new).await?;
    let mut tx = store.begin().await?;
    let was_live = store::setup_tokens::take_all(&mut tx, &hash, clock.now()).await?;
    if !was_live || !store::users::is_empty(tx.db()).await? {
        return Err(FirstUserError::Link(Link::Used));
    }
    let user = users::insert(&mut tx, clock, &ready, &[Grant::of_all(Role::Owner)]).await?;
    let session = sessions::begin(&mut tx, clock, user.id).await?;
    tx.commit().await?;
    Ok((user, session))
}
