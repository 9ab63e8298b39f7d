//! How many wait for something: so that who could keep it knows whether to.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A count of those who wait now.
#[derive(Debug, Default)]
pub struct Waiting(AtomicUsize);

/// Somebody waits, until this is dropped.
#[derive(Debug)]
pub struct Waits<'a>(&'a AtomicUsize);

impl Waiting {
    pub fn begin(&self) -> Waits<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Waits(&self.0)
    }

    pub fn is_anybody(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
