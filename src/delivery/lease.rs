//! How long this worker may still believe that others think it alive.
//!
//! A worker that stalled (a stopped process, a frozen machine) is buried by others and its claims are
//! recovered. When it wakes up it must not send: its lease, far shorter than the silence after which it is
//! buried, has run out. On SQLite there are no others, and the lease never runs out. Both the monotonic and the wall clock count, because neither notices every stall.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::model::Timestamp;

/// Between two beats.
pub const BEAT_EVERY: Duration = Duration::from_secs(2);
/// The same where nobody else looks: a process that has nothing to do leaves the disk alone.
pub const BEAT_EVERY_ALONE: Duration = Duration::from_secs(60);
/// After a beat: one may fail.
pub const LEASE: Duration = Duration::from_secs(5);
/// Silence after which others bury a worker: twice its lease, so that what it had just begun is mostly over.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);
/// So often others must have looked in that time: where the database was away for everybody, nobody was silent.
pub const LOOKS_MIN: u32 = 5;

#[derive(Debug)]
pub struct Lease {
    clock: Clock,
    /// Whether others may bury this worker.
    is_shared: bool,
    beat: watch::Sender<(Duration, Timestamp)>,
}

impl Lease {
    /// Runs from now, if others share the database.
    pub fn new(clock: Clock, is_shared: bool) -> Self {
        let beat = (clock.elapsed(), clock.now());
        Self { clock, is_shared, beat: watch::Sender::new(beat) }
    }

    /// A moment to give to [`Lease::renew`]: before the beat is written, not after.
    pub fn moment(&self) -> (Duration, Timestamp) {
        (self.clock.elapsed(), self.clock.now())
    }

    pub fn renew(&self, moment: (Duration, Timestamp)) {
        self.beat.send_replace(moment);
    }

    pub fn is_good(&self) -> bool {
        self.holds(*self.beat.borrow())
    }

    /// Waits until the lease is good.
    pub async fn good(&self) {
        if self.is_good() {
            return;
        }
        let _ = self.beat.subscribe().wait_for(|beat| self.holds(*beat)).await;
    }

    fn holds(&self, (elapsed, wall): (Duration, Timestamp)) -> bool {
        !self.is_shared
            || self.clock.elapsed().saturating_sub(elapsed) < LEASE && self.clock.now().since(wall) < LEASE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn a_worker_that_stalled_waits_for_its_next_beat() {
        let clock = Clock::test(Timestamp::from_millis(0));
        let lease = Lease::new(clock.clone(), true);
        clock.advance(LEASE.saturating_sub(Duration::from_millis(1)));
        assert!(lease.is_good() && lease.good().now_or_never().is_some());
        clock.advance(Duration::from_millis(1));
        assert!(!lease.is_good() && lease.good().now_or_never().is_none());
        lease.renew(lease.moment());
        assert!(lease.is_good());
    }

    #[test]
    fn where_there_are_no_others_a_stall_does_not_matter() {
        let clock = Clock::test(Timestamp::from_millis(0));
        let lease = Lease::new(clock.clone(), false);
        clock.advance(LEASE * 100);
        assert!(lease.is_good());
    }
}
