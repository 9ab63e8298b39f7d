//! What of a limit one worker may use, while others send from the same database.
//!
//! Limits are told for all together: mails an hour of a relay, of a newsletter, of a destination, and mails at once
//! at a destination. Each worker takes its part of them, by its place among the workers that are signed on. It
//! learns of others with its beat, so that for two seconds after one began the parts may come to more than the
//! whole, and until one that died is buried they come to less. A part that nobody uses is not lent: all workers
//! claim from the same mailings, so each has enough to do.

use crate::model::WorkerId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    place: usize,
    of: usize,
}

impl Share {
    /// Of a worker that has the database to itself.
    pub const WHOLE: Self = Self { place: 0, of: 1 };
    /// Before the first look at the others: as if there were one.
    pub const UNKNOWN: Self = Self { place: 0, of: 2 };

    /// The share of one of these workers; each must see them in the same order.
    pub fn of(me: WorkerId, all: impl IntoIterator<Item = WorkerId>) -> Self {
        let (mut place, mut of) = (0, 0);
        for worker in all {
            of += 1;
            place += usize::from(worker.0 < me.0);
        }
        Self { place, of: of.max(place + 1) }
    }

    /// The part of a number of things; all parts together are the whole. Some are 0 where there are more workers
    /// than things.
    pub const fn part(self, whole: usize) -> usize {
        // Never 0: see above.
        let rest = if self.place < whole % self.of { 1 } else { 0 };
        whole / self.of + rest
    }

    /// Among how many a rate is shared.
    pub fn workers(self) -> u32 {
        u32::try_from(self.of).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_the_whole() {
        let workers = [WorkerId(3), WorkerId(7), WorkerId(20)];
        for whole in 0..12 {
            let parts = workers.map(|worker| Share::of(worker, workers).part(whole));
            assert_eq!(parts.iter().sum::<usize>(), whole, "{parts:?}");
            assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1);
        }
        assert_eq!(Share::of(WorkerId(7), workers).workers(), 3);
        assert_eq!(Share::of(WorkerId(1), []), Share::WHOLE, "one that does not see itself yet");
    }
}
