//! When a mail is tried again, and when there is no point any more. Pure functions.

use std::time::Duration;

use crate::model::Timestamp;

/// Waits grow from `first` by factors of two to `cap`, with a jitter of 20 % either way, until `give_up`
/// after the beginning, and not before as many tries as a part of that time holds: where the clock was set forward,
/// or the relay was down, the time is over before anybody was really asked.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub first: Duration,
    pub cap: Duration,
    pub give_up: Duration,
}

/// Of a mailing (D41); `give_up` is the setting `mail.retry_hours`.
pub const fn mailing_plan(give_up: Duration) -> Plan {
    Plan { first: Duration::from_secs(5 * 60), cap: Duration::from_secs(4 * 3600), give_up }
}

/// Of the outbox: someone waits for the mail, and a later confirmation has little time left to be used.
pub const OUTBOX_PLAN: Plan = Plan {
    first: Duration::from_secs(60),
    cap: Duration::from_secs(3600),
    give_up: Duration::from_secs(24 * 3600),
};

/// The first wait when only the connection broke: nothing was refused.
pub const LOST_FIRST: Duration = Duration::from_secs(30);

const JITTER_PERCENT: u64 = 20;
/// The part of `give_up` that the tries must have taken by the plan: a quarter, however far a clock jumps.
const TRIED_PART: u32 = 4;

impl Plan {
    /// When to try again after `attempts` tries (1 or more), or `None` when that would be too late.
    /// `dice` is anything that differs between mails, so that they do not come back all at once.
    pub fn next(&self, attempts: i64, began: Timestamp, now: Timestamp, dice: u64) -> Option<Timestamp> {
        self.after(self.wait(attempts), attempts, began, now, dice)
    }

    /// The same with a shorter first wait.
    pub fn next_after_loss(
        &self,
        attempts: i64,
        began: Timestamp,
        now: Timestamp,
        dice: u64,
    ) -> Option<Timestamp> {
        let wait = if attempts <= 1 { LOST_FIRST.min(self.first) } else { self.wait(attempts - 1) };
        self.after(wait, attempts, began, now, dice)
    }

    fn after(
        &self,
        wait: Duration,
        attempts: i64,
        began: Timestamp,
        now: Timestamp,
        dice: u64,
    ) -> Option<Timestamp> {
        let due = now.plus(jittered(wait, dice.wrapping_add(attempts.unsigned_abs())));
        let is_late = due.since(began) >= self.give_up;
        (!is_late || self.tried_for(attempts) < self.give_up / TRIED_PART).then_some(due)
    }

    /// How long so many tries take by the plan.
    fn tried_for(&self, attempts: i64) -> Duration {
        // So many tries at the shortest waits are more than any limit; it ends also where waits are zero.
        const TRIES_MAX: i64 = 10_000;
        (1..=attempts.min(TRIES_MAX))
            .fold(Duration::ZERO, |sum, attempt| sum.saturating_add(self.wait(attempt)))
    }

    fn wait(&self, attempts: i64) -> Duration {
        let doublings = u32::try_from(attempts.max(1) - 1).unwrap_or(u32::MAX).min(30);
        self.first.saturating_mul(2_u32.saturating_pow(doublings)).min(self.cap)
    }
}

/// 80 % to 120 % of a wait.
fn jittered(wait: Duration, dice: u64) -> Duration {
    let span = 2 * JITTER_PERCENT * 10 + 1;
    let per_mille = 1000 - JITTER_PERCENT * 10 + mix(dice) % span;
    Duration::from_millis(
        u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_mul(per_mille) / 1000,
    )
}

/// Spreads neighbouring numbers over all of them (the finaliser of SplitMix64).
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const BEGAN: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn waits_double_from_five_minutes_to_four_hours_within_a_fifth() {
        let plan = mailing_plan(HOUR * 48);
        for (attempts, minutes) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 240), (50, 240)]
        {
            for dice in 0..1000 {
                let due = plan.next(attempts, BEGAN, BEGAN, dice).unwrap();
                let wait = due.since(BEGAN).as_millis();
                let planned = u128::from(minutes * 60_000_u64);
                assert!(wait * 10 >= planned * 8 && wait * 10 <= planned * 12, "{attempts}: {wait} ms");
            }
        }
    }

    #[test]
    fn mails_do_not_come_back_all_at_once() {
        let plan = mailing_plan(HOUR * 48);
        let moments: std::collections::HashSet<_> =
            (0..400).map(|dice| plan.next(1, BEGAN, BEGAN, dice).unwrap().as_millis()).collect();
        assert!(moments.len() > 200, "{} different moments", moments.len());
    }

    #[test]
    fn there_is_no_try_after_the_limit() {
        let plan = mailing_plan(HOUR * 48);
        let mut now = BEGAN;
        let mut attempts = 0;
        while let Some(due) = plan.next(attempts + 1, BEGAN, now, 7) {
            assert!(due > now && due.since(BEGAN) < HOUR * 48);
            attempts += 1;
            now = due;
        }
        assert!((12..=24).contains(&attempts), "{attempts} tries in 48 hours");
    }

    #[test]
    fn who_was_hardly_tried_is_not_given_up_because_the_clock_jumped() {
        let plan = mailing_plan(HOUR * 48);
        let next_year = BEGAN.plus(HOUR * 24 * 365);
        let tries: Vec<i64> =
            (1..100).filter(|attempts| plan.next(*attempts, BEGAN, next_year, 7).is_some()).collect();
        // 5, 10, 20, 40, 80, 160 minutes and twice 4 hours: twelve hours are over with the eighth.
        assert_eq!(tries, (1..=7).collect::<Vec<_>>());
    }

    #[test]
    fn a_broken_connection_is_tried_again_sooner() {
        let plan = mailing_plan(HOUR * 48);
        let due = plan.next_after_loss(1, BEGAN, BEGAN, 3).unwrap();
        assert!(due.since(BEGAN) <= Duration::from_secs(36));
        let due = plan.next_after_loss(2, BEGAN, BEGAN, 3).unwrap();
        assert!(due.since(BEGAN) >= Duration::from_secs(240));
    }

    #[test]
    fn the_outbox_gives_up_after_a_day() {
        let late = BEGAN.plus(HOUR * 24);
        assert_eq!(OUTBOX_PLAN.next(12, BEGAN, late, 1), None);
        assert!(OUTBOX_PLAN.next(1, BEGAN, BEGAN, 1).unwrap().since(BEGAN) <= Duration::from_secs(72));
    }
}
