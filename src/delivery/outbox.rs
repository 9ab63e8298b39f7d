//! Sends single mails: confirmations, answers, tests. The same relay as mailings; few at a time.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};

use super::composer::Moot;
use super::feeder;
use super::outcome;
use super::patience::Patience;
use super::retry::OUTBOX_PLAN;
use super::shift::Shift;
use super::wire::Attempt;
use crate::mail::reply::Verdict;
use crate::model::{OutboxKind, OutboxMail, OutboxStatus, Refusal, Timestamp};
use crate::store::outbox::{self, AnotherTry};
use crate::store::{Result, StoreError, Tx, welcome};

/// Mails claimed in one transaction.
const BATCH: i64 = 20;
/// Mails on the wire or waiting to be recorded at once, of all connections of the relay: so many a crash may send again.
const AT_ONCE: usize = 8;
/// So often a confirmation is sent again after nobody knew whether it had arrived.
pub const DOUBTS_MAX: i64 = 2;

/// Runs until the engine stops.
pub async fn run(shift: &Shift) -> feeder::Ended {
    let mut work = shift.signals.work.subscribe();
    let mut patience = Patience::new("look for single mails to send");
    while !*shift.signals.stop.borrow() {
        work.mark_unchanged();
        match claim(shift).await {
            Ok(mails) if mails.is_empty() => match next_due(shift).await {
                Ok(due) => {
                    patience.over();
                    shift.idle(&mut work, due).await;
                }
                Err(error) => {
                    shift.unless_stopped(patience.wait(&error)).await;
                }
            },
            Ok(mails) => {
                patience.over();
                send_all(shift, mails).await;
            }
            Err(Failure { error, claims_unknown: true }) => {
                tracing::warn!(%error, "the database broke off while claiming; all claims are given back");
                return feeder::Ended::ClaimsUnknown;
            }
            Err(Failure { error, .. }) => {
                shift.unless_stopped(patience.wait(&error)).await;
            }
        }
    }
    feeder::Ended::Stopped
}

struct Failure {
    error: StoreError,
    claims_unknown: bool,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error, claims_unknown: false }
    }
}

async fn claim(shift: &Shift) -> Result<Vec<OutboxMail>, Failure> {
    let now = shift.clock.now();
    if outbox::next_due(shift.store.read().await?.db()).await?.is_none_or(|due| due > now) {
        return Ok(Vec::new());
    }
    let mut tx = shift.store.begin().await?;
    let mails = outbox::claim(&mut tx, shift.worker, BATCH, now).await?;
    tx.commit().await.map_err(|error| Failure { error, claims_unknown: true })?;
    Ok(mails)
}

async fn next_due(shift: &Shift) -> Result<Option<Timestamp>> {
    outbox::next_due(shift.store.read().await?.db()).await
}

/// What is written after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Conclusion {
    Ended(OutboxStatus),
    /// Expired, and surely never with the relay: a step of the welcome series has its turn again.
    Unsent,
    Again {
        attempts: i64,
        doubts: i64,
        due_at: Timestamp,
    },
}

/// Sends claimed mails and records what came of each; what ends in the same moment is recorded together. Both go on
/// side by side: a mail that is read from the database meanwhile must not hold the connection that recording needs.
async fn send_all(shift: &Shift, mails: Vec<OutboxMail>) {
    let (sender, mut ended) = mpsc::channel::<(Ended, oneshot::Sender<()>)>(AT_ONCE);
    let sending = async move {
        let each = |mail| {
            let sender = sender.clone();
            async move {
                let Some(ended) = deliver(shift, mail).await else { return };
                let (recorded, is_recorded) = oneshot::channel();
                // The other side is there until this one ends, and answers each.
                if sender.send((ended, recorded)).await.is_ok() {
                    let _ = is_recorded.await;
                }
            }
        };
        futures_util::stream::iter(mails).for_each_concurrent(AT_ONCE, each).await;
    };
    let recording = async {
        let mut together = Vec::with_capacity(AT_ONCE);
        while ended.recv_many(&mut together, AT_ONCE).await > 0 {
            let (all, waiting): (Vec<_>, Vec<_>) = together.drain(..).unzip();
            record(shift, &all).await;
            for one in waiting {
                // Nobody waits where sending was given up.
                let _ = one.send(());
            }
        }
    };
    tokio::join!(sending, recording);
}

/// A mail, and what came of it.
#[derive(Debug)]
struct Ended {
    mail: OutboxMail,
    conclusion: Conclusion,
    reply: String,
}

/// Brings a claimed mail to its conclusion. When the engine stops before it went out, it is given back
/// with all others.
async fn deliver(shift: &Shift, mail: OutboxMail) -> Option<Ended> {
    let pass = shift.unless_stopped(shift.gate.pass()).await?;
    shift.unless_stopped(shift.lease.good()).await?;
    let mut patience = Patience::new("write a single mail");
    let composed = loop {
        match shift.composer.single(&shift.store, &mail).await {
            Ok(composed) => break composed,
            Err(error) => shift.unless_stopped(patience.wait(&error)).await?,
        }
    };
    let wire_mail = match composed {
        Ok(wire_mail) => shift.composer.signed(wire_mail, mail.created_at).await,
        Err(moot) => {
            let conclusion = match moot {
                Moot::NotNeeded => Conclusion::Unsent,
                Moot::Render(_) | Moot::Welcome(_) | Moot::Template(_) => {
                    Conclusion::Ended(OutboxStatus::Expired)
                }
            };
            return Some(Ended { mail, conclusion, reply: moot.to_string() });
        }
    };
    // Writing the mail may have taken longer than the lease.
    shift.unless_stopped(shift.lease.good()).await?;
    let (conclusion, reply) = match shift.wire.send(&wire_mail).await {
        Ok(sent) => {
            match &sent.attempt {
                Attempt::Accepted { .. } | Attempt::Refused { .. } => shift.gate.answered(),
                Attempt::Lost { reason } | Attempt::Uncertain { reason } => {
                    shift.gate.failed(reason, Duration::ZERO);
                }
            }
            conclude(&mail, &sent.attempt, shift.clock.now())
        }
        Err(unreachable) => {
            let wait = shift.gate.failed(&unreachable.why, unreachable.wait);
            let due_at = shift.clock.now().plus(wait);
            let conclusion = if due_at.since(mail.created_at) < OUTBOX_PLAN.give_up {
                Conclusion::Again { attempts: 0, doubts: 0, due_at }
            } else {
                Conclusion::Unsent
            };
            (conclusion, unreachable.why)
        }
    };
    drop(pass);
    Some(Ended { mail, conclusion, reply })
}

/// What an attempt means for a single mail. Pure.
fn conclude(mail: &OutboxMail, attempt: &Attempt, now: Timestamp) -> (Conclusion, String) {
    let dice = mail.id.0.unsigned_abs();
    let tries = mail.attempts + 1;
    let again = |due: Option<Timestamp>, doubts, otherwise| match due {
        Some(due_at) => Conclusion::Again { attempts: 1, doubts, due_at },
        None => Conclusion::Ended(otherwise),
    };
    match attempt {
        Attempt::Accepted { reply } => (Conclusion::Ended(OutboxStatus::Sent), reply.to_string()),
        // A relay that does not take the sender will take it once someone has set that right.
        Attempt::Refused { stage, reply }
            if reply.classify() == Verdict::Bounced
                && outcome::refusal_of(*stage, reply) != Refusal::Sender =>
        {
            (Conclusion::Ended(OutboxStatus::Bounced), reply.to_string())
        }
        Attempt::Refused { reply, .. } => {
            let due = OUTBOX_PLAN.next(tries, mail.created_at, now, dice);
            (again(due, 0, OutboxStatus::Expired), reply.to_string())
        }
        Attempt::Lost { reason: reply } => {
            let due = OUTBOX_PLAN.next_after_loss(tries, mail.created_at, now, dice);
            (again(due, 0, OutboxStatus::Expired), reply.clone())
        }
        Attempt::Uncertain { reason: reply } => {
            let may_resend =
                !matches!(mail.kind, OutboxKind::Test | OutboxKind::Welcome) && mail.doubts < DOUBTS_MAX;
            let due = OUTBOX_PLAN.next_after_loss(tries, mail.created_at, now, dice).filter(|_| may_resend);
            (again(due, 1, OutboxStatus::Uncertain), reply.clone())
        }
    }
}

/// Writes what became of mails, in one transaction.
async fn record(shift: &Shift, ended: &[Ended]) {
    let mut patience = Patience::new("record what became of single mails");
    while let Err(error) = write_all(shift, ended).await {
        patience.wait(&error).await;
    }
    for _ in ended {
        shift.signals.did();
    }
}

async fn write_all(shift: &Shift, ended: &[Ended]) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let mut tx = shift.store.begin().await?;
    for one in ended {
        write(shift, &mut tx, one).await?;
    }
    tx.commit().await
}

async fn write(shift: &Shift, tx: &mut Tx, Ended { mail, conclusion, reply }: &Ended) -> Result<()> {
    /// Characters of a reply that are kept.
    const REPLY_MAX: usize = 300;
    let reply: String = reply.chars().filter(|c| !c.is_control()).take(REPLY_MAX).collect();
    let now = shift.clock.now();
    match *conclusion {
        Conclusion::Ended(status) => outbox::finish(tx, mail.id, shift.worker, status, &reply, now).await?,
        Conclusion::Unsent => {
            let step = mail.subscription_id.zip(mail.welcome_step_id).filter(|_| mail.doubts == 0);
            let is_mine =
                outbox::finish(tx, mail.id, shift.worker, OutboxStatus::Expired, &reply, now).await?;
            if let Some((subscription, step)) = step.filter(|_| is_mine) {
                welcome::unmark(tx, subscription, step).await?;
            }
            is_mine
        }
        Conclusion::Again { attempts, doubts, due_at } => {
            let another = AnotherTry { attempts, doubts, due_at };
            outbox::put_back(tx, mail.id, shift.worker, another, &reply).await?
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::relay::Stage;
    use crate::mail::reply::Reply;
    use crate::model::{Language, NewsletterId, OutboxId};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn mail(kind: OutboxKind, doubts: i64) -> OutboxMail {
        OutboxMail {
            id: OutboxId(1),
            kind,
            status: OutboxStatus::Claimed,
            newsletter_id: NewsletterId(1),
            subscription_id: None,
            to_address: None,
            issue_id: None,
            welcome_step_id: None,
            language: Language::Dutch,
            nonce: Vec::new(),
            message_uuid: uuid::Uuid::nil(),
            attempts: doubts,
            doubts,
            due_at: NOW,
            created_at: NOW,
            is_bulk: false,
        }
    }

    fn after_doubt(kind: OutboxKind, doubts: i64) -> Conclusion {
        conclude(&mail(kind, doubts), &Attempt::Uncertain { reason: String::new() }, NOW).0
    }

    #[test]
    fn a_confirmation_in_doubt_is_sent_again_twice_at_most() {
        for doubts in [0, 1] {
            assert!(matches!(after_doubt(OutboxKind::Confirm, doubts), Conclusion::Again { doubts: 1, .. }));
        }
        assert_eq!(after_doubt(OutboxKind::Confirm, 2), Conclusion::Ended(OutboxStatus::Uncertain));
    }

    #[test]
    fn a_test_mail_in_doubt_is_not_sent_again() {
        assert_eq!(after_doubt(OutboxKind::Test, 0), Conclusion::Ended(OutboxStatus::Uncertain));
    }

    #[test]
    fn a_refusal_for_a_day_is_the_end() {
        let refused = Attempt::Refused { stage: Stage::Recipient, reply: Reply::new(451, None, "") };
        let (first, _) = conclude(&mail(OutboxKind::Confirm, 0), &refused, NOW);
        assert!(matches!(first, Conclusion::Again { attempts: 1, doubts: 0, .. }));
        let late = NOW.plus(Duration::from_secs(24 * 3600));
        let often = OutboxMail { attempts: 12, ..mail(OutboxKind::Confirm, 0) };
        assert_eq!(conclude(&often, &refused, late).0, Conclusion::Ended(OutboxStatus::Expired));
        // Hardly tried: the clock jumped, or no relay was there.
        assert!(matches!(
            conclude(&mail(OutboxKind::Confirm, 0), &refused, late).0,
            Conclusion::Again { .. }
        ));
    }
}
