//! Stops a mailing that goes wrong, and tells those who work with it: before a mistake in it, or in the list,
//! has reached everybody and spoilt the sender's name.

use std::collections::HashMap;

use super::alert;
use super::shift::Shift;
use crate::model::{Account, MailingId, Move, Outcome, PauseReason, Refusal};
use crate::store::deliveries::Record;
use crate::store::{Result, mailings};

/// Fewer attempts say nothing (D51).
const ATTEMPTS_MIN: i64 = 200;
/// More refusals than one in so many stop a mailing: 5 %, at which providers begin to look.
const ONE_IN: i64 = 20;
/// So many refusals of the sender, with nothing taken between, are no accident.
const SENDER_REFUSALS: u32 = 5;

/// What this worker has seen of the mailings that it sends.
#[derive(Debug, Default)]
pub struct Breaker {
    sender_refusals: HashMap<MailingId, u32>,
}

impl Breaker {
    /// Looks at what was just recorded of a mailing, and pauses it if need be.
    ///
    /// # Errors
    /// Of the database; the outcomes are stored already, and the next batch looks again.
    pub async fn look(&mut self, shift: &Shift, id: MailingId, records: &[Record]) -> Result<()> {
        let Some(reason) = self.reason(shift, id, records).await? else { return Ok(()) };
        let now = shift.clock.now();
        let mut tx = shift.store.begin().await?;
        let Some(paused) = mailings::make_move(&mut tx, id, Move::Pause, reason, now).await? else {
            // Paused already: what was on the wire then must not count once it is resumed.
            self.sender_refusals.remove(&id);
            return Ok(());
        };
        alert::mailing_paused(&mut tx, &shift.settings.public_url, &paused, now).await?;
        tx.commit().await?;
        self.sender_refusals.remove(&id);
        tracing::warn!(mailing = %id, %reason, "a mailing was paused, because it goes wrong");
        shift.signals.wake();
        shift.signals.did();
        Ok(())
    }

    async fn reason(
        &mut self,
        shift: &Shift,
        id: MailingId,
        records: &[Record],
    ) -> Result<Option<PauseReason>> {
        for record in records {
            match (record.outcome, record.refusal) {
                (_, Refusal::Sender) => *self.sender_refusals.entry(id).or_default() += 1,
                (Outcome::Sent, _) => {
                    self.sender_refusals.remove(&id);
                }
                _ => {}
            }
        }
        if self.sender_refusals.get(&id).is_some_and(|count| *count >= SENDER_REFUSALS) {
            return Ok(Some(PauseReason::Sender));
        }
        if !records.iter().any(|record| record.outcome == Outcome::Bounced) {
            return Ok(None);
        }
        let mailing = mailings::by_id(shift.store.read().await?.db(), id).await?;
        // Someone who saw it and went on has decided.
        let is_wrong = mailing.is_some_and(|mailing| {
            mailing.pause_reason != PauseReason::Bounces && has_too_many_bounces(&mailing.account)
        });
        Ok(is_wrong.then_some(PauseReason::Bounces))
    }
}

const fn has_too_many_bounces(account: &Account) -> bool {
    let attempts = account.sent + account.bounced;
    attempts >= ATTEMPTS_MIN && account.bounced * ONE_IN > attempts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(sent: i64, bounced: i64) -> Account {
        Account { audience: 1000, sent, bounced, ..Account::default() }
    }

    #[test]
    fn more_than_five_in_a_hundred_stop_a_mailing_after_two_hundred() {
        assert!(!has_too_many_bounces(&account(0, 199)));
        assert!(!has_too_many_bounces(&account(190, 10)));
        assert!(has_too_many_bounces(&account(189, 11)));
        assert!(!has_too_many_bounces(&account(950, 50)));
        assert!(has_too_many_bounces(&account(940, 60)));
    }
}
