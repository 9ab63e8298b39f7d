//! A rate with a burst, without a timer: the generic cell rate algorithm.
//!
//! It keeps one moment, at which a source that never hurried would send next, and so costs nothing while
//! nobody sends. Time is what the caller says it is: any duration that only grows.

use std::time::Duration;

/// At most one thing per interval on average, and at most `burst` at once after a rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gcra {
    per: Duration,
    burst: u32,
    /// When the next thing is due if none hurries.
    due: Duration,
}

impl Gcra {
    /// One thing `per` interval; the first `burst` (at least 1) may go at once.
    pub fn new(per: Duration, burst: u32) -> Self {
        Self { per, burst: burst.max(1), due: Duration::ZERO }
    }

    /// The first moment, not before `now`, at which one more may go.
    pub fn ready_at(&self, now: Duration) -> Duration {
        // How far ahead of its time a thing may be.
        let tolerance = self.per.saturating_mul(self.burst - 1);
        self.due.saturating_sub(tolerance).max(now)
    }

    /// Another interval from now on, also between the last thing and the next.
    pub fn set_interval(&mut self, per: Duration) {
        if !self.due.is_zero() {
            self.due = self.due.saturating_sub(self.per).saturating_add(per);
        }
        self.per = per;
    }

    /// One goes at `now`. Before [`Gcra::ready_at`] this runs into debt, which later ones wait for.
    pub fn take(&mut self, now: Duration) {
        self.due = self.due.max(now).saturating_add(self.per);
    }

    /// What was taken for `at` does not go. Where others have been promised the moments after it, they keep those.
    pub fn give_back(&mut self, at: Duration) {
        if self.due == at.saturating_add(self.per) {
            self.due = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Takes `count` as early as possible from `now` on, and tells when each went.
    fn run(gcra: &mut Gcra, mut now: Duration, count: usize) -> Vec<Duration> {
        let take = |_| {
            now = gcra.ready_at(now);
            gcra.take(now);
            now
        };
        (0..count).map(take).collect()
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_one_per_interval() {
        let mut gcra = Gcra::new(SECOND, 3);
        let went: Vec<_> = run(&mut gcra, SECOND * 100, 6).iter().map(Duration::as_secs).collect();
        assert_eq!(went, [100, 100, 100, 101, 102, 103]);
    }

    #[test]
    fn a_rest_earns_one_burst_and_no_more() {
        let mut gcra = Gcra::new(SECOND, 3);
        run(&mut gcra, Duration::ZERO, 10);
        let went: Vec<_> = run(&mut gcra, SECOND * 1000, 5).iter().map(Duration::as_secs).collect();
        assert_eq!(went, [1000, 1000, 1000, 1001, 1002]);
    }

    #[test]
    fn in_any_window_there_are_at_most_the_burst_and_its_share() {
        let (per, burst) = (Duration::from_millis(360), 10);
        let mut gcra = Gcra::new(per, burst);
        let went = run(&mut gcra, SECOND, 1000);
        for (first, from) in went.iter().enumerate() {
            let window = went.iter().skip(first).take_while(|at| **at < *from + SECOND * 60).count();
            assert!(window <= 10 + 167, "{window} in the minute after {from:?}");
        }
        assert_eq!(*went.last().unwrap(), SECOND + per * (1000 - burst));
    }

    #[test]
    fn what_is_taken_too_early_is_waited_for_later() {
        let mut gcra = Gcra::new(SECOND, 1);
        for _ in 0..5 {
            gcra.take(SECOND);
        }
        assert_eq!(gcra.ready_at(SECOND), SECOND * 6);
        assert_eq!(gcra.ready_at(SECOND * 9), SECOND * 9);
    }

    #[test]
    fn what_does_not_go_is_the_next_ones_unless_others_come_after_it() {
        let mut gcra = Gcra::new(SECOND, 1);
        gcra.take(SECOND * 10);
        gcra.take(SECOND * 11);
        gcra.give_back(SECOND * 10);
        assert_eq!(gcra.ready_at(SECOND * 10), SECOND * 12, "the one after it was promised 11");
        gcra.give_back(SECOND * 11);
        assert_eq!(gcra.ready_at(SECOND * 10), SECOND * 11);
    }

    #[test]
    fn no_burst_is_a_burst_of_one_and_extremes_do_not_overflow() {
        assert_eq!(Gcra::new(SECOND, 0), Gcra::new(SECOND, 1));
        let mut endless = Gcra::new(Duration::MAX, u32::MAX);
        endless.take(SECOND);
        endless.take(Duration::MAX);
        assert_eq!(endless.ready_at(SECOND), SECOND);
    }

    #[test]
    fn another_interval_holds_for_the_next_one_already() {
        let mut gcra = Gcra::new(SECOND, 1);
        gcra.take(SECOND * 10);
        gcra.set_interval(SECOND * 3);
        assert_eq!(gcra.ready_at(SECOND * 10), SECOND * 13);
        gcra.set_interval(SECOND);
        assert_eq!(gcra.ready_at(SECOND * 10), SECOND * 11);
        let mut unused = Gcra::new(SECOND, 1);
        unused.set_interval(SECOND * 5);
        assert_eq!(unused.ready_at(SECOND), SECOND);
    }
}
