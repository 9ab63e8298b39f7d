//! Links that are worth a password: of an invitation, and of a password that was forgotten.

use std::net::IpAddr;
use std::time::Duration;

use super::login::{Counters, LoginError, PER_FORGETTER};
use super::passwords::{self, HashError};
use super::sessions::{self, SessionError, Visit};
use super::users::person_name;
use super::{Desk, mails};
use crate::i18n::FieldErrors;
use crate::keys::token_hash;
use crate::model::{Act, EmailAddress, Language, LinkPurpose, Timestamp, User, UserId};
use crate::store::account_links::AccountLink;
use crate::store::{StoreError, account_links, audit, login_steps, users};

/// So long the link of a forgotten password works.
pub const RESET_LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// None of ours, used, expired, replaced or revoked.
    #[error("the link does not work any more")]
    Gone,
    /// Fields: `name`, `password`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a token opens, if it still does.
///
/// # Errors
/// Of the database.
pub async fn look(desk: Desk<'_>, token: &str) -> Result<Option<AccountLink>, StoreError> {
    let Some(hash) = token_hash(token) else { return Ok(None) };
    let link = account_links::find(desk.store.read().await?.db(), &hash, desk.clock.now()).await?;
    Ok(link.filter(is_open))
}

/// An invitation is for who is not here yet, another password for who is.
pub(super) fn is_open(link: &AccountLink) -> bool {
    (link.purpose == LinkPurpose::Invite) == link.user.joined_at.is_none()
}

/// What came of a link.
#[derive(Debug)]
pub enum Followed {
    /// Somebody who was invited is here: signed in.
    Joined { user: User, token: String },
    /// There is another password. Whoever has it signs in, with the second factor if there is one.
    Reset(User),
}

/// Sets the password of a link, and of who was invited also the name and the language of the desk.
///
/// # Errors
/// [`LinkError::Gone`] when it does not work, [`LinkError::Invalid`] with every field that is wrong.
pub async fn follow(
    desk: Desk<'_>,
    token: &str,
    name: &str,
    language: Language,
    password: &str,
    visit: &Visit<'_>,
) -> Result<Followed, LinkError> {
    // Before the password is hashed, which costs: not for everybody who guesses.
    let link = look(desk, token).await?.ok_or(LinkError::Gone)?;
    let mut errors = FieldErrors::new();
    let is_new = link.purpose == LinkPurpose::Invite;
    let name = if is_new { person_name(&mut errors, name) } else { None };
    if let Some(message) = passwords::problem(password, &link.user.address) {
        errors.add("password", message);
    }
    let name = errors.or(name)?.unwrap_or_else(|| link.user.name.clone());
    let password_hash = passwords::hash(password).await?;
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    let hash = token_hash(token).ok_or(LinkError::Gone)?;
    let link = account_links::find(tx.db(), &hash, now).await?.filter(is_open).ok_or(LinkError::Gone)?;
    if !account_links::take(&mut tx, &hash).await? {
        return Err(LinkError::Gone);
    }
    let user = User { name, password_hash, ..link.user };
    users::set_password(&mut tx, user.id, &user.password_hash).await?;
    crate::store::sessions::delete_of_user(&mut tx, user.id).await?;
    login_steps::delete_of_user(&mut tx, user.id).await?;
    account_links::delete_of_user(&mut tx, user.id).await?;
    let act = if is_new { Act::PersonJoined } else { Act::PersonPassword };
    audit::by(&mut tx, Some(user.id), &user.name, act, None, Some(user.id.0), "", now).await?;
    if !is_new {
        mails::tell_of_password(&mut tx, desk, user.id).await?;
        tx.commit().await?;
        return Ok(Followed::Reset(user));
    }
    users::set_name(&mut tx, user.id, &user.name).await?;
    users::set_language(&mut tx, user.id, language).await?;
    users::join(&mut tx, user.id, now).await?;
    let token = sessions::begin_from(&mut tx, desk.clock, user.id, visit).await?;
    tx.commit().await?;
    Ok(Followed::Joined { user, token })
}

/// Sends a link for a password that was forgotten, if the address is of somebody who is here. The answer is the same, and
/// the work nearly so, for any address.
///
/// # Errors
/// [`LoginError::Throttled`] for a network that asks too often, whatever it asks for.
pub async fn forgot(desk: Desk<'_>, address: &str, ip: IpAddr) -> Result<(), LoginError> {
    let now = desk.clock.now();
    let parsed = EmailAddress::parse(address).ok();
    let account = parsed.as_ref().map_or_else(|| address.trim().to_lowercase(), EmailAddress::key);
    let counters = Counters::new(desk.keys, PER_FORGETTER, &account, ip);
    let mut tx = desk.store.begin().await?;
    let counted = counters.count(&mut tx, now).await?;
    if let Some(minutes) = counted.network_wait {
        tx.commit().await?;
        return Err(LoginError::Throttled { minutes });
    }
    let known = match &parsed {
        Some(address) => users::by_address(tx.db(), address).await?.filter(User::is_active),
        None => None,
    };
    let for_show = known.is_none() || counted.account_wait.is_some();
    let Some(user) = known.or_else(|| nobody(now)) else { return Ok(()) };
    match mails::send_link(&mut tx, desk, &user, LinkPurpose::Reset, now.plus(RESET_LIFETIME), for_show).await
    {
        // Nobody is told, as nobody is told whom there is.
        Ok(()) | Err(mails::LinkError::NoNewsletter) => {}
        Err(mails::LinkError::Randomness(error)) => return Err(SessionError::from(error).into()),
        Err(mails::LinkError::Store(error)) => return Err(error.into()),
    }
    if !for_show {
        audit::by(&mut tx, None, "", Act::PersonForgot, None, Some(user.id.0), "", now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Somebody that there is not, to take as long for.
fn nobody(now: Timestamp) -> Option<User> {
    /// Goes nowhere (RFC 2606).
    const ADDRESS: &str = "nobody@example.invalid";
    Some(User {
        id: UserId(0),
        address: EmailAddress::parse(ADDRESS).ok()?,
        name: String::new(),
        language: Language::English,
        password_hash: String::new(),
        created_at: now,
        disabled_at: None,
        joined_at: None,
    })
}
