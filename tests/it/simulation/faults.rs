//! The weather between one engine and its database.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use postiljon::clock::Clock;
use postiljon::model::Timestamp;
use postiljon::store::{Faults, Result, Step, StoreError};

use super::dice::Dice;
use super::story::Story;
use crate::support::samples::NOW;

#[derive(Debug)]
pub struct Weather {
    name: String,
    clock: Clock,
    story: Arc<Story>,
    sky: Mutex<Sky>,
}

#[derive(Debug)]
struct Sky {
    dice: Dice,
    /// Of every step.
    fails_per_mille: u64,
    slow_per_mille: u64,
    /// Nothing is answered before.
    away_until: Timestamp,
    failed: u64,
}

impl Weather {
    pub const fn new(name: String, dice: Dice, clock: Clock, story: Arc<Story>) -> Self {
        let sky = Sky { dice, fails_per_mille: 0, slow_per_mille: 0, away_until: NOW, failed: 0 };
        Self { name, clock, story, sky: Mutex::new(sky) }
    }

    pub fn set(&self, fails_per_mille: u64, slow_per_mille: u64) {
        let mut sky = self.sky.lock().expect("a sky");
        (sky.fails_per_mille, sky.slow_per_mille) = (fails_per_mille, slow_per_mille);
    }

    pub fn away_for(&self, duration: Duration) {
        self.sky.lock().expect("a sky").away_until = self.clock.now().plus(duration);
    }

    /// From now on every step succeeds at once.
    pub fn calm(&self) {
        self.set(0, 0);
        self.away_for(Duration::ZERO);
    }

    /// How many steps failed.
    pub fn failed(&self) -> u64 {
        self.sky.lock().expect("a sky").failed
    }

    fn draw(&self, step: Step) -> Result<Duration> {
        let now = self.clock.now();
        let mut sky = self.sky.lock().expect("a sky");
        let (fails, slow) = (sky.fails_per_mille, sky.slow_per_mille);
        let is_away = sky.away_until > now && step != Step::Committed;
        if is_away || sky.dice.chance(fails) {
            sky.failed += 1;
            drop(sky);
            self.story.tell(&format!("{}: {step:?} fails", self.name));
            return Err(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
        }
        // A step that holds its transaction open would hold up everybody: that is what `away` is for.
        if step != Step::Commit && sky.dice.chance(slow) {
            let most = sky.dice.pick(&[10, 200, 3_000, 10_000]);
            let rest = Duration::from_millis(sky.dice.between(1, most));
            drop(sky);
            self.story.tell(&format!("{}: {step:?} takes {} ms", self.name, rest.as_millis()));
            return Ok(rest);
        }
        Ok(Duration::ZERO)
    }
}

impl Faults for Weather {
    fn at(&self, step: Step) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let rest = self.draw(step)?;
            if !rest.is_zero() {
                self.clock.sleep(rest).await;
            }
            Ok(())
        })
    }
}
