//! When a mail that was put off is tried again (RFC 5321, 4.5.4.1). Pure functions.

use std::time::Duration;

use crate::model::Timestamp;

/// A plan of retries: the first wait, doubled each time up to a cap.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub first: Duration,
    pub cap: Duration,
    /// After so long since the beginning there is no point any more.
    pub give_up: Duration,
}

/// Share by which a wait is made shorter or longer, so that a thousand deferred at once do not come back at once.
const JITTER_PERCENT: u64 = 20;

/// For the mails of a mailing; `give_up` comes from the configuration.
pub const fn mailing(give_up: Duration) -> Plan {
    Plan { first: Duration::from_secs(5 * 60), cap: Duration::from_secs(4 * 3600), give_up }
}

/// For single mails: someone is waiting for them.
pub const OUTBOX: Plan = Plan {
    first: Duration::from_secs(60),
    cap: Duration::from_secs(3600),
    give_up: Duration::from_secs(24 * 3600),
};

impl Plan {
    /// When to try again after this many attempts, or `None` to give up. `spread` is any number: the same
    /// mail gets the same jitter, so that a test can foresee it.
    pub fn next(&self, attempts: i64, began: Timestamp, now: Timestamp, spread: u64) -> Option<Timestamp> {
        let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 30)).unwrap_or(0);
        let wait = self.first.saturating_mul(2_u32.saturating_pow(doublings)).min(self.cap);
        let percent = 100 - JITTER_PERCENT + spread % (2 * JITTER_PERCENT + 1);
        let wait = Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) / 100 * percent);
        let due = now.plus(wait);
        (due.since(began) <= self.give_up).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_within_the_jitter() {
        let plan = mailing(Duration::from_secs(48 * 3600));
        let now = Timestamp::from_millis(1_000_000);
        for (attempts, minutes) in [(1, 5), (2, 10), (3, 20), (6, 160), (7, 240), (40, 240)] {
            for spread in 0..100 {
                let wait = plan.next(attempts, now, now, spread).map(|due| due.since(now).as_secs());
                let (least, most) = (minutes * 60 * 80 / 100, minutes * 60 * 120 / 100);
                assert!(wait.is_some_and(|wait| (least..=most).contains(&wait)), "{attempts}: {wait:?}");
            }
        }
    }

    #[test]
    fn nothing_is_tried_after_the_limit() {
        let began = Timestamp::from_millis(0);
        let plan = mailing(Duration::from_secs(48 * 3600));
        assert!(plan.next(12, began, began.plus(Duration::from_secs(43 * 3600)), 20).is_some());
        assert_eq!(plan.next(12, began, began.plus(Duration::from_secs(47 * 3600)), 20), None);
    }
}
