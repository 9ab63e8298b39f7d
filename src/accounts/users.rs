//! Adding users and changing their passwords.

use super::passwords::{self, HashError};
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::model::{Act, EmailAddress, Grant, Language, Permission, PersonName, Role, User, UserId};
use crate::store::{self, Store, StoreError, Tx};

/// What is needed to add a user, as typed.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    pub address: &'a str,
    pub name: &'a str,
    pub language: Language,
    pub password: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// Fields: `address`, `name`, `password`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    Unknown,
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UserError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(errors) => errors
                .iter()
                .next()
                .map_or_else(|| Message::new("page-error-bad-request"), |e| e.message.clone()),
            Self::Unknown => Message::new("error-user-unknown"),
            Self::Hash(_) | Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// A user who can be written: checked, the password hashed.
pub(super) struct Ready {
    address: EmailAddress,
    name: String,
    language: Language,
    password_hash: String,
}

/// Checks what was typed, and hashes the password.
pub(super) async fn prepare(new: NewUser<'_>) -> Result<Ready, UserError> {
    let mut errors = FieldErrors::new();
    let address = EmailAddress::parse(new.address)
        .map_err(|error| errors.add("address", Message::new(error.key())))
        .ok();
    let name = person_name(&mut errors, new.name);
    if let Some(message) = passwords::problem_for(new.password, address.as_ref()) {
        errors.add("password", message);
    }
    let Some(address) = errors.or(address)? else { return Err(UserError::Unknown) };
    let name = name.unwrap_or_else(|| address.local().to_owned());
    let password_hash = passwords::hash(new.password).await?;
    Ok(Ready { address, name, language: new.language, password_hash })
}

/// `None` for an empty one.
pub(super) fn person_name(errors: &mut FieldErrors, text: &str) -> Option<String> {
    let name = PersonName::parse(text)
        .map_err(|_| errors.add("name", Message::new("error-name-too-long")))
        .ok()
        .flatten();
    name.map(|name| name.as_str().to_owned())
}

/// Writes a user with what they may do, and tells the audit log.
pub(super) async fn insert(
    tx: &mut Tx,
    clock: &Clock,
    ready: &Ready,
    grants: &[Grant],
) -> Result<User, UserError> {
    let Ready { address, name, language, password_hash } = ready;
    match store::users::insert(tx, address, name, *language, password_hash, clock.now()).await {
        Ok(user) => {
            store::grants::set(tx, user.id, grants).await?;
            tx.note(Act::PersonAdded, None, user.id.0).await?;
            Ok(user)
        }
        Err(error) if error.is_duplicate() => {
            let message = Message::new("error-user-exists").text("address", address.as_str());
            Err(FieldErrors::of("address", message).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Adds a user who may do everything.
///
/// # Errors
/// As [`add_user_as`].
pub async fn add_user(store: &Store, clock: &Clock, new: NewUser<'_>) -> Result<User, UserError> {
    add_user_as(store, clock, new, &[Grant::of_all(Role::Owner)]).await
}

/// Adds a user with what they may do.
///
/// # Errors
/// [`UserError::Invalid`] names every field that is wrong, also an address that has a user already.
pub async fn add_user_as(
    store: &Store,
    clock: &Clock,
    new: NewUser<'_>,
    grants: &[Grant],
) -> Result<User, UserError> {
    store.permit(Permission::ManagePeople, None)?;
    let ready = prepare(new).await?;
    let mut tx = store.begin().await?;
    let user = insert(&mut tx, clock, &ready, grants).await?;
    tx.commit().await?;
    Ok(user)
}

/// One's own account, or the right to change those of others. A key of the API has no account.
pub(super) fn own(store: &Store, user: UserId) -> Result<(), StoreError> {
    if store.actor().is_present() && store.actor().user_id() == Some(user) {
        return Ok(());
    }
    store.permit(Permission::ManagePeople, None)
}

/// What users may change of themselves: how the desk calls them, and in which language it speaks.
///
/// # Errors
/// [`UserError::Invalid`] for a name that is too long.
pub async fn set_profile(
    store: &Store,
    user: &User,
    name: &str,
    language: Language,
) -> Result<(), UserError> {
    own(store, user.id)?;
    let mut errors = FieldErrors::new();
    let name = person_name(&mut errors, name);
    let name = errors.or(name)?.unwrap_or_else(|| user.address.local().to_owned());
    let mut tx = store.begin().await?;
    store::users::set_name(&mut tx, user.id, &name).await?;
    store::users::set_language(&mut tx, user.id, language).await?;
    tx.note(Act::PersonProfile, None, user.id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives a user another password, and ends all sessions of the old one.
///
/// # Errors
/// [`UserError`].
pub async fn set_password(store: &Store, address: &EmailAddress, password: &str) -> Result<User, UserError> {
    store.permit(Permission::ManagePeople, None)?;
    if let Some(message) = passwords::problem(password, address) {
        return Err(FieldErrors::of("password", message).into());
    }
    let hash = passwords::hash(password).await?;
    let mut tx = store.begin().await?;
    let user = store::users::by_address(tx.db(), address).await?.ok_or(UserError::Unknown)?;
    store::users::set_password(&mut tx, user.id, &hash).await?;
    store::sessions::delete_of_user(&mut tx, user.id).await?;
    store::login_steps::delete_of_user(&mut tx, user.id).await?;
    // An invitation stays: it is how somebody comes who has not been here yet.
    if user.joined_at.is_some() {
        store::account_links::delete_of_user(&mut tx, user.id).await?;
    }
    tx.note(Act::PersonPassword, None, user.id.0).await?;
    tx.commit().await?;
    Ok(user)
}

/// In which language the desk speaks to a user.
///
/// # Errors
/// Of the database.
pub async fn set_language(store: &Store, user: UserId, language: Language) -> Result<(), StoreError> {
    own(store, user)?;
    let mut tx = store.begin().await?;
    store::users::set_language(&mut tx, user, language).await?;
    tx.note(Act::PersonProfile, None, user.0).await?;
    tx.commit().await
}
