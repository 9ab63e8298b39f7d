//! What happens between two moments of a run.

use std::time::Duration;

use postiljon::keys::Purpose;
use postiljon::model::{Move, SubscriptionStatus};
use postiljon::publishing::moves::{MoveError, make_move};
use postiljon::store::subscriptions;
use postiljon::subscriptions::preferences::pause::{self, Until};
use postiljon::subscriptions::{Evidence, confirm, erase, unsubscribe};

use super::people::{confirm_token, keys};
use super::world::{State, World, draw_policy, draw_rate};

/// A run without database faults has only the others.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub with_database_faults: bool,
    pub with_crashes: bool,
}

impl World {
    /// Something happens, or nothing.
    pub async fn event(&mut self, plan: Plan) {
        match self.dice.below(100) {
            0..24 => {}
            24..28 => self.pause().await,
            28..30 => self.resume().await,
            30..40 => self.leave().await,
            40..44 => self.come_back().await,
            44..47 => self.erase().await,
            47..52 => self.confirm().await,
            52..66 => self.make_some_move().await,
            66..69 => {
                let newsletter = self.letters[self.dice.index(self.letters.len())].newsletter;
                let (policy, rate) = (draw_policy(&mut self.dice), draw_rate(&mut self.dice));
                self.set_newsletter(newsletter, policy, rate).await;
            }
            69..75 => {
                let is_down = self.dice.chance(400);
                self.story.tell(if is_down { "the relay is down" } else { "the relay is up" });
                self.relay.set_down(is_down);
            }
            75..83 if plan.with_database_faults => self.change_weather(),
            83..91 if plan.with_crashes => {
                let index = self.dice.index(self.slots.len());
                self.crash(index).await;
                if self.dice.chance(700) {
                    self.start_if_down(index);
                }
            }
            91..94 => {
                let index = self.dice.index(self.slots.len());
                self.stop(index);
            }
            94..99 => {
                let index = self.dice.index(self.slots.len());
                self.start_if_down(index);
            }
            99 if plan.with_crashes => self.lose_journals(),
            _ => {}
        }
    }

    pub fn start_if_down(&mut self, index: usize) {
        if matches!(self.slots[index].state, State::Down) {
            self.start(index);
        }
    }

    fn change_weather(&mut self) {
        let index = self.dice.index(self.slots.len());
        if self.dice.chance(400) {
            let seconds = self.dice.pick(&[1, 5, 15, 120]);
            self.story.tell(&format!("engine {index}: the database is away for {seconds} s"));
            self.slots[index].weather.away_for(Duration::from_secs(seconds));
        } else {
            let fails = self.dice.pick(&[0, 0, 10, 60, 200]);
            let slow = self.dice.pick(&[0, 0, 10, 100]);
            self.story
                .tell(&format!("engine {index}: {fails} ‰ of the database's steps fail, {slow} ‰ are slow"));
            self.slots[index].weather.set(fails, slow);
        }
    }

    /// Somebody empties the folder, or what was in it is lost.
    fn lose_journals(&mut self) {
        let index = self.dice.index(self.slots.len());
        if let Some(folder) = &self.slots[index].journals {
            self.story.tell(&format!("the journals of engine {index} are lost"));
            let _ = std::fs::remove_dir_all(folder);
            self.journals_lost = true;
        }
    }

    async fn leave(&mut self) {
        for _ in 0..self.dice.between(1, 4) {
            let index = self.dice.index(self.readers.len());
            let reader = &self.readers[index];
            let link = keys().sign_link(Purpose::Unsubscribe, reader.subscription);
            self.story.tell(&format!("{} leaves newsletter {}", reader.address, reader.newsletter));
            unsubscribe::unsubscribe(&self.store, &self.clock, &keys(), &link, &Evidence::command())
                .await
                .expect("left");
            self.remember(index).await;
        }
    }

    async fn come_back(&mut self) {
        let index = self.dice.index(self.readers.len());
        let reader = &self.readers[index];
        let link = keys().sign_link(Purpose::Resubscribe, reader.subscription);
        self.story.tell(&format!("{} comes back to newsletter {}", reader.address, reader.newsletter));
        unsubscribe::resubscribe(&self.store, &self.clock, &keys(), &link, &Evidence::command())
            .await
            .expect("came back");
        self.remember(index).await;
    }

    /// For longer than a run lasts.
    async fn pause(&mut self) {
        let index = self.dice.index(self.readers.len());
        let reader = &self.readers[index];
        let link = keys().sign_link(Purpose::Preferences, reader.subscription);
        self.story.tell(&format!("{} pauses newsletter {}", reader.address, reader.newsletter));
        pause::pause(&self.store, &self.clock, &keys(), &link, Until::Months(6)).await.expect("paused");
        self.remember(index).await;
    }

    async fn resume(&mut self) {
        let index = self.dice.index(self.readers.len());
        let reader = &self.readers[index];
        let link = keys().sign_link(Purpose::Preferences, reader.subscription);
        self.story.tell(&format!("{} ends the pause of newsletter {}", reader.address, reader.newsletter));
        pause::resume(&self.store, &self.clock, &keys(), &link).await.expect("resumed");
        self.remember(index).await;
    }

    async fn confirm(&mut self) {
        let index = self.dice.index(self.readers.len());
        let token = confirm_token(self.readers[index].subscription);
        confirm::confirm(&self.store, &self.clock, &keys(), &token, &Evidence::command())
            .await
            .expect("confirmed");
        self.remember(index).await;
    }

    async fn erase(&mut self) {
        let index = self.dice.index(self.readers.len());
        let (address, subscriber) = (self.readers[index].address.clone(), self.readers[index].subscriber);
        self.story.tell(&format!("{address} is erased"));
        erase::erase(&self.store, &self.clock, &keys(), &address.parse().expect("an address"))
            .await
            .expect("erased");
        let same: Vec<usize> =
            (0..self.readers.len()).filter(|index| self.readers[*index].subscriber == subscriber).collect();
        for index in same {
            self.remember(index).await;
        }
    }

    /// Writes down what a subscription is now.
    async fn remember(&mut self, index: usize) {
        let id = self.readers[index].subscription;
        let mut reader = self.store.read().await.expect("a reader");
        let found = subscriptions::by_id(reader.db(), id).await.expect("read");
        let is_confirmed = found.is_some_and(|found| {
            found.status == SubscriptionStatus::Confirmed && found.audience_since.is_some()
        });
        let now = self.now();
        let reader = &mut self.readers[index];
        if reader.is_confirmed() != is_confirmed {
            reader.history.push((now, is_confirmed));
            self.story
                .tell(&format!("{} of newsletter {}: {is_confirmed}", reader.address, reader.newsletter));
        }
    }

    async fn make_some_move(&mut self) {
        let index = self.dice.index(self.letters.len());
        let wanted = match self.dice.below(100) {
            0..20 => Move::SendNow,
            20..45 => Move::Pause,
            45..75 => Move::Resume,
            75..80 => Move::Cancel,
            80..90 => Move::ResendFailed,
            _ => Move::ResendUncertain,
        };
        self.make_move(index, wanted).await;
    }

    /// Makes a move, if it is possible, and remembers when nothing may begin.
    pub async fn make_move(&mut self, index: usize, wanted: Move) {
        let id = self.letters[index].id;
        match make_move(&self.store, &self.clock, id, wanted).await {
            Ok(_) => {}
            Err(MoveError::MovedOn) => return,
            Err(error) => panic!("{wanted:?} of mailing {id}: {error}"),
        }
        self.story.tell(&format!("mailing {id}: {wanted:?}"));
        let now = self.now();
        let stops = &mut self.letters[index].stops;
        match wanted {
            Move::Pause | Move::Cancel if stops.last().is_none_or(|(_, until)| until.is_some()) => {
                stops.push((now, None));
            }
            Move::Resume => {
                if let Some((_, until)) = stops.last_mut() {
                    until.get_or_insert(now);
                }
            }
            _ => {}
        }
        // Also without a wake it must be seen in time.
        if self.dice.chance(500) {
            for slot in &self.slots {
                if let State::Up(engine) = &slot.state {
                    engine.wake();
                }
            }
        }
    }
}
