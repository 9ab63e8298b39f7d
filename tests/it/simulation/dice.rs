//! The numbers of a run, all from its seed.

/// A generator (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for one thing, whatever was thrown before: the order of events does not change them.
    pub fn of(seed: u64, thing: &str, number: u64) -> Self {
        let mut dice = Self(seed);
        for byte in thing.bytes() {
            dice.0 = dice.throw() ^ u64::from(byte);
        }
        dice.0 = dice.throw() ^ number;
        dice
    }

    pub const fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `end`, without it.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.throw() % end
    }

    /// From `least` to `most`.
    pub const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub const fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("an index")
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }
}
