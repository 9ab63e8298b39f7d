//! What people do with a mailing once it is scheduled: send it now, pause, resume, cancel, send again.
//!
//! To add one: its value in [`Move`], with the states from which it is possible.

use crate::clock::Clock;
use crate::i18n::Message;
use crate::model::{Act, Mailing, MailingId, Move, Outcome, PauseReason, Permission};
use crate::store::{Store, StoreError, deliveries, mailings};

/// What a move has changed.
#[derive(Debug)]
pub struct Moved {
    pub mailing: Mailing,
    /// How many recipients are sent to again; only of the moves that do so.
    pub again: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("{}", self.message())]
    NotFound,
    /// Its state does not allow that, now that it is done: somebody was faster, or the mailing was.
    #[error("{}", self.message())]
    MovedOn,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MoveError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::NotFound => Message::new("error-mailing-not-found"),
            Self::MovedOn => Message::new("error-mailing-moved-on"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// Makes a move. To ask again for what is so already is fine: the second click changes nothing.
///
/// Every process that sends follows within two seconds; mails on the wire are finished. A mailing cancelled
/// before it began frees its issue; one cancelled later skips who was not reached.
///
/// # Errors
/// [`MoveError`].
pub async fn make_move(
    store: &Store,
    clock: &Clock,
    id: MailingId,
    wanted: Move,
) -> Result<Moved, MoveError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let newsletter = mailings::by_id(tx.db(), id).await?.ok_or(MoveError::NotFound)?.newsletter_id;
    tx.permit(Permission::SendIssues, Some(newsletter))?;
    let Some(moved) = mailings::make_move(&mut tx, id, wanted, PauseReason::User, now).await? else {
        let mailing = mailings::by_id(tx.db(), id).await?.ok_or(MoveError::NotFound)?;
        let is_so_already = match wanted.winner() {
            Some(winner) => mailing.trial.winner == Some(winner),
            None => !wanted.is_again() && Some(mailing.status) == wanted.to(),
        };
        return if is_so_already { Ok(Moved { mailing, again: 0 }) } else { Err(MoveError::MovedOn) };
    };
    let mut again = 0;
    for outcome in outcomes_again(wanted) {
        again += deliveries::try_again(&mut tx, id, *outcome, now).await?;
    }
    tx.note_detail(Act::MailingMoved, Some(newsletter), Some(id.0), wanted.as_str()).await?;
    tx.commit().await?;
    Ok(Moved { mailing: moved, again })
}

/// The outcomes that a move tries again.
const fn outcomes_again(wanted: Move) -> &'static [Outcome] {
    match wanted {
        Move::ResendFailed => &[Outcome::Bounced, Outcome::Expired],
        Move::ResendUncertain => &[Outcome::Uncertain],
        Move::SendNow
        | Move::Cancel
        | Move::Pause
        | Move::Resume
        | Move::ChooseFirst
        | Move::ChooseSecond => &[],
    }
}
