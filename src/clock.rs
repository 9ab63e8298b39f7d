//! Time as a parameter: production reads the system's clock, tests move their own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::watch;

use crate::model::Timestamp;

/// Longest single sleep on the system clock, so that a clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// Where the time comes from. Cheap to clone; clones of a test clock move together.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    /// With the moment from which [`Clock::elapsed`] counts.
    System(Instant),
    Test(Arc<watch::Sender<Hands>>),
}

/// What a test clock shows.
#[derive(Debug, Clone, Copy)]
struct Hands {
    now: Timestamp,
    elapsed: Duration,
}

impl Clock {
    pub fn system() -> Self {
        Self(Source::System(Instant::now()))
    }

    /// A clock that stands still until [`Clock::advance`].
    pub fn test(start: Timestamp) -> Self {
        let elapsed = start.since(Timestamp::from_millis(0));
        Self(Source::Test(Arc::new(watch::Sender::new(Hands { now: start, elapsed }))))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(_) => Timestamp::from_utc(Utc::now()),
            Source::Test(hands) => hands.borrow().now,
        }
    }

    /// Time that never goes back, since some moment in the past: for leases and ages, which a clock that is
    /// set must not change.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System(origin) => origin.elapsed(),
            Source::Test(hands) => hands.borrow().elapsed,
        }
    }

    /// Moves a test clock forward and wakes who sleeps on it. Does nothing to the system's clock.
    pub fn advance(&self, duration: Duration) {
        if let Source::Test(hands) = &self.0 {
            hands.send_modify(|hands| {
                hands.now = hands.now.plus(duration);
                hands.elapsed += duration;
            });
        }
    }

    /// Sets a test clock, as a person or a time server does: no time passes by it, so [`Clock::elapsed`] stays.
    /// Does nothing to the system's clock.
    pub fn set(&self, moment: Timestamp) {
        if let Source::Test(hands) = &self.0 {
            hands.send_modify(|hands| hands.now = moment);
        }
    }

    /// Sleeps for a while, however the clock is set meanwhile.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System(_) => tokio::time::sleep(duration).await,
            Source::Test(hands) => {
                let end = self.elapsed().saturating_add(duration);
                // The sender lives in `self`, so waiting cannot fail.
                let _ = hands.subscribe().wait_for(|hands| hands.elapsed >= end).await;
            }
        }
    }

    /// Sleeps until the clock shows `moment` or later.
    pub async fn sleep_until(&self, moment: Timestamp) {
        match &self.0 {
            Source::System(_) => loop {
                let rest = moment.since(self.now());
                if rest.is_zero() {
                    return;
                }
                tokio::time::sleep(rest.min(SLEEP_MAX)).await;
            },
            Source::Test(hands) => {
                // As above.
                let _ = hands.subscribe().wait_for(|hands| hands.now >= moment).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn who_sets_a_clock_wakes_those_who_wait_for_a_moment_and_not_those_who_sleep() {
        let clock = Clock::test(START);
        let before = clock.elapsed();
        let mut moment = std::pin::pin!(clock.sleep_until(START.plus(HOUR)));
        let mut nap = std::pin::pin!(clock.sleep(HOUR));
        assert!(moment.as_mut().now_or_never().is_none());
        clock.set(START.plus(HOUR));
        assert!(moment.now_or_never().is_some() && nap.as_mut().now_or_never().is_none());
        assert_eq!(clock.elapsed(), before);
        clock.set(START);
        clock.advance(HOUR);
        assert!(nap.now_or_never().is_some());
        assert_eq!((clock.now(), clock.elapsed()), (START.plus(HOUR), before + HOUR));
    }
}
