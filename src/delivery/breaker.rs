//! Stops a mailing that goes wrong, and tells those who work with it: before a mistake in it, or in the list,
//! has reached everybody and spoilt the sender's name.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::alert;
use super::shift::{Settled, Shift};
use crate::model::{Account, MailingId, Move, Outcome, PauseReason, Refusal, Timestamp};
use crate::store::deliveries::Record;
use crate::store::{Result, mailings};

/// Fewer attempts say nothing (D51).
const ATTEMPTS_MIN: i64 = 200;
/// More refusals than one in so many stop a mailing: 5 %, at which providers begin to look.
const ONE_IN: i64 = 20;
/// So many refusals of the sender, with nothing taken between, are no accident.
const SENDER_REFUSALS: u32 = 5;

/// A look that failed is made again after this.
pub const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What this worker has seen of the mailings that it sends.
#[derive(Debug, Default)]
pub struct Breaker {
    sender_refusals: HashMap<MailingId, Refusals>,
    /// At which it could not look, with bounces that may be too many.
    unseen: BTreeSet<MailingId>,
}

/// Refusals of the sender with nothing taken between.
#[derive(Debug, Clone, Copy)]
struct Refusals {
    /// The start of the mailing, or the resumption, under which they were tried: what was on the wire when somebody
    /// resumed it says nothing about what they have mended.
    since: Timestamp,
    count: u32,
}

impl Breaker {
    /// Counts what is about to be recorded.
    pub fn note(&mut self, settled: &Settled) {
        let (id, since) = (settled.mailing, settled.retry_from);
        match (settled.record.outcome, settled.record.refusal) {
            (_, Refusal::Sender) => {
                let refusals = self.sender_refusals.entry(id).or_insert(Refusals { since, count: 0 });
                if refusals.since < since {
                    *refusals = Refusals { since, count: 0 };
                }
                refusals.count += u32::from(refusals.since == since);
            }
            (Outcome::Sent, _) => {
                self.sender_refusals.remove(&id);
            }
            _ => {}
        }
    }

    /// Looks at what was just recorded of a mailing, and pauses it if need be. Where the database does not answer,
    /// [`Breaker::look_again`] makes up for it.
    pub async fn look(&mut self, shift: &Shift, id: MailingId, records: &[Record]) {
        match self.judge(shift, id, records).await {
            Ok(()) => {
                self.unseen.remove(&id);
            }
            Err(error) => {
                tracing::warn!(mailing = %id, %error, "cannot look whether a mailing goes wrong; it is tried again");
                self.unseen.insert(id);
            }
        }
    }

    /// Whether a look failed.
    pub fn has_unseen(&self) -> bool {
        !self.unseen.is_empty()
    }

    /// Looks where it failed: nothing else may come of these mailings for a while.
    pub async fn look_again(&mut self, shift: &Shift) {
        for id in self.unseen.clone() {
            self.look(shift, id, &[]).await;
        }
    }

    async fn judge(&mut self, shift: &Shift, id: MailingId, records: &[Record]) -> Result<()> {
        let Some(reason) = self.reason(shift, id, records).await? else { return Ok(()) };
        let now = shift.clock.now();
        let mut tx = shift.store.begin().await?;
        let Some(paused) = mailings::make_move(&mut tx, id, Move::Pause, reason, now).await? else {
            // Paused already: what was on the wire then must not count once it is resumed.
            self.sender_refusals.remove(&id);
            return Ok(());
        };
        if reason == PauseReason::Bounces && paused.are_bounces_accepted {
            // Somebody resumed it since it was looked at.
            return Ok(());
        }
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
        let refusals =
            self.sender_refusals.get(&id).filter(|refusals| refusals.count >= SENDER_REFUSALS).copied();
        let has_bounced = records.iter().any(|record| record.outcome == Outcome::Bounced);
        if refusals.is_none() && !has_bounced && !self.unseen.contains(&id) {
            return Ok(None);
        }
        let mailing = mailings::by_id(shift.store.read().await?.db(), id).await?;
        if let Some(refusals) = refusals {
            if mailing.as_ref().is_none_or(|mailing| mailing.retry_from <= Some(refusals.since)) {
                return Ok(Some(PauseReason::Sender));
            }
            self.sender_refusals.remove(&id);
        }
        // Someone who saw it and went on has decided.
        let is_wrong = mailing
            .is_some_and(|mailing| !mailing.are_bounces_accepted && has_too_many_bounces(&mailing.account));
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
