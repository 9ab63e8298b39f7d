//! Cancelling a mailing before it begins.

use crate::clock::Clock;
use crate::i18n::Message;
use crate::model::{MailingId, MailingStatus};
use crate::store::{Store, StoreError, mailings};

#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("{}", self.message())]
    NotFound,
    /// Too late: it is being sent, or was.
    #[error("{}", self.message())]
    Begun,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CancelError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::NotFound => Message::new("error-mailing-not-found"),
            Self::Begun => Message::new("error-mailing-begun"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// Cancels a mailing that has not begun; its issue can be changed and scheduled again. Doing so twice is fine.
///
/// # Errors
/// [`CancelError`].
pub async fn cancel(store: &Store, clock: &Clock, id: MailingId) -> Result<(), CancelError> {
    let mut tx = store.begin().await?;
    if mailings::cancel(&mut tx, id, clock.now()).await? {
        tx.commit().await?;
        return Ok(());
    }
    match mailings::by_id(tx.db(), id).await? {
        None => Err(CancelError::NotFound),
        Some(mailing) if mailing.status == MailingStatus::Cancelled => Ok(()),
        Some(_) => Err(CancelError::Begun),
    }
}
