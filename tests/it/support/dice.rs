//! Chance that can be repeated.

/// Numbers that look random and come back with the same seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        let given = std::env::var("POSTILJON_TEST_SEED").ok();
        let seed = given.map_or_else(
            || uuid::Uuid::new_v4().as_u64_pair().0,
            |seed| seed.parse().expect("POSTILJON_TEST_SEED is a number"),
        );
        println!("POSTILJON_TEST_SEED={seed}");
        Self(seed)
    }

    /// From 0 to one less than `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}
