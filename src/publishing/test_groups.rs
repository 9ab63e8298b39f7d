//! Groups of colleagues who get test mails together.

use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::model::{Act, EmailAddress, NewsletterId, Permission, TestGroup, TestGroupId};
use crate::store::{self, Store, StoreError};

/// Most addresses that one test goes to: above that it is a mailing.
pub const ADDRESSES_MAX: usize = 20;
/// Most groups of a newsletter.
const GROUPS_MAX: usize = 20;
const NAME_MAX_CHARS: usize = 60;

#[derive(Debug, thiserror::Error)]
pub enum TestGroupError {
    /// Fields: `name`, `addresses`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("there is no such group")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Addresses as typed: separated by commas, semicolons, spaces or line ends; each once.
///
/// # Errors
/// At `field`: the first that is none, or that there are none or too many.
pub fn addresses(field: &'static str, text: &str) -> Result<Vec<EmailAddress>, FieldErrors> {
    let mut found: Vec<EmailAddress> = Vec::new();
    let parts = text.split([',', ';', '\n', '\r', ' ', '\t']).map(str::trim).filter(|part| !part.is_empty());
    for part in parts {
        let address = EmailAddress::parse(part).map_err(|error| {
            // Of one alone it is plain which is meant.
            let message = if part == text.trim() {
                Message::new(error.key())
            } else {
                let shown: String = part.chars().take(NAME_MAX_CHARS).collect();
                Message::new("error-address-among").text("address", shown)
            };
            FieldErrors::of(field, message)
        })?;
        if found.iter().all(|known| known.key() != address.key()) {
            found.push(address);
        }
        if found.len() > ADDRESSES_MAX {
            let most = i64::try_from(ADDRESSES_MAX).unwrap_or(i64::MAX);
            return Err(FieldErrors::of(
                field,
                Message::new("error-too-many-addresses").number("most", most),
            ));
        }
    }
    if found.is_empty() {
        return Err(FieldErrors::of(field, Message::new("error-required")));
    }
    Ok(found)
}

/// Keeps a group under its name, in place of the one that had it.
///
/// # Errors
/// [`TestGroupError::Invalid`] names every field that is wrong.
pub async fn save(
    store: &Store,
    clock: &Clock,
    newsletter: NewsletterId,
    name: &str,
    typed: &str,
) -> Result<TestGroup, TestGroupError> {
    store.permit(Permission::TestIssues, Some(newsletter))?;
    let mut errors = FieldErrors::new();
    let name = super::line(&mut errors, "name", name, NAME_MAX_CHARS, true);
    let addresses = addresses("addresses", typed)?;
    errors.or(())?;
    let lines: Vec<_> = addresses.iter().map(EmailAddress::as_str).collect();
    let mut tx = store.begin().await?;
    let others = store::test_groups::of_newsletter(tx.db(), newsletter).await?;
    if others.len() >= GROUPS_MAX && others.iter().all(|group| group.name != name) {
        let most = i64::try_from(GROUPS_MAX).unwrap_or(i64::MAX);
        return Err(
            FieldErrors::of("name", Message::new("error-too-many-groups").number("most", most)).into()
        );
    }
    let group = store::test_groups::set(&mut tx, newsletter, &name, &lines.join("\n"), clock.now()).await?;
    tx.note(Act::GroupSaved, Some(newsletter), group.id.0).await?;
    tx.commit().await?;
    Ok(group)
}

/// Removes a group.
///
/// # Errors
/// [`TestGroupError::NotFound`] when it is gone already.
pub async fn delete(store: &Store, newsletter: NewsletterId, id: TestGroupId) -> Result<(), TestGroupError> {
    store.permit(Permission::TestIssues, Some(newsletter))?;
    let mut tx = store.begin().await?;
    if !store::test_groups::delete(&mut tx, newsletter, id).await? {
        return Err(TestGroupError::NotFound);
    }
    tx.note(Act::GroupDeleted, Some(newsletter), id.0).await?;
    tx.commit().await?;
    Ok(())
}
