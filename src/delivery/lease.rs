//! Whether this worker may send: true for a while after each heartbeat that reached the database.
//!
//! Measured on the monotonic clock, which also counts while the process is stopped: a worker that wakes up
//! after others have declared it dead knows it without asking anyone.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For how long a heartbeat gives leave to send. Shorter than [`SILENCE_MAX`], so that a worker stops before
/// others take over.
const LEASE: Duration = Duration::from_secs(30);
/// How often the heart beats.
pub const BEAT_EVERY: Duration = Duration::from_secs(10);
/// After how long without a heartbeat others declare a worker dead.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Lease(Mutex<Instant>);

impl Lease {
    pub fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// Call with the moment *before* the heartbeat was written.
    pub fn renew(&self, beat_began: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = beat_began;
    }

    pub fn is_valid(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < LEASE
    }
}
