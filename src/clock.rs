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
    Test(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    pub fn system() -> Self {
        Self(Source::System(Instant::now()))
    }

    /// A clock that stands still until [`Clock::advance`].
    pub fn test(start: Timestamp) -> Self {
        Self(Source::Test(Arc::new(watch::Sender::new(start))))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(_) => Timestamp::from_utc(Utc::now()),
            Source::Test(now) => *now.borrow(),
        }
    }

    /// Time that never goes back, since some moment in the past: for leases and ages, which a clock that is
    /// set must not change.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System(origin) => origin.elapsed(),
            Source::Test(now) => now.borrow().since(Timestamp::from_millis(0)),
        }
    }

    /// Moves a test clock forward and wakes who sleeps on it. Does nothing to the system's clock.
    pub fn advance(&self, duration: Duration) {
        if let Source::Test(now) = &self.0 {
            now.send_modify(|now| *now = now.plus(duration));
        }
    }

    /// Sleeps for a while, however the system's clock is set meanwhile.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System(_) => tokio::time::sleep(duration).await,
            Source::Test(_) => self.sleep_until(self.now().plus(duration)).await,
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
            Source::Test(now) => {
                let mut changes = now.subscribe();
                // The sender lives in `self`, so waiting cannot fail.
                let _ = changes.wait_for(|now| *now >= moment).await;
            }
        }
    }
}
