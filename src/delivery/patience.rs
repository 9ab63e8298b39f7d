//! Waiting for a database, or a disk, that does not answer now: for ever, ever more slowly, with a word in the log.
//! These waits are real time: they are about machinery, not about the plan of a mailing.

use std::time::Duration;

use tokio::time::Instant;

const FIRST_WAIT: Duration = Duration::from_millis(100);
/// A database that comes back is noticed within this.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// One warning per minute says it all.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Counts the failures of one piece of work.
#[derive(Debug)]
pub struct Patience {
    what: &'static str,
    failures: u32,
    warned_at: Option<Instant>,
}

impl Patience {
    /// `what` completes "cannot ..".
    pub const fn new(what: &'static str) -> Self {
        Self { what, failures: 0, warned_at: None }
    }

    /// Says that the work failed, and waits before the next try.
    pub async fn wait(&mut self, error: &impl std::fmt::Display) {
        if self.warned_at.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            self.warned_at = Some(Instant::now());
            tracing::warn!(%error, "cannot {}; trying again until it works", self.what);
        }
        tokio::time::sleep(FIRST_WAIT.saturating_mul(1 << self.failures.min(6)).min(WAIT_MAX)).await;
        self.failures = self.failures.saturating_add(1);
    }

    /// The work succeeded.
    pub fn over(&mut self) {
        if self.failures > 0 {
            tracing::info!("can {} again", self.what);
        }
        self.failures = 0;
        self.warned_at = None;
    }
}
