//! What an attempt means for a delivery. Pure.

use super::retry::Plan;
use super::wire::Attempt;
use crate::mail::relay::Stage;
use crate::mail::reply::{Reply, Verdict};
use crate::model::{Outcome, Refusal, SubscriberId, Timestamp, UncertainPolicy};
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
    /// From when retries are counted.
    pub retry_from: Timestamp,
    pub plan: Plan,
    pub now: Timestamp,
}

/// The row of the ledger after an attempt; `relay` is empty when none answered.
pub fn settle(attempt: &Attempt, relay: &str, context: &Context) -> Record {
    let tries = context.attempts + 1;
    let dice = context.subscriber_id.0.unsigned_abs();
    let next = |due: Option<Timestamp>| match due {
        Some(due) => (Outcome::Deferred, Some(due)),
        None => (Outcome::Expired, None),
    };
    let (began, now) = (context.retry_from, context.now);
    let mut doubts = 0;
    let mut refusal = Refusal::None;
    let ((outcome, due_at), reply) = match attempt {
        Attempt::Accepted { reply } => ((Outcome::Sent, None), reply.to_string()),
        Attempt::Refused { stage, reply } => {
            refusal = refusal_of(*stage, reply);
            // A relay that does not take our sender says nothing about this recipient.
            let is_final = reply.classify() == Verdict::Bounced && refusal != Refusal::Sender;
            let outcome = match is_final {
                true => (Outcome::Bounced, None),
                false => next(context.plan.next(tries, began, now, dice)),
            };
            (outcome, reply.to_string())
        }
        Attempt::Lost { reason } => {
            (next(context.plan.next_after_loss(tries, began, now, dice)), reason.clone())
        }
        Attempt::Uncertain { reason } => {
            doubts = 1;
            let may_resend =
                context.policy == UncertainPolicy::Resend && context.doubts + doubts < DOUBTS_MAX;
            let due = context.plan.next_after_loss(tries, began, now, dice).filter(|_| may_resend);
            // Too late to send again is no reason to say that it did not arrive.
            let outcome = if due.is_some() { Outcome::Deferred } else { Outcome::Uncertain };
            ((outcome, due), reason.clone())
        }
    };
    Record {
        subscriber_id: context.subscriber_id,
        outcome,
        attempts: 1,
        doubts,
        due_at,
        reply: storable(&reply),
        relay: relay.to_owned(),
        refusal,
    }
}

/// A claim that never got on the wire: back to the queue, nothing counted.
pub fn give_back(subscriber_id: SubscriberId, due_at: Timestamp) -> Record {
    Record { outcome: Outcome::Deferred, due_at: Some(due_at), ..skip(subscriber_id) }
}

/// Someone who left before the wire.
pub const fn skip(subscriber_id: SubscriberId) -> Record {
    Record {
        subscriber_id,
        outcome: Outcome::Skipped,
        attempts: 0,
        doubts: 0,
        due_at: None,
        reply: String::new(),
        relay: String::new(),
        refusal: Refusal::None,
    }
}

/// What a refusal is about (RFC 3463, 5248, and what providers do).
pub fn refusal_of(stage: Stage, reply: &Reply) -> Refusal {
    match (reply.enhanced, reply.code) {
        // Before a recipient is named it is about nobody.
        (_, 421) if stage == Stage::Mail => Refusal::Other,
        (_, 421) => Refusal::Policy,
        // A relay that puts off whatever comes, as for want of space, is asked again like any other.
        _ if stage == Stage::Mail && reply.classify() == Verdict::Deferred => Refusal::Other,
        // We say there how large it is.
        (Some((5, 3, 4)), _) | (None, 552) if stage == Stage::Mail => Refusal::Message,
        _ if stage == Stage::Mail => Refusal::Sender,
        (Some((_, 1, 1 | 2 | 3 | 6 | 10) | (5, 2, 1)), _) => Refusal::Address,
        (Some((_, 1, 7 | 8)), _) => Refusal::Sender,
        (Some((_, 2, _)), _) | (None, 452) => Refusal::Mailbox,
        (Some((_, 3, 4) | (_, 6, _)), _) | (None, 552) => Refusal::Message,
        (Some((_, 7, _)), _) => Refusal::Policy,
        (None, 550) if stage == Stage::Recipient => Refusal::Address,
        (None, 554) => Refusal::Policy,
        _ => Refusal::Other,
    }
}

/// PostgreSQL keeps no NUL; a reply is one line.
fn storable(reply: &str) -> String {
    const REPLY_MAX_CHARS: usize = 300;
    if reply.len() <= REPLY_MAX_CHARS && reply.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return reply.to_owned();
    }
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
            retry_from: NOW,
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

    fn settled(attempt: &Attempt, context: &Context) -> Record {
        settle(attempt, "main", context)
    }

    #[test]
    fn five_is_final_and_four_is_not() {
        let bounced = settled(&refused(true), &context());
        assert_eq!((bounced.outcome, bounced.refusal), (Outcome::Bounced, Refusal::Address));
        let deferred = settled(&refused(false), &context());
        assert_eq!((deferred.outcome, deferred.attempts, deferred.doubts), (Outcome::Deferred, 1, 0));
        assert!(deferred.due_at.is_some_and(|due| due > NOW));
    }

    #[test]
    fn a_relay_that_refuses_the_sender_harms_no_recipient() {
        let refused = Attempt::Refused { stage: Stage::Mail, reply: Reply::parse(553, "5.7.1 not yours") };
        let deferred = settled(&refused, &context());
        assert_eq!((deferred.outcome, deferred.refusal), (Outcome::Deferred, Refusal::Sender));
    }

    #[test]
    fn a_refusal_is_about_the_address_only_if_it_says_so() {
        for (stage, code, words, about) in [
            (Stage::Mail, 421, "4.3.2 maintenance", Refusal::Other),
            (Stage::Recipient, 421, "4.7.28 unusual rate", Refusal::Policy),
            (Stage::Recipient, 550, "5.1.1 no such user", Refusal::Address),
            (Stage::Recipient, 550, "no such user", Refusal::Address),
            (Stage::Recipient, 550, "5.2.1 disabled", Refusal::Address),
            (Stage::Recipient, 552, "5.2.2 full", Refusal::Mailbox),
            (Stage::Recipient, 450, "4.2.1 busy", Refusal::Mailbox),
            (Stage::FinalDot, 552, "5.3.4 too big", Refusal::Message),
            (Stage::FinalDot, 552, "too big", Refusal::Message),
            (Stage::FinalDot, 554, "5.6.0 broken", Refusal::Message),
            (Stage::Recipient, 550, "5.7.1 blocked", Refusal::Policy),
            (Stage::FinalDot, 554, "spam", Refusal::Policy),
            (Stage::FinalDot, 550, "I do not like it", Refusal::Other),
            (Stage::Recipient, 421, "4.7.0 too fast", Refusal::Policy),
            (Stage::Mail, 550, "5.1.1 who are you", Refusal::Sender),
            (Stage::Mail, 452, "4.3.1 no space left", Refusal::Other),
            (Stage::Mail, 552, "5.3.4 too big", Refusal::Message),
            (Stage::Mail, 552, "too big", Refusal::Message),
            (Stage::Recipient, 553, "5.6.7 beyond ASCII", Refusal::Message),
            (Stage::Recipient, 451, "4.3.0 try later", Refusal::Other),
        ] {
            assert_eq!(refusal_of(stage, &Reply::parse(code, words)), about, "{code} {words}");
        }
    }

    #[test]
    fn four_for_too_long_expires() {
        let late = Context { attempts: 15, now: NOW.plus(Duration::from_secs(48 * 3600)), ..context() };
        let expired = settled(&refused(false), &late);
        assert_eq!((expired.outcome, expired.due_at), (Outcome::Expired, None));
    }

    #[test]
    fn a_doubt_is_counted_and_sent_again_or_held_as_the_newsletter_is_set() {
        let again = settled(&uncertain(), &context());
        assert_eq!((again.outcome, again.doubts), (Outcome::Deferred, 1));
        let held = settled(&uncertain(), &Context { policy: UncertainPolicy::Hold, ..context() });
        assert_eq!((held.outcome, held.doubts, held.due_at), (Outcome::Uncertain, 1, None));
    }

    #[test]
    fn a_relay_that_always_breaks_after_the_dot_does_not_make_copies_for_two_days() {
        let held = settled(&uncertain(), &Context { doubts: DOUBTS_MAX - 1, ..context() });
        assert_eq!(held.outcome, Outcome::Uncertain);
    }
}
