//! Keys of the API. A program that comes with one acts as the person who made it, with at most the permissions that were
//! chosen for it; it ends with them. The key is shown once; the database holds its SHA-256.
//!
//! See `docs/decisions/0030-api-keys.md`.

use std::net::IpAddr;
use std::time::Duration;

use super::login::{self, Limit, Wait};
use super::passwords::HashError;
use super::second_factor::{FactorError, confirm};
use super::{Desk, mails};
use crate::i18n::{FieldErrors, Message};
use crate::keys::{NoRandomness, random_token, token_hash};
use crate::mail::accounts::Notice;
use crate::mail::slot::clean_line;
use crate::model::{Act, Actor, ApiKey, ApiKeyId, ByKey, KeyLifetime, Permission, Timestamp, User, UserId};
use crate::store::{self, Result as StoreResult, StoreError, api_keys, users};

/// How a key begins, so that people and scanners of sources know one when they see it.
pub const PREFIX: &str = "pj_";
/// Most keys of one person: one for each program that they look after.
pub const KEYS_MAX: usize = 20;
const NAME_MAX_CHARS: usize = 60;
/// The last use is noted to the day: a request need not write it.
const USED_EVERY: Duration = Duration::from_secs(24 * 3600);

/// What a program does in a minute: two requests a second.
const PER_KEY: Limit = Limit::new("api-key", Duration::from_secs(60), 120);
/// Keys that are none, from one network (an IPv4 /24, an IPv6 /64).
const PER_STRANGER: Limit = Limit::new("api-network", Duration::from_secs(15 * 60), 30);

/// A key to be made, as typed.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    pub name: &'a str,
    pub permissions: &'a [Permission],
    pub lifetime: Option<KeyLifetime>,
    /// Of who makes it: a key outlives the session. Who has none must have signed in just now.
    pub password: &'a str,
    /// The session in which it is made: the SHA-256 of its token.
    pub this_session: &'a [u8],
}

/// A key that was made.
#[derive(Debug)]
pub struct Made {
    pub key: ApiKey,
    /// Shown once; it is stored nowhere.
    pub secret: String,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Fields: `name`, `permission`, `lifetime`, `password`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    TooMany,
    #[error("{}", self.message())]
    NotFound,
    #[error(transparent)]
    Throttled(#[from] Wait),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeyError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::TooMany => {
                Message::new("key-error-many").number("most", i64::try_from(KEYS_MAX).unwrap_or(i64::MAX))
            }
            Self::NotFound => Message::new("key-error-gone"),
            Self::Throttled(wait) => wait.message(),
            Self::Hash(_) | Self::Randomness(_) | Self::Store(_) => Message::new("page-error-internal"),
        }
    }
}

/// What somebody can give a key: what they may themselves, somewhere at least.
pub fn offered(actor: &Actor) -> Vec<Permission> {
    ApiKey::PERMISSIONS.into_iter().filter(|permission| actor.may_somewhere(*permission)).collect()
}

fn parse(actor: &Actor, new: &NewKey<'_>) -> Result<(String, Vec<Permission>, KeyLifetime), FieldErrors> {
    let mut errors = FieldErrors::new();
    let name = clean_line(new.name);
    if name.is_empty() {
        errors.add("name", Message::new("error-required"));
    } else if name.chars().count() > NAME_MAX_CHARS {
        errors.add("name", Message::new("key-error-name"));
    }
    let permissions = ApiKey::complete(new.permissions);
    let offered = offered(actor);
    if permissions.is_empty() || permissions.iter().any(|permission| !offered.contains(permission)) {
        errors.add("permission", Message::new("key-error-permission"));
    }
    let lifetime = new.lifetime.unwrap_or_else(|| {
        errors.add("lifetime", Message::new("error-choose"));
        KeyLifetime::Quarter
    });
    errors.or((name, permissions, lifetime))
}

/// Makes a key for oneself, and tells oneself by mail.
///
/// # Errors
/// [`KeyError::Invalid`] names every field that is wrong.
pub async fn make(desk: Desk<'_>, user: &User, new: &NewKey<'_>) -> Result<Made, KeyError> {
    super::users::own(desk.store, user.id)?;
    let (name, permissions, lifetime) = parse(desk.store.actor(), new)?;
    match confirm(desk, user, new.this_session, new.password).await {
        Ok(()) => {}
        Err(FactorError::Invalid(errors)) => return Err(errors.into()),
        Err(FactorError::Throttled(wait)) => return Err(wait.into()),
        Err(FactorError::Hash(error)) => return Err(error.into()),
        Err(FactorError::Store(error)) => return Err(error.into()),
        Err(FactorError::MovedOn | FactorError::Randomness(_)) => return Err(StoreError::missing().into()),
    }
    let token = random_token()?;
    let hash = token_hash(&token).ok_or(NoRandomness)?;
    let words = permissions.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" ");
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    let there = users::lock(&mut tx, user.id).await?;
    if there.is_none_or(|there| !there.is_active() || there.password_hash != user.password_hash) {
        // The password became another, or its owner was shut out, while it was looked at.
        return Err(FieldErrors::of("password", Message::new("account-error-password")).into());
    }
    if api_keys::of_user(tx.db(), user.id).await?.len() >= KEYS_MAX {
        return Err(KeyError::TooMany);
    }
    let ends_at = lifetime.ends_at(now);
    let key = api_keys::insert(&mut tx, user.id, &name, &hash, &words, now, ends_at).await?;
    tx.note_detail(Act::KeyAdded, None, Some(key.id.0), &words).await?;
    mails::tell(&mut tx, desk, user.id, Notice::KeyMade(&name)).await?;
    tx.commit().await?;
    Ok(Made { key, secret: format!("{PREFIX}{token}") })
}

/// The keys of a person, the newest first.
///
/// # Errors
/// Of the database, or without permission.
pub async fn list(desk: Desk<'_>, user: UserId) -> StoreResult<Vec<ApiKey>> {
    super::users::own(desk.store, user)?;
    api_keys::of_user(desk.store.read().await?.db(), user).await
}

/// Revokes a key at once: one's own, or anybody's with the permission to manage people.
///
/// # Errors
/// [`KeyError::NotFound`] when it is gone already.
pub async fn revoke(store: &store::Store, id: ApiKeyId) -> Result<ApiKey, KeyError> {
    let mut tx = store.begin().await?;
    let key = api_keys::by_id(tx.db(), id).await?.ok_or(KeyError::NotFound)?;
    super::users::own(store, key.user_id)?;
    if !api_keys::delete(&mut tx, id).await? {
        return Err(KeyError::NotFound);
    }
    tx.note(Act::KeyRevoked, None, id.0).await?;
    tx.commit().await?;
    Ok(key)
}

/// Who comes with a key.
#[derive(Debug, Clone)]
pub struct Holder {
    pub user: User,
    /// The user, as far as the key lets them.
    pub actor: Actor,
}

/// Why a key lets nobody in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody has this key: it never was one, or was revoked.
    #[error("nobody has this key")]
    Unknown,
    #[error("the key has expired")]
    Expired,
    /// Everybody needs a second factor, and its owner has none.
    #[error("the owner of the key lacks the second factor that everybody needs")]
    NoFactor,
    /// Too many requests with the key, or too many keys that are none from this network.
    #[error(transparent)]
    TooMany(#[from] Wait),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks at a key that somebody from a network came with, and counts its use. What its owner may is read anew each time.
///
/// # Errors
/// [`Refused`].
pub async fn enter(desk: Desk<'_>, secret: &str, ip: IpAddr) -> Result<Holder, Refused> {
    let now = desk.clock.now();
    let hash = secret.strip_prefix(PREFIX).and_then(token_hash);
    let Some(found) = find(desk, hash.as_deref()).await? else {
        // A network with a wrong key does not shut out the right ones there: only what is wrong is counted.
        count(desk, PER_STRANGER, &login::network_of(ip), now).await?;
        return Err(Refused::Unknown);
    };
    let Found { key, user, actor, lacks_factor } = found;
    if key.has_expired(now) {
        return Err(Refused::Expired);
    }
    count(desk, PER_KEY, &key.id.to_string(), now).await?;
    if lacks_factor {
        return Err(Refused::NoFactor);
    }
    if key.last_used_at.is_none_or(|at| now.since(at) >= USED_EVERY) {
        let mut tx = desk.store.begin().await?;
        api_keys::set_used(&mut tx, key.id, now).await?;
        tx.commit().await?;
    }
    Ok(Holder { user, actor })
}

struct Found {
    key: ApiKey,
    user: User,
    actor: Actor,
    lacks_factor: bool,
}

async fn find(desk: Desk<'_>, hash: Option<&[u8]>) -> StoreResult<Option<Found>> {
    let Some(hash) = hash else { return Ok(None) };
    let mut reader = desk.store.read().await?;
    let Some(found) = api_keys::by_hash(reader.db(), hash).await? else { return Ok(None) };
    let user = users::by_id(reader.db(), found.key.user_id).await?.filter(User::is_active);
    let Some(user) = user else { return Ok(None) };
    let grants = store::grants::of_user(reader.db(), user.id).await?;
    let by = ByKey { name: found.key.name.clone(), permissions: found.key.permissions() };
    let actor = Actor::by_key(user.id, &user.name, grants, by);
    Ok(Some(Found { key: found.key, user, actor, lacks_factor: found.lacks_factor }))
}

async fn count(desk: Desk<'_>, limit: Limit, of: &str, now: Timestamp) -> Result<(), Refused> {
    let mut tx = desk.store.begin().await?;
    let wait = login::count_one(&mut tx, desk.keys, limit, of, now).await?;
    tx.commit().await?;
    wait.map_or(Ok(()), |wait| Err(wait.into()))
}
