//! Who works at the desk: inviting, roles, disabling, removing. Owners of everything do it, and one always remains.

use std::time::Duration;

use super::Desk;
use super::mails::{self, LinkError};
use super::users::person_name;
use crate::i18n::{FieldErrors, Message};
use crate::keys::NoRandomness;
use crate::mail::accounts::Notice;
use crate::model::{
    Act, EmailAddress, Grant, Language, LinkPurpose, NewsletterId, Permission, Role, User, UserId,
};
use crate::store::{
    self, StoreError, Tx, account_links, api_keys, authenticators, bulk_acts, desk_rules, grants,
    login_steps, sessions, users,
};

/// So long an invitation works.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// Most people at one desk: what one page shows, and far more than any newsletter has.
const PEOPLE_MAX: usize = 500;

/// Whom to invite, as typed.
#[derive(Debug, Clone, Copy)]
pub struct Invitation<'a> {
    pub address: &'a str,
    pub name: &'a str,
    pub language: Language,
    pub grants: &'a [Grant],
}

#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// Fields: `address`, `name`, `role`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    Unknown,
    /// Nobody could let anybody in any more.
    #[error("{}", self.message())]
    LastOwner,
    /// One does not shut oneself out.
    #[error("{}", self.message())]
    Oneself,
    /// Mail is sent in the name of a newsletter.
    #[error("{}", self.message())]
    NoNewsletter,
    /// They are here already.
    #[error("{}", self.message())]
    Joined,
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PeopleError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        Message::new(match self {
            Self::Invalid(_) => "error-marked-fields",
            Self::Unknown => "error-user-unknown",
            Self::LastOwner => "people-error-last-owner",
            Self::Oneself => "people-error-oneself",
            Self::NoNewsletter => "people-error-no-newsletter",
            Self::Joined => "people-error-joined",
            Self::Randomness(_) | Self::Store(_) => "page-error-internal",
        })
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

impl From<LinkError> for PeopleError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::NoNewsletter => Self::NoNewsletter,
            LinkError::Randomness(error) => Self::Randomness(error),
            LinkError::Store(error) => Self::Store(error),
        }
    }
}

/// A role for some newsletters; for none of them: for all.
pub fn grants_of(role: Role, newsletters: &[NewsletterId]) -> Vec<Grant> {
    let mut found: Vec<NewsletterId> = newsletters.to_vec();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        return vec![Grant::of_all(role)];
    }
    found.into_iter().map(|newsletter| Grant::of_one(newsletter, role)).collect()
}

async fn check(tx: &mut Tx, wanted: &[Grant]) -> Result<(), PeopleError> {
    let wrong = || FieldErrors::of("role", Message::new("people-error-newsletters"));
    if wanted.is_empty() {
        return Err(wrong().into());
    }
    for newsletter in wanted.iter().filter_map(|grant| grant.newsletter_id) {
        if !grants::has_newsletter(tx.db(), newsletter).await? {
            return Err(wrong().into());
        }
    }
    Ok(())
}

/// What the audit log says of roles: `owner`, `editor 1 3`.
fn told(wanted: &[Grant]) -> String {
    let mut words: Vec<String> = Vec::new();
    for role in Role::ALL {
        let mut theirs = wanted.iter().filter(|grant| grant.role == *role).peekable();
        if theirs.peek().is_some() {
            words.push(role.to_string());
            words.extend(theirs.filter_map(|grant| grant.newsletter_id).map(|id| id.to_string()));
        }
    }
    words.join(" ")
}

/// Invites somebody by mail. Who was invited and has not come gets another link; the first works no more.
///
/// # Errors
/// [`PeopleError::Invalid`] names every field that is wrong, also an address of somebody who is here.
pub async fn invite(desk: Desk<'_>, invitation: Invitation<'_>) -> Result<User, PeopleError> {
    desk.store.permit(Permission::ManagePeople, None)?;
    let mut errors = FieldErrors::new();
    let address = EmailAddress::parse(invitation.address)
        .map_err(|error| errors.add("address", Message::new(error.key())))
        .ok();
    let name = person_name(&mut errors, invitation.name);
    let Some(address) = errors.or(address)? else { return Err(PeopleError::Unknown) };
    let name = name.unwrap_or_else(|| address.local().to_owned());
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    grants::lock(&mut tx).await?;
    check(&mut tx, invitation.grants).await?;
    let user = match users::by_address(tx.db(), &address).await? {
        Some(user) if user.joined_at.is_some() => {
            let message = Message::new("error-user-exists").text("address", address.as_str());
            return Err(FieldErrors::of("address", message).into());
        }
        Some(user) => {
            users::set_name(&mut tx, user.id, &name).await?;
            users::set_language(&mut tx, user.id, invitation.language).await?;
            User { name, language: invitation.language, ..user }
        }
        None => {
            if users::all(tx.db()).await?.len() >= PEOPLE_MAX {
                return Err(FieldErrors::of("address", Message::new("people-error-many")).into());
            }
            users::invite(&mut tx, &address, &name, invitation.language, now).await?
        }
    };
    grants::set(&mut tx, user.id, invitation.grants).await?;
    let until = now.plus(INVITATION_LIFETIME);
    mails::send_link(&mut tx, desk, &user, LinkPurpose::Invite, until, false).await?;
    tx.note_detail(Act::PersonInvited, None, Some(user.id.0), &told(invitation.grants)).await?;
    mails::tell(&mut tx, desk, user.id, Notice::PersonInvited(user.address.as_str())).await?;
    tx.commit().await?;
    Ok(user)
}

/// Sends somebody who has not come yet another link.
///
/// # Errors
/// [`PeopleError::Joined`] when they are here.
pub async fn invite_again(desk: Desk<'_>, id: UserId) -> Result<User, PeopleError> {
    desk.store.permit(Permission::ManagePeople, None)?;
    let mut tx = desk.store.begin().await?;
    grants::lock(&mut tx).await?;
    let user = users::by_id(tx.db(), id).await?.ok_or(PeopleError::Unknown)?;
    if user.joined_at.is_some() {
        return Err(PeopleError::Joined);
    }
    let until = desk.clock.now().plus(INVITATION_LIFETIME);
    mails::send_link(&mut tx, desk, &user, LinkPurpose::Invite, until, false).await?;
    tx.note(Act::PersonInvited, None, id.0).await?;
    tx.commit().await?;
    Ok(user)
}

/// Gives somebody other roles. They count from the next page on.
///
/// # Errors
/// [`PeopleError::LastOwner`] when nobody would be an owner of everything any more.
pub async fn set_grants(desk: Desk<'_>, id: UserId, wanted: &[Grant]) -> Result<User, PeopleError> {
    desk.store.permit(Permission::ManagePeople, None)?;
    let mut tx = desk.store.begin().await?;
    grants::lock(&mut tx).await?;
    let user = users::by_id(tx.db(), id).await?.ok_or(PeopleError::Unknown)?;
    check(&mut tx, wanted).await?;
    let was_owner = grants::of_user(tx.db(), id).await?.iter().any(Grant::is_full);
    grants::set(&mut tx, id, wanted).await?;
    owner_remains(&mut tx).await?;
    tx.note_detail(Act::PersonGranted, None, Some(id.0), &told(wanted)).await?;
    if !was_owner && wanted.iter().any(Grant::is_full) {
        mails::tell(&mut tx, desk, id, Notice::OwnerAdded(user.address.as_str())).await?;
    }
    tx.commit().await?;
    Ok(user)
}

async fn owner_remains(tx: &mut Tx) -> Result<(), PeopleError> {
    if grants::full_owners(tx.db()).await? == 0 { Err(PeopleError::LastOwner) } else { Ok(()) }
}

fn not_oneself(desk: Desk<'_>, id: UserId) -> Result<(), PeopleError> {
    if desk.store.actor().user_id() == Some(id) { Err(PeopleError::Oneself) } else { Ok(()) }
}

/// Everything by which somebody could come in, or is in.
async fn shut_out(tx: &mut Tx, id: UserId) -> Result<(), StoreError> {
    sessions::delete_of_user(tx, id).await?;
    login_steps::delete_of_user(tx, id).await?;
    api_keys::delete_of_user(tx, id).await?;
    account_links::delete_of_user(tx, id).await
}

/// Shuts somebody out at once, and keeps what they are.
///
/// # Errors
/// [`PeopleError`]: the last owner, or oneself.
pub async fn disable(desk: Desk<'_>, id: UserId) -> Result<User, PeopleError> {
    desk.store.permit(Permission::ManagePeople, None)?;
    not_oneself(desk, id)?;
    let mut tx = desk.store.begin().await?;
    grants::lock(&mut tx).await?;
    let user = users::by_id(tx.db(), id).await?.ok_or(PeopleError::Unknown)?;
    users::set_disabled(&mut tx, id, Some(desk.clock.now())).await?;
    owner_remains(&mut tx).await?;
    shut_out(&mut tx, id).await?;
    tx.note(Act::PersonDisabled, None, id.0).await?;
    tx.commit().await?;
    Ok(user)
}

/// Lets somebody in again, with the password of before.
///
/// # Errors
/// [`PeopleError::Unknown`].
pub async fn enable(desk: Desk<'_>, id: UserId) -> Result<User, PeopleError> {
    desk.store.permit(Permission::ManagePeople, None)?;
    let mut tx = desk.store.begin().await?;
    let user = users::by_id(tx.db(), id).await?.ok_or(PeopleError::Unknown)?;
    users::set_disabled(&mut tx, id, None).await?;
    tx.note(Act::PersonEnabled, None, id.0).await?;
    tx.commit().await?;
    Ok(user)
}

/// Removes somebody, or revokes the invitation of who has not come. What they wrote stays, in nobody's name.
///
/// # Errors
/// [`PeopleError`]: the last owner, or oneself.
pub async fn remove(desk: Desk<'_>, id: UserId) -> Result<User, PeopleError> {
    desk.store.permit(Permission::ManagePeople, None)?;
    not_oneself(desk, id)?;
    let mut tx = desk.store.begin().await?;
    grants::lock(&mut tx).await?;
    let user = users::by_id(tx.db(), id).await?.ok_or(PeopleError::Unknown)?;
    bulk_acts::fail_erasing_of(&mut tx, id, desk.clock.now()).await?;
    users::delete(&mut tx, id).await?;
    owner_remains(&mut tx).await?;
    let act = if user.joined_at.is_some() { Act::PersonRemoved } else { Act::PersonRevoked };
    tx.note(act, None, id.0).await?;
    tx.commit().await?;
    Ok(user)
}

/// Ends every session of somebody. Answers how many there were.
///
/// # Errors
/// [`PeopleError::Unknown`].
pub async fn end_sessions(desk: Desk<'_>, id: UserId) -> Result<u64, PeopleError> {
    desk.store.permit(Permission::ManagePeople, None)?;
    let mut tx = desk.store.begin().await?;
    users::by_id(tx.db(), id).await?.ok_or(PeopleError::Unknown)?;
    let ended = sessions::delete_of_user(&mut tx, id).await?;
    login_steps::delete_of_user(&mut tx, id).await?;
    tx.note(Act::PersonSessionsEnded, None, id.0).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Revokes every key of somebody. Answers how many there were.
///
/// # Errors
/// [`PeopleError::Unknown`].
pub async fn revoke_keys(desk: Desk<'_>, id: UserId) -> Result<u64, PeopleError> {
    desk.store.permit(Permission::ManagePeople, None)?;
    let mut tx = desk.store.begin().await?;
    users::by_id(tx.db(), id).await?.ok_or(PeopleError::Unknown)?;
    for key in api_keys::of_user(tx.db(), id).await? {
        tx.note(Act::KeyRevoked, None, key.id.0).await?;
    }
    let revoked = api_keys::delete_of_user(&mut tx, id).await?;
    tx.commit().await?;
    Ok(revoked)
}

/// Takes the second factor off somebody who has lost it, with the codes for that. They are told, and every session ends.
/// One's own is turned off at one's account, where the password is asked for.
///
/// # Errors
/// [`PeopleError::Unknown`], and for oneself.
pub async fn remove_factor(desk: Desk<'_>, id: UserId) -> Result<(), PeopleError> {
    desk.store.permit(Permission::ManagePeople, None)?;
    not_oneself(desk, id)?;
    let mut tx = desk.store.begin().await?;
    users::by_id(tx.db(), id).await?.ok_or(PeopleError::Unknown)?;
    if authenticators::delete(&mut tx, id).await? {
        sessions::delete_of_user(&mut tx, id).await?;
        login_steps::delete_of_user(&mut tx, id).await?;
        tx.note(Act::PersonFactorOff, None, id.0).await?;
        mails::tell(&mut tx, desk, id, Notice::FactorOff).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Says whether everybody needs a second factor. Who has none is led to it from the next page on.
///
/// # Errors
/// Of the database, or without permission.
pub async fn demand_factor(desk: Desk<'_>, is_needed: bool) -> store::Result<()> {
    desk.store.permit(Permission::ManagePeople, None)?;
    let mut tx = desk.store.begin().await?;
    desk_rules::set_second_factor(&mut tx, is_needed).await?;
    let detail = if is_needed { "on" } else { "off" };
    tx.note_detail(Act::PersonFactorDemanded, None, None, detail).await?;
    tx.commit().await
}
