//! What an attempt means for a delivery. Pure.

use super::retry::Plan;
use super::wire::Attempt;
use crate::mail::reply::Verdict;
use crate::model::{Outcome, SubscriberId, Timestamp, UncertainPolicy};
use crate::store::deliveries::Record;

/// After so many doubts a delivery is held, whatever the newsletter says: a relay that always breaks after
/// the final dot would otherwise make a copy with every try.
pub const DOUBTS_MAX: i64 = 3;

/// What is known of a claimed delivery besides the attempt.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    pub subscriber_id: SubscriberId,
    /// Tries before this one.
    pub attempts: i64,
    pub doubts: i64,
    pub policy: UncertainPolicy,
    /// When the mailing started.
    pub began: Timestamp,
    pub plan: Plan,
    pub now: Timestamp,
}

/// The row of the ledger after an attempt.
pub fn settle(attempt: Attempt, context: &Context) -> Record {
    let tries = context.attempts + 1;
    let dice = context.subscriber_id.0.unsigned_abs();
    let next = |due: Option<Timestamp>| match due {
        Some(due) => (Outcome::Deferred, Some(due)),
        None => (Outcome::Expired, None),
    };
    let (began, now) = (context.began, context.now);
    let mut doubts = 0;
    let ((outcome, due_at), reply) = match attempt {
        Attempt::Accepted { reply } => ((Outcome::Sent, None), reply.to_string()),
        Attempt::Refused { reply, .. } if reply.classify() == Verdict::Bounced => {
            ((Outcome::Bounced, None), reply.to_string())
        }
        Attempt::Refused { reply, .. } => {
            (next(context.plan.next(tries, began, now, dice)), reply.to_string())
        }
        Attempt::Lost { reason: reply } => {
            (next(context.plan.next_after_loss(tries, began, now, dice)), reply)
        }
        Attempt::Uncertain { reason: reply } => {
            doubts = 1;
            let may_resend =
                context.policy == UncertainPolicy::Resend && context.doubts + doubts < DOUBTS_MAX;
            let due = context.plan.next_after_loss(tries, began, now, dice).filter(|_| may_resend);
            // Too late to send again is no reason to say that it did not arrive.
            let outcome = if due.is_some() { Outcome::Deferred } else { Outcome::Uncertain };
            ((outcome, due), reply)
        }
    };
    Record {
        subscriber_id: context.subscriber_id,
        outcome,
        attempts: 1,
        doubts,
        due_at,
        reply: storable(&reply),
    }
}

/// A claim that never got on the wire: back to the queue, nothing counted.
pub fn give_back(subscriber_id: SubscriberId, now: Timestamp) -> Record {
    Record {
        subscriber_id,
        outcome: Outcome::Deferred,
        attempts: 0,
        doubts: 0,
        due_at: Some(now),
        reply: String::new(),
    }
}

/// Someone who left before the wire.
pub fn skip(subscriber_id: SubscriberId) -> Record {
    Record {
        subscriber_id,
        outcome: Outcome::Skipped,
        attempts: 0,
        doubts: 0,
        due_at: None,
        reply: String::new(),
    }
}

/// PostgreSQL keeps no NUL; a reply is one line.
fn storable(reply: &str) -> String {
    const REPLY_MAX_CHARS: usize = 300;
    reply.chars().filter(|c| !c.is_control()).take(REPLY_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::retry::mailing_plan;
    use super::*;
    use crate::mail::relay::Stage;
    use crate::mail::reply::Reply;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn context() -> Context {
        Context {
            subscriber_id: SubscriberId(5),
            attempts: 0,
            doubts: 0,
            policy: UncertainPolicy::Resend,
            began: NOW,
            plan: mailing_plan(Duration::from_secs(48 * 3600)),
            now: NOW,
        }
    }

    fn refused(is_permanent: bool) -> Attempt {
        let code = if is_permanent { 550 } else { 450 };
        Attempt::Refused { stage: Stage::Recipient, reply: Reply::new(code, None, "no") }
    }

    fn uncertain() -> Attempt {
        Attempt::Uncertain { reason: "cut".into() }
    }

    #[test]
    fn five_is_final_and_four_is_not() {
        assert_eq!(settle(refused(true), &context()).outcome, Outcome::Bounced);
        let deferred = settle(refused(false), &context());
        assert_eq!((deferred.outcome, deferred.attempts, deferred.doubts), (Outcome::Deferred, 1, 0));
        assert!(deferred.due_at.is_some_and(|due| due > NOW));
    }

    #[test]
    fn four_for_too_long_expires() {
        let late = Context { now: NOW.plus(Duration::from_secs(48 * 3600)), ..context() };
        let expired = settle(refused(false), &late);
        assert_eq!((expired.outcome, expired.due_at), (Outcome::Expired, None));
    }

    #[test]
    fn a_doubt_is_counted_and_sent_again_or_held_as_the_newsletter_is_set() {
        let again = settle(uncertain(), &context());
        assert_eq!((again.outcome, again.doubts), (Outcome::Deferred, 1));
        let held = settle(uncertain(), &Context { policy: UncertainPolicy::Hold, ..context() });
        assert_eq!((held.outcome, held.doubts, held.due_at), (Outcome::Uncertain, 1, None));
    }

    #[test]
    fn a_relay_that_always_breaks_after_the_dot_does_not_make_copies_for_two_days() {
        let held = settle(uncertain(), &Context { doubts: DOUBTS_MAX - 1, ..context() });
        assert_eq!(held.outcome, Outcome::Uncertain);
    }
}
