//! The accounts at a provider that are linked to one's own, and cutting such a link.

use super::Desk;
use super::mails;
use super::own::{WayError, Ways, keep_a_way_in};
use super::provider::Provider;
use super::second_factor::confirm;
use crate::mail::accounts::Notice;
use crate::model::{Act, IdentityId, User};
use crate::store::identities::Identity;
use crate::store::{self, identities, sessions, users};

/// What is linked to somebody's account.
///
/// # Errors
/// Of the database.
pub async fn of_user(desk: Desk<'_>, user: &User) -> store::Result<Vec<Identity>> {
    super::users::own(desk.store, user.id)?;
    identities::of_user(desk.store.read().await?.db(), user.id).await
}

/// Cuts a link to an account at the provider; one that is cut already is fine. Every other session ends.
///
/// # Errors
/// [`WayError`]: without the password, or when it is the last way in.
pub async fn cut(
    desk: Desk<'_>,
    user: &User,
    this_session: &[u8],
    id: IdentityId,
    password: &str,
    provider: &Provider,
) -> Result<(), WayError> {
    super::users::own(desk.store, user.id)?;
    confirm(desk, user, this_session, password).await?;
    let mut tx = desk.store.begin().await?;
    // Two that are cut at once would both be the last but one.
    users::lock(&mut tx, user.id).await?;
    if !identities::delete(&mut tx, user.id, id).await? {
        return Ok(());
    }
    keep_a_way_in(&mut tx, user.id, Ways::of(Some(provider))).await?;
    sessions::delete_others(&mut tx, user.id, this_session).await?;
    tx.note(Act::PersonIdentityCut, None, user.id.0).await?;
    mails::tell(&mut tx, desk, user.id, Notice::IdentityCut(provider.label())).await?;
    tx.commit().await?;
    Ok(())
}
